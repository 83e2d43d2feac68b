"""User files for process tests, as text."""

ONE_OP = """
import tidewheel as tw

@tw.op
def hello():
    return 1

@tw.job
def one():
    hello()

defs = tw.Definitions(jobs=[one])
"""

FILES = '''
"""A sensor over a landing folder, daily partitions, a schedule; every execution leaves a mark in a file."""
import os, time
from pathlib import Path
import tidewheel as tw

ROOT = Path(os.environ["CHAOS_ROOT"])
LANDING = ROOT / "landing"

def mark(context, name):
    with open(ROOT / "marks.txt", "a") as out:
        out.write(f"{context.run_id} {name} {context.partition_key if context.has_partition_key else '-'}\\n")

days = tw.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2025-01-01")

@tw.asset(partitions_def=days)
def raw(context) -> int:
    mark(context, "raw")
    time.sleep(float(os.environ.get("CHAOS_STEP_S", "0.05")))
    return int((LANDING / f"{context.partition_key}.txt").read_text())

@tw.asset(partitions_def=days, retry_policy=tw.RetryPolicy(max_retries=2, delay=0.05))
def clean(context, raw: int) -> int:
    mark(context, f"clean{context.retry_number}")
    if raw % 5 == 0 and context.retry_number == 0:
        raise ValueError("the upstream system was not ready")
    return raw * 2

@tw.asset_check(asset=clean)
def clean_is_even(clean: int) -> tw.AssetCheckResult:
    return tw.AssetCheckResult(passed=clean % 2 == 0)

@tw.asset
def summary(context) -> int:
    mark(context, "summary")
    return len(list(LANDING.glob("*.txt")))

day_job = tw.define_asset_job("day_job", selection=[raw, clean], partitions_def=days)
summary_job = tw.define_asset_job("summary_job", selection=[summary])

@tw.sensor(job=day_job, minimum_interval_seconds=0.2, default_status=tw.DefaultSensorStatus.RUNNING)
def landed(context):
    seen = context.cursor or ""
    new = sorted(p.stem for p in LANDING.glob("*.txt") if p.stem > seen)
    if not new:
        return tw.SkipReason("no new file")
    return tw.SensorResult(
        run_requests=[tw.RunRequest(run_key=day, partition_key=day) for day in new], cursor=new[-1]
    )

@tw.schedule(job=summary_job, cron_schedule="* * * * *", default_status=tw.DefaultScheduleStatus.RUNNING)
def every_minute(context):
    return tw.RunRequest()

@tw.run_failure_sensor(minimum_interval_seconds=1, default_status=tw.DefaultSensorStatus.RUNNING)
def on_failure(context):
    with open(ROOT / "failures.txt", "a") as out:
        out.write(f"{context.dagster_run.run_id}\\n")

defs = tw.Definitions(
    assets=[raw, clean, summary],
    asset_checks=[clean_is_even],
    jobs=[day_job, summary_job],
    sensors=[landed, on_failure],
    schedules=[every_minute],
)
'''
