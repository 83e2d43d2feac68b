"""Sensors that hold the interpreter, replace or fork their process: cut, ended, and no cost to the others."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.values.status import TickStatus

CODE = """
import ctypes, os, pathlib, time
import tidewheel as tw

HOME = pathlib.Path("FOLDER")

@tw.op
def quick():
    return 1

@tw.job
def one():
    quick()

def every(seconds, **more):
    return dict(job=one, minimum_interval_seconds=seconds,
                default_status=tw.DefaultSensorStatus.RUNNING, **more)

@tw.sensor(**every(300, metadata={"tidewheel/evaluation_timeout_s": 300}))
def holding(context):
    (HOME / "holding").touch()
    ctypes.PyDLL(None).sleep(600)

@tw.sensor(**every(300))
def replacing(context):
    (HOME / "replaced").write_text(str(os.getpid()))
    os.execv("/bin/sleep", ["sleep", "600"])

@tw.sensor(**every(300))
def forking(context):
    if os.fork() == 0:
        (HOME / "forked").write_text(str(os.getpid()))
    return tw.SkipReason("forked")

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no")

@tw.sensor(**every(300))
def mute(context):
    raise Mute

def counting(number):
    @tw.sensor(name=f"count{number}", **every(0.1))
    def count(context):
        context.update_cursor(str(int(context.cursor or 0) + 1))
    return count

defs = tw.Definitions(
    jobs=[one], sensors=[holding, *(counting(n) for n in range(20)), replacing, forking, mute]
)
"""


@pytest.fixture
def served(tmp_path: Path):
    file = tmp_path / "pipeline.py"
    file.write_text(CODE.replace("FOLDER", str(tmp_path)))
    server = Served(tmp_path / "home", file)
    server.wait_loaded()
    yield server
    server.stop()


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def first_tick(served: Served, sensor: str):
    return wait_until(lambda: served.ledger.get_ticks(f"pipeline.py/{sensor}"), what=f"a tick of {sensor}")[0]


def test_harmful_sensors_cost_the_others_nothing(served: Served, tmp_path: Path) -> None:
    wait_until((tmp_path / "holding").exists, what="the sensor that holds the interpreter")
    # what waited behind it is asked elsewhere long before its deadline
    for number in range(20):
        wait_until(
            lambda number=number: (
                int(served.ledger.get_trigger(f"pipeline.py/count{number}").cursor or 0) > 2
            ),
            what=f"evaluations of count{number}",
        )
    assert served.ledger.get_ticks("pipeline.py/holding") == []

    died = first_tick(served, "replacing")
    assert died.error is not None and died.error.cls_name == "UserCodeDiedError"
    replaced = int((tmp_path / "replaced").read_text())
    wait_until(lambda: is_gone(replaced), what="the end of what the evaluator was replaced by")

    assert first_tick(served, "forking").status is TickStatus.SKIPPED
    forked = int(wait_until(lambda: (tmp_path / "forked").exists() and (tmp_path / "forked").read_text()))
    assert forked != os.getpid()
    wait_until(lambda: is_gone(forked), what="the end of the forked process")

    told = first_tick(served, "mute")
    assert told.error is not None
    assert "Mute" in told.error.headline and "RuntimeError" in told.error.headline
