"""Pools with real workers: steps wait for slots, and a slot dies with the worker that held it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus

CODE = """
import os, time
from pathlib import Path
import tidewheel as tw

ROOT = Path(os.environ["POOLS_ROOT"])

def work(context, name):
    began = time.time()
    while (ROOT / "hold").exists():
        time.sleep(0.05)
    time.sleep(0.2)
    with open(ROOT / "spans.txt", "a") as out:
        out.write(f"{name} {began} {time.time()}\\n")

@tw.op
def start():
    pass

@tw.op(pool="db", ins={"after": tw.In(tw.Nothing)})
def query(context):
    work(context, "query")

@tw.job(executor_def=tw.in_process_executor)
def late():
    query(after=start())

@tw.asset(pool="db")
def table(context):
    work(context, "table")

defs = tw.Definitions(assets=[table], jobs=[late])
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.hold = self.root / "hold"
        file = folder / "code.py"
        file.write_text(CODE)
        self.served = Served(folder / "home", file, env={"POOLS_ROOT": str(self.root)})
        self.served.wait_loaded()
        self.ledger = self.served.ledger

    def launch(self, **request) -> str:
        outcome = self.served.control.launch(LaunchRequest(**request))
        assert outcome.run_id is not None, outcome.message
        return outcome.run_id

    def status(self, run_id: str) -> RunStatus:
        return self.ledger.get_run(run_id).status

    def wait_ended(self, *run_ids: str) -> None:
        wait_until(
            lambda: all(self.ledger.get_run(each).is_finished for each in run_ids), 40.0, "the runs' end"
        )

    def spans(self) -> list[tuple[float, float]]:
        lines = (self.root / "spans.txt").read_text().splitlines()
        return sorted((float(began), float(ended)) for _, began, ended in (line.split() for line in lines))


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.served.stop()


def test_steps_of_different_runs_wait_for_each_other_inside_their_runs(place):
    place.ledger.pools.set_slots("db", 1, now=time.time())
    runs = [place.launch(job_name="late") for _ in range(3)]
    place.wait_ended(*runs)
    assert {place.status(each) for each in runs} == {RunStatus.SUCCESS}
    spans = place.spans()
    assert all(ended <= began for (_, ended), (began, _) in zip(spans, spans[1:], strict=False)), spans
    assert place.ledger.pools.get_held() == {}


def test_a_run_that_can_begin_with_nothing_else_waits_in_the_queue_and_says_why(place):
    place.ledger.pools.set_slots("db", 1, now=time.time())
    place.hold.touch()
    first = place.launch(assets=("table",))
    wait_until(lambda: place.ledger.pools.get_held() == {"db": 1}, what="the slot that is held")
    second = place.launch(assets=("table",))
    wait_until(lambda: place.served.control.wait_reasons([second]), what="a reason")
    wait_until(
        lambda: "pool 'db'" in place.served.control.wait_reasons([second])[second], what="the pool as reason"
    )
    assert place.status(second) is RunStatus.QUEUED
    place.hold.unlink()
    place.wait_ended(first, second)
    assert place.status(second) is RunStatus.SUCCESS


def test_a_slot_dies_with_the_worker_that_held_it(place):
    place.ledger.pools.set_slots("db", 1, now=time.time())
    place.hold.touch()
    first = place.launch(assets=("table",), tags={"dagster/max_retries": "0"})
    wait_until(lambda: place.ledger.pools.get_held() == {"db": 1}, what="the slot that is held")
    second = place.launch(job_name="late")
    [pool] = place.ledger.pools.get_all()
    assert [claim.run_id for claim in pool.claims if claim.held_since] == [first]
    pid = wait_until(lambda: place.ledger.get_run(first).worker_pid, what="the worker's number")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: place.status(first) is RunStatus.FAILURE, what="the lost run's end")
    place.hold.unlink()
    place.wait_ended(second)
    assert place.status(second) is RunStatus.SUCCESS
    assert place.ledger.get_runs(RunFilter(statuses=(RunStatus.QUEUED,))) == []
