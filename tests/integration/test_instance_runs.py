from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tidewheel.errors import CheckError, NotSupportedError, RunAlreadyExists, RunNotFoundError
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.views.error_view import error_view
from tidewheel.runtime.views.event_payloads import EngineEventData, JobFailureData
from tidewheel.runtime.views.run_views import Run, RunsFilter
from tidewheel.values.asset_events import AssetMaterialization
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType, LogLine, Materialization, StepDone
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import IntakeBatch, NewRun
from tidewheel.values.status import RunStatus


class Job:
    def __init__(self, name: str) -> None:
        self.name = name


class Clock:
    """Every question is one second later."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral(clock=Clock()) as made:
        yield made


def test_runs_come_newest_first_and_in_pages(instance: Instance) -> None:
    made = [instance.create_run_for_job(Job("a" if n % 2 else "b")).run_id for n in range(5)]
    assert [run.run_id for run in instance.get_runs()] == made[::-1]
    assert [run.run_id for run in instance.get_runs(ascending=True)] == made
    assert list(instance.get_run_ids(limit=2)) == made[:2:-1]
    assert list(instance.get_run_ids(cursor=made[3], limit=2)) == [made[2], made[1]]
    assert instance.get_runs_count() == 5
    assert instance.get_runs_count(RunsFilter(job_name="a")) == 2
    assert {run.job_name for run in instance.get_runs(RunsFilter(job_name="a"))} == {"a"}
    assert [record.dagster_run.run_id for record in instance.get_run_records(limit=1)] == [made[4]]


def test_filters_by_time_tag_and_status(instance: Instance) -> None:
    first = instance.create_run_for_job(Job("a"), tags={"t": "1"}, status=RunStatus.SUCCESS)
    second = instance.create_run_for_job(Job("a"), tags={"t": "2"})
    record = instance.get_run_record_by_id(second.run_id)
    assert record is not None

    def ids(**given: object) -> list[str]:
        return [run.run_id for run in instance.get_runs(RunsFilter(**given))]  # type: ignore[arg-type]

    assert ids(tags={"t": "1"}) == [first.run_id]
    assert ids(tags={"t": ["1", "2"]}) == [second.run_id, first.run_id]
    assert ids(statuses=[RunStatus.SUCCESS]) == [first.run_id]
    assert ids(created_before=record.create_timestamp) == [first.run_id]
    assert ids(created_after=datetime(1971, 1, 1, tzinfo=UTC)) == []
    assert ids(run_ids=[first.run_id, "zz"]) == [first.run_id]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, RunStatus.QUEUED),
        (RunStatus.NOT_STARTED, RunStatus.NOT_STARTED),
        (RunStatus.MANAGED, RunStatus.MANAGED),
        (RunStatus.STARTING, RunStatus.STARTING),
        (RunStatus.STARTED, RunStatus.STARTED),
        ("SUCCESS", RunStatus.SUCCESS),
        (RunStatus.FAILURE, RunStatus.FAILURE),
        (RunStatus.CANCELED, RunStatus.CANCELED),
        (RunStatus.CANCELING, RunStatus.CANCELING),
    ],
)
def test_runs_can_be_made_in_a_status(
    instance: Instance, given: RunStatus | str | None, expected: RunStatus
) -> None:
    run = instance.create_run_for_job(
        Job("a"), status=given, run_config={"ops": {"x": 1}}, asset_selection={AssetKey("k")}
    )
    assert run.status is expected
    stored = instance.get_run_by_id(run.run_id)
    assert stored == run
    assert (run.run_config, run.asset_selection) == ({"ops": {"x": 1}}, {AssetKey("k")})


def test_a_run_kept_back_is_not_queued_and_can_be_ended(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"), status=RunStatus.NOT_STARTED)
    record = instance.get_run_record_by_id(run.run_id)
    assert record is not None
    assert [each.event_type for each in instance.all_logs(run.run_id)] == []
    instance.report_run_canceled(run)
    stored = instance.get_run_by_id(run.run_id)
    assert stored is not None
    assert stored.status is RunStatus.CANCELED


@pytest.mark.parametrize(
    "status", [RunStatus.NOT_STARTED, RunStatus.STARTED, RunStatus.SUCCESS, RunStatus.FAILURE]
)
def test_a_run_is_written_down_as_it_is(instance: Instance, status: RunStatus) -> None:
    asset = AssetKey(["a", "b"])
    given = Run(job_name="j", run_id="r", status=status, tags={"t": "v"}, asset_selection=frozenset({asset}))
    assert instance.add_run(given).status is status
    [found] = instance.get_runs(RunsFilter(statuses=[status]))
    assert (found.run_id, found.tags, found.asset_selection) == ("r", {"t": "v"}, {asset})
    with pytest.raises(RunAlreadyExists):
        instance.add_run(given)


def test_a_taken_id_is_refused(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"))
    with pytest.raises(RunAlreadyExists, match=run.run_id):
        instance.create_run_for_job(Job("a"), run_id=run.run_id)


def test_unknown_runs(instance: Instance) -> None:
    assert instance.get_run_by_id("zz") is None
    assert instance.get_run_record_by_id("zz") is None
    assert not instance.has_run("zz")
    assert list(instance.all_logs("zz")) == []
    assert instance.get_run_stats("zz").steps_succeeded == 0
    instance.delete_run("zz")
    for call in (
        lambda: instance.add_run_tags("zz", {"a": "b"}),
        lambda: instance.report_run_failed(Run("a", "zz")),
        lambda: instance.report_run_canceling(Run("a", "zz")),
        lambda: instance.get_run_group("zz"),
    ):
        with pytest.raises(RunNotFoundError, match="zz"):
            call()


def test_tags(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"), tags={"t": "u"})
    instance.create_run_for_job(Job("a"), tags={"t": "w", ".dagster/hidden": "x"})
    instance.add_run_tags(run.run_id, {"t": "v", "z": "y"})
    changed = instance.get_run_by_id(run.run_id)
    assert changed is not None and changed.tags == {"t": "v", "z": "y"}
    assert instance.get_run_tags(["t", "z", "no"]) == [("t", {"v", "w"}), ("z", {"y"})]
    assert instance.get_run_tags(["t"], value_prefix="w") == [("t", {"w"})]
    assert instance.get_run_tags(["t"], limit=1) == [("t", {"v"})]
    assert instance.get_run_tag_keys() == ["t", "z"]


def test_delete(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"))
    assert instance.has_run(run.run_id)
    instance.delete_run(run.run_id)
    assert not instance.has_run(run.run_id)


def test_failing_from_outside(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"), status=RunStatus.STARTED)
    error = error_view(ErrorInfo(cls_name="ValueError", message="boo"))
    told = instance.report_run_failed(run, "it broke", JobFailureData(error, "RUN_EXCEPTION"))
    assert (told.is_run_failure, told.message, told.job_failure_data.error) == (True, "it broke", error)
    failed = instance.get_run_by_id(run.run_id)
    assert failed is not None and failed.is_failure and failed.end_time is not None
    [entry] = instance.all_logs(run.run_id, of_type=EventType.RUN_FAILURE)
    assert entry.get_dagster_event().job_failure_data.error == error
    assert entry.message == "it broke"


def test_the_end_of_a_run_is_final(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"), status=RunStatus.SUCCESS)
    instance.report_run_failed(run)
    instance.report_run_canceled(run)
    stored = instance.get_run_by_id(run.run_id)
    assert stored is not None and stored.is_success


def test_cancelling(instance: Instance) -> None:
    queued = instance.create_run_for_job(Job("a"))
    started = instance.create_run_for_job(Job("a"), status=RunStatus.STARTED)
    for run in (queued, started):
        instance.report_run_canceling(run)
    statuses = [instance.get_run_by_id(run.run_id).status for run in (queued, started)]  # type: ignore[union-attr]
    assert statuses == [RunStatus.CANCELED, RunStatus.CANCELING]
    instance.report_run_canceled(started, "gone")
    assert instance.get_run_by_id(started.run_id).status is RunStatus.CANCELED  # type: ignore[union-attr]


def test_engine_notes_are_in_the_log(instance: Instance) -> None:
    run = instance.create_run_for_job(Job("a"), status=RunStatus.STARTED)
    instance.report_engine_event("hello", run, EngineEventData(metadata={"n": 1}), cls=Job)  # type: ignore[dict-item]
    [entry] = instance.all_logs(run.run_id, of_type=EventType.ENGINE_EVENT)
    assert entry.message == "[Job] hello"
    assert entry.get_dagster_event().engine_event_data.metadata["n"].value == 1
    with pytest.raises(CheckError, match="run_id"):
        instance.report_engine_event("lost")


def started_run(instance: Instance) -> str:
    run_id = "11111111-1111-4111-8111-111111111111"
    record = instance.ledger.start_in_process_run(
        NewRun(run_id=run_id, job_name="j", location="here"), now=100.0
    )
    events = (
        Event(type=EventType.RUN_START, timestamp=101.0, run_id=run_id, job_name="j"),
        Event(type=EventType.STEP_START, timestamp=102.0, run_id=run_id, job_name="j", step_key="s"),
        Event(
            type=EventType.LOG_MESSAGE,
            timestamp=103.0,
            run_id=run_id,
            step_key="s",
            message="hi",
            payload=LogLine(),
        ),
        Event(
            type=EventType.ASSET_MATERIALIZATION,
            timestamp=104.0,
            run_id=run_id,
            job_name="j",
            step_key="s",
            asset="a",
            payload=Materialization(),
        ),
        Event(
            type=EventType.STEP_SUCCESS,
            timestamp=105.0,
            run_id=run_id,
            job_name="j",
            step_key="s",
            payload=StepDone(),
        ),
        Event(type=EventType.RUN_SUCCESS, timestamp=106.0, run_id=run_id, job_name="j"),
    )
    batch = IntakeBatch(run_id=run_id, epoch=record.epoch, seq=len(events), events=events)
    instance.ledger.commit_intake([batch], now=106.0)
    return run_id


def test_log_of_a_run(instance: Instance) -> None:
    run_id = started_run(instance)
    told = [entry.dagster_event_type for entry in instance.all_logs(run_id)]
    assert told[-6:] == [
        EventType.RUN_START,
        EventType.STEP_START,
        None,
        EventType.ASSET_MATERIALIZATION,
        EventType.STEP_SUCCESS,
        EventType.RUN_SUCCESS,
    ]
    pair = {EventType.STEP_START, EventType.STEP_SUCCESS}
    assert [e.dagster_event_type for e in instance.all_logs(run_id, of_type=pair)] == [
        EventType.STEP_START,
        EventType.STEP_SUCCESS,
    ]


def test_pages_of_a_log_make_the_log(instance: Instance) -> None:
    run_id = started_run(instance)
    whole = instance.get_records_for_run(run_id)
    assert not whole.has_more
    for ascending in (True, False):
        seen, cursor, more = [], None, True
        while more:
            page = instance.get_records_for_run(run_id, cursor=cursor, limit=2, ascending=ascending)
            seen += page.records
            cursor, more = page.cursor, page.has_more
        assert seen == (whole.records if ascending else whole.records[::-1])
    steps = instance.get_records_for_run(run_id, of_type=EventType.STEP_SUCCESS)
    assert [r.event_log_entry.step_key for r in steps.records] == ["s"]
    assert len(instance.logs_after(run_id, cursor=2)) == len(whole.records) - 2
    assert len(instance.logs_after(run_id, limit=1)) == 1
    empty = instance.get_records_for_run("zz")
    assert (empty.records, empty.has_more) == ([], False)


def test_stats(instance: Instance) -> None:
    run_id = started_run(instance)
    stats = instance.get_run_stats(run_id)
    assert (stats.steps_succeeded, stats.steps_failed, stats.materializations) == (1, 0, 1)
    assert stats.start_time is not None and stats.end_time is not None and stats.start_time < stats.end_time
    [step] = instance.get_run_step_stats(run_id)
    assert (step.step_key, step.start_time, step.end_time, step.attempts) == ("s", 102.0, 105.0, 1)
    assert instance.get_asset_keys_for_run(run_id) == {AssetKey("a")}


def test_chain_of_retries(instance: Instance) -> None:
    root = instance.create_run_for_job(Job("a"), status=RunStatus.FAILURE)
    again = instance.create_run_for_job(Job("a"), root_run_id=root.run_id, parent_run_id=root.run_id)
    for run_id in (root.run_id, again.run_id):
        root_id, group = instance.get_run_group(run_id)
        assert (root_id, [run.run_id for run in group]) == (root.run_id, [root.run_id, again.run_id])


def test_runs_in_the_order_of_their_last_change(instance: Instance) -> None:
    first, second, third = (instance.create_run_for_job(Job(name)).run_id for name in ("a", "b", "a"))
    instance.add_run_tags(first, {"changed": "last"})

    def found(**options: Any) -> list[str]:
        return [record.dagster_run.run_id for record in instance.get_run_records(**options)]

    assert found(order_by="update_timestamp")[0] == first
    assert found(order_by="update_timestamp", ascending=True)[-1] == first
    assert found(order_by="update_timestamp", filters=RunsFilter(job_name="a"), limit=1) == [first]
    assert set(found(order_by="end_time")) == {first, second, third}


def test_what_is_not_supported_says_what_to_do(instance: Instance) -> None:
    for call in (
        lambda: instance.get_runs(bucket_by=object()),
        lambda: instance.get_run_records(order_by="status"),
        lambda: instance.update_backfill(None),
        lambda: instance.launch_run("x", None),
    ):
        with pytest.raises(NotSupportedError):
            call()
    with pytest.raises(AttributeError, match="get_rnus"):
        instance.get_rnus()
    with pytest.raises(CheckError, match="RunsFilter"):
        instance.get_runs({"job_name": "x"})  # type: ignore[arg-type]


def test_threads_may_share_an_instance(instance: Instance) -> None:
    wrong: list[BaseException] = []

    def work(n: int) -> None:
        try:
            for k in range(5):
                instance.report_runless_asset_event(AssetMaterialization(AssetKey(f"a{n}"), partition=str(k)))
                instance.get_materialized_partitions(AssetKey(f"a{n}"))
        except BaseException as exc:
            wrong.append(exc)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(len(instance.get_materialized_partitions(AssetKey(f"a{n}"))) == 5 for n in range(4))
