"""The preview names zones and tells what clock changes do."""

import datetime

from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.preview import preview

BERLIN = "Europe/Berlin"


def shown(crons, zone, after, count):
    start = datetime.datetime.fromisoformat(after).timestamp()
    return [
        (tick.local, tick.notes)
        for tick in preview([parse(text) for text in crons], zone, after=start, count=count)
    ]


def test_ticks_are_shown_in_the_schedules_zone_and_in_utc():
    [tick] = preview([parse("0 9 * * 1")], BERLIN, after=1_704_067_200.0, count=1)
    assert tick.local == "Mon 2024-01-01 09:00 CET (UTC+0100)"
    assert tick.utc == "2024-01-01T08:00:00Z"
    assert tick.notes == ()


def test_a_time_in_the_gap_is_moved_and_said_so():
    found = shown(["30 2 * * *"], BERLIN, "2024-03-30T00:00:00+00:00", 3)
    assert [local for local, _ in found] == [
        "Sat 2024-03-30 02:30 CET (UTC+0100)",
        "Sun 2024-03-31 03:00 CEST (UTC+0200)",
        "Mon 2024-04-01 02:30 CEST (UTC+0200)",
    ]
    assert found[1][1] == ("the clock jumps 1 h ahead just now: times in the gap are moved here",)
    assert found[0][1] == ()


def test_a_time_that_occurs_twice_is_said_to():
    found = shown(["30 2 * * *"], BERLIN, "2024-10-26T12:00:00+00:00", 1)
    assert found == [
        ("Sun 2024-10-27 02:30 CET (UTC+0100)", ("this time of day occurs twice; this is the second one",))
    ]
    hourly = shown(["0 * * * *"], BERLIN, "2024-10-26T23:30:00+00:00", 3)
    assert [notes for _, notes in hourly] == [
        ("this time of day occurs twice; this is the first one",),
        ("this time of day occurs twice; this is the second one",),
        (),
    ]


def test_a_tick_after_a_change_says_so():
    found = shown(["0 12 * * *"], BERLIN, "2024-03-30T00:00:00+00:00", 2)
    assert found[1][1] == ("the clock was put ahead by 1 h since the tick before",)


def test_a_union_counts_coinciding_ticks_once():
    found = shown(["0 0 * * *", "0 */12 * * *"], "UTC", "2024-01-01T01:00:00+00:00", 3)
    assert [local[:20] for local, _ in found] == [
        "Mon 2024-01-01 12:00",
        "Tue 2024-01-02 00:00",
        "Tue 2024-01-02 12:00",
    ]
