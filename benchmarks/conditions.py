"""How long the condition engine takes, and how much memory it needs.

    python benchmarks/conditions.py                 # everything
    python benchmarks/conditions.py --quick         # no graph above 10,000 assets
    python -m benchmarks.run conditions             # the same beside Dagster, and the whole system

All assets have `eager()` and hang in chains of ten. Figures are the median of several rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from tidewheel.logic.conditions import codec, presets
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.facts import (
    ConditionFacts,
    Position,
    Production,
    RunRef,
    SubjectFacts,
    Update,
)
from tidewheel.logic.conditions.incremental import ConditionEngine
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView, TimeWindowPartitions
from tidewheel.logic.partitions.sets import everything, from_ordinals

CHAIN = 10
NOW = 1_700_000_000.0
HOUR = 3600.0


class Subject:
    """A graph of one size with all its assets made, and an engine over it."""

    def __init__(self, assets: int, spec: PartitionsSpec | None = None) -> None:
        eager = codec.encode(presets.eager())
        self.view = PartitionView(now=NOW)
        self.every = everything(spec, self.view)
        self.last = self.every if spec is None else from_ordinals(spec, [max(self.every)])
        before = resident_bytes()
        self.graph: ConditionGraph = build_graph(
            [
                LocationSnapshot(
                    name="bench",
                    assets=tuple(
                        AssetNode(
                            key=f"a{n}",
                            condition=eager,
                            partitions=spec,
                            deps=(DepSpec(asset=f"a{n - 1}"),) if n % CHAIN else (),
                        )
                        for n in range(assets)
                    ),
                )
            ]
        )
        known = {key: key for key in self.graph.subjects}
        self.keys = [known[Key("asset", f"a{n}")] for n in range(assets)]
        del known
        run = RunRef(run_id="first", targets=frozenset(self.keys))
        self.known = SubjectFacts(made=self.every, producers=(Production(run=run, partitions=self.every),))
        self.event_id = 1
        self.engine = ConditionEngine(self.graph, Progress())
        facts = self.facts(dict.fromkeys(self.keys, self.known))
        self.first_s = timed(lambda: self.engine.advance(facts))
        self.settle()
        gc.collect()
        self.bytes_per_asset = (resident_bytes() - before) / assets

    def facts(self, subjects: dict[Key, SubjectFacts]) -> ConditionFacts:
        return ConditionFacts(position=Position(NOW, self.event_id), view=self.view, subjects=subjects)

    def settle(self) -> None:
        while not self.engine.advance(self.facts({})).is_settled:
            pass

    def idle_s(self) -> float:
        return median(lambda: self.engine.advance(self.facts({})))

    def change_s(self, changes: int) -> float:
        """One round in which so many assets were updated, each by a run of its own."""
        times = []
        for _ in range(7):
            subjects = {}
            for n in range(changes):
                self.event_id += 1
                key = self.keys[(n * 7 * CHAIN + CHAIN // 2) % len(self.keys)]
                update = Update(event_id=self.event_id, at=NOW, partitions=self.last)
                subjects[key] = msgspec.structs.replace(self.known, updates=(update,), producers=())
            facts = self.facts(subjects)
            times.append(timed(lambda facts=facts: self.engine.advance(facts)))  # type: ignore[misc]
            self.settle()
        return statistics.median(times)


def timed(call: Callable[[], object]) -> float:
    gc.collect()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def median(call: Callable[[], object], rounds: int = 9) -> float:
    return statistics.median(timed(call) for _ in range(rounds))


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def hourly(partitions: int) -> PartitionsSpec:
    return TimeWindowPartitions(
        cron="0 * * * *", start=NOW // HOUR * HOUR - partitions * HOUR, fmt="%Y-%m-%d-%H"
    )


def show(name: str, *values: str) -> None:
    print(f"{name:<44}" + "".join(f"{value:>14}" for value in values), flush=True)


def report_sizes(sizes: list[int]) -> None:
    show("assets (unpartitioned)", "first", "idle", "1 change", "100 changes", "kB an asset")
    for assets in sizes:
        one = Subject(assets)
        show(
            f"{assets:,}",
            f"{one.first_s * 1e3:.1f} ms",
            f"{one.idle_s() * 1e3:.4f} ms",
            f"{one.change_s(1) * 1e3:.2f} ms",
            f"{one.change_s(100) * 1e3:.1f} ms",
            f"{one.bytes_per_asset / 1e3:.2f}",
        )


def report_partitions() -> None:
    show("300 assets, partitions of each", "first", "idle", "1 change", "100 changes")
    for partitions in (1, 1_000, 1_000_000):
        one = Subject(300, hourly(partitions))
        show(
            f"{partitions:,}",
            f"{one.first_s * 1e3:.1f} ms",
            f"{one.idle_s() * 1e3:.4f} ms",
            f"{one.change_s(1) * 1e3:.2f} ms",
            f"{one.change_s(100) * 1e3:.1f} ms",
        )


def report_full_evaluator() -> None:
    one = Subject(1_000)
    facts = one.facts(dict.fromkeys(one.keys, one.known))
    taken = median(lambda: evaluate(one.graph, facts, Progress()), rounds=3)
    show("full evaluator, 1,000 assets", f"{taken * 1e3:.1f} ms")


class Figure(NamedTuple):
    """One measured number beside what it has to reach."""

    name: str
    target: str
    value: float
    unit: str


def figures(*, quick: bool = False) -> Iterator[Figure]:
    """What the engine has to reach, one by one."""
    targets = {1_000: ("<= 150 ms", "<= 5 ms"), 10_000: ("<= 1500 ms", ""), 100_000: ("", "<= 10 ms")}
    for assets in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        one = Subject(assets)
        first, change = targets[assets]
        yield Figure(f"first evaluation, {assets:,} assets", first, one.first_s * 1e3, "ms")
        yield Figure(f"idle round, {assets:,} assets", "<= 1 ms", one.idle_s() * 1e3, "ms")
        yield Figure(f"one change, {assets:,} assets", change, one.change_s(1) * 1e3, "ms")
        if assets == 10_000:
            yield Figure("100 changes, 10,000 assets", "<= 100 ms", one.change_s(100) * 1e3, "ms")
        yield Figure(f"memory of an asset, of {assets:,}", "<= 2 kB", one.bytes_per_asset / 1e3, "kB")
        del one
    for partitions in (1, 1_000, 1_000_000):
        one = Subject(300, hourly(partitions))
        name = f"one change, 300 assets of {partitions:,} partitions"
        yield Figure(name, "not growing", one.change_s(1) * 1e3, "ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="no graph above 10,000 assets")
    options = parser.parse_args()
    report_sizes([1_000, 10_000] if options.quick else [1_000, 10_000, 100_000])
    report_partitions()
    report_full_evaluator()


if __name__ == "__main__":
    main()
