"""Run config given for a job that has its own: what is not given stays the job's."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.jobs.run_config import with_defaults
from tidewheel.errors import CheckError, InvalidConfigError

OWN = {
    "ops": {
        "one": {"config": {"foo": "own", "opt": 3}, "inputs": {"x": 1}},
        "inner": {"ops": {"deep": {"config": 1}, "other": {"config": 2}}},
    },
    "resources": {"r": {"config": {"x": 5, "y": 6}}},
    "execution": {"config": {"multiprocess": {"max_concurrent": 2}}},
}


def changed(**sections: Any) -> dict[str, Any]:
    return {**OWN, **sections}


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        ({}, OWN),
        ({"ops": {}}, OWN),
        ({"ops": {"one": None}, "execution": {}}, OWN),
        ({"loggers": {"console": {}}}, changed(loggers={"console": {}})),
        (
            {"ops": {"one": {"config": {"foo": "new"}}}},
            changed(ops={**OWN["ops"], "one": {"config": {"foo": "new"}, "inputs": {"x": 1}}}),
        ),
        (
            {"ops": {"inner": {"ops": {"deep": {"config": 9}}}}},
            changed(ops={**OWN["ops"], "inner": {"ops": {"deep": {"config": 9}, "other": {"config": 2}}}}),
        ),
        ({"resources": {"r": {"config": {"x": 9}}}}, changed(resources={"r": {"config": {"x": 9}}})),
        (
            {"execution": {"config": {"in_process": {}}}},
            changed(execution={"config": {"in_process": {}}}),
        ),
        ({"ops": "wrong"}, changed(ops="wrong")),
    ],
)
def test_what_is_not_given_is_filled_up(given: dict[str, Any], filled: dict[str, Any]) -> None:
    assert with_defaults(OWN, given) == filled


def test_without_config_of_its_own_nothing_is_filled_up() -> None:
    assert with_defaults(None, {"ops": {"a": {}}}) == {"ops": {"a": {}}}


@tw.op(config_schema={"foo": str})
def one(context: tw.OpExecutionContext) -> Any:
    return context.op_config["foo"]


@tw.op(config_schema={"bar": int})
def two(context: tw.OpExecutionContext) -> Any:
    return context.op_config["bar"]


@tw.job(config={"ops": {"one": {"config": {"foo": "own"}}, "two": {"config": {"bar": 2}}}})
def configured() -> None:
    one()
    two()


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, ("own", 2)), ({}, ("own", 2)), ({"ops": {"one": {"config": {"foo": "new"}}}}, ("new", 2))],
)
def test_a_run_and_a_check_of_config_take_the_jobs_own(given: Any, expected: tuple[str, int]) -> None:
    result = configured.execute_in_process(run_config=given)
    assert (result.output_for_node("one"), result.output_for_node("two")) == expected
    checked = tw.validate_run_config(configured, given)
    assert checked["ops"]["one"]["config"] == {"foo": expected[0]}


def test_what_is_given_is_still_checked() -> None:
    with pytest.raises(InvalidConfigError, match="bar"):
        configured.execute_in_process(run_config={"ops": {"two": {"config": {"bar": "no"}}}})


def test_the_config_of_a_partition_is_taken_whole_or_not_at_all() -> None:
    @tw.static_partitioned_config(partition_keys=["a"])
    def by_partition(key: str) -> dict[str, Any]:
        return {"ops": {"one": {"config": {"foo": key}}, "two": {"config": {"bar": 2}}}}

    @tw.job(config=by_partition)
    def partitioned() -> None:
        one()
        two()

    assert partitioned.execute_in_process(run_config={}, partition_key="a").output_for_node("one") == "a"
    with pytest.raises(InvalidConfigError):
        partitioned.execute_in_process(
            run_config={"ops": {"one": {"config": {"foo": "b"}}}}, partition_key="a"
        )


class Short(tw.Config):
    word: str


def test_a_config_mapping_has_one_schema() -> None:
    def of_config(config: Short) -> dict[str, Any]:
        return {"ops": {"one": {"config": {"foo": config.word}}}}

    assert tw.config_mapping(of_config).config_schema is not None
    with pytest.raises(CheckError, match="both"):
        tw.config_mapping(config_schema={"word": str})(of_config)
