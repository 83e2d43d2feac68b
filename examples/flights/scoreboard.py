"""Keeps count of what happens in the show: takes what the server and the feeder tell, draws nothing."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DAILY_ASSETS = ("clean_flights", "flights_with_weather", "delays")
DAY_JOB = "one_day"
DAYS_IN_YEAR = 365

LANDED, RUNNING, RETRYING, DONE, DOUBTFUL, FAILED = (
    "landed",
    "running",
    "retrying",
    "done",
    "doubtful",
    "failed",
)
"""How far a day is. *Doubtful*: done, but a check has found bad rows."""


@dataclass(frozen=True)
class Happening:
    """One line of the news."""

    at: float  # seconds since the epoch
    kind: str
    text: str


@dataclass
class _Run:
    job: str
    day: str | None = None
    started_at: float = 0.0


@dataclass
class Scoreboard:
    """Counts, the state of each day, and the news."""

    days_wanted: int = DAYS_IN_YEAR
    address: str = ""
    days: dict[str, str] = field(default_factory=dict)
    landed_at: dict[str, float] = field(default_factory=dict)
    ticks: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    made: dict[str, set[str]] = field(default_factory=lambda: {asset: set() for asset in DAILY_ASSETS})
    summaries: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    retries: int = 0
    reported: int = 0
    reactions_s: list[float] = field(default_factory=list)
    news: deque[Happening] = field(default_factory=lambda: deque(maxlen=500))
    told: int = 0  # how many news there were ever
    problems: deque[Happening] = field(default_factory=lambda: deque(maxlen=50))
    _runs: dict[str, _Run] = field(default_factory=dict)
    _doubtful: set[str] = field(default_factory=set)

    def resume(self, landed: list[str], made: Mapping[str, list[str]]) -> None:
        """Days that an earlier show on the same home has landed, and what it made of them."""
        for asset, days in made.items():
            self.made[asset].update(days)
        for day in landed:
            self.days[day] = DONE if day in self.made[DAILY_ASSETS[-1]] else LANDED

    def take_file(self, name: str, at: float) -> None:
        """The feeder has landed a file."""
        if name.startswith("flights-"):
            day = day_of(name)
            self.days[day] = LANDED
            self.landed_at[day] = at
            self._tell(at, "landed", name)

    def take_report(self, line: str, at: float) -> None:
        """The run failure sensor has written a line: day, run, reason."""
        day, _, reason = (line.split("\t") + ["", ""])[:3]
        self.reported += 1
        for check in [p for p in self.problems if p.kind == "check" and p.text.startswith(day)]:
            if check.text.split()[1].rstrip(":") in reason:
                self.problems.remove(check)  # the report says it all
        self._tell(at, "reported", f"{day}  {reason.partition(';')[0]}", problem=True)

    def take_trouble(self, text: str, at: float) -> None:
        """Something outside of the pipeline went wrong."""
        self._tell(at, "failed", text, problem=True)

    def take(self, activity: Mapping[str, Any]) -> None:
        """One line of ``tidewheel dev --json``."""
        match activity.get("kind"):
            case "server":
                self.address = f"http://{activity['host']}:{activity['port']}"
            case "tick":
                self._take_tick(activity)
            case "run":
                self._take_run(activity)
            case "step":
                self._take_step(activity)
            case "materialization":
                self._take_materialization(activity)
            case "check":
                self._take_check(activity)
            case "location":
                loaded = activity.get("status") == "LOADED"
                text = f"{activity['name']}: {activity.get('text', '')}"
                self._tell(activity["timestamp"], "loaded" if loaded else "failed", text, problem=not loaded)

    @property
    def done(self) -> int:
        """Days that have come to an end, good or bad."""
        return sum(state in (DONE, DOUBTFUL, FAILED) for state in self.days.values())

    @property
    def is_over(self) -> bool:
        """Whether all wanted days have landed and ended."""
        return len(self.days) >= self.days_wanted and self.done == len(self.days)

    @property
    def running(self) -> int:
        """Runs that are executing now."""
        return self.runs["STARTED"] - self.runs["SUCCESS"] - self.runs["FAILURE"] - self.runs["CANCELED"]

    @property
    def reaction_s(self) -> float | None:
        """Median time from the landing of a file to the end of its run, in seconds."""
        return statistics.median(self.reactions_s) if self.reactions_s else None

    def _take_tick(self, activity: Mapping[str, Any]) -> None:
        name, status = activity["name"], activity.get("status", "")
        self.ticks[name] += 1
        if status == "FAILURE":
            self._tell(activity["timestamp"], "failed", f"{name}: {activity.get('text', '')}", problem=True)
        elif status == "SUCCESS" and "run(s)" in activity.get("text", ""):
            runs = activity["text"].replace("1 run(s)", "1 run").replace("run(s)", "runs")
            self._tell(activity["timestamp"], "tick", f"{name} requests {runs}")

    def _take_run(self, activity: Mapping[str, Any]) -> None:
        run = self._run_of(activity)
        status, at = activity.get("status", ""), activity["timestamp"]
        self.runs[status] += 1
        if status == "STARTED":
            run.started_at = at
            self._set_day(run, RUNNING)
            return
        what = run.day or run.job
        if status == "SUCCESS":
            took = f"in {at - run.started_at:.1f} s" if run.started_at else ""
            if run.day in self.landed_at:
                waited_s = at - self.landed_at[run.day]
                self.reactions_s.append(waited_s)
                took = f"{waited_s:.1f} s after landing"
            self._set_day(run, DOUBTFUL if run.day in self._doubtful else DONE)
            self._tell(at, "done", f"{what}  {took}")
        else:
            self._set_day(run, FAILED)
            self._tell(at, "failed", f"{what}  {one_line(activity.get('text', ''))}")

    def _take_step(self, activity: Mapping[str, Any]) -> None:
        run = self._run_of(activity)
        if activity.get("status") == "RETRY":
            self.retries += 1
            self._set_day(run, RETRYING)
            self._tell(activity["timestamp"], "retry", f"{run.day or run.job}  {activity.get('text', '')}")

    def _take_materialization(self, activity: Mapping[str, Any]) -> None:
        run = self._run_of(activity)
        asset = activity.get("asset")
        if asset in self.made and run.day is not None:
            self.made[asset].add(run.day)
            self._set_day(run, RUNNING)
        elif asset == "year_so_far":
            self.summaries += 1

    def _take_check(self, activity: Mapping[str, Any]) -> None:
        run = self._run_of(activity)
        if activity.get("status") == "PASSED":
            self.checks_passed += 1
            return
        self.checks_failed += 1
        if run.day is not None:
            self._doubtful.add(run.day)
        text = f"{run.day}  {activity.get('asset')}: {activity.get('text', '')}"
        self._tell(activity["timestamp"], "check", text, problem=True)

    def _run_of(self, activity: Mapping[str, Any]) -> _Run:
        run = self._runs.setdefault(activity.get("run_id") or "", _Run(activity.get("name", "")))
        if activity["kind"] == "run":
            run.job = activity.get("name", "")
        run.day = run.day or activity.get("partition")
        return run

    def _set_day(self, run: _Run, state: str) -> None:
        if run.day is not None and run.day in self.days:
            self.days[run.day] = state

    def _tell(self, at: float, kind: str, text: str, *, problem: bool = False) -> None:
        happening = Happening(at, kind, text.rstrip())
        self.news.append(happening)
        self.told += 1
        if problem:
            self.problems.append(happening)


def day_of(file_name: str) -> str:
    """The day of a landed file: its name without kind and ending."""
    return file_name.partition("-")[2].removesuffix(".csv")


def one_line(text: str) -> str:
    """A text of several lines as one."""
    return " ".join(text.split())
