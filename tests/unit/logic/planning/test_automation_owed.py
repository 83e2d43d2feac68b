"""The book of owed work: what a request, a failure, a success, a cancellation and a new input do to it."""

import pytest

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.sets import everything, from_keys
from tidewheel.logic.planning.automation_owed import (
    WAIVED_FAILURES,
    attempts_of,
    newly_owed,
    owed_after,
    policy_of,
    with_present_code,
)
from tidewheel.values.conditions import OwedRow, OwedStatus
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType, Failure, StoredEvent

SPEC = StaticPartitions(keys=("x", "y"))
VIEW = PartitionView(now=0.0)
KEEP = encode(presets.keep_up_to_date(max_failures=3))


def graph(version=None):
    return build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=(
                    AssetNode(key="up", partitions=SPEC),
                    AssetNode(
                        key="down",
                        partitions=SPEC,
                        deps=(DepSpec(asset="up"),),
                        condition=KEEP,
                        code_version=version,
                    ),
                    AssetNode(key="eager", condition=encode(presets.eager())),
                ),
            )
        ]
    )


DOWN = Key("asset", "down")


def book(**more):
    row = OwedRow(
        kind="asset", name="down", partition="x", trigger_id="t", requested_at=1.0, run_id="r1", **more
    )
    return {("asset", "down", "x"): row}


def happened(kind, **more):
    return StoredEvent(id=9, event=Event(type=kind, timestamp=50.0, **more))


def failed(message, run_id="r1"):
    error = ErrorInfo(cls_name="ValueError", message=message)
    return happened(EventType.RUN_FAILURE, run_id=run_id, payload=Failure(error=error))


def after(known, *events):
    return owed_after(known, events, graph(), VIEW).get(("asset", "down", "x"))


def test_only_what_is_kept_up_to_date_is_owed():
    requested = {DOWN: from_keys(SPEC, ["x"], VIEW), Key("asset", "eager"): everything(None, VIEW)}
    rows = newly_owed({}, graph(), requested, {("down", "x"): "r1"}, trigger_id="t", now=1.0, view=VIEW)
    assert {(row.kind, row.name, row.partition): row for row in rows} == book()
    assert policy_of(graph(), DOWN).max_failures == 3
    assert policy_of(graph(), Key("asset", "eager")) is None


def test_a_repeated_request_keeps_the_row_and_names_the_newest_run():
    known = book(failures=2, failed_at=5.0, error="E")
    (row,) = newly_owed(
        known,
        graph(),
        {DOWN: from_keys(SPEC, ["x"], VIEW)},
        {("down", "x"): "r2"},
        trigger_id="t",
        now=7.0,
        view=VIEW,
    )
    assert (row.run_id, row.failures, row.requested_at) == ("r2", 2, 1.0)


def test_equal_failures_add_up_and_another_error_begins_again():
    row = after(book(), failed("a"))
    assert (row.failures, row.failed_at, row.error) == (1, 50.0, "ValueError: a")
    row = after({("asset", "down", "x"): row}, failed("a"))
    assert row.failures == 2
    row = after({("asset", "down", "x"): row}, failed("b"))
    assert (row.failures, row.error) == (1, "ValueError: b")
    assert after(book(), failed("a", run_id="other")).failures == 0


def test_a_cancelled_run_waits_like_one_failure_and_is_none_more():
    cancelled = happened(EventType.RUN_CANCELED, run_id="r1")
    assert after(book(), cancelled).failures == 1
    row = after(book(failures=2, failed_at=5.0, error="E"), cancelled)
    assert (row.failures, row.failed_at, row.error) == (2, 50.0, "E")


def test_it_ends_when_it_is_made_by_whatever_run():
    made = happened(EventType.ASSET_MATERIALIZATION, run_id="z", asset="down", partition="x")
    other = happened(EventType.ASSET_MATERIALIZATION, run_id="z", asset="down", partition="y")
    assert after(book(), made) is None
    assert after(book(), other) is not None


def test_a_run_that_plans_it_is_the_newest_attempt():
    planned = happened(EventType.ASSET_MATERIALIZATION_PLANNED, run_id="r9", asset="down", partition="x")
    assert after(book(), planned, failed("a", run_id="r9")).failures == 1


@pytest.mark.parametrize(("partition", "failures"), [("x", 0), ("y", 4)])
def test_an_input_that_is_made_replaces_the_request(partition, failures):
    made = happened(EventType.ASSET_MATERIALIZATION, run_id="z", asset="up", partition=partition)
    row = after(book(failures=4, failed_at=5.0, error="E"), made)
    assert row.failures == failures
    waived = after(book(status=OwedStatus.WAIVED), made)
    assert waived.status is (OwedStatus.OWED if failures == 0 else OwedStatus.WAIVED)


def test_the_input_that_the_failing_run_made_itself_replaces_nothing():
    made = happened(EventType.ASSET_MATERIALIZATION, run_id="r1", asset="up", partition="x")
    assert after(book(failures=2, failed_at=5.0, error="E"), made).failures == 2


def test_other_code_replaces_the_request():
    known = book(failures=3, failed_at=5.0, error="E", code_version="1")
    assert with_present_code(known, graph("1"))["asset", "down", "x"].failures == 3
    fresh = with_present_code(known, graph("2"))["asset", "down", "x"]
    assert (fresh.failures, fresh.code_version) == (0, "2")


def test_conditions_are_told_of_failures_and_of_what_is_waived():
    assert attempts_of(book(), graph(), VIEW) == {}
    ((told,),) = attempts_of(book(failures=2, failed_at=5.0), graph(), VIEW).values()
    assert (told.failures, told.failed_at, set(told.partitions.keys(VIEW))) == (2, 5.0, {"x"})
    ((told,),) = attempts_of(book(status=OwedStatus.WAIVED), graph(), VIEW).values()
    assert told.failures == WAIVED_FAILURES


def test_what_is_not_kept_up_to_date_any_more_is_not_owed():
    row = OwedRow(kind="asset", name="eager", partition="", trigger_id="t", requested_at=1.0)
    assert with_present_code({("asset", "eager", ""): row}, graph()) == {}
