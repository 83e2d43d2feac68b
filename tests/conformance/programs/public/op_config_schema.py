from dagster import (
    Array,
    Bool,
    Enum,
    EnumValue,
    Field,
    Float,
    Map,
    Noneable,
    Permissive,
    Selector,
    Shape,
    StringSource,
    job,
    op,
    resource,
    make_values_resource,
    RunConfig,
    Config,
    DagsterInvalidConfigError,
    validate_run_config,
)
import pytest

Mode = Enum("Mode", [EnumValue("FAST"), EnumValue("SLOW", description="slow")])


@op(
    config_schema={
        "mode": Field(Mode, default_value="FAST"),
        "items": [str],
        "opts": Permissive({"a": int}),
        "sel": Selector({"file": str, "url": Shape({"u": str})}),
        "maybe": Field(Noneable(int), default_value=None),
        "m": Field(Map(str, float), is_required=False),
        "flags": Field(Array(Bool), default_value=[True]),
    }
)
def configured_op(context):
    return dict(context.op_config)


class MyConfig(Config):
    name: str
    times: int = 2


@op
def greet(config: MyConfig) -> str:
    return config.name * config.times


@resource(config_schema={"pw": StringSource})
def db(init_context):
    return init_context.resource_config["pw"]


@op(required_resource_keys={"db", "values"})
def use(context):
    return context.resources.db + context.resources.values["team"]


CFG = {"items": ["a"], "opts": {"a": 1, "zz": "x"}, "sel": {"url": {"u": "h"}}, "m": {"k": 1.5}}


@job(
    config={
        "ops": {"configured_op": {"config": CFG}, "greet": {"config": {"name": "bo"}}},
        "resources": {"db": {"config": {"pw": "s"}}, "values": {"config": {"team": "t"}}},
    },
    resource_defs={"db": db, "values": make_values_resource(team=str)},
)
def config_job():
    configured_op()
    greet()
    use()


def test_values():
    result = config_job.execute_in_process()
    out = result.output_for_node("configured_op")
    assert out["mode"] in ("FAST",)
    assert out["flags"] == [True]
    assert out["maybe"] is None
    assert result.output_for_node("greet") == "bobo"
    assert result.output_for_node("use") == "st"


@job
def greet_job():
    greet()


def test_missing():
    with pytest.raises(DagsterInvalidConfigError, match="Missing required config"):
        validate_run_config(greet_job, {})


def test_run_config():
    r = greet_job.execute_in_process(run_config=RunConfig(ops={"greet": MyConfig(name="x", times=3)}))
    assert r.output_for_node("greet") == "xxx"


def observe():
    found = []
    for bad in (
        {"ops": {"greet": {"config": {"name": 1}}}},
        {"ops": {"greet": {"config": {"name": "a", "extra": 1}}}},
        {"ops": {"nope": {}}},
    ):
        try:
            validate_run_config(greet_job, bad)
            found.append("ok")
        except DagsterInvalidConfigError as e:
            found.append([type(e).__name__, len(e.errors), [x.reason.value for x in e.errors]])
    return found
