"""An engine that is thrown away at any moment and begins again from the ledger gives the same answers."""

import random

import pytest
from msgspec.structs import replace

from tests.contract.condition_history import SPEC, History
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.nodes import ExecutionFailed, Missing, NewlyTrue, Or
from tidewheel.logic.conditions.subjects import build_graph
from tidewheel.logic.graph.specs import AssetNode, CheckNode, DepSpec, LocationSnapshot
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.services.automation.condition_round import SensorEngine
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus, TriggerKind

SENSOR = "here/conditions"
OPTIONS = SensorOptions(name="conditions", emit_backfills=False)


def graph(version):
    """Conditions with every kind of memory; `version` is that of the code."""
    eager, cron = presets.eager(), presets.on_cron("* * * * *", "UTC")
    failing = Or(operands=(NewlyTrue(operand=ExecutionFailed()), NewlyTrue(operand=Missing())))
    keep = presets.keep_up_to_date(max_failures=2, backoff_s=20.0)
    return build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=(
                    AssetNode(key="a"),
                    AssetNode(key="b", deps=(DepSpec(asset="a"),), condition=encode(eager)),
                    AssetNode(
                        key="p",
                        partitions=SPEC,
                        deps=(DepSpec(asset="a"),),
                        condition=encode(keep),
                        code_version=version,
                    ),
                    AssetNode(
                        key="q",
                        partitions=SPEC,
                        deps=(DepSpec(asset="p"),),
                        condition=encode(cron if version == "1" else eager),
                    ),
                    AssetNode(key="f", deps=(DepSpec(asset="b"),), condition=encode(failing)),
                ),
                checks=(CheckNode(asset="a", name="ok", condition=encode(eager)),),
            )
        ]
    )


class World:
    """A ledger, its history, and an engine on it."""

    def __init__(self, seed):
        self.ledger = open_ledger(":memory:")
        self.version = "1"
        self.graph = graph(self.version)
        self.history = History(self.ledger, self.graph, seed)
        self.ledger.ensure_trigger(
            SENSOR,
            kind=TriggerKind.SENSOR,
            location="here",
            name="conditions",
            definition=None,
            started_at=0.0,
            frontier=None,
            position=None,
        )
        self.engine = None

    def restart(self):
        self.engine = None

    def change_code(self):
        self.version = "2" if self.version == "1" else "1"
        self.graph = self.history.graph = graph(self.version)
        self.engine = None

    def evaluate(self):
        """One round as the server makes it; what was asked for, and why not."""
        record = self.ledger.get_trigger(SENSOR)
        if self.engine is None:
            self.engine = SensorEngine(self.graph, self.graph.targets, record, self.ledger)
        reading = self.engine.read(self.history.now)
        decision, found = self.engine.decide(reading, {}, record, OPTIONS)
        if decision.commit is not None:
            assert not self.ledger.commit_tick(decision.commit).stale
        self.engine.settle(reading, decision, found)
        requested = {str(key): sorted(wanted) for key, wanted in decision.requested.items()}
        return requested, dict(found.errors)

    def owed(self):
        """The book, but for the runs' ids: they tell how often the sensor's state was written."""
        return [replace(row, run_id="") for row in self.ledger.owed.get_all()]

    def runs(self):
        found = self.ledger.get_runs(ascending=True)
        return [(run.assets, run.checks, run.partition, run.status, run.created_at) for run in found]

    def end_a_run(self, choice):
        """A run that conditions asked for comes to an end."""
        live = self.ledger.get_runs(
            RunFilter(trigger_id=SENSOR, statuses=(RunStatus.QUEUED,)), ascending=True
        )
        if not live:
            return
        run = live[choice % len(live)]
        status = (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.FAILURE, RunStatus.CANCELED)[choice % 4]
        if status is RunStatus.SUCCESS:
            for asset in run.assets or ():
                partition = run.partition if asset in "pq" else None
                self.history.made(asset, partition, run.run_id)
        self.ledger.finish_run(run.run_id, status=status, now=self.history.now, message="it ended")


@pytest.mark.parametrize("seed", range(10))
def test_answers_do_not_depend_on_restarts(seed):
    steady, restarted = World(seed), World(seed)
    dice = random.Random(seed)
    asked = 0
    for step in range(30):
        choice, code_changes, moves = dice.randrange(1000), dice.random() < 0.05, dice.random() < 0.05
        for world in (steady, restarted):
            world.history.step()
            if step % 2:
                world.end_a_run(choice)
            if moves:
                world.history.now -= 100.0
            if code_changes:
                world.change_code()
        if dice.random() < 0.5:
            restarted.restart()
        mine, theirs = steady.evaluate(), restarted.evaluate()
        assert mine == theirs, f"seed={seed} step={step}"
        assert steady.owed() == restarted.owed(), f"seed={seed} step={step}"
        asked += len(mine[0])
    assert steady.runs() == restarted.runs()
    assert asked
