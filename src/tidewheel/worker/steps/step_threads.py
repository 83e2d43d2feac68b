"""Runs steps side by side in threads of the run's process, for steps that mostly wait (network, databases)."""

from __future__ import annotations

import contextvars
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tidewheel.logic.runs.plan import PlannedStep
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.steps.step_runner import StepOutcome


class StepThreads:
    """The threads of one run. ``body`` runs in a thread and returns the step's outcome."""

    def __init__(
        self, env: RunEnvironment, body: Callable[[PlannedStep, int], StepOutcome], max_concurrent: int
    ) -> None:
        self._env = env
        self._body = body
        self._pool = ThreadPoolExecutor(max_concurrent, thread_name_prefix="step")
        self._ended: queue.SimpleQueue[tuple[str, StepOutcome] | None] = queue.SimpleQueue()
        self.running = 0

    def start(self, planned: PlannedStep, attempt: int) -> None:
        """Begin a step."""
        self.running += 1
        context = contextvars.copy_context()
        self._pool.submit(context.run, self._run, planned, attempt)

    def _run(self, planned: PlannedStep, attempt: int) -> None:
        self._ended.put((planned.key, self._body(planned, attempt)))

    def wait(self, timeout_s: float | None) -> list[tuple[str, StepOutcome]]:
        """Outcomes of steps that have ended since."""
        found: list[tuple[str, StepOutcome] | None] = []
        try:
            with self._env.gate.user_code():
                found.append(self._ended.get(timeout=timeout_s))
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        ended = [one for one in found if one is not None]
        self.running -= len(ended)
        return ended

    def wake(self) -> None:
        """End a ``wait`` although nothing has ended (from any thread)."""
        self._ended.put(None)

    def interrupt(self) -> None:
        """Threads cannot be interrupted: those that run are waited for."""

    def kill(self) -> None:
        """Threads cannot be ended from outside."""

    def close(self) -> None:
        """Wait for the threads."""
        self._pool.shutdown(wait=True)
