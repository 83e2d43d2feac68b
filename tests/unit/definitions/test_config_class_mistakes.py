"""Fields of config and resource classes: defaults of another type, and mistakes that are refused where they are made."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.resources.pythonic_resources import ConfigurableResourceFactory
from tidewheel.values.tags import normalize_tags


class Polling(tw.ConfigurableResource):
    timeout: float = None  # type: ignore[assignment]  # as users write it

    def told(self) -> Any:
        return self.timeout


class Waiting(tw.Config):
    timeout: float = None  # type: ignore[assignment]  # as users write it


class Limits(tw.ConfigurableResource):
    seconds: float = 60
    times: int = 3


class Shares(tw.Config):
    part: float = 1
    whole: float = 100


class Foreign:
    pass


class Text(tw.ConfigurableResource):
    text: str = "unset"


def test_none_as_the_default_of_a_number_is_taken_as_it_is() -> None:
    @tw.op
    def ask(polling: Polling, config: Waiting) -> Any:
        return [polling.told(), config.timeout]

    @tw.job(resource_defs={"polling": Polling()})
    def asking() -> None:
        ask()

    assert asking.execute_in_process().output_for_node("ask") == [None, None]


def test_defaults_stay_as_they_are_written_and_only_what_is_given_counts_as_given() -> None:
    @tw.op
    def ask(limits: Limits, config: Shares) -> Any:
        return [limits.seconds, limits.model_fields_set, config.part, config.whole, config.model_fields_set]

    @tw.job(resource_defs={"limits": Limits(times=4)})
    def asking() -> None:
        ask()

    run_config = {"ops": {"ask": {"config": {"part": 5}}}}
    seconds, given, part, whole, said = asking.execute_in_process(run_config=run_config).output_for_node(
        "ask"
    )
    assert (seconds, type(seconds), given) == (60, int, {"times"})
    assert (part, type(part), whole, said) == (5.0, float, 100, {"part"})


def test_a_resource_with_a_field_that_is_neither_config_nor_resource_is_refused() -> None:
    class Bad(tw.ConfigurableResource):
        x: Foreign

    with pytest.raises(tw.TidewheelError, match="field 'x'"):
        Bad(x=Foreign())


def test_a_field_of_a_config_schema_as_a_default_is_refused() -> None:
    class Bad(tw.Config):
        x: str = tw.Field(str)

    class BadResource(tw.ConfigurableResource):
        x: str = tw.Field(str)

    with pytest.raises(tw.InvalidDefinitionError, match="pydantic"):

        @tw.op
        def wrong(config: Bad) -> None: ...

    with pytest.raises(tw.InvalidDefinitionError, match="pydantic"):
        BadResource(x="a")


class Made(ConfigurableResourceFactory[str]):
    def create_resource(self, context: Any) -> str:
        return "made"


@pytest.mark.parametrize("annotation", [tw.ResourceDefinition, Made])
def test_a_parameter_is_annotated_with_what_it_gets_and_not_with_what_makes_it(annotation: Any) -> None:
    def fn(thing) -> None: ...  # type: ignore[no-untyped-def]

    fn.__annotations__ = {"thing": annotation}
    for decorator in (tw.op, tw.asset, tw.sensor(job_name="any")):
        with pytest.raises(tw.InvalidDefinitionError, match="ResourceParam"):
            decorator(fn)


def test_a_resource_whose_config_comes_later_can_be_given_to_an_op_that_is_called() -> None:
    @tw.op
    def read(text: Text) -> str:
        return text.text

    assert read(text=Text.configure_at_launch()) == "unset"
    assert read(text=Text.configure_at_launch(text="given")) == "given"


def test_a_function_resource_given_by_hand_gets_the_defaults_of_its_config() -> None:
    @tw.resource(config_schema={"p": tw.Field(str, default_value="default")})
    def made(context: Any) -> Any:
        return context.resource_config

    @tw.op(required_resource_keys={"made"})
    def read(context):  # type: ignore[no-untyped-def]
        return context.resources.made

    assert read(tw.build_op_context(resources={"made": made})) == {"p": "default"}


@pytest.mark.parametrize("value", [object(), {1: "a"}, float("nan")])
def test_tags_are_texts_or_what_json_gives_back(value: Any) -> None:
    with pytest.raises(TypeError, match="'name'"):
        normalize_tags({"name": value})
    assert normalize_tags({"name": {"a": 1}}) == {"name": '{"a": 1}'}


@pytest.mark.parametrize("owner", ["team:", "nobody"])
def test_owners_of_schedules_and_sensors_are_teams_or_addresses(owner: str) -> None:
    with pytest.raises(tw.InvalidDefinitionError, match=f"schedule 's'.*{owner}"):
        tw.ScheduleDefinition(name="s", cron_schedule="@daily", job_name="j", owners=[owner])
    with pytest.raises(tw.InvalidDefinitionError, match=f"sensor 's'.*{owner}"):
        tw.SensorDefinition(name="s", job_name="j", evaluation_fn=lambda _: None, owners=[owner])


def test_tags_of_source_assets_are_those_of_assets() -> None:
    with pytest.raises(tw.InvalidDefinitionError, match="a%"):
        tw.SourceAsset("x", tags={"a%": "b"})
