"""What evaluations of checks are told to have judged."""

from __future__ import annotations

import pytest

from tidewheel.logic.runs.check_targets import Made, with_targets
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization


def made(asset: str, timestamp: float) -> Event:
    return Event(
        type=EventType.ASSET_MATERIALIZATION,
        run_id="r",
        asset=asset,
        timestamp=timestamp,
        payload=Materialization(),
    )


def judged(asset: str, target: int | None = None) -> Event:
    return Event(
        type=EventType.ASSET_CHECK_EVALUATION,
        run_id="r",
        asset=asset,
        check="c",
        timestamp=9.0,
        payload=CheckEvaluation(passed=True, target_event_id=target),
    )


@pytest.mark.parametrize(
    ("events", "before", "expected"),
    [
        ([made("a", 1.0), judged("a")], None, (5, "r", 1.0)),
        ([judged("a")], Made(2, "q", 0.5), (2, "q", 0.5)),
        ([judged("a")], None, (None, None, None)),
        ([made("b", 1.0), judged("a")], Made(2, "q", 0.5), (2, "q", 0.5)),
        ([judged("a"), made("a", 1.0)], Made(2, "q", 0.5), (2, "q", 0.5)),
        ([made("a", 1.0), made("a", 2.0), judged("a")], None, (6, "r", 2.0)),
        ([made("a", 1.0), judged("a", target=1)], None, (1, None, None)),
    ],
)
def test_the_newest_materialisation_before_is_the_target(events, before, expected) -> None:
    told = with_targets(range(5, 5 + len(events)), events, lambda _asset: before)
    (payload,) = [one.payload for one in told if one.type is EventType.ASSET_CHECK_EVALUATION]
    assert (payload.target_event_id, payload.target_run_id, payload.target_timestamp) == expected
    assert [one.type for one in told] == [one.type for one in events]
