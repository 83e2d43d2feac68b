"""Runs of partitions that depend on upstream partitions which do not exist."""

import pytest

import tidewheel as tw
from tidewheel.errors import InvariantViolationError
from tidewheel.worker.runs.in_process import materialize

UP = tw.DailyPartitionsDefinition("2024-01-05", end_date="2024-01-09", timezone="Europe/Berlin")
DOWN = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-09")


@tw.asset(partitions_def=UP)
def up(context: tw.AssetExecutionContext) -> str:
    return context.partition_key


@tw.asset(partitions_def=DOWN, deps=[up])
def after() -> None: ...


@tw.asset(partitions_def=DOWN)
def reader(up: dict[str, str]) -> int:
    return len(up)


@pytest.mark.parametrize("key", ["2024-01-03", "2024-01-04", "2024-01-06"])
def test_what_loads_nothing_is_made(key):
    assert materialize([up, after], selection=[after], partition_key=key).success


def test_what_loads_them_is_refused():
    with pytest.raises(InvariantViolationError, match="2024-01-04"):
        materialize([up, reader], selection=[reader], partition_key="2024-01-04")
