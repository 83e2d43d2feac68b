import pytest
from dagster import (
    AssetExecutionContext,
    DagsterInstance,
    DagsterUnknownPartitionError,
    Definitions,
    DynamicPartitionsDefinition,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    asset,
    build_sensor_context,
    define_asset_job,
    instance_for_test,
    materialize,
    sensor,
)

files = DynamicPartitionsDefinition(name="incoming_files")


@asset(partitions_def=files)
def parsed_file(context: AssetExecutionContext) -> str:
    return context.partition_key.removesuffix(".csv")


@asset(partitions_def=files)
def checked_file(parsed_file: str) -> int:
    return len(parsed_file)


file_job = define_asset_job("file_job", selection=[parsed_file, checked_file], partitions_def=files)
FOLDER = ["a.csv", "b.csv"]


@sensor(job=file_job, minimum_interval_seconds=10)
def new_files(context: SensorEvaluationContext):
    fresh = [
        name
        for name in FOLDER
        if not files.has_partition_key(name, dynamic_partitions_store=context.instance)
    ]
    if not fresh:
        return SkipReason("no new files")
    return SensorResult(
        run_requests=[RunRequest(partition_key=name, run_key=name) for name in fresh],
        dynamic_partitions_requests=[files.build_add_request(fresh)],
        cursor=fresh[-1],
    )


@sensor(job=file_job)
def adds_itself(context):
    context.instance.add_dynamic_partitions("incoming_files", ["direct.csv"])
    known = context.instance.get_dynamic_partitions("incoming_files")
    return [RunRequest(run_key=name, partition_key=name) for name in known]


@sensor(target=file_job)
def removes(context):
    return SensorResult(
        dynamic_partitions_requests=[files.build_delete_request(["gone.csv"])],
        skip_reason=SkipReason("only deletes"),
    )


defs = Definitions(
    assets=[parsed_file, checked_file], jobs=[file_job], sensors=[new_files, adds_itself, removes]
)


def test_store():
    with DagsterInstance.ephemeral() as instance:
        assert instance.get_dynamic_partitions("incoming_files") == []
        instance.add_dynamic_partitions("incoming_files", ["x.csv", "y.csv"])
        instance.add_dynamic_partitions("incoming_files", ["y.csv", "z.csv"])
        assert sorted(instance.get_dynamic_partitions("incoming_files")) == ["x.csv", "y.csv", "z.csv"]
        assert instance.has_dynamic_partition("incoming_files", "x.csv")
        instance.delete_dynamic_partition("incoming_files", "x.csv")
        assert not instance.has_dynamic_partition("incoming_files", "x.csv")
        assert files.get_partition_keys(dynamic_partitions_store=instance) == ["y.csv", "z.csv"]
        result = materialize([parsed_file, checked_file], partition_key="y.csv", instance=instance)
        assert result.output_for_node("checked_file") == 1
        with pytest.raises(DagsterUnknownPartitionError):
            materialize([parsed_file], partition_key="missing.csv", instance=instance)


def test_sensor_direct():
    with instance_for_test() as instance:
        result = new_files(build_sensor_context(instance=instance))
        assert [one.partition_key for one in result.run_requests] == ["a.csv", "b.csv"]
        assert result.dynamic_partitions_requests[0].partition_keys == ["a.csv", "b.csv"]
        instance.add_dynamic_partitions("incoming_files", FOLDER)
        assert isinstance(new_files(build_sensor_context(instance=instance)), SkipReason)
