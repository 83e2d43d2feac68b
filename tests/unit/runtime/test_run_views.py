from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidewheel.errors import CheckError, NotSupportedError, ParameterCheckError
from tidewheel.runtime.views.run_views import Run, RunsFilter, view_run, view_run_record
from tidewheel.values import records
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus


def record(**more: Any) -> records.RunRecord:
    given: dict[str, Any] = {
        "run_id": "r",
        "job_name": "j",
        "location": "l",
        "status": RunStatus.SUCCESS,
        "created_at": 1.0,
        "updated_at": 2.5,
    }
    return records.RunRecord(**(given | more))


# status: finished, success, failure, failure or cancelled, cancelable (Dagster 1.13.27; QUEUED is ours)
STATUS_TABLE = {
    RunStatus.NOT_STARTED: (False, False, False, False, False),
    RunStatus.MANAGED: (False, False, False, False, False),
    RunStatus.QUEUED: (False, False, False, False, True),
    RunStatus.STARTING: (False, False, False, False, False),
    RunStatus.STARTED: (False, False, False, False, True),
    RunStatus.SUSPENDED: (False, False, False, False, False),
    RunStatus.SUCCESS: (True, True, False, False, False),
    RunStatus.FAILURE: (True, False, True, True, False),
    RunStatus.CANCELING: (False, False, False, False, False),
    RunStatus.CANCELED: (True, False, False, True, False),
}


@pytest.mark.parametrize("status", list(RunStatus))
def test_status_predicates(status: RunStatus) -> None:
    run = view_run(record(status=status))
    assert (
        run.is_finished,
        run.is_success,
        run.is_failure,
        run.is_failure_or_canceled,
        run.is_cancelable,
    ) == STATUS_TABLE[status]
    assert Run("j").with_status(status).status is status


def test_times_are_datetimes_that_can_be_subtracted() -> None:
    run = view_run(record(started_at=10.0, ended_at=10.0 + 3600))
    assert run.end_time is not None and run.start_time is not None
    assert run.end_time - run.start_time > timedelta(minutes=30)
    assert run.start_time == datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert (view_run(record()).start_time, view_run(record()).end_time) == (None, None)


def test_record_has_times_as_dagster_spells_them() -> None:
    view = view_run_record(record(started_at=10.0, ended_at=11.0))
    assert (view.start_time, view.end_time) == (10.0, 11.0)
    assert view.create_timestamp == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert view.update_timestamp == datetime(1970, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC)
    assert view.dagster_run == view_run(record(started_at=10.0, ended_at=11.0))


def test_storage_ids_follow_creation() -> None:
    ids = [view_run_record(record(created_at=at)).storage_id for at in (1.0, 1.000001, 2.0)]
    assert ids == sorted(set(ids))


def test_selections() -> None:
    run = view_run(record(assets=("a\\/b/c",), checks=("a:x",), steps=("s", "t")))
    assert run.asset_selection == {AssetKey(["a/b", "c"])}
    assert run.asset_check_selection == {AssetCheckKey(AssetKey("a"), "x")}
    assert run.entity_selection == {AssetKey(["a/b", "c"]), AssetCheckKey(AssetKey("a"), "x")}
    assert (run.op_selection, run.resolved_op_selection) == (["s", "t"], {"s", "t"})
    whole = view_run(record())
    assert (
        whole.asset_selection,
        whole.asset_check_selection,
        whole.entity_selection,
        whole.op_selection,
    ) == (None,) * 4


def test_what_the_ledger_knows_is_in_the_tags() -> None:
    run = view_run(record(partition="p", parent_run_id="q", root_run_id="o", tags={"a": "b"}))
    assert run.tags == {
        "a": "b",
        "dagster/partition": "p",
        "dagster/parent_run_id": "q",
        "dagster/root_run_id": "o",
    }
    assert (run.previous_run_id, run.get_parent_run_id(), run.get_root_run_id()) == ("q", "q", "o")
    assert run.is_partitioned
    assert not view_run(record()).is_partitioned


def test_tag_predicates() -> None:
    assert Run("j", tags={"dagster/is_resume_retry": "true"}).is_resume_retry
    waiting = Run("j", status=RunStatus.FAILURE, tags={"dagster/will_retry": "true"})
    assert waiting.is_complete_and_waiting_to_retry
    retried = waiting.with_tags({"dagster/will_retry": "true", "dagster/auto_retry_run_id": "x"})
    assert not retried.is_complete_and_waiting_to_retry


def test_made_by_hand() -> None:
    run = Run("j", tags={"a": "b"})
    assert run.status is RunStatus.NOT_STARTED
    assert len(run.run_id) == 36
    assert Run("j").run_id != run.run_id
    assert run.with_tags({"x": "y"}).tags == {"x": "y"}
    assert run.tags == {"a": "b"}
    assert run.dagster_execution_info == {"dagster/run-id": run.run_id, "dagster/job": "j"}


@pytest.mark.parametrize("wrong", [{"job_name": 1}, {"run_id": 5}, {"tags": "x"}, {"run_config": []}])
def test_wrong_arguments_of_a_run(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterCheckError, match=next(iter(wrong))):
        Run(**({"job_name": "j"} | wrong))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (RunsFilter(), RunFilter()),
        (RunsFilter(["a"], "j"), RunFilter(run_ids=("a",), job_name="j")),
        (RunsFilter(statuses=[RunStatus.SUCCESS]), RunFilter(statuses=(RunStatus.SUCCESS,))),
        (RunsFilter(statuses=[]), RunFilter()),
        (RunsFilter(tags={"a": "b", "c": ["d", "e"]}), RunFilter(tags={"a": ("b",), "c": ("d", "e")})),
        (RunsFilter(created_after=datetime(1970, 1, 1, 0, 0, 5)), RunFilter(created_after=5.0)),
        (RunsFilter(created_before=datetime(1970, 1, 1, 1, tzinfo=UTC)), RunFilter(created_before=3600.0)),
        (
            RunsFilter(updated_after=datetime(1970, 1, 2), updated_before=datetime(1970, 1, 3)),
            RunFilter(updated_after=86400.0, updated_before=172800.0),
        ),
        (RunsFilter.for_backfill("b"), RunFilter(tags={"dagster/backfill": ("b",)})),
    ],
)
def test_filters(given: RunsFilter, expected: RunFilter) -> None:
    assert given.to_run_filter() == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"run_ids": []},
        {"run_ids": "abc"},
        {"job_name": 1},
        {"statuses": ["SUCCESS_"]},
        {"tags": {"a": 1}},
        {"created_after": 5},
    ],
)
def test_wrong_filters(wrong: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match=next(iter(wrong)) if "tags" not in wrong else "tag 'a'"):
        RunsFilter(**wrong)


def test_filters_that_are_not_supported_say_so() -> None:
    with pytest.raises(NotSupportedError, match="snapshot_id"):
        RunsFilter(snapshot_id="x").to_run_filter()
    with pytest.raises(NotSupportedError, match="exclude_subruns"):
        RunsFilter(exclude_subruns=True).to_run_filter()


def test_filters_for_things_with_names() -> None:
    class Named:
        name = "n"

    assert RunsFilter.for_schedule(Named()).tags == {"dagster/schedule_name": "n"}
    assert RunsFilter.for_sensor(Named()).tags == {"dagster/sensor_name": "n"}


def test_tags_and_config_of_none_are_empty() -> None:
    run = Run(job_name="daily", tags=None, run_config=None)
    assert (run.tags, run.run_config) == ({}, {})
