"""The pipeline: what is made of the flights of New York, and when."""

import os
from pathlib import Path
from typing import Any

import pandas as pd

import tidewheel as tw
from examples.flights import cleaning
from examples.flights.files import replace_file

DATA = Path(os.environ.get("FLIGHTS_DATA", "flights-data")).resolve()
MAX_LOST = 0.01  # share of a day's flights whose end nobody wrote down
MAX_CANCELLED = 0.15  # beyond this, the delays of those that flew say nothing about the day

days = tw.DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")


class WeatherNotArrived(Exception):
    """The weather stations have not delivered the day yet."""


class Landing(tw.ConfigurableResource):
    """The folder into which others put files: planes.csv, flights-2013-01-01.csv, weather-2013-01-01.csv, ..."""

    folder: str

    def flights_after(self, last: str) -> list[str]:
        """Names, in order, of the files of flights that landed after the file ``last``."""
        return sorted(path.name for path in Path(self.folder).glob("flights-*.csv") if path.name > last)

    def has(self, name: str) -> bool:
        return Path(self.folder, f"{name}.csv").exists()

    def read(self, name: str) -> pd.DataFrame:
        return pd.read_csv(Path(self.folder, f"{name}.csv"))


class ParquetFolder(tw.ConfigurableIOManager):
    """Keeps each asset as a folder with one Parquet file a day (or one file, ``all``, if it has no partitions)."""

    folder: str

    def path(self, context: tw.InputContext | tw.OutputContext) -> Path:
        name = context.asset_partition_key if context.has_asset_partitions else "all"
        return Path(self.folder, *context.asset_key.path, f"{name}.parquet")

    def handle_output(self, context: tw.OutputContext, obj: pd.DataFrame) -> None:
        replace_file(self.path(context), obj.to_parquet)
        context.add_output_metadata({"rows": len(obj), "path": tw.MetadataValue.path(self.path(context))})

    def load_input(self, context: tw.InputContext) -> pd.DataFrame:
        return pd.read_parquet(self.path(context))


# -- every day ----------------------------------------------------------------------------------------------------------


@tw.asset(partitions_def=days, group_name="day")
def clean_flights(context: tw.AssetExecutionContext, landing: Landing) -> pd.DataFrame:
    """The day's flights: true times, how each ended, and what is wrong with it."""
    return cleaning.clean(landing.read(f"flights-{context.partition_key}"), landing.read("planes"))


@tw.asset(partitions_def=days, group_name="day", retry_policy=tw.RetryPolicy(max_retries=3, delay=2))
def flights_with_weather(
    context: tw.AssetExecutionContext, landing: Landing, clean_flights: pd.DataFrame
) -> pd.DataFrame:
    """The day's flights and the weather in which they left. Weather may come later than flights: hence the retries."""
    name = f"weather-{context.partition_key}"
    if not landing.has(name):
        raise WeatherNotArrived(f"{name} has not arrived yet")
    joined = cleaning.join_weather(clean_flights, landing.read(name))
    context.add_output_metadata({"without weather": int(joined["temp"].isna().sum())})
    return joined


@tw.asset(partitions_def=days, group_name="day")
def delays(flights_with_weather: pd.DataFrame) -> pd.DataFrame:
    """The day's delays by carrier and airport."""
    return cleaning.delays(flights_with_weather)


@tw.asset_check(asset=clean_flights, partitions_def=days)
def rows_are_plausible(clean_flights: pd.DataFrame) -> tw.AssetCheckResult:
    """No impossible flights, and hardly any that never arrived. A bad day stays visible but stops nothing."""
    faults = clean_flights[clean_flights["fault"] != ""]
    lost = int((clean_flights["outcome"] == cleaning.LOST).sum())
    shown = ["carrier", "flight", "origin", "dest", "fault"]
    return tw.AssetCheckResult(
        passed=faults.empty and lost <= MAX_LOST * len(clean_flights),
        description=f"{len(faults)} impossible flights, {lost} that never arrived",
        metadata={
            "impossible": tw.MetadataValue.md(cleaning.to_markdown(faults, shown)),
            "never arrived": lost,
        },
    )


@tw.asset_check(asset=flights_with_weather, partitions_def=days, blocking=True)
def most_flights_flew(flights_with_weather: pd.DataFrame) -> tw.AssetCheckResult:
    """On days of blizzards the delays of the few that flew would mislead: they are not computed."""
    cancelled = (flights_with_weather["outcome"] == cleaning.CANCELLED).mean()
    return tw.AssetCheckResult(
        passed=bool(cancelled <= MAX_CANCELLED), description=f"{cancelled:.0%} of the flights were cancelled"
    )


one_day = tw.define_asset_job("one_day", selection=[clean_flights, flights_with_weather, delays])


@tw.sensor(job=one_day, minimum_interval_seconds=1, default_status=tw.DefaultSensorStatus.RUNNING)
def new_files(context: tw.SensorEvaluationContext, landing: Landing) -> tw.SensorResult | tw.SkipReason:
    """Each landed file is one day's run. The file's name is the run's key: never twice."""
    names = landing.flights_after(context.cursor or "")
    if not names:
        return tw.SkipReason("no new file")
    return tw.SensorResult(
        run_requests=[tw.RunRequest(run_key=name, partition_key=name[8:18]) for name in names],
        cursor=names[-1],
    )


# -- every minute -------------------------------------------------------------------------------------------------------


@tw.asset(deps=[delays], group_name="year")
def year_so_far(context: tw.AssetExecutionContext, landing: Landing) -> pd.DataFrame:
    """Delays by carrier, by airport and of the worst days, over all days so far."""
    totals = pd.concat(map(pd.read_parquet, sorted((DATA / "delays").glob("*.parquet"))))
    airlines = landing.read("airlines").set_index("carrier")["name"]
    airports = landing.read("airports").set_index("faa")["name"]
    tables = {
        "carrier": cleaning.summarise(totals.assign(carrier=totals["carrier"].map(airlines)), "carrier"),
        "origin": cleaning.summarise(totals.assign(origin=totals["origin"].map(airports)), "origin"),
        "day": cleaning.summarise(totals, "day").head(10),
    }
    report = "\n\n".join(f"## By {by}\n\n{cleaning.to_markdown(table)}" for by, table in tables.items())
    replace_file(DATA / "summary.md", lambda path: path.write_text(f"# New York 2013\n\n{report}\n"))
    context.add_output_metadata(
        {
            "days": totals["day"].nunique(),
            "carriers": tw.MetadataValue.md(cleaning.to_markdown(tables["carrier"])),
        }
    )
    return pd.concat([table.rename(columns={by: "name"}).assign(by=by) for by, table in tables.items()])


summary = tw.define_asset_job("summary", selection=[year_so_far])


@tw.schedule(job=summary, cron_schedule="* * * * *", default_status=tw.DefaultScheduleStatus.RUNNING)
def every_minute() -> tw.RunRequest | tw.SkipReason:
    """The summary is made anew every minute, once there is a day to sum up."""
    done = len(list((DATA / "delays").glob("*.parquet")))
    return tw.RunRequest(tags={"days": str(done)}) if done else tw.SkipReason("no day is done yet")


# -- when something fails -----------------------------------------------------------------------------------------------


@tw.run_failure_sensor(minimum_interval_seconds=1, default_status=tw.DefaultSensorStatus.RUNNING)
def report_failures(context: tw.RunFailureSensorContext) -> None:
    """Writes one line per failed run; in real life it would send a message."""
    reasons = [first_cause(event.event_specific_data.error) for event in context.get_step_failure_events()]
    with open(DATA / "failures.log", "a") as log:
        log.write(f"{context.partition_key}\t{context.dagster_run.run_id}\t{'; '.join(reasons)}\n")


def first_cause(error: Any) -> str:
    """What the error at the bottom of it all said, on one line."""
    while error.cause is not None:
        error = error.cause
    return " ".join(error.message.partition(": ")[2].split())  # without the class in front


defs = tw.Definitions(
    assets=[clean_flights, flights_with_weather, delays, year_so_far],
    asset_checks=[rows_are_plausible, most_flights_flew],
    jobs=[one_day, summary],
    sensors=[new_files, report_failures],
    schedules=[every_minute],
    resources={
        "landing": Landing(folder=str(DATA / "landing")),
        "io_manager": ParquetFolder(folder=str(DATA)),
    },
)
