"""Sensors that look at events and runs through the instance."""

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterRunStatus,
    Definitions,
    EventRecordsFilter,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    asset,
    build_sensor_context,
    define_asset_job,
    instance_for_test,
    job,
    materialize,
    op,
    sensor,
)


@asset
def first():
    return 1


@asset
def second():
    return 2


@op
def gather():
    return 3


@job
def gathering():
    gather()


@sensor(job=gathering)
def both_new(context: SensorEvaluationContext):
    cursors = (context.cursor or "0:0").split(":")
    found = []
    for asset_key, after in zip(("first", "second"), cursors):
        records = context.instance.get_event_records(
            EventRecordsFilter(
                event_type=DagsterEventType.ASSET_MATERIALIZATION,
                asset_key=AssetKey(asset_key),
                after_cursor=int(after) or None,
            ),
            ascending=False,
            limit=1,
        )
        found.append(records[0].storage_id if records else None)
    if None in found:
        return SkipReason(f"waiting ({found.count(None)})")
    context.update_cursor(":".join(str(one) for one in found))
    return RunRequest(run_key=None)


@sensor(job=gathering)
def one_at_a_time(context):
    unfinished = [
        DagsterRunStatus.QUEUED,
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
    ]
    records = context.instance.get_run_records(RunsFilter(job_name="gathering", statuses=unfinished))
    if len(records) > 0:
        return SkipReason("running")
    return RunRequest()


@sensor(job=gathering)
def stale_after(context):
    event = context.instance.get_latest_materialization_event(AssetKey(["first"]))
    if event is None:
        return SkipReason("never made")
    return RunRequest(run_key=event.run_id[:0] + "made")


defs = Definitions(assets=[first, second], jobs=[gathering], sensors=[both_new, one_at_a_time, stale_after])


def test_both_new():
    with instance_for_test() as instance:
        context = build_sensor_context(instance=instance)
        assert both_new(context).skip_message == "waiting (2)"
        materialize([first, second], instance=instance)
        assert isinstance(both_new(context), RunRequest)
        assert len(context.cursor.split(":")) == 2
        again = build_sensor_context(instance=instance, cursor=context.cursor)
        assert both_new(again).skip_message == "waiting (2)"


def test_runs():
    with instance_for_test() as instance:
        assert isinstance(one_at_a_time(build_sensor_context(instance)), RunRequest)
        result = gathering.execute_in_process(instance=instance)
        (record,) = instance.get_run_records(RunsFilter(run_ids=[result.run_id]))
        assert record.dagster_run.status == DagsterRunStatus.SUCCESS
        assert record.end_time >= record.start_time
        assert instance.get_runs_count(RunsFilter(job_name="gathering")) == 1


def test_latest():
    with instance_for_test() as instance:
        assert isinstance(stale_after(build_sensor_context(instance=instance)), SkipReason)
        materialize([first], instance=instance)
        assert stale_after(build_sensor_context(instance=instance)).run_key == "made"
