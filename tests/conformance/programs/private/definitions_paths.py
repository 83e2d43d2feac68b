from dagster import Definitions, job, op, asset
from dagster._core.definitions.asset_selection import AssetSelection, KeysAssetSelection
from dagster._core.definitions.decorators.schedule_decorator import schedule
from dagster._core.definitions.decorators.sensor_decorator import sensor
from dagster._core.definitions.metadata import MetadataValue
from dagster._core.definitions.run_status_sensor_definition import run_status_sensor, run_failure_sensor
from dagster._core.definitions.schedule_definition import build_schedule_context, DefaultScheduleStatus
from dagster._core.definitions.auto_materialize_policy import AutoMaterializePolicy
from dagster._core.definitions.declarative_automation.automation_condition import AutomationCondition
from dagster._core.definitions.partitions.partitioned_schedule import build_schedule_from_partitioned_job
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
    define_asset_job,
)
from dagster._core.events import DagsterEventType
from dagster._core.execution.context.compute import AssetExecutionContext, OpExecutionContext
from dagster._core.execution.context.init import InitResourceContext
from dagster._core.instance import DagsterInstance
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.storage.event_log.base import EventRecordsFilter
from dagster._core.storage.fs_io_manager import PickledObjectFilesystemIOManager
from dagster._core.types.dagster_type import Int, Nothing, String


@asset
def thing(context: AssetExecutionContext): ...


@op
def work(context: OpExecutionContext):
    return 1


@job
def working():
    work()


@schedule(job=working, cron_schedule="@daily")
def daily(context):
    return {}


@sensor(job=working)
def looking(context): ...


defs = Definitions(assets=[thing], jobs=[working], schedules=[daily], sensors=[looking])


def observe():
    return {
        "job": isinstance(define_asset_job("j", "*"), UnresolvedAssetJobDefinition),
        "keys": isinstance(AssetSelection.keys("a"), KeysAssetSelection),
        "event": DagsterEventType.ASSET_MATERIALIZATION.value,
        "status": DagsterRunStatus.SUCCESS.value,
    }
