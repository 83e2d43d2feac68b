"""Random happenings in a real ledger, for tests of what conditions make of them."""

import random

from tidewheel.logic.conditions import codec, presets
from tidewheel.logic.conditions.nodes import (
    And,
    AnyDeps,
    DataVersionChanged,
    ExecutedWithTags,
    ExecutionCanceled,
    ExecutionFailed,
    FailedSinceCron,
    FreshnessIs,
    Or,
    UpdatedWithin,
)
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.freshness import WindowFreshness
from tidewheel.logic.graph.specs import AssetNode, CheckNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.keys import find_ordinal
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization
from tidewheel.values.records import NewRun
from tidewheel.values.status import RunStatus

NOW = 1_700_000_000.0
SPEC = StaticPartitions(keys=("x", "y", "z"))


def curious():
    """A condition that asks for every kind of fact."""
    asked = Or(
        operands=(
            ExecutionFailed(),
            ExecutionCanceled(),
            ExecutedWithTags(tag_keys=("t",)),
            UpdatedWithin(duration_s=100.0),
            FailedSinceCron(cron="0 0 * * *"),
            DataVersionChanged(),
            FreshnessIs(state="passed"),
        )
    )
    return And(operands=(presets.eager(), Or(operands=(asked, AnyDeps(operand=asked)))))


def curious_graph():
    stored = codec.encode(curious())
    checked = codec.encode(presets.eager())
    return build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=(
                    AssetNode(key="a", freshness=WindowFreshness(fail_window_s=50.0)),
                    AssetNode(key="b", deps=(DepSpec(asset="a"),), condition=stored),
                    AssetNode(key="p", partitions=SPEC, deps=(DepSpec(asset="a"),), condition=stored),
                    AssetNode(key="q", partitions=SPEC, deps=(DepSpec(asset="p"),), condition=stored),
                ),
                checks=(CheckNode(asset="a", name="ok", condition=checked),),
            )
        ]
    )


class History:
    """Random happenings in a ledger."""

    def __init__(self, ledger, graph, seed):
        self.ledger, self.graph, self.random = ledger, graph, random.Random(seed)
        self.now, self.runs, self.live = NOW, 0, []
        ledger.use_resolver(self.place)

    def place(self, asset, partition):
        subject = self.graph.subjects.get(Key("asset", asset))
        if subject is None or subject.partitions is None:
            return None
        ordinal = find_ordinal(subject.partitions, partition, partition_view_of_nothing())
        return None if ordinal is None else (fingerprint(subject.partitions), ordinal)

    def step(self):
        self.now += self.random.choice((0.0, 1.0, 30.0))
        self.random.choice((self.begin, self.make, self.make, self.end, self.report, self.check))()

    def begin(self):
        self.runs += 1
        partition = self.random.choice((None, "x", "y"))
        assets = ("a", "b") if partition is None else ("p", "q")
        run = NewRun(
            run_id=f"run-{self.runs}",
            job_name="j",
            location="here",
            partition=partition,
            tags={"t": "1"} if self.random.random() < 0.5 else {},
            planned_assets=assets,
            planned_checks=("a:ok",) if partition is None else (),
        )
        self.ledger.create_runs([run], now=self.now)
        self.live.append(run)

    def make(self):
        if self.live:
            run = self.random.choice(self.live)
            asset = self.random.choice(run.planned_assets)
            self.record(EventType.ASSET_MATERIALIZATION, asset, run.partition, run.run_id)

    def report(self):
        asset = self.random.choice("abpq")
        self.record(EventType.ASSET_MATERIALIZATION, asset, None if asset in "ab" else "z", "")

    def check(self):
        run = next((one for one in self.live if one.partition is None), None)
        result = CheckEvaluation(passed=self.random.random() < 0.5)
        self.ledger.record_events(
            [
                Event(
                    type=EventType.ASSET_CHECK_EVALUATION,
                    timestamp=self.now,
                    run_id=run.run_id if run else "",
                    asset="a",
                    check="ok",
                    payload=result,
                )
            ]
        )

    def end(self):
        if self.live:
            run = self.live.pop(self.random.randrange(len(self.live)))
            status = self.random.choice((RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED))
            self.ledger.finish_run(run.run_id, status=status, now=self.now, message="it ended")

    def made(self, asset, partition, run_id):
        self.record(EventType.ASSET_MATERIALIZATION, asset, partition, run_id)

    def record(self, kind, asset, partition, run_id):
        version = {"dagster/data_version": self.random.choice("12")}
        self.ledger.record_events(
            [
                Event(
                    type=kind,
                    timestamp=self.now,
                    run_id=run_id,
                    asset=asset,
                    partition=partition,
                    payload=Materialization(tags=version),
                )
            ]
        )


def partition_view_of_nothing():

    return PartitionView(now=NOW)
