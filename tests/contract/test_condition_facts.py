"""What conditions are told of the ledger: changes alone lead to the same facts as reading everything, at a fixed cost."""

import random

import msgspec
import pytest
import sqlalchemy as sa

from tests.contract.condition_history import NOW, SPEC, History, curious, curious_graph
from tidewheel.logic.conditions import codec, presets
from tidewheel.logic.conditions.memory import Progress
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
from tidewheel.runtime.conditions.condition_facts import FactReader, partition_view
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization
from tidewheel.values.records import NewRun
from tidewheel.values.status import RunStatus


@pytest.mark.parametrize("seed", range(12))
def test_changes_add_up_to_what_a_full_reading_says(ledger, seed):
    graph = curious_graph()
    history = History(ledger, graph, seed)
    reader = FactReader(graph, graph.targets, Progress())
    view = partition_view(ledger, history.now)
    known, since = {}, ledger.last_event_id()
    for _ in range(40):
        history.step()
        changes = reader.read_changes(ledger, since, history.now, view, dirty=[Key("asset", "a")])
        since, view = changes.facts.position.event_id, changes.facts.view
        known.update(changes.facts.subjects)
        whole = FactReader(graph, graph.targets, Progress()).read_all(ledger, Progress(), history.now)
        for key, facts in whole.facts.subjects.items():
            if key not in known:
                continue
            told = msgspec.structs.replace(known[key], updates=())
            # what is only needed at a first evaluation, or only of new updates, is left out of changes
            assert comparable(told) == comparable(facts), (key, history.now)
    assert known


def comparable(facts):
    """Facts as plain values."""
    times = (facts.update_times, facts.failure_times)
    moments = [{} if one is None else one.latest_moments() for one in times]
    producers = sorted(facts.producers, key=repr)
    return (
        msgspec.structs.replace(facts, update_times=None, failure_times=None, producers=()),
        moments,
        producers,
    )


def counted(ledger, work):
    """How many statements a piece of work sends to the database."""
    sent = []
    target = ledger.backend.engine  # not all engines: other tests' servers may work beside

    def note(conn, cursor, statement, parameters, context, executemany):
        sent.append(statement)

    sa.event.listen(target, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(target, "before_cursor_execute", note)
    return len(sent)


def many(assets):
    stored = codec.encode(curious())
    return build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=tuple(
                    AssetNode(
                        key=f"a{n}",
                        partitions=SPEC,
                        condition=stored,
                        deps=(DepSpec(asset=f"a{n - 1}"),) if n % 10 else (),
                    )
                    for n in range(assets)
                ),
                checks=tuple(
                    CheckNode(asset=f"a{n}", name="ok", condition=stored) for n in range(0, assets, 10)
                ),
            )
        ]
    )


def test_a_round_asks_the_ledger_equally_often_at_every_size():
    counts = set()
    for size in (10, 100, 1000):
        ledger = open_ledger(":memory:")
        graph = many(size)
        reader = FactReader(graph, graph.targets, Progress())
        view = partition_view(ledger, NOW)
        runs = [
            NewRun(
                run_id=f"r{n}",
                job_name="j",
                location="here",
                partition="x",
                planned_assets=(f"a{n}",),
                planned_checks=(f"a{n}:ok",) if n % 10 == 0 else (),
            )
            for n in range(size)
        ]
        ledger.create_runs(runs, now=NOW)
        for run in runs[: size // 2]:
            ledger.finish_run(run.run_id, status=RunStatus.FAILURE, now=NOW, message="it ended")
        ledger.record_events(
            [
                Event(
                    type=EventType.ASSET_MATERIALIZATION,
                    timestamp=NOW,
                    run_id=f"r{n}",
                    asset=f"a{n}",
                    partition="x",
                    payload=Materialization(),
                )
                for n in range(size // 2, size)
            ]
        )
        ledger.use_resolver(lambda asset, partition: (fingerprint(SPEC), SPEC.keys.index(partition)))
        for n in range(size):
            ledger.rebuild_partition_state(f"a{n}", fingerprint(SPEC), {"x": 0})
        touched = []

        def work(reader=reader, ledger=ledger, view=view, touched=touched):
            touched.append(len(reader.read_changes(ledger, 0, NOW, view).facts.subjects))

        counts.add(counted(ledger, work))
        assert touched == [size + size // 10]
        ledger.close()
    assert len(counts) == 1
    assert counts.pop() <= 25
