"""The demo's feeder: real days land whole, once, in order, and late where weather has gaps."""

import threading
from datetime import date

import pandas as pd
import pytest
from examples.flights import feeder
from examples.flights.files import replace_file


def land(folder, **options) -> list[str]:
    landed: list[str] = []
    feeder.play(folder, landed=landed.append, **{"pace_s": 0, "late_s_per_gap": 0, **options})
    return landed


def test_days_land_in_order_and_whole(tmp_path):
    landed = land(tmp_path, days=3)
    assert landed[:3] == ["planes.csv", "airlines.csv", "airports.csv"]
    assert [name for name in landed if name.startswith("flights")] == [
        f"flights-2013-01-0{day}.csv" for day in (1, 2, 3)
    ]
    assert sorted(landed) == sorted(path.name for path in tmp_path.iterdir())
    flights = pd.read_csv(tmp_path / "flights-2013-01-01.csv")
    assert len(flights) == 842 and set(flights["day"]) == {1}
    assert len(pd.read_csv(tmp_path / "weather-2013-01-01.csv")) == 67


def test_a_second_call_goes_on_where_the_first_stopped(tmp_path):
    land(tmp_path, days=2)
    (tmp_path / "flights-2013-01-01.csv").write_text("mine")
    assert land(tmp_path, days=3) == ["weather-2013-01-03.csv", "flights-2013-01-03.csv"]
    assert (tmp_path / "flights-2013-01-01.csv").read_text() == "mine"


def test_weather_with_gaps_comes_after_its_flights(tmp_path):
    landed = land(tmp_path, days=2, late_s_per_gap=0.02)  # 1 January lacks five hours: 0.1 s
    assert landed.index("weather-2013-01-01.csv") > landed.index("flights-2013-01-01.csv")
    assert landed.index("weather-2013-01-02.csv") < landed.index("flights-2013-01-02.csv")


def test_a_stop_ends_the_wait(tmp_path):
    stop = threading.Event()
    landed: list[str] = []

    def note(name: str) -> None:
        landed.append(name)
        if name.startswith("flights"):
            stop.set()

    feeder.play(tmp_path, pace_s=3600, landed=note, stop=stop)
    assert [name for name in landed if name.startswith("flights")] == ["flights-2013-01-01.csv"]


@pytest.mark.parametrize(
    ("day", "hours"), [("2013-01-01", 24), ("2013-03-10", 23), ("2013-11-03", 25), ("2013-12-31", 24)]
)
def test_hours_of_a_day(day, hours):
    assert feeder.hours_in(date.fromisoformat(day)) == hours


def test_the_year_has_the_gaps_that_the_show_lives_on():
    gaps = {day.name: day.gaps for day in feeder.year()}
    assert len(gaps) == 365
    assert gaps["2013-01-01"] == 5 and gaps["2013-01-02"] == 0 and gaps["2013-03-10"] == 0
    assert gaps["2013-12-31"] == 72  # never observed
    assert sum(gap > 0 for gap in gaps.values()) == 25


def test_a_file_that_could_not_be_written_is_not_there(tmp_path):
    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    replace_file(tmp_path / "a.csv", lambda path: path.write_text("old"))
    with pytest.raises(OSError, match="disk full"):
        replace_file(tmp_path / "a.csv", fail)
    assert (tmp_path / "a.csv").read_text() == "old"
    assert [path.name for path in tmp_path.glob("*.csv")] == ["a.csv"]
