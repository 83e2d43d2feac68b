"""kill -9 of the server, of the code location and of workers at random moments: nothing lost, nothing doubled, every run ends."""

from __future__ import annotations

import datetime
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from examples.flights.feeder import play

from tests.processes import pipelines
from tests.processes.serving import Served, processes_of, wait_until
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.events import EventType
from tidewheel.values.records import EventFilter, RunFilter
from tidewheel.values.status import RunStatus

ROOT = Path(__file__).resolve().parents[2]
OPEN = (RunStatus.QUEUED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)
KILLS = int(os.environ.get("TIDEWHEEL_TEST_KILLS", "30"))
FEWER_KILLS = int(os.environ.get("TIDEWHEEL_TEST_KILLS", "10"))
"""The same with the ledger elsewhere and with the demo: the short form is for every commit, TIDEWHEEL_TEST_KILLS=30
for the long one."""
SEED = int(os.environ.get("TIDEWHEEL_TEST_SEED", "0")) or int(time.time())
DAY = datetime.date(2024, 1, 1)


def land(landing: Path, number: int) -> str:
    """One day's file, whole at once."""
    day = (DAY + datetime.timedelta(days=number)).isoformat()
    temporary = landing / f".{day}"
    temporary.write_text(str(number))
    temporary.rename(landing / f"{day}.txt")
    return day


def pick_victim(rng: random.Random, served: Served) -> tuple[str, int] | None:
    """A process of the wanted kind, if there is one now."""
    kind = rng.choice(["server", "location", "worker"])
    if kind == "server":
        return kind, served.process.pid
    try:
        children = psutil.Process(served.process.pid).children()
        locations = [
            p for p in children if any("worker.location.location_process" in part for part in p.cmdline())
        ]
        workers = [p for location in locations for p in location.children()]
    except psutil.Error:
        return None  # one of them has just ended
    if kind == "location":
        return (kind, locations[0].pid) if locations else None
    return (kind, rng.choice(workers).pid) if workers else None


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@pytest.fixture(
    params=[
        pytest.param("file", id="file", marks=pytest.mark.xdist_group("crashes")),
        pytest.param("postgres", id="postgres", marks=pytest.mark.xdist_group("postgres")),
    ]
)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the home's ledger is: in the home, or in a real Postgres, which is not killed."""
    if request.param == "file":
        return str(tmp_path / "home" / "ledger.db")
    return str(request.getfixturevalue("postgres_address"))


@pytest.mark.timeout(400)
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path, storage: str) -> None:
    print(f"TIDEWHEEL_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    root, home = tmp_path / "root", tmp_path / "home"
    landing = root / "landing"
    landing.mkdir(parents=True)
    file = tmp_path / "chaos.py"
    file.write_text(pipelines.FILES)
    env = {"CHAOS_ROOT": str(root)}
    if storage.startswith("postgresql"):
        env["TIDEWHEEL_STORAGE_URL"] = storage
    served = Served(home, file, env=env)
    served.wait_loaded()
    began = time.time()
    days: list[str] = []
    killed: Counter[str] = Counter()
    wanted = FEWER_KILLS if storage.startswith("postgresql") else KILLS
    while sum(killed.values()) < wanted:
        days.append(land(landing, len(days)))
        time.sleep(rng.uniform(0.05, 0.8))
        victim = pick_victim(rng, served)
        if victim is None:
            continue
        kind, pid = victim
        kill(pid)
        killed[kind] += 1
        if kind == "server":
            served.process.wait()
            served = Served(home, file, env=env)
            served.wait_loaded()
    days.append(land(landing, len(days)))
    print(f"killed {dict(killed)}, {len(days)} files")

    ledger = served.ledger

    def all_done() -> bool:
        by_key = ledger.get_runs(RunFilter(job_name="day_job"), limit=10_000)
        open_runs = ledger.count_runs(
            RunFilter(statuses=(RunStatus.QUEUED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING))
        )
        return {run.run_key for run in by_key if run.run_key} == set(days) and open_runs == 0

    wait_until(all_done, 180.0, "every file's run was made and every run ended")
    ended = time.time()
    ledger.close()
    served.stop()
    assert not processes_of(home)
    check_ledger(storage, root, days, began, ended)


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("crashes")
def test_kills_of_the_demo_pipeline_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    print(f"TIDEWHEEL_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    data, home = tmp_path / "data", tmp_path / "home"
    env = {"FLIGHTS_DATA": str(data), "PYTHONPATH": str(ROOT)}
    stop = threading.Event()
    feeder = threading.Thread(
        target=play, args=(data / "landing",), kwargs={"pace_s": 2.0, "days": 40, "stop": stop}, daemon=True
    )
    feeder.start()
    file = ROOT / "examples" / "flights" / "pipeline.py"
    served = Served(home, file, env=env)
    served.wait_loaded()
    killed: Counter[str] = Counter()
    while sum(killed.values()) < FEWER_KILLS:
        time.sleep(rng.uniform(0.1, 1.2))
        victim = pick_victim(rng, served)
        if victim is None:
            continue
        kind, pid = victim
        kill(pid)
        killed[kind] += 1
        if kind == "server":
            served.process.wait()
            served = Served(home, file, env=env)
            served.wait_loaded()
    stop.set()
    feeder.join()
    landed = {path.name for path in (data / "landing").glob("flights-*.csv")}
    print(f"killed {dict(killed)}, {len(landed)} days")
    ledger = served.ledger
    wait_until(
        lambda: (
            {r.run_key for r in ledger.get_runs(RunFilter(job_name="one_day"), limit=10_000) if r.run_key}
            == landed
            and ledger.count_runs(RunFilter(statuses=OPEN)) == 0
        ),
        120.0,
        "every day's run was made and every run ended",
    )
    ledger.close()
    served.stop()
    assert not processes_of(home)
    stored = open_ledger(str(home / "ledger.db"))
    runs = stored.get_runs(None, limit=100_000)
    assert Counter(run.run_key for run in runs if run.run_key) == Counter(landed)
    assert all(run.is_finished for run in runs)
    for run in runs:
        log = stored.get_run_log(run.run_id)
        steps = Counter(e.event.step_key for e in log if e.event.type is EventType.STEP_START)
        retries = Counter(e.event.step_key for e in log if e.event.type is EventType.STEP_RESTARTED)
        assert all(count <= 1 + retries[step] for step, count in steps.items()), run.run_id
        made = Counter(e.event.asset for e in log if e.event.type is EventType.ASSET_MATERIALIZATION)
        assert all(count == 1 for count in made.values()), run.run_id
    nominal = Counter(t.scheduled_for for t in stored.get_ticks(limit=100_000) if t.scheduled_for is not None)
    assert all(count == 1 for count in nominal.values())
    stored.close()


def check_ledger(storage: str, root: Path, days: list[str], began: float, ended: float) -> None:
    ledger = open_ledger(storage)
    runs = ledger.get_runs(None, limit=100_000)
    # no request doubled, none lost: one first attempt per file
    keys = Counter(run.run_key for run in runs if run.job_name == "day_job" and run.run_key)
    assert keys == Counter(days)
    # every run ended, and says when
    assert all(run.is_finished and run.ended_at is not None for run in runs)
    # failures are lost workers, each retried once; a chain may end in failure only if its retry lost its worker too
    for run in runs:
        if run.status is RunStatus.FAILURE:
            assert run.failure_reason in ("WORKER_LOST", "START_TIMEOUT"), (run.run_id, run.failure_reason)
            if run.retry_number == 0:
                retries = [other for other in runs if other.parent_run_id == run.run_id]
                assert len(retries) == 1, run.run_id
    # every day was made, by its run or that run's retry
    made = ledger.get_partition_events("clean")
    lost = {run.partition for run in runs if run.status is RunStatus.FAILURE and run.retry_number > 0}
    assert set(days) - set(made) <= lost
    # nothing was executed twice under one run: marks are written by user code itself
    marks = Counter((root / "marks.txt").read_text().splitlines())
    doubled = {line: count for line, count in marks.items() if count > 1}
    assert not doubled, doubled
    # nothing was stored twice
    for asset in ("raw", "clean", "summary"):
        events = ledger.get_events(
            EventFilter(types=(EventType.ASSET_MATERIALIZATION.value,), assets=(asset,))
        )
        twice = Counter((stored.event.run_id, stored.event.partition) for stored in events)
        assert not [key for key, count in twice.items() if count > 1]
    # the schedule ticked once for every minute in which a server was up at its end
    ticks = [tick for tick in ledger.get_ticks(limit=100_000) if tick.trigger_id.endswith("/every_minute")]
    nominal = Counter(tick.scheduled_for for tick in ticks)
    assert all(count == 1 for count in nominal.values())
    minutes = [m * 60.0 for m in range(int(began // 60) + 1, int((ended - 5) // 60) + 1)]
    assert set(minutes) <= set(nominal), "a minute's tick was lost"
    # each tick's runs exist
    known = {run.run_id for run in runs}
    assert all(run_id in known for tick in ledger.get_ticks(limit=100_000) for run_id in tick.run_ids)
    # every failure was reported once
    failures = root / "failures.txt"
    reported = Counter(failures.read_text().split()) if failures.exists() else Counter()
    failed = {run.run_id for run in runs if run.status is RunStatus.FAILURE}
    assert set(reported) <= failed
    ledger.close()
