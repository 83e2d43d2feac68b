"""The demo's scoreboard and picture: what the server tells becomes counts, states of days, and news."""

from pathlib import Path

import pytest
from examples.flights import screen
from examples.flights.scoreboard import Scoreboard, day_of
from rich.console import Console

DAY = "2013-01-05"
RUN = {"run_id": "r1", "partition": DAY}


def run(status, at=10.0, **more):
    return {"kind": "run", "name": "one_day", "status": status, "timestamp": at, "run_id": "r1", **more}


def made(asset, at=11.0):
    return {
        "kind": "materialization",
        "name": asset,
        "asset": asset,
        "status": "SUCCESS",
        "timestamp": at,
        **RUN,
    }


def check(status):
    return {
        "kind": "check",
        "name": "clean_flights",
        "asset": "clean_flights",
        "text": "c",
        "status": status,
        "timestamp": 11.0,
        **RUN,
    }


RETRY = {"kind": "step", "name": "one_day", "text": "delays", "status": "RETRY", "timestamp": 11.5, **RUN}


def board_after(*activities) -> Scoreboard:
    board = Scoreboard(days_wanted=1)
    board.take_file(f"flights-{DAY}.csv", 9.0)
    for activity in activities:
        board.take(activity)
    return board


@pytest.mark.parametrize(
    ("activities", "state"),
    [
        ([], "landed"),
        ([run("STARTED")], "landed"),  # nobody knows yet which day it is
        ([run("STARTED", partition=DAY)], "running"),
        ([run("STARTED"), made("clean_flights")], "running"),
        ([run("STARTED"), made("clean_flights"), RETRY], "retrying"),
        ([run("STARTED"), made("clean_flights"), RETRY, made("flights_with_weather")], "running"),
        ([run("STARTED"), made("delays"), check("PASSED"), run("SUCCESS", 12.0)], "done"),
        ([run("STARTED"), made("delays"), check("FAILED (ERROR)"), run("SUCCESS", 12.0)], "doubtful"),
        ([run("STARTED"), made("clean_flights"), run("FAILURE", 12.0, text="a\nb")], "failed"),
    ],
)
def test_the_state_of_a_day(activities, state):
    board = board_after(*activities)
    assert board.days == {DAY: state}
    assert board.is_over == (state in ("done", "doubtful", "failed"))


def test_counts():
    board = board_after(
        {"kind": "tick", "name": "new_files", "status": "SUCCESS", "text": "1 run(s)", "timestamp": 9.5},
        {"kind": "tick", "name": "new_files", "status": "SKIPPED", "text": "no new file", "timestamp": 9.6},
        run("STARTED"),
        made("clean_flights"),
        made("clean_flights"),
        check("PASSED"),
        check("FAILED (WARN)"),
        RETRY,
        run("SUCCESS", 12.0),
        {"kind": "unheard of", "timestamp": 1.0},
    )
    assert board.ticks == {"new_files": 2}
    assert (board.runs["SUCCESS"], board.running, board.retries) == (1, 0, 1)
    assert board.made["clean_flights"] == {DAY}
    assert (board.checks_passed, board.checks_failed) == (1, 1)
    assert board.reaction_s == 3.0
    assert [news.kind for news in board.news] == ["landed", "tick", "check", "retry", "done"]
    assert [news.kind for news in board.problems] == ["check"]


def test_a_report_of_the_failure_sensor_is_a_problem():
    board = board_after()
    board.take_report(f"{DAY}\tr1\tno weather", 13.0)
    assert board.reported == 1
    assert board.problems[0].text == f"{DAY}  no weather"


def test_a_report_takes_the_place_of_the_check_that_failed_the_run():
    board = board_after(run("STARTED"), made("clean_flights"), check("FAILED (ERROR)"))
    assert [problem.kind for problem in board.problems] == ["check"]
    board.take_report("2013-01-06\tr0\tblocking checks did not pass: clean_flights:c", 13.0)
    assert [problem.kind for problem in board.problems] == ["check", "reported"]
    board.take_report(f"{DAY}\tr1\tblocking checks did not pass: clean_flights:c; and so on", 13.0)
    assert [problem.kind for problem in board.problems] == ["reported", "reported"]
    assert board.problems[-1].text == f"{DAY}  blocking checks did not pass: clean_flights:c"


def test_an_earlier_show_is_taken_up():
    board = Scoreboard()
    board.resume(["2013-01-01", "2013-01-02"], {"delays": ["2013-01-01"], "clean_flights": ["2013-01-01"]})
    assert board.days == {"2013-01-01": "done", "2013-01-02": "landed"}


def test_names_of_files():
    assert day_of("flights-2013-01-05.csv") == "2013-01-05"


@pytest.mark.parametrize("size", [screen.SMALLEST, (110, 35), (200, 60)])
@pytest.mark.parametrize("with_summary", [False, True])
def test_the_picture_fits_its_screen(size, with_summary):
    board = board_after(run("STARTED", partition=DAY), check("FAILED (ERROR)"), RETRY)
    for _ in range(100):
        board.take(check("FAILED (ERROR)"))
    summary = [screen.Carrier("Envoy Air", 31.5, 1000)]
    console = Console(width=size[0], height=size[1], force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(
            screen.draw(
                board,
                home=Path("/tmp/home"),
                summary=summary if with_summary else None,
                width=size[0],
                height=size[1],
                seconds=61,
            )
        )
    lines = captured.get().splitlines()
    assert len(lines) == size[1]
    assert {len(line) for line in lines} == {size[0]}
    text = "\n".join(lines)
    assert "1:01" in text and "1 of 1 days landed" in text
    assert ("Envoy Air" in text) == with_summary
    assert "clean_flights: c" in text
