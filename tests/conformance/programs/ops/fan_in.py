from dagster import (
    DependencyDefinition,
    Definitions,
    GraphDefinition,
    In,
    Int,
    List,
    MultiDependencyDefinition,
    NodeInvocation,
    op,
    job,
)


@op
def one():
    return 1


@op(ins={"numbers": In(List[Int])})
def total(numbers):
    return sum(numbers)


@op(ins={"a": In(Int), "b": In(Int)})
def multiply(a, b):
    return a * b


@job
def adding():
    ones = []
    for index in range(4):
        ones.append(one.alias(f"one_{index}")())
    total(ones)


multiplying = GraphDefinition(
    name="multiplying",
    node_defs=[one, multiply, total],
    dependencies={
        NodeInvocation("one", alias="left"): {},
        NodeInvocation("one", alias="right"): {},
        "multiply": {"a": DependencyDefinition("left"), "b": DependencyDefinition("right", output="result")},
        "total": {
            "numbers": MultiDependencyDefinition(
                [DependencyDefinition("left"), DependencyDefinition("multiply")]
            )
        },
    },
).to_job()

defs = Definitions(jobs=[adding, multiplying])


def test_multiplying():
    assert multiplying.execute_in_process().output_for_node("total") == 2
