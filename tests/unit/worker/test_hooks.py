"""Hooks: which of them are called after an attempt of a step, what they see, and how tests call them directly."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.ops.hooks import HookExecutionResult, event_list_hook
from tidewheel.errors import (
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidPropertyError,
    InvariantViolationError,
    ParameterCheckError,
)


def hooked_run(op_def: Any) -> tuple[list[Any], list[str]]:
    seen: list[Any] = []

    @event_list_hook
    def a_listens(context: Any, event_list: Any) -> HookExecutionResult:
        kinds = [event.event_type_value for event in event_list]
        seen.append(kinds)
        return HookExecutionResult("a_listens", is_skipped="STEP_UP_FOR_RETRY" in kinds)

    @tw.success_hook
    def b_success(context: Any) -> None:
        seen.append("success")

    @tw.failure_hook
    def c_failure(context: Any) -> None:
        seen.append("failure")

    @tw.job(hooks={a_listens, b_success, c_failure})
    def hooked() -> None:
        op_def()

    result = hooked.execute_in_process(raise_on_error=False)
    return seen, [event.event_type_value for event in result.all_events if event.is_hook_event]


@tw.op
def fine() -> int:
    return 1


@tw.op
def broken() -> None:
    raise ValueError


@tw.op(retry_policy=tw.RetryPolicy(max_retries=1))
def second_time(context: tw.OpExecutionContext) -> int:
    if context.retry_number == 0:
        raise ValueError
    context.log_event(tw.AssetMaterialization("made"))
    return 1


END = ["STEP_OUTPUT", "HANDLED_OUTPUT", "STEP_SUCCESS"]


@pytest.mark.parametrize(
    ("op_def", "seen", "noted"),
    [
        (fine, [["STEP_START", *END], "success"], "completed completed skipped"),
        (broken, [["STEP_START", "STEP_FAILURE"], "failure"], "completed skipped completed"),
        (
            second_time,
            [
                ["STEP_START", "STEP_UP_FOR_RETRY"],
                ["STEP_RESTARTED", "ASSET_MATERIALIZATION", *END],
                "success",
            ],
            "skipped skipped skipped completed completed skipped",
        ),
    ],
)
def test_hooks_hear_of_every_attempt(op_def: Any, seen: list[Any], noted: str) -> None:
    heard, events = hooked_run(op_def)
    assert heard == seen
    assert events == [f"HOOK_{one.upper()}" for one in noted.split()]


@tw.success_hook(required_resource_keys={"mail"})
def mails(context: Any) -> Any:
    return context.resources.mail


@tw.success_hook
def plain(_: Any) -> str:
    return "called"


@event_list_hook
def listens(context: Any, event_list: Any) -> Any:
    return event_list


def test_a_hook_is_called_as_a_test_calls_it() -> None:
    assert plain(None) == plain(tw.build_hook_context()) == plain(_=None) == "called"
    assert mails(tw.build_hook_context(resources={"mail": "sent"})) == "sent"
    assert listens(None, ["e"]) == listens(context=tw.build_hook_context(), event_list=["e"]) == ["e"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: plain(), InvalidInvocationError),
        (lambda: plain(other=None), InvalidInvocationError),
        (lambda: plain(object()), ParameterCheckError),
        (lambda: listens(None), InvalidInvocationError),
        (lambda: listens(context=None, bar=[]), InvalidInvocationError),
        (lambda: mails(None), InvalidDefinitionError),
        (lambda: tw.build_hook_context().instance, InvariantViolationError),
        (lambda: tw.build_hook_context().job_name, InvalidPropertyError),
        (lambda: tw.build_hook_context().op_output_values, InvalidPropertyError),
    ],
)
def test_a_hook_called_wrongly_is_refused(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


@pytest.mark.parametrize(("given", "name"), [(fine, "fine"), (fine.alias("other"), "other")])
def test_a_hooks_op_is_the_only_node_of_a_graph(given: Any, name: str) -> None:
    node = tw.build_hook_context(op=given).op
    assert node.name == name
    assert len(node.graph_definition.nodes) == 1
