"""How many triggers a server bears: schedules that are due in the same minute, sensors that have nothing to say."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psutil

from benchmarks import measure

SCHEDULES_FILE = """
{imports}

@dg.op
def hello():
    return 1

@dg.job
def one():
    hello()

def asked(number):
    @dg.schedule("* * * * *", name=f"asked_{{number}}", job=one, default_status=dg.DefaultScheduleStatus.RUNNING)
    def schedule(context):
        return dg.RunRequest()
    return schedule

def fixed(number):
    return dg.ScheduleDefinition(
        name=f"fixed_{{number}}", job=one, cron_schedule="* * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )

defs = dg.Definitions(
    jobs=[one], schedules=[*map(asked, range({asked})), *map(fixed, range({fixed}))]
)
"""

SENSORS_FILE = """
{imports}

@dg.op
def hello():
    return 1

@dg.job
def one():
    hello()

def quiet(number):
    @dg.sensor(name=f"quiet_{{number}}", job=one, minimum_interval_seconds=30,
               default_status=dg.DefaultSensorStatus.RUNNING)
    def sensor(context):
        return dg.SkipReason("nothing new")
    return sensor

defs = dg.Definitions(jobs=[one], sensors=list(map(quiet, range({count}))))
"""

Show = Callable[[str, str, float, float | None, str], None]
Peer = Callable[[str], AbstractContextManager[tuple[int, measure.Query]]]
OF_A_PEER = 100
PEER_PATIENCE_S = 300.0
NO_RUNS = "max_concurrent_runs = 1\n"
MINUTE_S = 60.0


def measure_schedules(show: Show, dagster_process: Peer | None) -> None:
    """Schedules of one minute: when the last of their runs was queued, in seconds after the minute."""
    for text, asked, fixed in (("without a function", 0, 10_000), ("with a function", 10_000, 0)):
        last = _queued_after(asked, fixed)
        show(f"10,000 schedules {text}: all queued", "<= 10 s", last, None, "s")
    if dagster_process is None:
        return
    # Dagster is given fewer: it asks its code location for one schedule after the other
    with dagster_process(SCHEDULES_FILE.replace("{asked}", str(OF_A_PEER)).replace("{fixed}", "0")) as (
        _,
        query,
    ):
        theirs = _last_of_peer(query, _next_minute(), OF_A_PEER)
    show(f"{OF_A_PEER} schedules with a function: all queued", "", _queued_after(OF_A_PEER, 0), theirs, "s")


def _queued_after(asked: int, fixed: int) -> float:
    with measure.tidewheel_server(SCHEDULES_FILE, settings=NO_RUNS, asked=asked, fixed=fixed) as server:
        return _last_of(str(server.home / "ledger.db"), _next_minute(), asked + fixed)


def _next_minute() -> float:
    """The next full minute that is not about to begin, when it has come."""
    nominal = (time.time() // MINUTE_S + 1) * MINUTE_S
    if nominal - time.time() < 5:
        nominal += MINUTE_S
    time.sleep(nominal - time.time())
    return nominal


def _last_of(ledger: str, nominal: float, count: int) -> float:
    """When the last of so many ticks of a nominal time was committed, in seconds after it."""
    deadline = time.monotonic() + 50
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as connection:
        while time.monotonic() < deadline:
            found, last = connection.execute(
                "SELECT count(*), max(run.created_at) FROM tick JOIN run ON run.tick_id = tick.tick_id "
                "WHERE tick.scheduled_for = ?",
                (nominal,),
            ).fetchone()
            if found >= count:
                return float(last) - nominal
            time.sleep(0.25)
    raise RuntimeError(f"expected {count} runs, got {found}")


def _last_of_peer(query: measure.Query, nominal: float, count: int) -> float:
    """When Dagster created the last of the runs of a minute, in seconds after it."""
    deadline = time.monotonic() + PEER_PATIENCE_S
    asked = "query($after: Float) { runsOrError(filter: {createdAfter: $after}) { ... on Runs { results { creationTime } } } }"
    while time.monotonic() < deadline:
        found = query(asked, {"after": nominal})["runsOrError"]["results"]
        if len(found) >= count:
            return sorted(float(one["creationTime"]) for one in found)[count - 1] - nominal
        time.sleep(1)
    raise RuntimeError(f"expected {count} runs of Dagster, got {len(found)}")


def measure_sensors(show: Show, dagster_server: Callable[[str], AbstractContextManager[Any]] | None) -> None:
    """Sensors on 30 s that skip: the processor time of all processes, in percent of one core."""
    with measure.tidewheel_server(SENSORS_FILE, count=2_000) as server:
        ours = _load_of(server.process.pid)
    show("2,000 idle sensors on 30 s, whole stack", "< 25 %", ours, None, "%")
    if dagster_server is None:
        return
    # Dagster is given fewer, since it does not finish 2,000 of them in 30 s on this machine
    with measure.tidewheel_server(SENSORS_FILE, count=200) as server:
        ours = _load_of(server.process.pid)
    with dagster_server(SENSORS_FILE.replace("{count}", "200")):
        family = [
            child
            for child in psutil.Process().children()
            if any("dagster" in part for part in child.cmdline())
        ]
        theirs = _load_of(family[0].pid)
    show("200 idle sensors on 30 s, whole stack", "", ours, theirs, "%")


def _load_of(pid: int, *, settle_s: float = 35.0, over_s: float = 60.0) -> float:
    """Percent of one core that a process and all below it use."""
    time.sleep(settle_s)
    before = _times(pid)
    time.sleep(over_s)
    after = _times(pid)
    return sum(used - before.get(one, 0.0) for one, used in after.items()) / over_s * 100


def _times(pid: int) -> dict[int, float]:
    top = psutil.Process(pid)
    found: dict[int, float] = {}
    for process in (top, *top.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        found[process.pid] = times.user + times.system
    return found
