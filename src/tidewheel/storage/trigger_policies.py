"""Keeps what triggers' policies need beside the triggers: waiting requests, run keys, pauses; reads their failures."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Optional

import msgspec
import sqlalchemy as sa
from sqlalchemy import select

from tidewheel.logic.planning.breaker import FailureFact
from tidewheel.logic.planning.policy import HeldRequest
from tidewheel.storage import held_requests, run_keys, ticks
from tidewheel.storage.engines.backend import Unit
from tidewheel.storage.ports.triggers import ReleaseOutcome
from tidewheel.storage.tables.main import event, run, tick
from tidewheel.storage.tables.triggers import pause
from tidewheel.values.events import Event, EventType, Failure
from tidewheel.values.policies import Missed, PauseRecord, Selection, TriggerPolicy
from tidewheel.values.serde import decode, encode
from tidewheel.values.status import RunStatus, TickStatus


class PauseBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a pause is never searched for."""

    selection: Selection
    reason: str = ""
    by: Optional[str] = None
    missed: Optional[Missed] = None


class TriggerPolicies:
    """A ``TriggerPoliciesPort`` over the ledger's transactions."""

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[sa.Connection]],
        write: Callable[[], AbstractContextManager[Unit]],
    ) -> None:
        self._read = read
        self._write = write

    # -- waiting requests and keys -------------------------------------------------------------------------------
    def get_held(self, trigger_id: str) -> list[HeldRequest]:
        with self._read() as conn:
            return held_requests.load(conn, trigger_id)

    def get_held_counts(self) -> dict[str, int]:
        with self._read() as conn:
            return held_requests.load_triggers(conn)

    def release(self, trigger_id: str, policy: TriggerPolicy, *, now: float) -> ReleaseOutcome:
        with self._write() as unit:
            held = held_requests.load(unit.conn, trigger_id)
            if not held:
                return ReleaseOutcome()
            decision = held_requests.decide(unit, trigger_id, policy, (), held=held, occasion=None, now=now)
            carried = held_requests.carry_out(unit, trigger_id, decision, held, now=now)
            ticks.amend(unit, carried.run_ids, decision.set_aside)
        return ReleaseOutcome(
            run_ids=tuple(run_id for ids in carried.run_ids.values() for run_id in ids),
            canceled_run_ids=carried.canceled,
            held_until=(decision.wake_at or math.inf) if decision.held else None,
        )

    def reset_keys(self, trigger_id: str, run_key: str | None = None) -> int:
        with self._write() as unit:
            return run_keys.reset(unit, trigger_id, run_key)

    # -- failures ------------------------------------------------------------------------------------------------
    def get_tick_failures(self, trigger_id: str, *, count: int) -> tuple[FailureFact, ...]:
        newest = (
            select(tick.c.ended_at, tick.c.body)
            .where(
                tick.c.trigger_id == trigger_id,
                tick.c.status == TickStatus.FAILURE.value,
            )
            .order_by(tick.c.tick_id.desc())
            .limit(count)
        )
        with self._read() as conn:
            return tuple(
                FailureFact(at=row.ended_at, headline=_headline(row.body)) for row in conn.execute(newest)
            )

    def get_run_failures(self, trigger_id: str, *, count: int, since: float) -> tuple[FailureFact, ...]:
        newest = (
            select(run.c.run_id, run.c.status, run.c.ended_at)
            .where(
                run.c.trigger_id == trigger_id,
                run.c.status.in_([RunStatus.SUCCESS.value, RunStatus.FAILURE.value]),
            )
            .order_by(run.c.seq.desc())
            .limit(count)
        )
        with self._read() as conn:
            failed: list[Any] = []
            for row in conn.execute(newest):
                if row.status != RunStatus.FAILURE.value or row.ended_at < since:
                    break
                failed.append(row)
            if len(failed) < count:
                return ()
            ids = [row.run_id for row in failed]
            why = select(event.c.run_id, event.c.body).where(
                event.c.run_id.in_(ids), event.c.type == EventType.RUN_FAILURE.value
            )
            headlines = {row.run_id: _run_headline(decode(row.body, Event)) for row in conn.execute(why)}
        return tuple(FailureFact(at=row.ended_at, headline=headlines.get(row.run_id, "")) for row in failed)

    def get_unfinished(self, trigger_id: str) -> tuple[float, ...]:
        unfinished = select(run.c.created_at).where(run.c.trigger_id == trigger_id, run.c.ended_at.is_(None))
        with self._read() as conn:
            return tuple(conn.execute(unfinished).scalars())

    # -- pauses --------------------------------------------------------------------------------------------------
    def add_pause(
        self,
        selection: Selection,
        *,
        now: float,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord:
        body = PauseBody(selection=selection, reason=reason, by=by, missed=missed)
        with self._write() as unit:
            [pause_id] = unit.take_ids(pause, 1)
            row = {
                "pause_id": pause_id,
                "created_at": now,
                "expires_at": expires_at,
                "ended_at": None,
                "body": encode(body),
            }
            unit.write_rows(pause.insert(), [row])
        return PauseRecord(
            pause_id=pause_id, created_at=now, expires_at=expires_at, **msgspec.structs.asdict(body)
        )

    def end_pause(self, pause_id: int, *, now: float) -> PauseRecord | None:
        with self._write() as unit:
            row = unit.execute(select(pause).where(pause.c.pause_id == pause_id)).first()
            if row is None or _pause(row).ends_at <= now:
                return None
            unit.execute(pause.update().where(pause.c.pause_id == pause_id).values(ended_at=now))
            return msgspec.structs.replace(_pause(row), ended_at=now)

    def get_pauses(self, *, ended_after: float | None = None) -> list[PauseRecord]:
        with self._read() as conn:
            found = [_pause(row) for row in conn.execute(select(pause).order_by(pause.c.pause_id))]
        return [one for one in found if ended_after is None or one.ends_at > ended_after]


def _pause(row: sa.Row[Any]) -> PauseRecord:
    return PauseRecord(
        pause_id=row.pause_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        **msgspec.structs.asdict(decode(row.body, PauseBody)),
    )


def _headline(body: bytes) -> str:
    told = decode(body, ticks.TickBody)
    if told.error is not None:
        return told.error.headline
    return told.request_errors[0].message if told.request_errors else ""


def _run_headline(failed: Event) -> str:
    payload = failed.payload
    if isinstance(payload, Failure):
        if payload.error is not None:
            return payload.error.headline
        if payload.reason is not None:
            return f"{payload.reason} {failed.message or ''}".strip()
    return failed.message or ""
