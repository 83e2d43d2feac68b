"""Where the context, the event and the resources stand among the parameters of a trigger's function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.triggers.trigger_functions import TriggerFunction
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError


@tw.op
def nothing() -> None: ...


@tw.job
def direct_job() -> None:
    nothing()


class Bucket(tw.ConfigurableResource):
    name: str = "b"


def in_front(bucket: Bucket, context: Any, event: Any) -> list[Any]:
    return [bucket, context, event]


def between(context: Any, bucket: Bucket, event: Any) -> list[Any]:
    return [bucket, context, event]


def at_the_end(context: Any, event: Any, bucket: Bucket) -> list[Any]:
    return [bucket, context, event]


def by_name(context: Any, event: Any, *, bucket: Bucket) -> list[Any]:
    return [bucket, context, event]


def without_event(bucket: Bucket, context: Any) -> list[Any]:
    return [bucket, context, "the event"]


@pytest.mark.parametrize("fn", [in_front, between, at_the_end, by_name, without_event])
def test_each_parameter_gets_its_own(fn: Callable[..., Any]) -> None:
    function = TriggerFunction(fn, "sensor 's'")
    expected = ["the bucket", "the context", "the event"]
    assert function.call("the context", "the event", resources={"bucket": "the bucket"}) == expected
    events = ["the event"] if function.takes_event else []
    called = function.invoke(("the context", *events), {"bucket": "the bucket"}, lambda _: True)
    assert called == expected


def test_a_resource_in_front_reaches_a_tick() -> None:
    @tw.sensor(job_name="j")
    def watch(bucket: Bucket, anything: tw.SensorEvaluationContext) -> tw.RunRequest:
        assert isinstance(anything, tw.SensorEvaluationContext)
        return tw.RunRequest(bucket.name)

    tick = watch.evaluate_tick(tw.build_sensor_context(resources={"bucket": Bucket(name="given")}))
    assert [one.run_key for one in tick.run_requests or []] == ["given"]


@pytest.mark.parametrize(
    "decorate", [tw.sensor(job_name="j", required_resource_keys={"other"}),
                 tw.schedule("@daily", job_name="j", required_resource_keys={"other"})]
)  # fmt: skip
def test_resources_are_named_one_way(decorate: Callable[..., Any]) -> None:
    def both(context: Any, bucket: Bucket) -> None: ...

    with pytest.raises(ParameterCheckError, match="one way"):
        decorate(both)


POLICY = tw.TriggerPolicy(overlap="skip", breaker=tw.Breaker(failures=2))


def made_of(**more: Any) -> list[Any]:
    """A trigger of each kind that calls a function."""

    def fn(context: Any) -> None: ...

    day = tw.DailyPartitionsDefinition("2026-01-01")
    check = tw.build_last_update_freshness_checks(assets=["a"], lower_bound_delta=timedelta(hours=1))
    return [
        tw.schedule("@daily", job_name="j", **more)(fn),
        tw.ScheduleDefinition("s", cron_schedule="@daily", job_name="j", **more),
        tw.build_schedule_from_partitioned_job(tw.define_asset_job("j", "*", partitions_def=day), **more),
        tw.sensor(job_name="j", **more)(fn),
        tw.asset_sensor(asset_key=tw.AssetKey("a"), job_name="j", **more)(fn),
        tw.multi_asset_sensor(monitored_assets=[tw.AssetKey("a")], job_name="j", **more)(fn),
        tw.run_status_sensor(run_status=tw.RunStatus.SUCCESS, **more)(fn),
        tw.run_failure_sensor(**more)(fn),
        tw.webhook_sensor(auth=tw.HookAuth.open(), job_name="j", **more)(fn),
        tw.file_sensor("*.csv", job_name="j", **more)(fn),
        tw.make_email_on_run_failure_sensor("a@b", None, ["c@d"], **more),
        tw.make_webhook_on_run_failure_sensor("http://a", **more),
        tw.build_sensor_for_freshness_checks(freshness_checks=check, **more),
    ]


def test_every_trigger_with_a_function_takes_a_policy() -> None:
    assert [one.policy for one in made_of(policy=POLICY)] == [POLICY] * len(made_of())


def test_automation_sensors_refuse_what_they_do_not_know() -> None:
    with pytest.raises(TypeError, match="minimum_interval_second"):
        tw.AutomationConditionSensorDefinition("all", target="*", minimum_interval_second=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="policy"):
        tw.AutomationConditionSensorDefinition("all", target="*", policy=POLICY)  # type: ignore[call-arg]


@pytest.mark.parametrize("given", [{}, {"other": 1}])
def test_direct_calls_want_the_required_resources(given: dict[str, object]) -> None:
    @tw.sensor(job=direct_job, required_resource_keys={"bucket"})
    def watch(context: tw.SensorEvaluationContext) -> tw.SkipReason:
        return tw.SkipReason("none")

    @tw.schedule(job=direct_job, cron_schedule="0 0 * * *", required_resource_keys={"bucket"})
    def daily(context: tw.ScheduleEvaluationContext) -> tw.SkipReason:
        return tw.SkipReason("none")

    with pytest.raises(InvalidDefinitionError, match="bucket"):
        watch(tw.build_sensor_context(resources=given))
    with pytest.raises(InvalidDefinitionError, match="bucket"):
        daily(tw.build_schedule_context(resources=given))
    assert watch(tw.build_sensor_context(resources={"bucket": 1})).skip_message == "none"
    assert daily(tw.build_schedule_context(resources={"bucket": 1})).skip_message == "none"
