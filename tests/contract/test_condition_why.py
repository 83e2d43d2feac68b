"""`why` of anything, with a condition or without: what became of it, by which run, and who asks for it."""

import pytest

from tidewheel.cli.output import moment
from tidewheel.cli.why import describe
from tidewheel.errors import RunNotFoundError
from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.nodes import Missing
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import (
    AssetNode,
    CheckNode,
    DepSpec,
    JobNode,
    LocationSnapshot,
    ScheduleNode,
    SensorNode,
)
from tidewheel.logic.partitions.definitions import StaticPartitions
from tidewheel.runtime.conditions.condition_why import why
from tidewheel.values.conditions import REQUEST, Cause, ConditionCommit, NewEvaluation
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization
from tidewheel.values.records import NewRun, TickCommit
from tidewheel.values.status import RunStatus, TickStatus, TriggerKind

NOW = 1_700_000_000.0
SPEC = StaticPartitions(keys=("x", "y"))
SNAPSHOT = LocationSnapshot(
    name="here",
    assets=(
        AssetNode(key="plain"),
        AssetNode(key="parts", partitions=SPEC),
        AssetNode(key="wanted", partitions=SPEC, condition=encode(Missing())),
        AssetNode(key="down", deps=(DepSpec(asset="plain"),), condition=encode(presets.eager())),
    ),
    checks=(CheckNode(asset="plain", name="ok"),),
    jobs=(
        JobNode(name="nightly", is_asset_job=True, assets=("plain",), checks=("plain:ok",)),
        JobNode(name="__ASSET_JOB", is_asset_job=True, assets=("plain", "parts", "down")),
    ),
    schedules=(ScheduleNode(name="at_night", crons=("0 0 * * *",), job_name="nightly"),),
    sensors=(
        SensorNode(name="on_file", jobs=("nightly",)),
        SensorNode(name="conditions", kind="automation", assets=("down",), jobs=()),
    ),
)
GRAPH = build_graph([SNAPSHOT])


class Asking:
    """A ledger with runs of the snapshot's assets."""

    def __init__(self, ledger):
        self.ledger, self.now, self.number = ledger, NOW, 0

    def run(self, *assets, partition=None, checks=(), job="__ASSET_JOB"):
        self.number += 1
        run_id = f"run-{self.number}"
        new = NewRun(
            run_id=run_id,
            job_name=job,
            location="here",
            partition=partition,
            planned_assets=assets,
            planned_checks=checks,
            assets=assets,
        )
        self.ledger.create_runs([new], now=self.now)
        return run_id

    def made(self, asset, run_id, partition=None):
        self.event(
            EventType.ASSET_MATERIALIZATION,
            run_id,
            asset=asset,
            partition=partition,
            payload=Materialization(),
        )

    def event(self, kind, run_id, **more):
        self.now += 1.0
        self.ledger.record_events([Event(type=kind, timestamp=self.now, run_id=run_id, **more)])

    def ended(self, run_id, status, error="ValueError: too big"):
        self.now += 1.0
        self.ledger.finish_run(run_id, status=status, now=self.now, message=error)

    def why(self, name, partition=None, kind="asset"):
        found = why(
            self.ledger, GRAPH, Key(kind, name), [], now=self.now, partition=partition, snapshots=[SNAPSHOT]
        )
        return found, "\n".join(describe(found))


@pytest.fixture
def asking(ledger):
    return Asking(ledger)


def test_what_was_never_made(asking):
    found, text = asking.why("plain")
    assert found.standing.state == "missing" and "never made" in text
    assert found.asked_by == ("schedule at_night (job nightly)", "sensor on_file (job nightly)")
    assert "asked for by schedule at_night (job nightly)" in text
    assert "AutomationCondition.eager()" in text and "__ASSET_JOB" not in text


@pytest.mark.parametrize(("name", "partition"), [("plain", None), ("parts", "x"), ("parts", None)])
def test_the_failed_run_is_named_with_its_error(asking, name, partition):
    run_id = asking.run(name, partition=partition or ("x" if name == "parts" else None))
    asking.ended(run_id, RunStatus.FAILURE)
    found, text = asking.why(name, partition)
    assert (found.standing.state, found.standing.run_id) == ("failed", run_id)
    assert f"run {run_id}, which was to make it, failed at" in text and "ValueError: too big" in text


def test_only_the_partition_that_was_asked_for_counts(asking):
    failed, good = asking.run("parts", partition="x"), asking.run("parts", partition="y")
    asking.ended(failed, RunStatus.FAILURE)
    asking.made("parts", good, "y")
    asking.ended(good, RunStatus.SUCCESS)
    assert asking.why("parts", "x")[0].standing.state == "failed"
    found, text = asking.why("parts", "y")
    assert (found.standing.state, found.standing.made_by) == ("made", good) and f"made by run {good}" in text
    asking.made("parts", "", "x")  # reported from outside
    assert asking.why("parts", "x")[0].standing.state == "made"


def test_under_way_and_cancelled(asking):
    run_id = asking.run("plain")
    found, text = asking.why("plain")
    assert found.standing.state == "in progress" and f"run {run_id} is to make it" in text
    asking.ended(run_id, RunStatus.CANCELED)
    found, text = asking.why("plain")
    assert found.standing.state == "cancelled" and "was cancelled" in text


@pytest.mark.parametrize("partition", [None, "x"])
def test_what_another_system_reported_is_told(asking, partition):
    name = "plain" if partition is None else "parts"
    asking.made(name, asking.run(name, partition=partition), partition)
    asking.event(EventType.ASSET_MATERIALIZATION_PLANNED, "", asset=name, partition=partition)
    found, text = asking.why(name, partition)
    assert found.standing.state == "in progress" and "made by run run-1" in text
    assert f"reported from outside as begun at {moment(asking.now)}" in text
    asking.event(
        EventType.ASSET_FAILED_TO_MATERIALIZE, "", asset=name, partition=partition, message="no disk"
    )
    found, text = asking.why(name, partition)
    assert found.standing.state == "failed" and text.splitlines()[1].endswith(": no disk")
    asking.made(name, "", partition)
    assert asking.why(name, partition)[0].standing.state == "made"


def test_a_check_stands_too(asking):
    run_id = asking.run("plain", checks=("plain:ok",), job="nightly")
    assert asking.why("plain:ok", kind="check")[0].standing.state == "in progress"
    asking.event(
        EventType.ASSET_CHECK_EVALUATION,
        run_id,
        asset="plain",
        check="ok",
        payload=CheckEvaluation(passed=True),
    )
    assert asking.why("plain:ok", kind="check")[0].standing.state == "made"


def test_one_with_a_condition_tells_both(asking):
    run_id = asking.run("down")
    asking.ended(run_id, RunStatus.FAILURE)
    found, text = asking.why("down")
    assert found.now is not None and found.standing.state == "failed" and "eager" in text


def test_how_a_run_came_about_is_told_however_many_came_after_it(asking):
    trigger = "here/conditions"
    asking.ledger.ensure_trigger(
        trigger,
        kind=TriggerKind.SENSOR,
        location="here",
        name="conditions",
        definition=None,
        started_at=NOW,
        frontier=None,
        position=0,
    )
    for version in range(8):
        new = NewRun(run_id=f"asked-{version}", job_name="__ASSET_JOB", location="here", assets=("down",))
        kept = NewEvaluation(
            kind="asset",
            name="down",
            at=NOW + version,
            requested=1,
            run_ids=(new.run_id,),
            causes=(Cause(at=NOW + version, type=REQUEST, subject="plain"),),
        )
        asking.ledger.commit_tick(
            TickCommit(
                trigger_id=trigger,
                expected_version=asking.ledger.get_trigger(trigger).version,
                status=TickStatus.SUCCESS,
                started_at=NOW + version,
                ended_at=NOW + version,
                runs=(new,),
                conditions=ConditionCommit(evaluations=(kept,)),
            )
        )

    def told(run_id):
        return why(asking.ledger, GRAPH, Key("asset", "down"), [], now=NOW + 9, run_id=run_id)

    (request,) = told("asked-0").requests
    assert [run.run_id for run in request.runs] == ["asked-0"] and request.causes[0].at == NOW
    assert "because plain was requested" in "\n".join(describe(told("asked-0")))
    by_hand = asking.run("down")
    assert told(by_hand).requests == () and "not asked for by its condition" in told(by_hand).notes[-1]
    with pytest.raises(RunNotFoundError, match="nothing-like-it"):
        told("nothing-like-it")


def test_since_when_is_told_of_states_that_evaluations_need_no_time_of(asking):
    run_id = asking.run("plain")
    planned_at = asking.now
    asking.now += 5
    tree = asking.why("down")[0].now.tree
    assert (node(tree, "run_in_progress", "plain").since, node(tree, "missing", "plain").since) == (
        planned_at,
        None,
    )
    asking.made("plain", run_id)
    asking.ended(run_id, RunStatus.SUCCESS)
    made_at = asking.now - 1
    failing = asking.run("down")
    asking.ended(failing, RunStatus.FAILURE)
    found, text = asking.why("down")
    assert node(found.now.tree, "missing", "plain").since == made_at
    assert node(found.now.tree, "newly_updated", "plain").since == made_at
    assert f"missing  (plain)  since {moment(made_at)}" in text


def test_since_when_is_told_of_the_partition_that_is_asked_about(asking):
    run_id = asking.run("wanted", partition="x")
    asking.made("wanted", run_id, "x")
    made_at = asking.now
    asking.made("wanted", run_id, "y")
    assert asking.why("wanted", "x")[0].now.tree.since == made_at
    assert asking.why("wanted", "y")[0].now.tree.since == asking.now


def node(tree, name, subject):
    waiting = [tree]
    while waiting:
        one = waiting.pop(0)
        if (one.name, one.subject.name) == (name, subject):
            return one
        waiting.extend(one.children)
    raise KeyError(name)
