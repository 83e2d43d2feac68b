"""The contract of the ledger's pools."""

from __future__ import annotations

from typing import Protocol

from tidewheel.values.pools import PoolAnswer, PoolRecord


class PoolsPort(Protocol):
    """Pools as everybody else sees them.

    A slot is a lease that dies with its holder: it counts only while its run is in progress, in the epoch in which it was
    taken. Nobody has to give it back for others to get it.
    """

    def get_all(self) -> list[PoolRecord]:
        """Every pool that has a limit or is in use, by name."""

    def get_slots(self) -> dict[str, int]:
        """The limits that are set, by pool."""

    def get_held(self) -> dict[str, int]:
        """How many slots steps hold, by pool."""

    def set_slots(self, name: str, slots: int | None, *, now: float) -> None:
        """Set a pool's limit, or (None) remove it."""

    def claim(
        self, name: str, run_id: str, epoch: int, step: str, *, priority: int, now: float
    ) -> PoolAnswer:
        """Ask for a slot, again and again until it is granted; steps get them by priority, then in the order of asking."""

    def release(self, run_id: str, step: str) -> int:
        """A step has ended: it holds and waits for nothing any more. Returns how many slots it held."""

    def free(self, name: str | None = None, run_id: str | None = None) -> int:
        """Take slots away from whoever holds or asks for them: of a pool, of a run, or of both. Returns how many."""

    def use_default_slots(self, slots: int | None) -> None:
        """The limit, from now on, of pools that none was set for."""
