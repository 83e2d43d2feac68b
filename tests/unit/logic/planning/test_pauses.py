"""Whom a pause means, and what becomes of what was missed."""

import pytest

from tidewheel.logic.planning.pauses import Subject, active_pause, next_end, selects, skipped_spans
from tidewheel.values.policies import PauseRecord, Selection, TriggerPolicy

NOW = 1_700_000_000.0
NIGHTLY = Subject(kind="SCHEDULE", name="nightly", location="shop", tags={"team": "sales"})


def pause(number=1, selection=None, **more):
    return PauseRecord(
        **{"pause_id": number, "selection": selection or Selection(), "created_at": NOW} | more
    )


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), True),
        (Selection(kind="SENSOR"), False),
        (Selection(name="night*"), True),
        (Selection(name="daily"), False),
        (Selection(location="office"), False),
        (Selection(tags={"team": "s*"}), True),
        (Selection(tags={"team": "sales", "tier": "*"}), False),
    ],
)
def test_a_selection_means_what_matches_every_part(selection, expected):
    assert selects(selection, NIGHTLY) is expected


def test_a_pause_holds_from_its_begin_to_its_end():
    one = pause(expires_at=NOW + 10)
    held = [active_pause([one], NIGHTLY, NOW + after) is not None for after in (-0.1, 0, 9.9, 10)]
    assert held == [False, True, True, False]
    assert active_pause([pause(ended_at=NOW + 5)], NIGHTLY, NOW + 5) is None


def test_of_several_the_one_that_ends_last_counts():
    found = active_pause(
        [pause(1, expires_at=NOW + 10), pause(2), pause(3, expires_at=NOW + 99)], NIGHTLY, NOW
    )
    assert found.pause_id == 2
    assert next_end([pause(1, expires_at=NOW + 10), pause(2), pause(3, expires_at=NOW + 99)], NOW) == NOW + 10


def test_missed_ticks_are_caught_up_unless_somebody_says_skip():
    over = pause(expires_at=NOW + 10)
    assert skipped_spans([over], NIGHTLY, None, NOW + 10) == ()
    skip = TriggerPolicy(missed_while_paused="skip")
    assert skipped_spans([over], NIGHTLY, skip, NOW + 10) == ((NOW, NOW + 10),)
    assert skipped_spans([over], NIGHTLY, skip, NOW + 9) == (), "it is not over"
    told = pause(expires_at=NOW + 10, missed="catch_up")
    assert skipped_spans([told], NIGHTLY, skip, NOW + 10) == (), "the pause itself says otherwise"
