"""A small weather pipeline: fetch, clean, aggregate, publish; a daily schedule and a file sensor."""

import json
import os
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetSelection,
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Definitions,
    EnvVar,
    MaterializeResult,
    MetadataValue,
    RetryPolicy,
    Backoff,
    RunRequest,
    ScheduleDefinition,
    SensorEvaluationContext,
    SkipReason,
    asset,
    asset_check,
    build_schedule_from_partitioned_job,
    define_asset_job,
    sensor,
)
from pydantic import Field

daily = DailyPartitionsDefinition(start_date="2024-02-20", end_date="2024-03-20")


class WeatherApi(ConfigurableResource):
    """Talks to the weather service."""

    base_url: str = Field(default="https://weather.example.org", description="root")
    api_key: str = "none"
    timeout: int = 10

    def temperatures(self, day: str) -> List[Dict[str, Any]]:
        seed = sum(ord(letter) for letter in day)
        return [
            {"city": city, "celsius": (seed + index * 7) % 30}
            for index, city in enumerate(("oslo", "rome", "cairo"))
        ]


class CleanConfig(Config):
    lowest: int = -40
    highest: int = Field(default=60, description="anything above is an error of the station")
    cities: Optional[List[str]] = None


@asset(
    partitions_def=daily,
    group_name="weather",
    compute_kind="API",
    retry_policy=RetryPolicy(max_retries=3, delay=0.1, backoff=Backoff.EXPONENTIAL),
)
def raw_temperatures(context: AssetExecutionContext, weather_api: WeatherApi) -> List[dict]:
    """One row for each city and day."""
    day = context.partition_key
    rows = weather_api.temperatures(day)
    context.log.info(f"fetched {len(rows)} rows for {day}")
    context.add_output_metadata({"rows": len(rows), "source": MetadataValue.url(weather_api.base_url)})
    return rows


@asset(partitions_def=daily, group_name="weather", compute_kind="python")
def clean_temperatures(
    context: AssetExecutionContext, config: CleanConfig, raw_temperatures: List[dict]
) -> List[dict]:
    kept = [row for row in raw_temperatures if config.lowest <= row["celsius"] <= config.highest]
    if config.cities:
        kept = [row for row in kept if row["city"] in config.cities]
    return kept


@asset(partitions_def=daily, group_name="weather", description="The warmest city of the day.")
def warmest_city(clean_temperatures: List[dict]) -> MaterializeResult:
    best = max(clean_temperatures, key=lambda row: row["celsius"])
    return MaterializeResult(
        metadata={
            "city": best["city"],
            "celsius": best["celsius"],
            "preview": MetadataValue.md(f"**{best['city']}**"),
        }
    )


@asset_check(asset=clean_temperatures, description="Three cities, every day.")
def all_cities_there(clean_temperatures: List[dict]) -> AssetCheckResult:
    found = len({row["city"] for row in clean_temperatures})
    return AssetCheckResult(passed=found == 3, severity=AssetCheckSeverity.WARN, metadata={"cities": found})


weather_job = define_asset_job(
    "weather_job",
    selection=AssetSelection.groups("weather"),
    partitions_def=daily,
    tags={"domain": "weather"},
)
weather_schedule = build_schedule_from_partitioned_job(
    weather_job, hour_of_day=3, default_status=DefaultScheduleStatus.RUNNING
)


@sensor(job=weather_job, minimum_interval_seconds=300, default_status=DefaultSensorStatus.STOPPED)
def late_data_sensor(context: SensorEvaluationContext):
    state = json.loads(context.cursor) if context.cursor else {"day": "2024-03-01"}
    day = datetime.strptime(state["day"], "%Y-%m-%d")
    if day.day > 2:
        return SkipReason("nothing is late")
    context.update_cursor(json.dumps({"day": (day + timedelta(days=1)).strftime("%Y-%m-%d")}))
    return RunRequest(run_key=f"late_{state['day']}", partition_key=state["day"], tags={"reason": "late"})


defs = Definitions(
    assets=[raw_temperatures, clean_temperatures, warmest_city],
    asset_checks=[all_cities_there],
    jobs=[weather_job],
    schedules=[weather_schedule],
    sensors=[late_data_sensor],
    resources={
        "weather_api": WeatherApi(
            api_key=EnvVar("CONFORMANCE_WEATHER_KEY") if os.getenv("CONFORMANCE_WEATHER_KEY") else "test"
        )
    },
)
