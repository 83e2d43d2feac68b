"""Where the context, the event and the resources stand among the parameters of a trigger's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.triggers.trigger_functions import TriggerFunction
from tidewheel.errors import ParameterCheckError


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
