"""Launches: nobody takes a worker for lost that has had no time to be heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.judges.judge import Judge

if TYPE_CHECKING:
    from tests.simulation.world import World

SILENCE_S = 30.0
"""As the simulated server is set: see `World`."""


class LaunchJudge(Judge):
    """Measures by the time of the simulation itself; the machine's clock is moved about."""

    touched_by = frozenset(("commit", "launch_run", "finish_run"))

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._launched: dict[tuple[str, int], tuple[float, float]] = {}
        self._judged: set[str] = set()

    def check(self) -> None:
        elapsed = self.world.loop.time()
        ahead = self.world.now() - elapsed
        for run_id, epoch in self.rows("SELECT run_id, epoch FROM run WHERE status = 'STARTING'"):
            self._launched.setdefault((run_id, epoch), (elapsed, ahead))
        lost = self.rows(
            "SELECT run.run_id, run.epoch FROM run JOIN event ON event.run_id = run.run_id WHERE run.status = 'FAILURE' "
            "AND run.failure_reason = 'WORKER_LOST' AND event.type = 'PIPELINE_FAILURE' "
            "AND instr(event.body, CAST('not heard of' AS BLOB)) > 0"
        )
        for run_id, epoch in lost:
            if run_id in self._judged:
                continue
            self._judged.add(run_id)
            launched_at, ahead_then = self._launched.get((run_id, epoch), (0.0, ahead))
            is_clock_the_same = abs(ahead - ahead_then) < 1.0
            waited = elapsed - launched_at
            assert waited >= SILENCE_S or not is_clock_the_same, (
                f"run {run_id} was given up {waited:.3f} s after its launch"
            )
