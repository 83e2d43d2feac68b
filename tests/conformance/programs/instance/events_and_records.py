from dagster import (
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    EventRecordsFilter,
    MaterializeResult,
    RunsFilter,
    StaticPartitionsDefinition,
    asset,
    job,
    materialize,
    op,
)


@asset
def alpha():
    return MaterializeResult(metadata={"n": 1})


@asset(deps=[alpha], partitions_def=StaticPartitionsDefinition(["p", "q"]))
def beta(context): ...


@op
def fails():
    raise ValueError


@job(tags={"kind": "bad"})
def failing():
    fails()


defs = Definitions(assets=[alpha, beta], jobs=[failing])


def observe():
    with DagsterInstance.ephemeral() as instance:
        materialize([alpha], instance=instance, tags={"round": "1"})
        materialize([alpha], instance=instance, tags={"round": "2"})
        materialize([beta], instance=instance, partition_key="p")
        failing.execute_in_process(instance=instance, raise_on_error=False)
        materializations = instance.get_event_records(
            EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, asset_key=AssetKey("alpha"))
        )
        by_partition = instance.get_event_records(
            EventRecordsFilter(
                event_type=DagsterEventType.ASSET_MATERIALIZATION, asset_key=beta.key, asset_partitions=["p"]
            ),
            limit=5,
            ascending=True,
        )
        fetched = instance.fetch_materializations(AssetRecordsFilter(asset_key=AssetKey("alpha")), limit=1)
        page_two = instance.fetch_materializations(AssetKey("alpha"), limit=1, cursor=fetched.cursor)
        runs = instance.get_runs()
        failed = instance.get_runs(filters=RunsFilter(statuses=[DagsterRunStatus.FAILURE]))
        tagged = instance.get_runs(RunsFilter(tags={"round": "2"}))
        records = instance.get_run_records(filters=RunsFilter(job_name="failing"), limit=1)
        record = instance.get_run_record_by_id(failed[0].run_id)
        latest = instance.get_latest_materialization_event(AssetKey("alpha"))
        asset_record = instance.get_asset_records([AssetKey("alpha")])[0]
        return {
            "materializations": len(materializations),
            "newest_first": materializations[0].storage_id > materializations[1].storage_id,
            "record": [
                type(materializations[0].storage_id).__name__,
                materializations[0].run_id == tagged[0].run_id,
                materializations[0].partition_key,
            ],
            "by_partition": [one.partition_key for one in by_partition],
            "fetched": [len(fetched.records), fetched.has_more, len(page_two.records), page_two.has_more],
            "runs": [run.job_name.startswith("__") for run in runs],
            "failed": [
                [run.job_name, run.status.value, dict(run.tags).get("kind"), run.is_finished, run.is_success]
                for run in failed
            ],
            "records": [one.dagster_run.job_name for one in records],
            "times": [
                record.start_time is not None,
                record.end_time >= record.start_time,
                record.create_timestamp.tzinfo is not None,
            ],
            "latest": [
                latest.dagster_event.asset_key.to_user_string(),
                latest.asset_materialization.metadata["n"].value,
                latest.dagster_event.is_step_materialization,
                latest.run_id == tagged[0].run_id,
            ],
            "asset_record": [
                asset_record.asset_entry.asset_key.to_user_string(),
                asset_record.asset_entry.last_materialization is not None,
            ],
            "keys": sorted(key.to_user_string() for key in instance.all_asset_keys()),
            "has": [instance.has_asset_key(AssetKey("alpha")), instance.has_asset_key(AssetKey("nope"))],
            "get_keys": [key.path for key in instance.get_asset_keys(prefix=["al"] if False else ["alpha"])],
            "partitions": sorted(instance.get_materialized_partitions(beta.key)),
            "count": instance.get_runs_count(),
            "by_id": [instance.get_run_by_id(failed[0].run_id).job_name, instance.get_run_by_id("missing")],
            "status_by_partition": {
                key: status.value if status else None
                for key, status in instance.get_status_by_partition(
                    beta.key, ["p", "q"], beta.partitions_def
                ).items()
            },
        }


def test_wipe_and_delete():
    with DagsterInstance.ephemeral() as instance:
        run = materialize([alpha], instance=instance).dagster_run
        instance.wipe_assets([AssetKey("alpha")])
        assert instance.get_latest_materialization_event(AssetKey("alpha")) is None
        instance.add_run_tags(run.run_id, {"late": "tag"})
        assert instance.get_run_by_id(run.run_id).tags["late"] == "tag"
        instance.delete_run(run.run_id)
        assert instance.get_run_by_id(run.run_id) is None
