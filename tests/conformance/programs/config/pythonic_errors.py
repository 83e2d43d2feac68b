import pytest
from dagster import (
    Config,
    DagsterInvalidConfigError,
    Definitions,
    PermissiveConfig,
    asset,
    job,
    materialize,
    op,
)
from pydantic import ValidationError, field_validator


class Order(Config):
    amount: int
    currency: str = "EUR"

    @field_validator("currency")
    @classmethod
    def three_letters(cls, value):
        if len(value) != 3:
            raise ValueError("three letters, please")
        return value


class Loose(PermissiveConfig):
    known: int = 1


@op
def place(config: Order) -> int:
    return config.amount


@op
def anything(config: Loose):
    return {"known": config.known, "other": getattr(config, "other", None)}


@job
def ordering():
    place()


@job
def loosely():
    anything()


@asset
def ordered(config: Order):
    return config.amount


defs = Definitions(assets=[ordered], jobs=[ordering, loosely])


def test_missing_field():
    with pytest.raises(DagsterInvalidConfigError):
        ordering.execute_in_process()


def test_wrong_type():
    with pytest.raises(DagsterInvalidConfigError):
        ordering.execute_in_process(run_config={"ops": {"place": {"config": {"amount": "many"}}}})


def test_unknown_field():
    with pytest.raises(DagsterInvalidConfigError):
        materialize([ordered], run_config={"ops": {"ordered": {"config": {"amount": 1, "colour": "red"}}}})


def test_validator():
    with pytest.raises(Exception):
        ordering.execute_in_process(
            run_config={"ops": {"place": {"config": {"amount": 1, "currency": "EURO"}}}}
        )


def test_constructing_wrongly():
    with pytest.raises(ValidationError):
        Order(amount="x")
    with pytest.raises(ValidationError):
        Order(currency="USD")


def test_frozen():
    order = Order(amount=3)
    with pytest.raises(Exception):
        order.amount = 4


def test_permissive():
    result = loosely.execute_in_process(
        run_config={"ops": {"anything": {"config": {"known": 2, "other": "x"}}}}
    )
    assert result.output_for_node("anything") == {"known": 2, "other": "x"}
