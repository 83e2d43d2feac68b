"""Runs on ephemeral and persistent instances, and what can be asked of them afterwards."""

from dagster import (
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    EventRecordsFilter,
    RunsFilter,
    asset,
    AssetMaterialization,
    Output,
    instance_for_test,
    job,
    materialize,
    op,
)


@op
def makes():
    yield AssetMaterialization("thing", metadata={"n": 1})
    yield Output(1)


@op
def fails(x):
    raise RuntimeError("boom")


@job(tags={"team": "a"})
def good():
    makes()


@job
def bad():
    fails(makes())


@asset
def table():
    return 1


defs = Definitions(jobs=[good, bad], assets=[table])


def check(instance):
    first = good.execute_in_process(instance=instance, tags={"extra": "1"})
    second = bad.execute_in_process(instance=instance, raise_on_error=False)
    runs = instance.get_runs()
    assert [r.job_name for r in runs] == ["bad", "good"]
    assert instance.get_runs(filters=RunsFilter(job_name="good"))[0].run_id == first.run_id
    assert (
        instance.get_runs(filters=RunsFilter(statuses=[DagsterRunStatus.FAILURE]))[0].run_id == second.run_id
    )
    assert instance.get_runs(filters=RunsFilter(tags={"team": "a"}))[0].tags["extra"] == "1"
    assert instance.get_run_by_id(first.run_id).is_success
    assert instance.get_run_by_id(second.run_id).status == DagsterRunStatus.FAILURE
    assert instance.get_run_by_id("nope") is None
    assert len(instance.get_runs(limit=1)) == 1
    record = instance.get_run_records()[0]
    assert record.dagster_run.run_id == second.run_id
    assert record.end_time >= record.start_time
    records = instance.get_event_records(
        EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, asset_key=AssetKey("thing"))
    )
    assert len(records) == 2
    assert records[0].storage_id > records[1].storage_id
    assert records[0].asset_materialization.metadata["n"].value == 1
    assert records[0].event_log_entry.dagster_event.step_key == "makes"
    latest = instance.get_latest_materialization_event(AssetKey("thing"))
    assert latest.run_id == second.run_id
    assert instance.has_asset_key(AssetKey("thing"))
    assert AssetKey("thing") in instance.all_asset_keys()
    logs = instance.all_logs(second.run_id)
    kinds = [entry.dagster_event.event_type_value for entry in logs if entry.is_dagster_event]
    assert "STEP_FAILURE" in kinds and kinds[-1] in ("RUN_FAILURE", "PIPELINE_FAILURE")
    assert len(instance.all_logs(second.run_id, of_type=DagsterEventType.STEP_FAILURE)) == 1
    stats = instance.get_run_stats(second.run_id)
    assert (stats.steps_succeeded, stats.steps_failed, stats.materializations) == (1, 1, 1)
    steps = {s.step_key: s.status.value for s in instance.get_run_step_stats(second.run_id)}
    assert steps == {"makes": "SUCCESS", "fails": "FAILURE"}
    instance.add_run_tags(first.run_id, {"later": "x"})
    assert instance.get_run_by_id(first.run_id).tags["later"] == "x"
    instance.report_runless_asset_event(AssetMaterialization("outside"))
    assert instance.get_latest_materialization_event(AssetKey("outside")).run_id == ""
    instance.delete_run(first.run_id)
    assert not instance.has_run(first.run_id)
    return True


def test_ephemeral():
    with DagsterInstance.ephemeral() as instance:
        assert check(instance)


def test_persistent():
    with instance_for_test() as instance:
        assert check(instance)
        assert not instance.is_ephemeral


def test_assets():
    with instance_for_test() as instance:
        result = materialize([table], instance=instance, tags={"a": "b"})
        run = instance.get_run_by_id(result.run_id)
        assert run.tags["a"] == "b"
        assert instance.get_asset_records([AssetKey("table")])[0].asset_entry.last_run_id == result.run_id
        instance.wipe_assets([AssetKey("table")])
        assert instance.get_latest_materialization_event(AssetKey("table")) is None


def test_dynamic_partitions():
    with instance_for_test() as instance:
        instance.add_dynamic_partitions("p", ["a", "b"])
        instance.add_dynamic_partitions("p", ["b", "c"])
        assert instance.get_dynamic_partitions("p") == ["a", "b", "c"]
        assert instance.has_dynamic_partition("p", "a")
        instance.delete_dynamic_partition("p", "a")
        assert instance.get_dynamic_partitions("p") == ["b", "c"]
