"""Slots of pools for the steps of one run: asked for before a step begins, given back when it has ended.

A slot is a lease of the run: when this process dies, the ledger counts it no more. Giving it back only makes that quicker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tidewheel.errors import ServerUnreachableError
from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.values.events import EventType
from tidewheel.worker.run_environment import RunEnvironment

logger = logging.getLogger("tidewheel.worker")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0


class PoolSlots:
    """Who of the run's steps holds a slot, and when those that wait ask again."""

    def __init__(self, env: RunEnvironment, clock: Callable[[], float]) -> None:
        self._env = env
        self._clock = clock
        self._held: set[str] = set()
        self._asks: dict[str, tuple[float, float]] = {}
        """Step → when to ask again, and the pause after that."""

    def admit(self, step: PlannedStep) -> bool:
        """Whether a step may begin: it is in no pool, or has a slot now."""
        if step.pool is None or step.key in self._held:
            return True
        # without a server's run there is nobody to share with, unless the caller gave an instance
        instance = self._env.instance if self._env.run.location else self._env.known_instance
        if instance is None:
            return True
        at, pause_s = self._asks.get(step.key, (0.0, FIRST_PAUSE_S))
        if self._clock() < at:
            return False
        if self._ask(instance, step, step.pool):
            self._asks.pop(step.key, None)
            self._held.add(step.key)
            return True
        if step.key not in self._asks:
            self._env.emit(
                EventType.ENGINE_EVENT, f"Waiting for a slot of pool {step.pool!r}.", step_key=step.key
            )
        self._asks[step.key] = (self._clock() + pause_s, min(pause_s * 2, LONGEST_PAUSE_S))
        return False

    def release(self, key: str) -> None:
        """A step has ended."""
        if key not in self._held:
            return
        self._held.discard(key)
        try:
            self._env.instance.ledger.pools.release(self._env.run_id, key)
        except ServerUnreachableError:
            logger.warning("the slot of step %s could not be given back; it ends with the run", key)

    @property
    def next_ask_at(self) -> float | None:
        """When the next waiting step asks again, not at once; None when none waits."""
        if not self._asks:
            return None
        # one that is due may be held back by something else: it must not be looked at without end
        return max(min(at for at, _ in self._asks.values()), self._clock() + FIRST_PAUSE_S / 2)

    @property
    def is_needed(self) -> bool:
        """Whether any step of the run is in a pool."""
        return any(step.pool is not None for step in self._env.plan.steps)

    def _ask(self, instance: Any, step: PlannedStep, pool: str) -> bool:
        run = self._env.run
        try:
            answer = instance.ledger.pools.claim(
                pool,
                run.run_id,
                run.epoch,
                step.key,
                priority=run.priority + step.priority,
                now=self._clock(),
            )
        except ServerUnreachableError as exc:
            logger.info("no answer about pool %s: %s", pool, exc)
            return False
        return bool(answer.granted)
