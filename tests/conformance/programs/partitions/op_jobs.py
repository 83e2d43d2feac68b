from dagster import (
    DailyPartitionsDefinition,
    Definitions,
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    RunConfig,
    StaticPartitionsDefinition,
    job,
    op,
    DagsterInstance,
)
from dagster import DagsterUnknownPartitionError
import pytest


@op
def show(context):
    window = context.partition_time_window if context.job_name == "daily_job" else None
    return [
        str(context.partition_key),
        context.has_partition_key,
        window.start.isoformat() if window else None,
    ]


@job(partitions_def=DailyPartitionsDefinition("2024-01-01"))
def daily_job():
    show()


@job(partitions_def=StaticPartitionsDefinition(["a", "b"]), tags={"always": "here"})
def static_job():
    show()


@job(partitions_def=DynamicPartitionsDefinition(name="op_files"))
def dynamic_job():
    show()


defs = Definitions(jobs=[daily_job, static_job, dynamic_job])


def test_keys():
    result = static_job.execute_in_process(partition_key="b")
    assert result.output_for_node("show") == ["b", True, None]
    assert result.dagster_run.tags["dagster/partition"] == "b"
    with pytest.raises(DagsterUnknownPartitionError):
        static_job.execute_in_process(partition_key="q")


def test_without_key():
    with pytest.raises(Exception):
        static_job.execute_in_process()


def test_request():
    request = static_job.run_request_for_partition("a", run_key="k")
    assert [request.partition_key, request.run_key, request.tags["dagster/partition"]] == ["a", "k", "a"]
