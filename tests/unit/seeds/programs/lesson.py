"""Triggers of a lesson on partitions: daily files by a schedule with a cron of its own, any file by a sensor that names
no partition."""

import json
import os
from pathlib import Path

import dagster as dg

SOURCE = Path(os.environ.get("LESSON_SOURCE", "source"))

daily = dg.DailyPartitionsDefinition(start_date="2018-01-21", end_date="2018-01-24")
by_file = dg.DynamicPartitionsDefinition(name="s3")


@dg.asset(partitions_def=daily)
def import_day(context: dg.AssetExecutionContext):
    return dg.MaterializeResult(metadata={"day": context.partition_key})


@dg.asset(partitions_def=by_file)
def import_file(context: dg.AssetExecutionContext):
    return dg.MaterializeResult(metadata={"file": context.partition_key})


day_job = dg.define_asset_job("day_job", selection=[import_day], partitions_def=daily)
file_job = dg.define_asset_job("file_job", selection=[import_file], partitions_def=by_file)

day_schedule = dg.build_schedule_from_partitioned_job(
    day_job,
    cron_schedule="0 6 * * *",
)


@dg.sensor(target=file_job)
def file_sensor(context: dg.SensorEvaluationContext):
    previous_state = json.loads(context.cursor) if context.cursor else {}
    current_state = {}
    runs_to_request = []

    for filename in sorted(os.listdir(SOURCE)):
        if filename not in previous_state:
            current_state[filename] = os.path.getmtime(SOURCE)
            runs_to_request.append(
                dg.RunRequest(
                    run_key=filename,
                )
            )

    return dg.SensorResult(run_requests=runs_to_request, cursor=json.dumps(current_state))


defs = dg.Definitions(
    assets=[import_day, import_file],
    jobs=[day_job, file_job],
    schedules=[day_schedule],
    sensors=[file_sensor],
)
