"""The parts of a server's ledger that commands work with, over REST: backfills, pools, conditions, owed work, inbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tidewheel.runtime.remote.rest_client import ProblemError, RestClient, in_path
from tidewheel.values.backfill_steps import BackfillRunCount
from tidewheel.values.backfills import BackfillFilter, BackfillRecord
from tidewheel.values.conditions import HeldRequest, HoldStatus, OwedRow, OwedStatus
from tidewheel.values.inbox import Redelivery
from tidewheel.values.pools import PoolRecord

T = TypeVar("T")


class RestBackfills:
    """The reads of a ``BackfillsPort`` that commands need, over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def get(self, backfill_id: str) -> BackfillRecord | None:
        """One backfill."""
        found = self._found(backfill_id)
        return None if found is None else found.backfill

    def get_many(
        self, filters: BackfillFilter | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> list[BackfillRecord]:
        """Newest first."""
        statuses = [status.value for status in (filters.statuses if filters else None) or ()]
        return list(self._client.items("/backfills", BackfillRecord, most=limit, status=statuses))

    def get_run_counts(self, backfill_id: str) -> list[BackfillRunCount]:
        """How many of its runs have which status."""
        found = self._found(backfill_id)
        return [] if found is None else found.run_counts

    def _found(self, backfill_id: str) -> _Backfill | None:
        return _found(lambda: self._client.get(f"/backfills/{in_path(backfill_id)}", _Backfill))


class _Backfill(msgspec.Struct, frozen=True):
    backfill: BackfillRecord
    run_counts: list[BackfillRunCount] = []


class RestPools:
    """What commands need of a ``PoolsPort``, over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def get_all(self) -> list[PoolRecord]:
        """Every pool that has a limit or is in use."""
        return list(self._client.items("/pools", PoolRecord))

    def set_slots(self, name: str, slots: int | None, *, now: float) -> None:
        """Set a pool's limit, or remove it."""
        self._client.send("PUT", f"/pools/{in_path(name)}", {"slots": slots}, dict[str, Any])

    def free(self, name: str | None = None, run_id: str | None = None) -> int:
        """Take slots away from whoever holds or asks for them; how many."""
        return self._client.send("POST", "/pools/free", {"name": name, "run_id": run_id}, _Freed).freed


class RestOwed:
    """What commands need of an ``OwedPort``, over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def get_all(self, name: str | None = None) -> list[OwedRow]:
        """Everything owed, or that of one asset."""
        return list(self._client.items("/owed", OwedRow, name=name))

    def answer(self, kind: str, name: str, partition: str, status: OwedStatus) -> OwedRow | None:
        """Waive something, or owe it again; None when it is not owed."""
        body = {"kind": kind, "name": name, "partition": partition, "status": status}
        return _found(lambda: self._client.send("POST", "/owed/answer", body, OwedRow))


class RestConditions:
    """What commands need of a ``ConditionsPort``, over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def get_held(self) -> list[HeldRequest]:
        """Every held request."""
        return list(self._client.items("/held-requests", HeldRequest))

    def answer_held(self, kind: str, name: str, status: HoldStatus) -> HeldRequest | None:
        """Approve or decline a held request; None when there is none."""
        body = {"kind": kind, "name": name, "status": status}
        return _found(lambda: self._client.send("POST", "/held-requests/answer", body, HeldRequest))


class RestInbox:
    """What commands need of an ``InboxPort`` besides deliveries, over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def get_redeliveries(self, trigger_id: str | None = None) -> list[Redelivery]:
        """What is to be handed over again, and what was set aside."""
        found = self._client.items("/failed-events", Redelivery)
        return [one for one in found if trigger_id in (None, one.trigger_id)]

    def hand_over_again(self, trigger_id: str, event_id: int, *, now: float) -> Redelivery:
        """Ask for an event to be handed to a trigger again."""
        self._answer(trigger_id, event_id, forget=False)
        return Redelivery(trigger_id=trigger_id, event_id=event_id, retry_at=now)

    def forget_redelivery(self, trigger_id: str, event_id: int) -> bool:
        """Give an event up; False when there is none."""
        return _found(lambda: self._answer(trigger_id, event_id, forget=True)) is not None

    def _answer(self, trigger_id: str, event_id: int, *, forget: bool) -> dict[str, Any]:
        body = {"trigger_id": trigger_id, "event_id": event_id, "forget": forget}
        return self._client.send("POST", "/failed-events/answer", body, dict[str, Any])


def _found(ask: Callable[[], T]) -> T | None:
    """What is answered; None when it is said that there is none."""
    try:
        return ask()
    except ProblemError as error:
        if error.status == 404:
            return None
        raise


class _Freed(msgspec.Struct, frozen=True):
    freed: int
