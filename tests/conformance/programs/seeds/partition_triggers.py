"""A schedule for daily partitions and a sensor that finds files, as in a lesson on triggering partitions."""

import json
import os
import tempfile
from pathlib import Path

import dagster as dg

SOURCE = Path(tempfile.mkdtemp())
(SOURCE / "2018-01-22.csv").write_text("a,b\n")
(SOURCE / "2018-01-23.csv").write_text("a,b\n")

daily = dg.DailyPartitionsDefinition(start_date="2018-01-21", end_date="2018-01-24")
files = dg.DynamicPartitionsDefinition(name="lesson_files")


@dg.asset(partitions_def=daily, group_name="etl_lesson")
def imported_day(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    path = SOURCE / f"{context.partition_key}.csv"
    return dg.MaterializeResult(metadata={"exists": path.exists(), "file": dg.MetadataValue.text(path.name)})


@dg.asset(partitions_def=files, group_name="etl_lesson")
def imported_file(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"file": context.partition_key})


day_job = dg.define_asset_job("day_job", selection=dg.AssetSelection.assets("imported_day"))
file_job = dg.define_asset_job("file_job", selection=[imported_file])

day_schedule = dg.build_schedule_from_partitioned_job(day_job, hour_of_day=6)


@dg.sensor(target=file_job)
def file_sensor(context: dg.SensorEvaluationContext):
    previous = json.loads(context.cursor) if context.cursor else {}
    current, requests = {}, []
    for name in sorted(os.listdir(SOURCE)):
        current[name] = 1
        if name not in previous:
            requests.append(dg.RunRequest(run_key=name, partition_key=name))
    return dg.SensorResult(
        run_requests=requests,
        cursor=json.dumps(current),
        dynamic_partitions_requests=[files.build_add_request(sorted(current))],
    )


defs = dg.Definitions(
    assets=[imported_day, imported_file],
    jobs=[day_job, file_job],
    schedules=[day_schedule],
    sensors=[file_sensor],
)


def test_cron_for_time_partitions_is_refused():
    import pytest

    with pytest.raises(Exception):
        defs2 = dg.build_schedule_from_partitioned_job(day_job, cron_schedule="0 6 * * *")
        dg.Definitions(assets=[imported_day], jobs=[day_job], schedules=[defs2]).get_repository_def()
