import pytest
from dagster import (
    DagsterType,
    DagsterTypeCheckDidNotPass,
    Definitions,
    In,
    Out,
    PythonObjectDagsterType,
    TypeCheck,
    job,
    op,
    usable_as_dagster_type,
)


def positive(context, value):
    if not isinstance(value, int):
        return TypeCheck(success=False, description="not a number", metadata={"kind": type(value).__name__})
    return value > 0


Positive = DagsterType(name="Positive", type_check_fn=positive, description="above zero")


@usable_as_dagster_type(name="Basket", description="a basket")
class BasketOfFruit:
    def __init__(self, fruit):
        self.fruit = fruit


class Tree:
    pass


TreeType = PythonObjectDagsterType(Tree, name="TreeType")


@op(out=Out(Positive))
def give_five():
    return 5


@op(out=Out(Positive))
def give_minus():
    return -1


@op(ins={"number": In(Positive)})
def take(number):
    return BasketOfFruit([number])


@op
def open_basket(basket: BasketOfFruit) -> int:
    return len(basket.fruit)


@op(out=Out(TreeType))
def wrong_tree():
    return "shrub"


@op
def int_or_text() -> int:
    return "text"


@job
def passes():
    open_basket(take(give_five()))


@job
def fails():
    take(give_minus())


@job
def fails_by_class():
    wrong_tree()


@job
def fails_by_annotation():
    int_or_text()


defs = Definitions(jobs=[passes, fails, fails_by_class, fails_by_annotation])


def test_failing_type():
    with pytest.raises(DagsterTypeCheckDidNotPass):
        fails.execute_in_process()
    with pytest.raises(DagsterTypeCheckDidNotPass):
        fails_by_annotation.execute_in_process()


def observe():
    return {
        "names": [
            Positive.display_name,
            TreeType.display_name,
            open_basket.input_defs[0].dagster_type.display_name,
        ],
        "check": Positive.type_check(None, 3).success,
    }
