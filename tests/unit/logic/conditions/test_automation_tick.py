"""What one automation tick commits."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import DAILY, XY, asset, moment
from test_runs_from_requests import graph

from tidewheel.logic.conditions import memory
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.facts import ConditionFacts, Position
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.rewrite import with_options
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.planning.automation_tick import (
    NOTHING_REQUESTED,
    AutomationTickDecision,
    AutomationTickFacts,
    decide_automation_tick,
)
from tidewheel.values.status import TickStatus

NOW = moment("2024-01-05 01:00")
VIEW = PartitionView(now=NOW)
URGENT = n.RunOptions(tags=(("team", "a"),), priority=5, run_config='{"ops":{"x":{"config":1}}}')


def decided(*nodes, **more) -> AutomationTickDecision:
    of = graph(*nodes)
    facts = ConditionFacts(position=Position(NOW, 7), view=VIEW)
    found = evaluate(of, facts, Progress())
    errors = {key: one.error for key, one in found.results.items() if one.error}
    return decide_automation_tick(
        of,
        AutomationTickFacts(
            trigger_id="here/sensor",
            sensor_name="sensor",
            tick_identity="3",
            evaluation_id=12,
            now=NOW,
            view=VIEW,
            position=facts.position,
            requested=found.requested,
            errors=errors,
            memories=found.progress.targets,
            **more,
        ),
    )


def test_a_run_carries_the_tags_of_its_tick_and_its_own_options():
    found = decided(asset("a", with_options(n.Missing(), URGENT)), run_tags={"env": "x"})
    (run,) = found.runs
    assert run.tags == {
        "env": "x",
        "team": "a",
        "dagster/auto_materialize": "true",
        "dagster/from_automation_condition": "true",
        "dagster/asset_evaluation_id": "12",
        "dagster/sensor_name": "sensor",
    }
    assert (run.job_name, run.assets, run.planned_assets) == ("__ASSET_JOB", ("a",), ("a",))
    assert (run.priority, run.run_config) == (5, {"ops": {"x": {"config": 1}}})
    assert (found.status, found.skip_reason) == (TickStatus.SUCCESS, None)


def test_partitions_are_tagged_and_user_code_leaves_its_mark():
    spec = msgspec.structs.replace(DAILY, start=DAILY.start + 3 * 86_400)
    (run,) = decided(asset("a", n.Missing(), partitions=spec), uses_user_code=True).runs
    assert run.partition == run.tags["dagster/partition"] == "2024-01-04"
    assert "dagster/auto_materialize" not in run.tags


def test_several_partitions_make_a_backfill_that_names_its_evaluation():
    found = decided(asset("a", n.Missing(), partitions=XY))
    (backfill,) = found.backfills
    assert "evaluation 12" in backfill.title
    assert not found.runs
    runs = decided(asset("a", n.Missing(), partitions=XY), emit_backfills=False).runs
    assert [run.partition for run in runs] == ["x", "y"]


def test_deciding_twice_gives_the_same_rows():
    nodes = (asset("a", n.Missing()), asset("b", n.Missing(), partitions=XY))
    one, other = decided(*nodes), decided(*nodes)
    assert one == other
    ids = [run.run_id for run in one.runs] + [backfill.backfill_id for backfill in one.backfills]
    assert len(set(ids)) == len(ids) == 2


@pytest.mark.parametrize(
    ("conditions", "status", "errors"),
    [
        ((n.InitialEvaluation(),), TickStatus.SUCCESS, 0),
        ((n.NewlyUpdated(),), TickStatus.SKIPPED, 0),
        ((n.AssetMatches(key="gone", operand=n.Missing()),), TickStatus.FAILURE, 1),
        ((n.AssetMatches(key="gone", operand=n.Missing()), n.Missing()), TickStatus.SUCCESS, 1),
    ],
)
def test_status(conditions, status, errors):
    found = decided(*(asset(f"a{at}", one) for at, one in enumerate(conditions)))
    assert (found.status, len(found.errors)) == (status, errors)
    assert found.skip_reason == (NOTHING_REQUESTED if status is TickStatus.SKIPPED else None)


def test_memories_are_stored_by_target():
    found = decided(asset("a", n.Missing()), asset("b", n.NewlyTrue(operand=n.Missing())))
    assert [one.target for one in found.memories] == [Key("asset", "a"), Key("asset", "b")]
    assert all(memory.decode(one.data).requested for one in found.memories)
    assert found.position == Position(NOW, 7)


def test_runs_that_wait_name_what_they_wait_for():
    nodes = (asset("p", n.Missing()), asset("c", n.Missing(), ["p"], partitions=XY))
    found = decided(*nodes, emit_backfills=False)
    parent = next(run.run_id for run in found.runs if run.assets == ("p",))
    assert set(found.after.values()) == {(parent,)}
    assert len(found.after) == 2
