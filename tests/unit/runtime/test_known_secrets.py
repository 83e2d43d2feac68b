"""Values that a process knows to be secret are hidden wherever texts are shown, logged or reported."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from tidewheel.definitions.partitions.multi_partitions import MultiPartitionKey
from tidewheel.logic.access.masking import MASK, secret_values
from tidewheel.runtime.known_secrets import events_without_secrets, result_without_secrets
from tidewheel.runtime.masking import (
    forget_secrets,
    know_secrets,
    mask_text,
    needs_masking,
    shown,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationResult, RequestedRun
from tidewheel.values.events import EngineNote, Event, EventType, Failure
from tidewheel.values.metadata import typed_metadata

SECRET = 'ab"cüd\\ef'
"""Spelt otherwise in JSON than in memory."""


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    know_secrets([SECRET, "short"])
    yield
    forget_secrets()


def test_only_variables_whose_names_look_secret_are_secret() -> None:
    environ = {
        "DB_PASSWORD": "a",
        "HOME": "b",
        "GITHUB_TOKEN": "c",
        "PASSAGE": "d",
        "AWS_SECRET_ACCESS_KEY": "e",
    }
    assert secret_values(environ) == {"a", "c", "e"}


def test_known_values_are_masked_in_texts_and_short_ones_are_words() -> None:
    assert mask_text(f"it is {SECRET}, in short") == f"it is {MASK}, in short"


@pytest.mark.parametrize(
    "text", [SECRET, "postgres://u:pw@h/x", "Bearer abcdefghijk", "tw_0123456789ab_" + "x" * 24]
)
def test_the_quick_look_finds_all_that_is_masked(text: str) -> None:
    assert mask_text(text) != text
    assert needs_masking(msgspec.json.encode({"a": [text]}))
    assert needs_masking(json.dumps({"a": [text]}, ensure_ascii=False).encode())


def test_run_configs_are_masked_by_names_and_nothing_else_is() -> None:
    value = {"run_config": {"ops": {"o": {"password": "x"}}}, "token_id": "1", "list": [f"a {SECRET}"]}
    assert shown(value) == {
        "run_config": {"ops": {"o": {"password": MASK}}},
        "token_id": "1",
        "list": [f"a {MASK}"],
    }


def test_what_a_run_reports_holds_none() -> None:
    error = ErrorInfo(cls_name="E", message=f"no {SECRET}", stack=(f"x = {SECRET!r}\n",))
    events = (
        Event(type=EventType.LOG_MESSAGE, timestamp=1.0, message=f"see {SECRET}"),
        Event(type=EventType.STEP_FAILURE, timestamp=2.0, message="m", payload=Failure(error=error)),
        Event(type=EventType.RUN_START, timestamp=3.0, message="m"),
    )
    found = events_without_secrets(events)
    assert SECRET not in str(found) and MASK in found[0].message and MASK in found[1].payload.error.message
    assert found[2] is events[2]


def test_what_an_evaluation_asks_for_stays_as_it_is() -> None:
    asked = RequestedRun(job_name="j", run_config={"key": SECRET})
    result = EvaluationResult(
        requests=(asked,), skip_reason=f"because {SECRET}", cursor=SECRET, log=(SECRET,)
    )
    found = result_without_secrets(result)
    assert (found.requests, found.cursor) == ((asked,), SECRET)
    assert (found.skip_reason, found.log) == (f"because {MASK}", (MASK,))


class Text(str):
    """A text of a class of its own, as libraries make them."""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (MultiPartitionKey({"a": "1", "b": "2"}), "1|2"),
        (Text("plain"), "plain"),
        (Text(f"token {SECRET}"), f"token {MASK}"),
    ],
)
def test_a_text_of_any_class_is_written(value: str, written: str) -> None:
    note = EngineNote(metadata=typed_metadata({"key": value}))
    event = Event(type=EventType.ENGINE_EVENT, timestamp=1.0, run_id="r", job_name="j", payload=note)
    [passed] = events_without_secrets((event,))
    assert passed.payload.metadata["key"].value == written
