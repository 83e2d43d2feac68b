"""Events that are too large are stored all the same, without what made them so."""

import pytest

from tidewheel.logic.runs.event_size import fitting
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import Event, EventType, Failure, Materialization, OutputValue
from tidewheel.values.limits import MAX_EVENT_METADATA_BYTES, MAX_EVENT_TEXT_CHARS
from tidewheel.values.metadata import JsonMetadataValue, MarkdownMetadataValue, TextMetadataValue
from tidewheel.values.serde import encode

BIG = MAX_EVENT_METADATA_BYTES + 1
LONG = "e" * (MAX_EVENT_TEXT_CHARS + 1)


def event(payload=None, message=""):
    return Event(type=EventType.STEP_OUTPUT, timestamp=1.0, message=message, payload=payload)


@pytest.mark.parametrize(
    "small",
    [
        event(),
        event(message="e" * MAX_EVENT_TEXT_CHARS),
        event(OutputValue(metadata={"plot": MarkdownMetadataValue("p" * (BIG - 1))})),
        event(
            Failure(error=ErrorInfo(cls_name="E", message="m", cause=ErrorInfo(cls_name="F", message="n")))
        ),
    ],
)
def test_what_fits_is_the_very_same(small):
    assert fitting(small) is small


@pytest.mark.parametrize(
    "value", [TextMetadataValue("a" * BIG), MarkdownMetadataValue("a" * BIG), JsonMetadataValue(["a" * BIG])]
)
def test_metadata_that_does_not_fit_is_told_of_and_the_rest_is_kept(value):
    rows = TextMetadataValue("3")
    found = fitting(event(Materialization(metadata={"rows": rows, "all": value, "after": rows})))
    assert (found.payload.metadata["rows"], found.payload.metadata["after"]) == (rows, rows)
    stand_in = found.payload.metadata["all"].text
    assert "left out" in stand_in
    assert len(stand_in) < 1_000
    assert len(encode(found)) < MAX_EVENT_METADATA_BYTES


def test_many_values_together_are_too_much_too():
    each = TextMetadataValue("a" * (MAX_EVENT_METADATA_BYTES // 4))
    found = fitting(event(OutputValue(metadata={str(n): each for n in range(8)})))
    assert sum(value == each for value in found.payload.metadata.values()) == 4


def test_texts_are_cut():
    deep = ErrorInfo(cls_name="E", message="m", stack=(LONG,), cause=ErrorInfo(cls_name="F", message=LONG))
    found = fitting(event(Failure(error=deep), message=LONG))
    assert len(found.message) < len(LONG) + 50
    assert found.message.endswith(f"(cut: {len(LONG)} characters)")
    assert found.payload.error.cls_name == "E"
    assert len(encode(found)) < 3 * len(LONG)


def test_texts_that_utf_8_cannot_hold_are_measured_too():
    odd = event(OutputValue(metadata={"x": JsonMetadataValue({"a": "\ud800"})}))
    assert fitting(odd) is odd
