"""The whole of the older config system on ops, resources and jobs."""

import enum

from dagster import (
    Array,
    Bool,
    DagsterInvalidConfigError,
    Definitions,
    Enum,
    EnumValue,
    Field,
    Float,
    Int,
    Map,
    Noneable,
    Nothing,
    Permissive,
    Selector,
    Shape,
    String,
    StringSource,
    IntSource,
    BoolSource,
    ScalarUnion,
    configured,
    daily_partitioned_config,
    dagster_type_loader,
    job,
    op,
    resource,
    validate_run_config,
)


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


SizeEnum = Enum("Size", [EnumValue("SMALL", Size.SMALL), EnumValue("LARGE", Size.LARGE, description="big")])
PyEnum = Enum.from_python_enum(Size)


@op(
    config_schema={
        "name": Field(String, is_required=True, description="who"),
        "count": Field(Int, default_value=5, is_required=False),
        "ratio": Field(Float, default_value=0.5),
        "flag": Field(Bool, is_required=False),
        "tags": Field([str], default_value=[]),
        "nested": Field(Shape({"a": Field(int, default_value=1), "b": Noneable(str)})),
        "size": Field(SizeEnum, default_value="SMALL"),
        "pysize": Field(PyEnum, is_required=False),
        "source": Selector({"csv": {"path": str}, "table": Field(String), "nothing": {}}),
        "extra": Permissive({"known": Field(int, is_required=False)}),
        "lookup": Field(Map(str, int, key_label_name="word"), default_value={}),
        "array": Field(Array(Noneable(int)), is_required=False),
        "any": Field(ScalarUnion(scalar_type=str, non_scalar_schema={"deep": int}), default_value="flat"),
    }
)
def everything(context):
    return {
        key: (value.name if isinstance(value, enum.Enum) else value)
        for key, value in context.op_config.items()
    }


@op(config_schema=Field(Noneable(int), default_value=None, is_required=False))
def scalar(context):
    return context.op_config


@op(config_schema=str)
def just_text(context):
    return context.op_config


@op(config_schema={"secret": StringSource, "port": IntSource, "on": BoolSource})
def sources(context):
    return [context.op_config["secret"], context.op_config["port"], context.op_config["on"]]


@op(config_schema=dict)
def free(context):
    return context.op_config


@op(config_schema=[{"k": str}])
def listed(context):
    return [one["k"] for one in context.op_config]


@job(
    config={
        "ops": {
            "everything": {
                "config": {
                    "name": "n",
                    "nested": {"b": None},
                    "source": {"csv": {"path": "p"}},
                    "extra": {"known": 1, "unknown": [1, {"x": 2}]},
                    "lookup": {"a": 1},
                    "pysize": "LARGE",
                    "array": [1, None],
                }
            },
            "just_text": {"config": "t"},
            "sources": {
                "config": {"secret": {"env": "CONF_OLD_SECRET"}, "port": {"env": "CONF_OLD_PORT"}, "on": True}
            },
            "free": {"config": {"anything": [1, "2"]}},
            "listed": {"config": [{"k": "v"}]},
        }
    }
)
def all_of_it():
    everything()
    scalar()
    just_text()
    sources()
    free()
    listed()


@resource(
    config_schema={"host": Field(str, default_value="localhost"), "port": Field(int, is_required=False)}
)
def database(init_context):
    return init_context.resource_config


@op(required_resource_keys={"db"})
def uses_db(context):
    return dict(context.resources.db)


@job(resource_defs={"db": database})
def with_default_resource():
    uses_db()


@job(resource_defs={"db": database.configured({"port": 5432})})
def with_configured_resource():
    uses_db()


@configured(database, config_schema={"suffix": str})
def db_by_suffix(config):
    return {"host": "host-" + config["suffix"]}


@job(resource_defs={"db": db_by_suffix}, config={"resources": {"db": {"config": {"suffix": "eu"}}}})
def with_function_configured():
    uses_db()


small = just_text.configured("preset", name="small_text")
by_function = configured(everything, name="by_function", config_schema={"who": str})(
    lambda cfg: {"name": cfg["who"], "nested": {"b": "x"}, "source": {"nothing": {}}, "extra": {}}
)


@job(config={"ops": {"by_function": {"config": {"who": "me"}}}})
def configured_ops():
    small()
    by_function()


import os

os.environ["CONF_OLD_SECRET"] = "s"
os.environ["CONF_OLD_PORT"] = "81"

defs = Definitions(
    jobs=[
        all_of_it,
        with_default_resource,
        with_configured_resource,
        with_function_configured,
        configured_ops,
    ]
)


def errors_of(job_def, config):
    try:
        validate_run_config(job_def, config)
    except DagsterInvalidConfigError as e:
        return "invalid"
    return None


def observe():
    @job
    def bare():
        everything()

    return {
        "ok": errors_of(
            bare,
            {
                "ops": {
                    "everything": {"config": {"name": "n", "nested": {"b": "x"}, "source": {"table": "t"}}}
                }
            },
        ),
        "missing": errors_of(bare, {}),
        "many": errors_of(
            bare,
            {
                "ops": {
                    "everything": {
                        "config": {
                            "name": 3,
                            "nested": {"b": 4, "c": 1},
                            "source": {"csv": {"path": "p"}, "table": "t"},
                            "size": "HUGE",
                            "lookup": {"a": "b"},
                            "array": [1, "two"],
                            "unknown": 1,
                        }
                    }
                }
            },
        ),
        "unknown_op": errors_of(bare, {"ops": {"everythin": {}}}),
        "unknown_root": errors_of(bare, {"op": {}, "solids": {}}),
        "empty_selector": errors_of(
            bare, {"ops": {"everything": {"config": {"name": "n", "nested": {"b": "x"}, "source": {}}}}}
        ),
        "wrong_shape": errors_of(bare, {"ops": {"everything": {"config": []}}}),
        "validated": validate_run_config(with_default_resource, {})["ops"],
    }
