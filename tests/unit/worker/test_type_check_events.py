"""What the check of a value's type said is told by the event of the value."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.runtime.views.event_payloads import TypeCheckData


def judge(_context: Any, value: int) -> tw.TypeCheck:
    return tw.TypeCheck(value > 0, description=f"it is {value}", metadata={"value": value})


POSITIVE = tw.RuntimeType(judge, name="Positive")


@tw.op(out=tw.Out(POSITIVE))
def given() -> int:
    return 3


@tw.op(out=tw.Out(POSITIVE))
def negative() -> int:
    return -3


@tw.op
def unchecked() -> int:
    return -7


@tw.op(ins={"value": tw.In(POSITIVE)})
def taking(value: int) -> None: ...


@tw.job
def fitting() -> None:
    taking(given())


@tw.job
def wrong_output() -> None:
    negative()


@tw.job
def wrong_input() -> None:
    taking(unchecked())


def said(success: bool, label: str, value: int) -> TypeCheckData:
    metadata = {"value": tw.MetadataValue.int(value)}
    return TypeCheckData(success, label, f"it is {value}", metadata)


SILENT = TypeCheckData(True, "result")


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (fitting, [said(True, "result", 3), said(True, "value", 3), SILENT]),
        (wrong_output, [said(False, "result", -3)]),
        (wrong_input, [SILENT, said(False, "value", -7)]),
    ],
)
def test_events_tell_what_the_check_said(job: tw.JobDefinition, told: list[TypeCheckData]) -> None:
    result = job.execute_in_process(raise_on_error=False)
    kinds = (tw.EventType.STEP_OUTPUT, tw.EventType.STEP_INPUT)
    found = [
        event.event_specific_data.type_check_data for event in result.all_events if event.event_type in kinds
    ]
    assert found == told
