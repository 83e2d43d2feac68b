"""Reads what of a thing a change can change, for the audit's before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from tidewheel.storage import assets, backfills, runs, triggers
from tidewheel.storage.tables.access import access_token, access_user
from tidewheel.storage.tables.queue import pool
from tidewheel.values.access import Target, TokenRecord, UserRecord
from tidewheel.values.serde import decode

State = dict[str, Any]


def load_state(conn: sa.Connection, target: Target) -> State | None:
    """The state of a thing; None where there is no such thing."""
    return _LOADERS[target.kind](conn, target.name)


def _run(conn: sa.Connection, run_id: str) -> State | None:
    stored = runs.load(conn, run_id)
    if stored is None:
        return None
    run = stored.record
    return {"status": run.status.value, "job": run.job_name, "priority": run.priority}


def _trigger(conn: sa.Connection, trigger_id: str) -> State | None:
    found = triggers.load(conn, trigger_id)
    return None if found is None else {"status": found.status.value, "cursor": found.cursor}


def _asset(conn: sa.Connection, key: str) -> State | None:
    state = assets.load_asset_states(conn, [key]).get(key)
    if state is None:
        return None
    return {
        "last_materialization_id": state.last_materialization_id,
        "last_observation_id": state.last_observation_id,
    }


def _backfill(conn: sa.Connection, backfill_id: str) -> State | None:
    found = backfills.load(conn, backfill_id)
    return None if found is None else {"status": found.status.value}


def _pool(conn: sa.Connection, name: str) -> State | None:
    slots = conn.execute(select(pool.c.slots).where(pool.c.name == name)).scalar()
    return None if slots is None else {"slots": slots}


def _user(conn: sa.Connection, name: str) -> State | None:
    body = conn.execute(select(access_user.c.body).where(access_user.c.name == name)).scalar()
    if body is None:
        return None
    user = decode(body, UserRecord)
    return {
        "grants": user.grants,
        "disabled_at": user.disabled_at,
        "generation": user.generation,
        "oidc_subject": user.oidc_subject,
    }


def _token(conn: sa.Connection, token_id: str) -> State | None:
    body = conn.execute(select(access_token.c.body).where(access_token.c.token_id == token_id)).scalar()
    if body is None:
        return None
    token = decode(body, TokenRecord)
    return {
        "user": token.user,
        "label": token.label,
        "limits": token.limits,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }


_LOADERS: dict[str, Callable[[sa.Connection, str], State | None]] = {
    "asset": _asset,
    "backfill": _backfill,
    "pool": _pool,
    "run": _run,
    "token": _token,
    "trigger": _trigger,
    "user": _user,
}
