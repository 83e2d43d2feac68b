"""What a round of conditions reads follows what changed, not how many partitions there are."""

import pytest
import sqlalchemy as sa

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.nodes import (
    AllDeps,
    And,
    AnyChecks,
    AnyDeps,
    CheckResultIs,
    DataVersionChanged,
    ExecutedWithRootTarget,
    ExecutedWithTags,
    ExecutionCanceled,
    ExecutionFailed,
    FailedSinceCron,
    Missing,
    NewlyTrue,
    Not,
    RunInProgress,
    Since,
    UpdatedSinceCron,
    UpdatedWithin,
)
from tidewheel.logic.conditions.subjects import build_graph
from tidewheel.logic.graph.specs import AssetNode, CheckNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import DynamicPartitions
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.services.automation.condition_round import SensorEngine
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization
from tidewheel.values.records import NewRun, PartitionChange
from tidewheel.values.status import RunStatus, TriggerKind

NOW = 1_700_000_000.0
SPEC = DynamicPartitions(name="keys")
SIZES = (20, 50, 100)
OPTIONS = SensorOptions(name="conditions")
TAGGED = ExecutedWithTags(tag_values=(("team", "a"),))

OPERANDS = {
    "missing": Missing(),
    "run_in_progress": RunInProgress(),
    "execution_failed": ExecutionFailed(),
    "execution_canceled": ExecutionCanceled(),
    "executed_with_tags": NewlyTrue(operand=TAGGED),
    "a dependency executed_with_tags": AnyDeps(operand=NewlyTrue(operand=TAGGED)),
    "executed_with_root_target": AllDeps(operand=Not(operand=ExecutedWithRootTarget())),
    "updated_within": NewlyTrue(operand=UpdatedWithin(duration_s=86_400.0)),
    "materialized_since_cron": NewlyTrue(operand=UpdatedSinceCron(cron="0 0 * * *")),
    "failed_since_cron": NewlyTrue(operand=FailedSinceCron(cron="0 0 * * *")),
    "data_version_changed": AnyDeps(operand=DataVersionChanged()),
    "check_passed": AnyDeps(operand=AnyChecks(operand=CheckResultIs(passed=True))),
    "since": Since(trigger=TAGGED, reset=ExecutionFailed()),
    "eager": presets.eager(),
    "on_cron": presets.on_cron("0 0 * * *", "UTC"),
    "on_missing": presets.on_missing(),
    "keep_up_to_date": presets.keep_up_to_date(),
    "blocking checks": And(operands=(presets.eager(), presets.all_deps_blocking_checks_passed())),
}


class Place:
    """A ledger in which two assets of many partitions were made, each by a run of its own at a time of its own."""

    def __init__(self, size):
        self.size, self.now, self.runs = size, NOW, 0
        self.ledger = open_ledger(":memory:")
        keys = [f"k{n}" for n in range(size)]
        self.ledger.change_dynamic_partitions(PartitionChange(name="keys", add=tuple(keys)), now=NOW)
        ordinals = {key: n for n, key in enumerate(keys)}
        self.ledger.use_resolver(lambda asset, partition: (fingerprint(SPEC), ordinals[partition]))
        self.run_all(keys, RunStatus.SUCCESS)
        self.run_all(keys[::4], RunStatus.FAILURE)
        self.run_all(keys[::5], RunStatus.CANCELED)

    def run_all(self, keys, status):
        runs = []
        for key in keys:
            self.runs += 1
            runs.append(
                NewRun(
                    run_id=f"r{self.runs}",
                    job_name="j",
                    location="here",
                    partition=key,
                    tags={"team": "a", "n": str(self.runs)} if self.runs % 2 else {"n": str(self.runs)},
                    planned_assets=("up", "down"),
                    planned_checks=("up:ok",),
                )
            )
        self.ledger.create_runs(runs, now=self.now)
        made = []
        for n, run in enumerate(runs):
            if status is RunStatus.SUCCESS:
                made += [self.made(asset, run.partition, run.run_id, n) for asset in ("up", "down")]
                made.append(self.checked(run.partition, run.run_id, n))
        self.ledger.record_events(made)
        for run in runs:
            self.now += 1.0
            self.ledger.finish_run(run.run_id, status=status, now=self.now, message="it ended")

    def made(self, asset, partition, run_id, n):
        return Event(
            type=EventType.ASSET_MATERIALIZATION,
            timestamp=self.now + n,
            run_id=run_id,
            asset=asset,
            partition=partition,
            payload=Materialization(),
        )

    def checked(self, partition, run_id, n):
        return Event(
            type=EventType.ASSET_CHECK_EVALUATION,
            timestamp=self.now + n,
            run_id=run_id,
            asset="up",
            check="ok",
            partition=partition,
            payload=CheckEvaluation(passed=n % 2 == 0),
        )

    def engine(self, name, condition):
        trigger = f"here/{name}"
        self.ledger.ensure_trigger(
            trigger,
            kind=TriggerKind.SENSOR,
            location="here",
            name=name,
            definition=None,
            started_at=0.0,
            frontier=None,
            position=None,
        )
        graph = build_graph(
            [
                LocationSnapshot(
                    name="here",
                    assets=(
                        AssetNode(key="up", partitions=SPEC),
                        AssetNode(
                            key="down",
                            partitions=SPEC,
                            deps=(DepSpec(asset="up"),),
                            condition=encode(condition),
                        ),
                    ),
                    checks=(CheckNode(asset="up", name="ok", partitions=SPEC, blocking=True),),
                )
            ]
        )
        return Round(self, trigger, SensorEngine(graph, graph.targets, self.record(trigger), self.ledger))

    def record(self, trigger):
        return self.ledger.get_trigger(trigger)


class Round:
    """Rounds of one sensor's engine, with what they ask the database."""

    def __init__(self, place, trigger, engine):
        self.place, self.trigger, self.engine = place, trigger, engine

    def evaluate(self):
        """(statements, rows read)."""
        statements, rows = [], []
        engine = self.place.ledger.backend.engine

        def before(conn, cursor, statement, parameters, context, executemany):
            statements.append(statement)
            cursor.row_factory = lambda _, row: rows.append(row) or row

        sa.event.listen(engine, "before_cursor_execute", before)
        try:
            self.place.now += 1.0
            record = self.place.record(self.trigger)
            reading = self.engine.read(self.place.now)
            decision, found = self.engine.decide(reading, {}, record, OPTIONS)
            if decision.commit is not None:
                assert not self.place.ledger.commit_tick(decision.commit).stale
            self.engine.settle(reading, decision, found)
        finally:
            sa.event.remove(engine, "before_cursor_execute", before)
        assert not found.errors
        return len(statements), len(rows)


@pytest.fixture(scope="module")
def places():
    found = [Place(size) for size in SIZES]
    yield found
    for one in found:
        one.ledger.close()


@pytest.mark.parametrize("name", OPERANDS)
def test_a_round_reads_the_same_however_many_partitions_there_are(places, name):
    costs = []
    for place in places:
        one = place.engine(name, OPERANDS[name])
        for _ in range(3):
            one.evaluate()
        idle = one.evaluate()
        place.run_all(["k1"], RunStatus.SUCCESS)
        made = one.evaluate()
        place.run_all(["k1"], RunStatus.FAILURE)
        failed = one.evaluate()
        place.run_all(["k2"], RunStatus.CANCELED)
        costs.append((idle, made, failed, one.evaluate()))
    assert costs[0] == costs[1] == costs[2]
    idle, made, failed, canceled = costs[0]
    assert max(made[0], failed[0], canceled[0]) <= 60
    assert idle[1] <= 40


def test_one_more_dynamic_key_is_all_that_is_read_of_them(places):
    costs = []
    for place in places:
        one = place.engine("growing", presets.eager())
        one.evaluate(), one.evaluate()
        place.ledger.change_dynamic_partitions(PartitionChange(name="keys", add=("new",)), now=place.now)
        costs.append(one.evaluate())
    assert costs[0] == costs[1] == costs[2]
