"""Pools: never more holders than slots, counted by the workers themselves; and nobody waits for a slot that is free."""

from __future__ import annotations

from tests.simulation.code_assets import POOL, POOL_SLOTS
from tests.simulation.judges.judge import IN_PROGRESS, Judge

LIVE_CLAIMS = (
    "SELECT count(*) FROM pool_claim JOIN run ON run.run_id = pool_claim.run_id AND run.epoch = pool_claim.epoch "
    f"WHERE pool_claim.pool = '{POOL}' AND held_since IS NOT NULL AND run.{IN_PROGRESS}"
)


class PoolJudge(Judge):
    """Compares what workers believe to hold with the limit. A worker that was declared dead holds nothing any more."""

    touched_by = frozenset(("claim", "release", "commit", "finish_run"))

    def check(self) -> None:
        held = self.one(LIVE_CLAIMS)
        assert held <= POOL_SLOTS, f"{held} slots of pool {POOL} are given out, there are {POOL_SLOTS}"
        believers = self.world.slot_holders
        if len(believers) > POOL_SLOTS:
            runs = [self.world.ledger.get_run(run_id) for run_id, _ in believers.values()]
            epochs = [epoch for _, epoch in believers.values()]
            live = [
                run.run_id
                for run, epoch in zip(runs, epochs, strict=True)
                if run is not None and run.epoch == epoch and not run.is_finished
            ]
            assert len(live) <= POOL_SLOTS, f"{len(live)} steps use pool {POOL}, it has {POOL_SLOTS} slots"

    def check_at_rest(self) -> None:
        held = self.one(LIVE_CLAIMS)
        assert held <= len(self.world.slot_holders), f"{held} slots of pool {POOL} are held by nobody"
