"""Events on their way to the ledger: secrets are masked, whatever kind of text the values are."""

from __future__ import annotations

import pytest

from tidewheel.definitions.partitions.multi_partitions import MultiPartitionKey
from tidewheel.logic.access.masking import forget_secrets, know_secrets
from tidewheel.runtime.known_secrets import events_without_secrets
from tidewheel.values.events import EngineNote, Event, EventType
from tidewheel.values.metadata import typed_metadata

SECRET = "c0rrect-h0rse-battery"


class Text(str):
    """A text of a class of its own, as libraries make them."""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (MultiPartitionKey({"a": "1", "b": "2"}), "1|2"),
        (Text("plain"), "plain"),
        (Text(f"token {SECRET}"), "token ********"),
    ],
)
def test_a_text_of_any_class_is_written(value: str, shown: str) -> None:
    know_secrets([SECRET])
    note = EngineNote(metadata=typed_metadata({"key": value}))
    event = Event(type=EventType.ENGINE_EVENT, timestamp=1.0, run_id="r", job_name="j", payload=note)
    try:
        [passed] = events_without_secrets((event,))
    finally:
        forget_secrets()
    assert passed.payload.metadata["key"].value == shown
