"""A small pipeline: readings are fetched, cleaned with pandas and written down by a manager of our own."""

import os
from datetime import datetime

import pandas as pd
from dagster import (
    AssetExecutionContext,
    AssetSelection,
    ConfigurableIOManager,
    ConfigurableResource,
    DailyPartitionsDefinition,
    Definitions,
    EnvVar,
    InputContext,
    MaterializeResult,
    MetadataValue,
    OutputContext,
    RetryPolicy,
    ScheduleDefinition,
    asset,
    build_asset_context,
    build_schedule_from_partitioned_job,
    define_asset_job,
    materialize,
)

STORE: dict = {}
daily = DailyPartitionsDefinition(start_date="2024-02-01")


class StationApi(ConfigurableResource):
    base_url: str = "https://stations.example.org"
    token: str

    def readings(self, day: str) -> list[dict]:
        return [{"station": s, "day": day, "celsius": c} for s, c in (("oslo", 3.5), ("bergen", None))]


class FrameStore(ConfigurableIOManager):
    bucket: str = "frames"

    def _name(self, context) -> str:
        parts = [self.bucket, *context.asset_key.path]
        if context.has_asset_partitions:
            parts.append(context.asset_partition_key)
        return "/".join(parts)

    def handle_output(self, context: OutputContext, obj: pd.DataFrame) -> None:
        STORE[self._name(context)] = obj.copy()
        context.add_output_metadata(
            {"rows": len(obj), "where": MetadataValue.url(f"mem://{self._name(context)}")}
        )

    def load_input(self, context: InputContext) -> pd.DataFrame:
        return STORE[self._name(context)]


@asset(
    partitions_def=daily,
    compute_kind="python",
    group_name="raw",
    retry_policy=RetryPolicy(max_retries=2, delay=0.01),
    metadata={"source": "stations"},
)
def readings(context: AssetExecutionContext, api: StationApi) -> pd.DataFrame:
    day = context.asset_partition_key_for_output()
    context.log.info(f"fetching {day} of {context.asset_key.to_user_string()}")
    return pd.DataFrame(api.readings(day))


@asset(partitions_def=daily, group_name="clean", key_prefix="weather")
def complete_readings(context: AssetExecutionContext, readings: pd.DataFrame) -> pd.DataFrame:
    kept = readings.dropna()
    context.add_output_metadata({"dropped": len(readings) - len(kept), "preview": MetadataValue.md("| a |")})
    return kept


@asset(deps=[complete_readings], partitions_def=daily, group_name="clean")
def report(context: AssetExecutionContext) -> MaterializeResult:
    window = context.partition_time_window
    hours = (window.end - window.start).total_seconds() / 3600
    return MaterializeResult(metadata={"hours": hours, "day": context.partition_key})


weather_job = define_asset_job(
    "weather_job",
    selection=AssetSelection.groups("raw", "clean"),
    partitions_def=daily,
    tags={"team": "weather"},
    description="Everything for a day.",
)
weather_schedule = build_schedule_from_partitioned_job(weather_job, hour_of_day=6, minute_of_hour=30)

defs = Definitions(
    assets=[readings, complete_readings, report],
    jobs=[weather_job],
    schedules=[weather_schedule],
    resources={
        "io_manager": FrameStore(bucket=os.getenv("BUCKET_OF_FRAMES", "frames")),
        "api": StationApi(token=EnvVar("STATION_TOKEN_UNSET"))
        if os.getenv("PROD")
        else StationApi(token="t"),
    },
)


def test_readings_alone():
    context = build_asset_context(partition_key="2024-02-03")
    frame = readings(context, StationApi(token="x"))
    assert list(frame["day"].unique()) == ["2024-02-03"]


def test_everything():
    result = materialize(
        [readings, complete_readings, report],
        partition_key="2024-02-05",
        resources={"io_manager": FrameStore(), "api": StationApi(token="x")},
    )
    assert result.success
    assert len(result.output_for_node("weather__complete_readings")) == 1
    made = result.asset_materializations_for_node("weather__complete_readings")[0]
    assert made.metadata["dropped"].value == 1
    assert made.metadata["rows"].value == 1
    assert made.partition == "2024-02-05"


def observe():
    return {
        "keys": sorted(STORE),
        "cron": weather_schedule.cron_schedule if hasattr(weather_schedule, "cron_schedule") else None,
        "today": isinstance(datetime.now(), datetime),
    }
