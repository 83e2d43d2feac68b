from __future__ import annotations

import enum
from typing import Any

import pytest

from tidewheel.errors import InvariantViolationError
from tidewheel.runtime.views.event_views import view_event
from tidewheel.runtime.views.outside_events import event_from_outside
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization, Observation
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import IntMetadataValue


class Severity(enum.Enum):
    WARN = "WARN"


class _Told:
    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)


class SpecialObservation(AssetObservation): ...


class AssetCheckEvaluation(_Told): ...


FIELDS = {
    "asset_key": AssetKey(["a", "b"]),
    "metadata": {"n": 1},
    "partition": "p",
    "tags": {"t": "u"},
    "description": "d",
}


@pytest.mark.parametrize(
    ("told", "kind", "payload"),
    [
        (AssetMaterialization, EventType.ASSET_MATERIALIZATION, Materialization),
        (AssetObservation, EventType.ASSET_OBSERVATION, Observation),
        (SpecialObservation, EventType.ASSET_OBSERVATION, Observation),
    ],
)
def test_asset_events(told: type, kind: EventType, payload: type) -> None:
    assert event_from_outside(told(**FIELDS), timestamp=3.0) == Event(
        type=kind,
        timestamp=3.0,
        asset="a/b",
        partition="p",
        message="d",
        payload=payload(metadata={"n": IntMetadataValue(1)}, tags={"t": "u"}, description="d"),
    )


def test_check() -> None:
    told = AssetCheckEvaluation(
        asset_key=AssetKey("a"),
        check_name="c",
        passed=True,
        severity=Severity.WARN,
        metadata=None,
        description=None,
    )
    event = event_from_outside(told, timestamp=3.0)
    assert (event.asset, event.check) == ("a", "c")
    assert event.payload == CheckEvaluation(passed=True, severity="WARN")


@pytest.mark.parametrize("kind", [EventType.ASSET_MATERIALIZATION, EventType.ASSET_OBSERVATION])
def test_what_was_read_can_be_reported_again(kind: EventType) -> None:
    payload = Materialization if kind is EventType.ASSET_MATERIALIZATION else Observation
    first = Event(type=kind, timestamp=3.0, asset="a", partition="p", payload=payload(tags={"x": "y"}))
    data = view_event(first).event_specific_data
    seen = data.materialization if kind is EventType.ASSET_MATERIALIZATION else data.asset_observation
    assert event_from_outside(seen, timestamp=3.0) == first


@pytest.mark.parametrize("wrong", [1, None, object(), "AssetMaterialization"])
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(InvariantViolationError, match="AssetMaterialization"):
        event_from_outside(wrong, timestamp=1.0)
