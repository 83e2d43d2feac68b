"""Keys that are none of a partitioned config's partitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.errors import PartitionExecutionError, UnknownPartitionError


@tw.daily_partitioned_config(start_date="2024-01-01")
def of_day(start: datetime, end: datetime) -> dict[str, Any]:
    if start.day == 2:
        raise KeyError("no")
    return {}


@tw.op
def nothing() -> None: ...


@tw.job(config=of_day)
def daily() -> None:
    nothing()


@pytest.mark.parametrize("key", ["x", "2023-12-31"])
def test_a_run_for_a_partition_that_does_not_exist_is_refused_as_such(key: str) -> None:
    with pytest.raises(UnknownPartitionError):
        daily.execute_in_process(partition_key=key)


def test_only_what_the_function_raises_is_its_error() -> None:
    with pytest.raises(ValueError, match="x"):
        of_day.get_run_config_for_partition_key("x")
    with pytest.raises(PartitionExecutionError):
        of_day.get_run_config_for_partition_key("2024-01-02")


def test_a_run_for_a_partition_has_the_partitions_config() -> None:
    @tw.op(config_schema={"day": str})
    def told(context: tw.OpExecutionContext) -> str:
        return context.op_config["day"]

    @tw.static_partitioned_config(["a"])
    def by_key(key: str) -> dict[str, Any]:
        return {"ops": {"told": {"config": {"day": key}}}}

    @tw.job(config=by_key)
    def tells() -> None:
        told()

    @tw.job(config={"ops": {"told": {"config": {"day": "always"}}}})
    def always() -> None:
        told()

    given = {"ops": {"told": {"config": {"day": "given"}}}}
    assert tells.execute_in_process(partition_key="a").dagster_run.run_config == by_key("a")
    assert tells.execute_in_process(run_config=given, partition_key="a").dagster_run.run_config == given
    assert always.execute_in_process().dagster_run.run_config == {}
