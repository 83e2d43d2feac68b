"""Fields of config and resource classes: defaults of another type, and mistakes that are refused where they are made."""

from __future__ import annotations

import logging
from enum import Enum
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.resources.pythonic_resources import ConfigurableResourceFactory
from tidewheel.errors import CheckError
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


class Endpoint(tw.ConfigurableResource):
    hosts: list[str]
    headers: dict[str, str] = {}
    ports: list[int] = []


def test_references_to_the_environment_may_stand_inside_lists_and_dicts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    monkeypatch.setenv("PORT", "5")
    endpoint = Endpoint(
        hosts=[tw.EnvVar("TOKEN"), "x"], headers={"auth": tw.EnvVar("TOKEN")}, ports=[tw.EnvVar.int("PORT")]
    )

    @tw.op
    def read(endpoint: Endpoint) -> Any:
        return [endpoint.hosts, endpoint.headers, endpoint.ports]

    @tw.job(resource_defs={"endpoint": endpoint})
    def reading() -> None:
        read()

    assert reading.execute_in_process().output_for_node("read") == [["secret", "x"], {"auth": "secret"}, [5]]
    assert endpoint.process_config_and_initialize().hosts == ["secret", "x"]


class Level(Enum):
    LOW = "low value"


class Leveled(tw.ConfigurableResource):
    level: Level


class Around(tw.ConfigurableResource):
    leveled: Leveled


def test_config_of_a_resource_that_only_another_one_uses_is_checked_and_converted() -> None:
    @tw.op
    def read(around: Around) -> Any:
        return around.leveled.level

    leveled = Leveled.configure_at_launch()

    @tw.job(resource_defs={"leveled": leveled, "around": Around(leveled=leveled)})
    def reading() -> None:
        read()

    run_config = {"resources": {"leveled": {"config": {"level": "LOW"}}}}
    assert reading.execute_in_process(run_config=run_config).output_for_node("read") is Level.LOW
    with pytest.raises(tw.InvalidConfigError, match="level"):
        reading.execute_in_process()


class Short(tw.Config):
    name: str


def test_a_resource_class_can_be_configured_by_a_function_of_a_config_class() -> None:
    @tw.configured(Text)
    def short(config: Short) -> dict[str, Any]:
        return {"text": config.name}

    @tw.configured(Text)
    def fixed(_) -> dict[str, Any]:  # type: ignore[no-untyped-def]
        return {"text": "fixed"}

    @tw.op
    def read(text: Text) -> str:
        return text.text

    @tw.graph
    def reading() -> None:
        read()

    for definition, expected in ((short.configured({"name": "given"}), "given"), (fixed, "fixed")):
        result = reading.execute_in_process(resources={"text": definition})
        assert result.output_for_node("read") == expected


def test_loggers_and_resources_are_called_with_what_their_functions_take() -> None:
    @tw.logger(tw.Field(str, default_value="named"))
    def named(context: Any) -> logging.Logger:
        return logging.Logger(context.logger_config)

    @tw.logger(int)
    def leveled(context: Any) -> logging.Logger:
        return logging.Logger("x", level=context.logger_config)

    assert named(tw.build_init_logger_context()).name == named(None).name == "named"
    assert leveled(context=tw.build_init_logger_context(logger_config=3)).level == 3
    for wrong in (
        lambda: named(),
        lambda: named(other=tw.build_init_logger_context()),
        lambda: named(None, 5),
    ):
        with pytest.raises(tw.InvalidInvocationError, match="context"):
            wrong()
    with pytest.raises(tw.InvalidConfigError):
        leveled(tw.build_init_logger_context())

    @tw.resource
    def plain() -> int:
        return 1

    with pytest.raises(tw.InvalidInvocationError, match="without arguments"):
        plain(None)


def test_assets_are_bound_to_all_the_resources_that_they_name() -> None:
    @tw.asset(required_resource_keys={"missing"})
    def needy() -> None: ...

    with pytest.raises(tw.InvalidDefinitionError, match="missing"):
        tw.with_resources([needy], {})
    assert tw.with_resources([needy], {"missing": 1})


def test_metadata_of_definitions_is_updated_on_triggers_too() -> None:
    schedule = tw.ScheduleDefinition(name="s", cron_schedule="@daily", job_name="j", metadata={"a": 1})
    sensor = tw.SensorDefinition(name="t", job_name="j", evaluation_fn=lambda _: None)
    found = tw.Definitions(schedules=[schedule], sensors=[sensor]).with_definition_metadata_update(
        lambda metadata: {**metadata, "b": 2}
    )
    assert [set(one.metadata) for one in (*found.schedules, *found.sensors)] == [{"a", "b"}, {"b"}]


def test_small_refusals() -> None:
    with pytest.raises(CheckError, match="max_partitions_per_run"):
        tw.BackfillPolicy.multi_run(None)
    with pytest.raises(tw.InvalidDefinitionError, match="job 'owned'"):

        @tw.job(owners=["nobody"])
        def owned() -> None: ...

    assert tw.Output(1, tags={"a": "b"}) != tw.Output(1, tags={"a": "c"})


def test_assets_taken_out_of_definitions_have_the_resources_of_those() -> None:
    @tw.asset
    def read(text: Text) -> str:
        return text.text

    definitions = tw.Definitions(assets=[read], resources={"text": Text(text="bound")})
    repository = definitions.get_repository_def()
    for taken in (definitions.resolve_assets_def("read"), repository.assets_defs_by_key[read.key]):
        assert tw.materialize([taken]).output_for_node("read") == "bound"
    assert definitions.get_assets_def("read") is read
