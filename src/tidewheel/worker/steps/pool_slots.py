"""Slots of pools for the steps of one run: asked for before a step begins, given back when it has ended.

A slot is a lease of the run: when this process dies, the ledger counts it no more. Giving it back only makes that quicker.
A step that has to wait asks again when the server says that a slot may be free, and once in a while by itself, in case that
nobody said so; without a server there is nobody to say it, and it asks often.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from tidewheel.errors import ServerUnreachableError
from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.values.events import EventType
from tidewheel.worker.environment.bell import Bell
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.environment.socket_sink import SocketSink

logger = logging.getLogger("tidewheel.worker")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
PAUSE_WHEN_TOLD_S = 15.0
"""Between two questions of a step whose server tells it when its turn has come."""


class PoolSlots:
    """Who of the run's steps holds a slot, and when those that wait ask again."""

    def __init__(self, env: RunEnvironment, clock: Callable[[], float]) -> None:
        self._env = env
        self._clock = clock
        self._held: set[str] = set()
        self._asks: dict[str, tuple[float, float]] = {}
        """Step → when to ask again, and the pause after that."""
        self._is_open = False
        self.bell: Bell | None = None
        """Rings when a slot may be free; None where no server says so, or no step needs one."""
        if isinstance(env.sink, SocketSink) and self.is_needed:
            self.bell = Bell()
            env.sink.on_pool_open = self.open

    def open(self) -> None:
        """A slot may be free (from another thread): whoever waits asks again."""
        self._is_open = True
        if self.bell is not None:
            self.bell.ring()

    def nap(self, seconds: float) -> None:
        """Sleep, at most until a slot may be free."""
        if self.bell is not None:
            self.bell.wait(seconds)
        else:
            time.sleep(seconds)

    def close(self) -> None:
        """No step of the run waits any more."""
        if self.bell is not None:
            self.bell.close()

    def admit(self, step: PlannedStep) -> bool:
        """Whether a step may begin: it is in no pool, or has a slot now."""
        if step.pool is None or step.key in self._held:
            return True
        # without a server's run there is nobody to share with, unless the caller gave an instance
        instance = self._env.instance if self._env.run.location else self._env.known_instance
        if instance is None:
            return True
        self._note_open()
        first_pause_s = PAUSE_WHEN_TOLD_S if self.bell is not None else FIRST_PAUSE_S
        at, pause_s = self._asks.get(step.key, (0.0, first_pause_s))
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
        longest_s = max(first_pause_s, LONGEST_PAUSE_S)
        self._asks[step.key] = (self._clock() + pause_s, min(pause_s * 2, longest_s))
        return False

    def _note_open(self) -> None:
        if self._is_open:
            self._is_open = False
            self._asks = {key: (0.0, pause_s) for key, (_, pause_s) in self._asks.items()}

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
        self._note_open()
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
