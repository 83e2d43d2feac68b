from dagster import (
    Any,
    Array,
    Bool,
    Definitions,
    Dict,
    Field,
    Float,
    Int,
    List,
    Map,
    Noneable,
    Optional,
    Permissive,
    Selector,
    String,
    job,
    op,
)


@op(
    config_schema={
        "any": Field(Any, is_required=False),
        "array": Field(Array(int), default_value=[1]),
        "listed": Field([str], is_required=False),
        "ratio": Float,
        "map": Field(Map(str, int), default_value={}),
        "plain_map": Field({str: float}, is_required=False),
        "dict": Field(dict, is_required=False),
        "choice": Selector({"a": int, "b": Field(str, is_required=False)}),
        "maybe": Field(Noneable(int), default_value=None),
        "inner": {"deep": {"deeper": Field(bool, default_value=True)}},
    }
)
def show(context):
    return dict(context.op_config)


@job
def showing():
    show()


defs = Definitions(jobs=[showing])


def run(config):
    return showing.execute_in_process(run_config={"ops": {"show": {"config": config}}}).output_for_node(
        "show"
    )


def observe():
    return {
        "small": run({"ratio": 1.5, "choice": {"a": 1}}),
        "int_for_float": run({"ratio": 2, "choice": {"b": "x"}}),
        "full": run(
            {
                "any": {"x": [1]},
                "array": [3, 4],
                "listed": ["a"],
                "ratio": 0.25,
                "map": {"k": 1},
                "plain_map": {"f": 0.5},
                "dict": {"free": "form"},
                "choice": {"a": 2},
                "maybe": 9,
                "inner": {"deep": {"deeper": False}},
            }
        ),
    }


def test_two_choices():
    import pytest
    from dagster import DagsterInvalidConfigError

    with pytest.raises(DagsterInvalidConfigError):
        run({"ratio": 1.0, "choice": {"a": 1, "b": "x"}})
    with pytest.raises(DagsterInvalidConfigError):
        run({"ratio": "x", "choice": {"a": 1}})
