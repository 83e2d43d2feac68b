"""How errors of a schedule's functions come out of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError, ScheduleExecutionError


@tw.op
def nothing() -> None: ...


@tw.job
def work() -> None:
    nothing()


def bad_request() -> Any:
    return tw.RunRequest(run_config=3)  # type: ignore[arg-type]


def bad_request_yielded() -> Iterator[Any]:
    yield bad_request()


def failed_check() -> Any:
    raise CheckError("no")


def failure() -> Any:
    raise tw.Failure("no")


def foreign() -> Iterator[Any]:
    yield tw.RunRequest(run_key="a")
    raise ValueError("no")


def definition() -> Any:
    raise InvalidDefinitionError("no")


def evaluated(**functions: Callable[..., Any]) -> Any:
    schedule = tw.ScheduleDefinition("daily", cron_schedule="0 0 * * *", job=work, **functions)
    return schedule.evaluate_tick(tw.build_schedule_context())


@pytest.mark.parametrize(
    ("raises", "cause"),
    [
        (bad_request, ParameterCheckError),
        (bad_request_yielded, ParameterCheckError),
        (failed_check, CheckError),
        (failure, tw.Failure),
        (foreign, ValueError),
    ],
)
def test_what_the_function_does_wrong_is_the_cause(raises: Callable[[], Any], cause: type[Exception]) -> None:
    with pytest.raises(ScheduleExecutionError) as caught:
        evaluated(execution_fn=lambda _context: raises())
    assert type(caught.value.__cause__) is cause
    assert caught.value.user_exception is caught.value.__cause__
    assert "daily" in str(caught.value)


@pytest.mark.parametrize("name", ["run_config_fn", "tags_fn", "should_execute"])
def test_the_other_functions_likewise(name: str) -> None:
    with pytest.raises(ScheduleExecutionError) as caught:
        evaluated(**{name: lambda _context: failed_check()})
    assert type(caught.value.__cause__) is CheckError


def test_an_error_of_the_definitions_comes_out_as_it_is() -> None:
    with pytest.raises(InvalidDefinitionError):
        evaluated(execution_fn=lambda _context: definition())


def test_a_meaningless_answer_is_no_error_of_the_function() -> None:
    with pytest.raises(CheckError):
        evaluated(execution_fn=lambda _context: 5)
    with pytest.raises(ParameterCheckError):
        evaluated(run_config_fn=lambda _context: 5)
