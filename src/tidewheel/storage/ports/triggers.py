"""The contract of what the ledger keeps for triggers' policies: waiting requests, run keys, pauses, failures."""

from __future__ import annotations

from typing import Optional, Protocol

import msgspec

from tidewheel.logic.planning.breaker import FailureFact
from tidewheel.logic.planning.policy import HeldRequest
from tidewheel.values.policies import Missed, PauseRecord, Selection, TriggerPolicy


class ReleaseOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that were created of waiting requests, runs asked to stop, and when to look again (None: nothing waits)."""

    run_ids: tuple[str, ...] = ()
    canceled_run_ids: tuple[str, ...] = ()
    held_until: Optional[float] = None


class TriggerPoliciesPort(Protocol):
    """Reached as ``ledger.policies``."""

    def get_held(self, trigger_id: str) -> list[HeldRequest]:
        """A trigger's waiting requests, oldest first."""

    def get_held_counts(self) -> dict[str, int]:
        """How many requests wait, by trigger; only triggers of which some do."""

    def release(self, trigger_id: str, policy: TriggerPolicy, *, now: float) -> ReleaseOutcome:
        """Look at a trigger's waiting requests again, and make runs of those whose turn it is."""

    def reset_keys(self, trigger_id: str, run_key: str | None = None) -> int:
        """Free one run key of a trigger, or all of them; how many were taken. Runs stay as they are."""

    def get_tick_failures(self, trigger_id: str, *, count: int) -> tuple[FailureFact, ...]:
        """The newest failed ticks, newest first."""

    def get_run_failures(self, trigger_id: str, *, count: int, since: float) -> tuple[FailureFact, ...]:
        """The newest finished runs, newest first, up to the first that did not fail; cancelled ones do not count."""

    def get_unfinished(self, trigger_id: str) -> tuple[float, ...]:
        """When the trigger's runs that have not ended were created."""

    def add_pause(
        self,
        selection: Selection,
        *,
        now: float,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord: ...

    def end_pause(self, pause_id: int, *, now: float) -> PauseRecord | None:
        """End a pause now; None when there is none of this id, or it is over."""

    def get_pauses(self, *, ended_after: float | None = None) -> list[PauseRecord]:
        """Pauses, oldest first; with ``ended_after`` without those that were over by then."""
