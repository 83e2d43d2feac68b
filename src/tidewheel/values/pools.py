"""Pools: named limits of how many steps may run at once, in all runs together; and the slots that steps hold or wait for."""

from __future__ import annotations

from typing import Optional

import msgspec


class PoolClaim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step that holds a slot of a pool since ``held_since``, or waits for one (None) since ``asked_at``."""

    pool: str
    run_id: str
    step: str
    asked_at: float
    priority: int = 0
    held_since: Optional[float] = None


class PoolRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pool: its limit (None: no limit), and who holds or waits for slots, in the order in which they will get them."""

    name: str
    slots: Optional[int] = None
    claims: tuple[PoolClaim, ...] = ()

    @property
    def held(self) -> int:
        """How many slots are taken."""
        return sum(claim.held_since is not None for claim in self.claims)

    @property
    def waiting(self) -> int:
        """How many steps wait."""
        return len(self.claims) - self.held

    @property
    def next_in_turn(self) -> tuple[PoolClaim, ...]:
        """The waiting claims for which there is a free slot now."""
        waiting = tuple(claim for claim in self.claims if claim.held_since is None)
        return waiting if self.slots is None else waiting[: max(0, self.slots - self.held)]


class PoolAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of asking for a slot: granted, or how many are asked before it."""

    granted: bool
    ahead: int = 0
    slots: Optional[int] = None
