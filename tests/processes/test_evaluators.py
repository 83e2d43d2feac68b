"""User code that hangs, dies or is reloaded while it is evaluated: it is told the truth, and others do not suffer."""

from __future__ import annotations

import os
import signal
from pathlib import Path

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

@tw.sensor(**every(300, metadata={"tidewheel/evaluation_timeout_s": 1.5}))
def hanging(context):
    time.sleep(600)

@tw.sensor(**every(300))
def exiting(context):
    os._exit(7)

@tw.sensor(**every(300))
def crashing(context):
    ctypes.string_at(0)

@tw.sensor(**every(300))
def killed(context):
    (HOME / "pid").write_text(str(os.getpid()))
    time.sleep(600)

@tw.sensor(**every(300))
def long(context):
    (HOME / "begun").write_text("VERSION")
    while not (HOME / "go").exists():
        time.sleep(0.02)
    yield tw.SkipReason("done by VERSION")

def counting(number):
    @tw.sensor(name=f"count{number}", **every(0.1))
    def count(context):
        context.update_cursor(str(int(context.cursor or 0) + 1))
    return count

defs = tw.Definitions(
    jobs=[one], sensors=[hanging, exiting, crashing, killed, long, *(counting(n) for n in range(8))]
)
"""


@pytest.fixture
def served(tmp_path: Path):
    file = tmp_path / "pipeline.py"
    file.write_text(CODE.replace("FOLDER", str(tmp_path)).replace("VERSION", "one"))
    server = Served(tmp_path / "home", file)
    server.wait_loaded()
    yield server
    (tmp_path / "go").touch()
    server.stop()


def first_tick(served: Served, sensor: str):
    return wait_until(lambda: served.ledger.get_ticks(f"pipeline.py/{sensor}"), what=f"a tick of {sensor}")[0]


def test_what_hangs_or_dies_gets_its_tick_and_costs_the_others_nothing(
    served: Served, tmp_path: Path
) -> None:
    wait_until(lambda: (tmp_path / "pid").exists(), what="the sensor that is to be killed")
    counts = {
        f"count{n}": int(served.ledger.get_trigger(f"pipeline.py/count{n}").cursor or 0) for n in range(8)
    }
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    expected = {
        "hanging": ("UserCodeTimeoutError", "within 1.5 s"),
        "exiting": ("UserCodeDiedError", "exit code 7"),
        "crashing": ("UserCodeDiedError", "SIGSEGV"),
        "killed": ("UserCodeDiedError", "SIGKILL"),
    }
    for name, (kind, words) in expected.items():
        tick = first_tick(served, name)
        assert tick.status is TickStatus.FAILURE
        assert tick.error is not None and tick.error.cls_name == kind, tick.error
        assert words in tick.error.message and f"'{name}'" in tick.error.message
        assert not tick.error.stack  # where the server noticed it is nobody's business
    # the sensor that is still at it, and the dead ones, have not stopped the quick ones
    for name, before in counts.items():
        wait_until(
            lambda name=name, before=before: (
                int(served.ledger.get_trigger(f"pipeline.py/{name}").cursor or 0) > before + 3
            ),
            what=f"evaluations of {name}",
        )
        assert all(t.status is not TickStatus.FAILURE for t in served.ledger.get_ticks(f"pipeline.py/{name}"))


def test_a_reload_lets_an_evaluation_finish_with_the_code_it_began_with(
    served: Served, tmp_path: Path
) -> None:
    wait_until(lambda: (tmp_path / "begun").exists(), what="the begin of the long evaluation")
    file = tmp_path / "pipeline.py"
    file.write_text(file.read_text().replace("by one", "by two"))
    served.control.reload()
    assert served.ledger.get_ticks("pipeline.py/long") == []
    (tmp_path / "go").touch()
    tick = first_tick(served, "long")
    assert (tick.status, tick.skip_reason) == (TickStatus.SKIPPED, "done by one")
