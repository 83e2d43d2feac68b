"""The contracts of the ledger's condition memories, evaluations and held requests, and of owed work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidewheel.values.conditions import EvaluationRow, HeldRequest, HoldStatus, MemoryRow, OwedRow, OwedStatus


class ConditionsPort(Protocol):
    """What is kept of conditions. Written by automation ticks, in their transaction; people answer held requests."""

    def get_memories(self, keys: Sequence[tuple[str, str]] | None = None) -> list[MemoryRow]:
        """The memories of these kinds and names, or of all targets."""

    def get_evaluations(
        self,
        kind: str,
        name: str,
        *,
        limit: int | None = None,
        before_id: int | None = None,
        tick_id: int | None = None,
    ) -> list[EvaluationRow]:
        """A target's kept evaluations, newest first; `before_id` is exclusive and of evaluation ids."""

    def get_newest_evaluations(
        self, kind: str, names: Sequence[str], *, as_of: int | None = None
    ) -> dict[str, EvaluationRow]:
        """By name, the newest evaluation of each target; `as_of`: of those of ticks up to and with this one."""

    def get_evaluations_of_tick(self, tick_id: int) -> list[EvaluationRow]:
        """All targets' evaluations of one tick."""

    def get_held(self) -> list[HeldRequest]:
        """Every held request, whatever was answered."""

    def answer_held(self, kind: str, name: str, status: HoldStatus) -> HeldRequest | None:
        """Approve or decline a held request; None when there is none."""


class OwedPort(Protocol):
    """What was requested and has to be made yet."""

    def get_all(self, name: str | None = None) -> list[OwedRow]:
        """Everything owed, or that of one asset, oldest first."""

    def answer(self, kind: str, name: str, partition: str, status: OwedStatus) -> OwedRow | None:
        """Waive something, or owe it again with a fresh count of failures; None when it is not owed."""
