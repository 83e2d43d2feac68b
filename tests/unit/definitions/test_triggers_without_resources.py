"""A file of triggers loads without the resources that another file of the project gives."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import TidewheelError


@tw.op
def load() -> None: ...


@tw.job
def nightly() -> None:
    load()


@tw.sensor(job=nightly, required_resource_keys={"bucket"})
def watch(context: tw.SensorEvaluationContext) -> tw.SkipReason:
    return tw.SkipReason(str(context.resources.bucket))


@tw.schedule(job=nightly, cron_schedule="@daily", required_resource_keys={"bucket"})
def daily(context: tw.ScheduleEvaluationContext) -> tw.SkipReason:
    return tw.SkipReason(str(context.resources.bucket))


def test_definitions_load_and_the_tick_fails() -> None:
    defs = tw.Definitions(jobs=[nightly], sensors=[watch], schedules=[daily])
    assert defs.get_sensor_def("watch").required_resource_keys == {"bucket"}
    with pytest.raises(TidewheelError, match="bucket"):
        watch.evaluate_tick(tw.build_sensor_context())
    with pytest.raises(TidewheelError, match="bucket"):
        daily.evaluate_tick(tw.build_schedule_context())
    assert watch.evaluate_tick(tw.build_sensor_context(resources={"bucket": "b"})).skip_message == "b"
