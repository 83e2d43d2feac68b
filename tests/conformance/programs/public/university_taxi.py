"""Lesson project: taxi trips by month, a report on request."""

import json
import os
import tempfile

import pandas as pd
from dagster import (
    AssetExecutionContext,
    AssetSelection,
    Config,
    Definitions,
    MaterializeResult,
    MetadataValue,
    MonthlyPartitionsDefinition,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    SensorResult,
    WeeklyPartitionsDefinition,
    asset,
    build_sensor_context,
    define_asset_job,
    materialize,
    sensor,
)

START_DATE = "2023-01-01"
END_DATE = "2023-04-01"
monthly_partition = MonthlyPartitionsDefinition(start_date=START_DATE, end_date=END_DATE)
weekly_partition = WeeklyPartitionsDefinition(start_date=START_DATE, end_date=END_DATE)
REQUESTS = tempfile.mkdtemp()


@asset(partitions_def=monthly_partition, group_name="raw_files", compute_kind="Python")
def taxi_trips_file(context: AssetExecutionContext) -> MaterializeResult:
    """The raw parquet files for the taxi trips dataset."""
    month_to_fetch = context.partition_key[:-3]
    return MaterializeResult(metadata={"Number of records": MetadataValue.int(len(month_to_fetch))})


@asset(group_name="raw_files")
def taxi_zones_file() -> MaterializeResult:
    return MaterializeResult(metadata={"Number of records": MetadataValue.int(3)})


@asset(deps=["taxi_trips_file"], partitions_def=monthly_partition, group_name="ingested")
def taxi_trips(context) -> None:
    context.log.info(f"loading {context.partition_key}")


@asset(deps=["taxi_zones_file"], group_name="ingested")
def taxi_zones() -> None: ...


@asset(deps=["taxi_trips"], partitions_def=weekly_partition, group_name="metrics")
def trips_by_week(context: AssetExecutionContext) -> MaterializeResult:
    frame = pd.DataFrame({"week": [context.partition_key], "trips": [12]})
    return MaterializeResult(metadata={"preview": MetadataValue.md(frame.to_string())})


class AdhocRequestConfig(Config):
    filename: str
    borough: str
    start_date: str
    end_date: str


@asset(deps=["taxi_zones", "taxi_trips"], group_name="requests")
def adhoc_request(config: AdhocRequestConfig) -> MaterializeResult:
    return MaterializeResult(
        metadata={"borough": config.borough, "image": MetadataValue.md(f"![img]({config.filename})")}
    )


trips_by_week_selection = AssetSelection.assets("trips_by_week")
adhoc_selection = AssetSelection.assets(["adhoc_request"])
trip_update_job = define_asset_job(
    name="trip_update_job",
    partitions_def=monthly_partition,
    selection=AssetSelection.groups("ingested", "raw_files")
    - AssetSelection.assets("taxi_zones", "taxi_zones_file"),
)
weekly_update_job = define_asset_job(
    "weekly_update_job", partitions_def=weekly_partition, selection=trips_by_week_selection
)
adhoc_request_job = define_asset_job("adhoc_request_job", selection=adhoc_selection)
trip_update_schedule = ScheduleDefinition(job=trip_update_job, cron_schedule="0 0 5 * *")
weekly_update_schedule = ScheduleDefinition(job=weekly_update_job, cron_schedule="0 0 * * 1")


@sensor(job=adhoc_request_job)
def adhoc_request_sensor(context):
    previous_state = json.loads(context.cursor) if context.cursor else {}
    current_state, requests = {}, []
    for filename in sorted(os.listdir(REQUESTS)):
        if filename.endswith(".json"):
            current_state[filename] = 1
            if filename not in previous_state:
                with open(os.path.join(REQUESTS, filename)) as f:
                    body = json.load(f)
                requests.append(
                    RunRequest(
                        run_key=f"adhoc_request_{filename}_1",
                        run_config={"ops": {"adhoc_request": {"config": {"filename": filename, **body}}}},
                    )
                )
    return SensorResult(run_requests=requests, cursor=json.dumps(current_state))


defs = Definitions(
    assets=[taxi_trips_file, taxi_zones_file, taxi_trips, taxi_zones, trips_by_week, adhoc_request],
    jobs=[trip_update_job, weekly_update_job, adhoc_request_job],
    schedules=[trip_update_schedule, weekly_update_schedule],
    sensors=[adhoc_request_sensor],
)


def test_adhoc():
    result = materialize(
        [adhoc_request],
        run_config=RunConfig(
            ops={
                "adhoc_request": AdhocRequestConfig(
                    filename="a.png", borough="Queens", start_date="2023-01-01", end_date="2023-01-02"
                )
            }
        ),
    )
    assert result.success
    mat = result.asset_materializations_for_node("adhoc_request")[0]
    assert mat.metadata["borough"].value == "Queens"


def test_sensor():
    with open(os.path.join(REQUESTS, "one.json"), "w") as f:
        json.dump({"borough": "Bronx", "start_date": "a", "end_date": "b"}, f)
    data = adhoc_request_sensor.evaluate_tick(build_sensor_context(cursor=None))
    assert [r.run_key for r in data.run_requests] == ["adhoc_request_one.json_1"]
    assert json.loads(data.cursor) == {"one.json": 1}
    os.remove(os.path.join(REQUESTS, "one.json"))
