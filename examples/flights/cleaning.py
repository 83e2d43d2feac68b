"""What the pipeline does to the data: pure functions from tables to tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

MAX_MPH = 590  # no airliner of these fleets is faster over ground, block after block
MAX_DELAY_MIN = 15 * 60  # a flight this late is another flight
MIN_SEATS = 20  # smaller "planes" are private ones that took over an airliner's tail number
LATE_MIN = 15  # the industry's own line between on time and late

CANCELLED, DIVERTED, LOST, FLOWN = "cancelled", "diverted", "lost", "flown"
"""How a flight ended. *Lost*: it left, but nobody wrote down whether or where it arrived."""

WEATHER = ["temp", "wind_speed", "wind_gust", "precip", "visib"]
TOTALS = ["flights", "flown", "cancelled", "late", "delay_min", "seat_hours", "rough", "rough_late"]


def clean(raw: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """One row per flight of a landed file: true times, how it ended, seats, and what is wrong with it ("" if nothing)."""
    day = pd.to_datetime(raw[["year", "month", "day"]])
    flights = raw[["carrier", "flight", "tailnum", "origin", "dest", "time_hour"]].copy()
    flights.insert(0, "day", day.dt.strftime("%Y-%m-%d"))
    flights["scheduled"] = day + minutes_after_midnight(raw["sched_dep_time"])
    flights["departed"] = flights["scheduled"] + pd.to_timedelta(raw["dep_delay"], unit="min")
    flights["delay_min"] = raw["arr_delay"]
    flights["mph"] = (raw["distance"] / raw["air_time"] * 60).round()
    flights["outcome"] = np.select(
        [raw["dep_time"].isna(), raw["arr_time"].isna(), raw["arr_delay"].isna()],
        [CANCELLED, LOST, DIVERTED],
        default=FLOWN,
    )
    seats = planes.set_index("tailnum")["seats"]
    flights["seats"] = flights["tailnum"].map(seats[seats >= MIN_SEATS])
    flights["fault"] = np.select(
        [flights["mph"] > MAX_MPH, raw["dep_delay"] > MAX_DELAY_MIN],
        [f"faster than {MAX_MPH} mph", f"left more than {MAX_DELAY_MIN // 60} hours late"],
        default="",
    )
    return flights


def minutes_after_midnight(hhmm: pd.Series) -> pd.Series:
    """Clock times written as numbers (517 is 5:17; 2400 is the midnight that ends the day) as time deltas."""
    return pd.to_timedelta(hhmm // 100 * 60 + hhmm % 100, unit="min")


def join_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The flights with the weather at their airport in the hour of departure; ``rough`` where it was bad."""
    observed = weather[["origin", "time_hour", *WEATHER]].drop_duplicates(["origin", "time_hour"])
    joined = flights.merge(observed, on=["origin", "time_hour"], how="left", validate="many_to_one")
    joined["rough"] = (joined["visib"] < 3) | (joined["precip"] > 0.02) | (joined["wind_gust"] > 30)
    return joined


def delays(flights: pd.DataFrame) -> pd.DataFrame:
    """A day's totals by carrier and airport; rows with a fault do not count."""
    sound = flights[flights["fault"] == ""]
    late = sound["delay_min"] > LATE_MIN
    rows = sound[["day", "carrier", "origin"]].assign(
        flights=1,
        flown=sound["outcome"] == FLOWN,
        cancelled=sound["outcome"] == CANCELLED,
        late=late,
        delay_min=sound["delay_min"].fillna(0),
        seat_hours=(sound["delay_min"].clip(lower=0) * sound["seats"] / 60).fillna(0),
        rough=sound["rough"],
        rough_late=sound["rough"] & late,
    )
    return rows.groupby(["day", "carrier", "origin"], as_index=False)[TOTALS].sum()


def summarise(totals: pd.DataFrame, by: str) -> pd.DataFrame:
    """Delays per ``by`` (carrier, origin or day), the latest first, from any number of days' totals."""
    sums = totals.groupby(by)[TOTALS].sum()
    return (
        pd.DataFrame(
            {
                "flights": sums["flights"],
                "late %": share(sums["late"], sums["flown"]),
                "late in rough weather %": share(sums["rough_late"], sums["rough"]),
                "mean delay, min": (sums["delay_min"] / sums["flown"]).round(1),
                "seat hours lost": sums["seat_hours"].round().astype(int),
                "cancelled %": share(sums["cancelled"], sums["flights"]),
            }
        )
        .sort_values("late %", ascending=False, kind="stable")
        .reset_index()
    )


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Percentages with one decimal; empty where there is no whole."""
    return (part / whole.where(whole > 0) * 100).round(1)


def to_markdown(table: pd.DataFrame, columns: Sequence[str] | None = None) -> str:
    """A table as Markdown."""
    shown = table[list(columns)] if columns else table
    head = [list(shown.columns), ["---"] * shown.shape[1]]
    body = [["" if pd.isna(value) else str(value) for value in row] for row in shown.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in head + body)
