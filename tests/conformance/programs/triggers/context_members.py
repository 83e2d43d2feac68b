"""What contexts of triggers offer in tests."""

import logging
from datetime import datetime, timezone

import pytest
from dagster import (
    Definitions,
    RunRequest,
    asset,
    build_schedule_context,
    build_sensor_context,
    define_asset_job,
    instance_for_test,
    schedule,
    sensor,
)


@asset
def thing(): ...


thing_job = define_asset_job("thing_job", selection="thing")
SEEN = {}


@sensor(job=thing_job)
def looks(context):
    SEEN["sensor"] = [
        context.cursor,
        context.last_run_key,
        context.last_tick_completion_time,
        context.last_sensor_start_time,
        context.sensor_name,
        context.repository_name,
        isinstance(context.log, logging.Logger),
        context.repository_def.name if context.repository_def else None,
    ]
    return RunRequest(run_key="k")


@schedule(job=thing_job, cron_schedule="0 0 * * *")
def ticks(context):
    SEEN["schedule"] = [context.scheduled_execution_time.isoformat(), isinstance(context.log, logging.Logger)]
    context.log.info("a %s message", "formatted")
    return {}


defs = Definitions(assets=[thing], jobs=[thing_job], sensors=[looks], schedules=[ticks])


def test_sensor_context():
    with instance_for_test() as instance:
        context = build_sensor_context(
            instance=instance,
            cursor="c",
            repository_name="my_repo",
            sensor_name="looks",
            last_sensor_start_time=5.0,
            definitions=defs,
        )
        looks(context)
        assert SEEN["sensor"][:6] == ["c", None, None, 5.0, "looks", "my_repo"]
        assert context.is_first_tick_since_sensor_start
        assert context.instance is instance
        assert not context.cursor_updated
        context.update_cursor("d")
        assert context.cursor == "d" and context.cursor_updated


def test_without_instance():
    with pytest.raises(Exception):
        build_sensor_context().instance.get_runs()


def test_schedule_context():
    moment = datetime(2024, 1, 2, 3, 4, tzinfo=timezone.utc)
    ticks(build_schedule_context(scheduled_execution_time=moment))
    assert SEEN["schedule"][0] == "2024-01-02T03:04:00+00:00"
    with pytest.raises(Exception):
        build_schedule_context().scheduled_execution_time


def test_keyword_call():
    assert ticks(context=build_schedule_context(scheduled_execution_time=datetime(2024, 1, 2))) == {}
    with instance_for_test() as instance:
        assert looks(context=build_sensor_context(instance, sensor_name="x")).run_key == "k"


def observe():
    return SEEN.get("sensor", [])[6:]
