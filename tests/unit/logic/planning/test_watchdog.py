"""What is told to people, and what is not."""

import pytest

from tidewheel.logic.planning.watchdog import (
    AlertPolicy,
    LocationFacts,
    TriggerFacts,
    WatchdogFacts,
    decide_alerts,
    find_troubles,
    message_of,
)

NOW = 1_000_000.0
POLICY = AlertPolicy()


def schedule(**more):
    return TriggerFacts(**{"name": "nightly", "kind": "schedule"} | more)


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        (WatchdogFacts(now=NOW), []),
        (WatchdogFacts(now=NOW, triggers=[schedule(owed_since=NOW - 119)]), []),
        (WatchdogFacts(now=NOW, triggers=[schedule(owed_since=NOW - 120)]), ["schedule_late"]),
        (WatchdogFacts(now=NOW, triggers=[schedule(failures_in_a_row=2)]), []),
        (WatchdogFacts(now=NOW, triggers=[schedule(failures_in_a_row=3)]), ["trigger_failing"]),
        (WatchdogFacts(now=NOW, locations=[LocationFacts(name="a", down_since=NOW - 59)]), []),
        (WatchdogFacts(now=NOW, locations=[LocationFacts(name="a", down_since=NOW - 60)]), ["location_down"]),
        (WatchdogFacts(now=NOW, oldest_queued_at=NOW - 901, queued=2), ["queue_stuck"]),
        (WatchdogFacts(now=NOW, oldest_queued_at=NOW - 901, queued=2, in_progress=1), []),
        (WatchdogFacts(now=NOW, oldest_queued_at=NOW - 899, queued=2), []),
        (WatchdogFacts(now=NOW, failed_duties=["queue"]), ["duty_failed"]),
    ],
)
def test_troubles(facts, kinds):
    assert [trouble.kind for trouble in find_troubles(facts, POLICY)] == kinds


def test_a_trouble_is_told_when_it_begins_when_it_lasts_and_when_it_is_over():
    failing = [schedule(failures_in_a_row=5)]
    first = decide_alerts(WatchdogFacts(now=NOW, triggers=failing), POLICY, {})
    assert [trouble.name for trouble in first.begun] == ["nightly"]
    assert message_of(first, NOW) == (
        "Tidewheel: 1 trouble(s)",
        "NEW: schedule 'nightly' has failed 5 times in a row",
    )
    soon = decide_alerts(WatchdogFacts(now=NOW + 60, triggers=failing), POLICY, first.known)
    assert soon.is_quiet
    later = NOW + POLICY.repeat_s
    still = decide_alerts(WatchdogFacts(now=later, triggers=failing), POLICY, soon.known)
    assert not still.begun and [old.since for old in still.lasting] == [NOW]
    assert message_of(still, later)[1].startswith("STILL, for 6 h: schedule 'nightly'")
    quiet = decide_alerts(WatchdogFacts(now=later + 1, triggers=failing), POLICY, still.known)
    assert quiet.is_quiet
    over = decide_alerts(WatchdogFacts(now=later + 60), POLICY, quiet.known)
    assert not over.known and message_of(over, later + 60) == (
        "Tidewheel: all is well again",
        "OVER after 6 h: schedule 'nightly' has failed 5 times in a row",
    )
