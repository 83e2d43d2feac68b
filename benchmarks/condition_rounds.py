"""How long one round of conditions takes on a real ledger: reading what changed, evaluating, committing the tick.

Chains of `eager()` of several sizes; and each operand over all partitions of an asset, with one partition, a thousand and a
million.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tidewheel.logic.conditions import codec, presets
from tidewheel.logic.conditions.nodes import (
    AnyDeps,
    Condition,
    ExecutedWithTags,
    ExecutionCanceled,
    ExecutionFailed,
    FailedSinceCron,
    NewlyTrue,
    UpdatedSinceCron,
    UpdatedWithin,
)
from tidewheel.logic.conditions.subjects import ConditionGraph, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import TimeWindowPartitions
from tidewheel.logic.partitions.windows import find_ordinal, key_of, keys_of
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.services.automation.condition_round import SensorEngine
from tidewheel.storage.bitmaps import dump_ordinals
from tidewheel.storage.ledger import SqlLedger, open_ledger
from tidewheel.storage.tables.main import asset_partition, asset_partition_set
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.status import TriggerKind

CHAIN = 10
SENSOR = "bench/conditions"
OPTIONS = SensorOptions(name="conditions")


class LedgerRounds:
    """Chains of ten `eager()` assets on a SQLite file; every asset was made once."""

    def __init__(self, ledger: SqlLedger, assets: int) -> None:
        eager = codec.encode(presets.eager())
        graph = build_graph(
            [
                LocationSnapshot(
                    name="bench",
                    assets=tuple(
                        AssetNode(
                            key=f"a{n}",
                            condition=eager,
                            deps=(DepSpec(asset=f"a{n - 1}"),) if n % CHAIN else (),
                        )
                        for n in range(assets)
                    ),
                )
            ]
        )
        self.begin(ledger, assets, graph)

    def begin(self, ledger: SqlLedger, assets: int, graph: ConditionGraph) -> None:
        """Everything is made once, and looked at."""
        self.ledger, self.assets, self.graph = ledger, assets, graph
        ledger.ensure_trigger(
            SENSOR,
            kind=TriggerKind.SENSOR,
            location="bench",
            name="conditions",
            definition=None,
            started_at=0.0,
            frontier=None,
            position=None,
        )
        self.made(range(assets))
        record = ledger.get_trigger(SENSOR)
        assert record is not None
        self.engine = SensorEngine(self.graph, self.graph.targets, record, ledger)
        self.first_ms = self.round_ms()
        self.settle()

    def made(self, numbers: Iterable[int]) -> None:
        now = time.time()
        self.ledger.record_events(
            [
                Event(
                    type=EventType.ASSET_MATERIALIZATION,
                    timestamp=now,
                    run_id="",
                    asset=f"a{n}",
                    payload=Materialization(),
                )
                for n in numbers
            ]
        )

    def round_ms(self) -> float:
        """Read, decide, commit."""
        record = self.ledger.get_trigger(SENSOR)
        assert record is not None
        began = time.perf_counter()
        reading = self.engine.read(time.time())
        decision, found = self.engine.decide(reading, {}, record, OPTIONS)
        if decision.commit is not None:
            self.ledger.commit_tick(decision.commit)
        self.engine.settle(reading, decision, found)
        return (time.perf_counter() - began) * 1000

    def settle(self) -> None:
        for _ in range(3):
            self.round_ms()

    def change_ms(self) -> float:
        """The round in which the last asset but one of a chain was made: its child is requested."""
        times = []
        for n in range(7):
            self.made([(n * 7 * CHAIN + CHAIN - 2) % self.assets])
            times.append(self.round_ms())
            self.settle()
        return statistics.median(times)

    def idle_ms(self) -> float:
        return statistics.median(self.round_ms() for _ in range(9))


OPERANDS: dict[str, Condition] = {
    "executed_with_tags": NewlyTrue(operand=ExecutedWithTags(tag_values=(("team", "a"),))),
    "any_deps executed_with_tags": AnyDeps(
        operand=NewlyTrue(operand=ExecutedWithTags(tag_values=(("team", "a"),)))
    ),
    "updated_within": NewlyTrue(operand=UpdatedWithin(duration_s=86_400.0)),
    "materialized_since_cron": NewlyTrue(operand=UpdatedSinceCron(cron="0 0 * * *")),
    "failed_since_cron": NewlyTrue(operand=FailedSinceCron(cron="0 0 * * *")),
    "execution_canceled": NewlyTrue(operand=ExecutionCanceled()),
    "execution_failed": NewlyTrue(operand=ExecutionFailed()),
    "on_missing": presets.on_missing(),
    "eager": presets.eager(),
    "keep_up_to_date": presets.keep_up_to_date(),
}
HOUR = 3600.0
AT_ONCE = 50_000


class PartitionRounds(LedgerRounds):
    """Two assets of many hours, the second with one condition; each hour was made at a time of its own."""

    def __init__(self, ledger: SqlLedger, condition: Condition, partitions: int) -> None:
        now = time.time()
        start = now // HOUR * HOUR - partitions * HOUR
        self.spec = TimeWindowPartitions(cron="0 * * * *", start=start, fmt="%Y-%m-%d-%H")
        self.partitions = partitions
        self.fill(ledger, now)
        ledger.use_resolver(lambda _, key: (fingerprint(self.spec), find_ordinal(self.spec, key) or 0))
        node = AssetNode(
            key="a1", partitions=self.spec, deps=(DepSpec(asset="a0"),), condition=codec.encode(condition)
        )
        snapshot = LocationSnapshot(name="bench", assets=(AssetNode(key="a0", partitions=self.spec), node))
        self.begin(ledger, 2, build_graph([snapshot]))

    def fill(self, ledger: SqlLedger, now: float) -> None:
        """Write what is known of the partitions straight into the tables: a million runs would take an hour."""
        for asset in ("a0", "a1"):
            with ledger.backend.engine.begin() as conn:  # type: ignore[attr-defined]  # this is SQLite
                for first in range(0, self.partitions, AT_ONCE):
                    conn.execute(
                        asset_partition.insert(),
                        [
                            {
                                "asset": asset,
                                "partition": key,
                                "last_materialization_id": n + 1,
                                "last_materialization_at": now - self.partitions / 100 + n / 100,
                                "last_materialization_run_id": f"run-{n % 1_000}",
                            }
                            for n, key in enumerate(
                                keys_of(self.spec, range(first, min(self.partitions, first + AT_ONCE))), first
                            )
                        ],
                    )
                made = dump_ordinals(range(self.partitions))
                sets = {"materialized": made, "failed": b"", "in_progress": b""}
                conn.execute(
                    asset_partition_set.insert(),
                    {"asset": asset, "spec_fingerprint": fingerprint(self.spec), **sets},
                )

    def made(self, numbers: Iterable[int]) -> None:
        self.ledger.record_events(
            [
                Event(
                    type=EventType.ASSET_MATERIALIZATION,
                    timestamp=time.time(),
                    run_id="",
                    asset=asset,
                    partition=key_of(self.spec, self.partitions - 1),
                    payload=Materialization(),
                )
                for _ in numbers
                for asset in ("a1", "a0")
            ]
        )


def operand_rounds(partitions: int) -> Iterator[tuple[str, float, float]]:
    """By operand, the first and the one-change round (ms) of assets with so many partitions."""
    for name, condition in OPERANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            ledger = open_ledger(Path(folder) / "ledger.db")
            one = PartitionRounds(ledger, condition, partitions)
            yield name, one.first_ms, one.change_ms()
            ledger.close()


def rounds(assets: int) -> tuple[float, float, float]:
    """First, idle and one-change round of so many assets, in ms."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.db")
        one = LedgerRounds(ledger, assets)
        idle, change = one.idle_ms(), one.change_ms()
        ledger.close()
        return one.first_ms, idle, change
