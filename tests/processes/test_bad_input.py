"""Wrong definitions and misbehaving user code: one clear message that names the thing, and everything else runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.errors import DefinitionsError
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus, TickStatus
from tidewheel.worker.location.loaded_code import LoadFailure, load_code

HEAD = "import tidewheel as tw\n"

WRONG_FILES = {
    "a file that does not import": (
        HEAD + "import a_module_that_is_not_there\n",
        ["a_module_that_is_not_there", "expected"],
    ),
    "a syntax error": ("def broken(:\n", ["SyntaxError", "line 1"]),
    "a bad cron": (
        HEAD
        + "@tw.op\ndef o(): ...\n@tw.job\ndef j(): o()\n"
        + "@tw.schedule(job=j, cron_schedule='61 * * * *')\ndef every(context): return {}\n",
        ["every", "61 * * * *"],
    ),
    "a cycle": (
        HEAD
        + "@tw.asset(deps=['b'])\ndef a(): ...\n@tw.asset(deps=['a'])\ndef b(): ...\ndefs = tw.Definitions(assets=[a, b])\n",
        ["a", "b"],
    ),
    "two assets of one name": (
        HEAD
        + "@tw.asset(name='same')\ndef a(): ...\n@tw.asset(name='same')\ndef b(): ...\ndefs = tw.Definitions(assets=[a, b])\n",
        ["same"],
    ),
    "an unknown job": (
        HEAD
        + "s = tw.ScheduleDefinition(name='nightly', job_name='no_such_job', cron_schedule='0 0 * * *')\n"
        + "defs = tw.Definitions(schedules=[s])\n",
        ["nightly", "no_such_job"],
    ),
    "an unknown asset in a job": (
        HEAD
        + "@tw.asset\ndef numbers(): ...\n"
        + "j = tw.define_asset_job('job_of_typos', selection=['numbres'])\ndefs = tw.Definitions(assets=[numbers], jobs=[j])\n",
        ["numbres", "numbers"],
    ),
    "no definitions": ("x = 1\n", ["Definitions"]),
    "a file that ends its process politely": ("raise SystemExit(3)\n", ["SystemExit"]),
    "a file that interrupts itself": ("raise KeyboardInterrupt\n", ["KeyboardInterrupt"]),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_gives_one_clear_error(name: str, tmp_path: Path, monkeypatch) -> None:
    text, words = WRONG_FILES[name]
    file = tmp_path / f"wrong_{abs(hash(name))}.py"
    file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(LoadFailure) as failure:
        load_code(CodeTarget(file=str(file), working_dir=str(tmp_path)), "here")
    message = " ".join(error.message for error in failure.value.errors)
    for word in words:
        assert word in message, message


def test_all_errors_of_a_file_are_reported_together(tmp_path: Path) -> None:
    file = tmp_path / "several_wrongs.py"
    file.write_text(
        HEAD
        + "@tw.asset(name='same')\ndef a(): ...\n@tw.asset(name='same')\ndef b(): ...\n"
        + "@tw.asset(deps=['d'])\ndef c(): ...\n@tw.asset(deps=['c'])\ndef d(): ...\n"
        + "s = tw.ScheduleDefinition(name='nightly', job_name='no_such_job', cron_schedule='0 0 * * *')\n"
        + "defs = tw.Definitions(assets=[a, b, c, d], schedules=[s])\n"
    )
    with pytest.raises(LoadFailure) as failure:
        load_code(CodeTarget(file=str(file), working_dir=str(tmp_path)), "here")
    assert isinstance(failure.value.__cause__, DefinitionsError)
    messages = [error.message for error in failure.value.errors]
    assert len(messages) >= 3, messages
    assert any("same" in m for m in messages) and any("no_such_job" in m for m in messages)


MISBEHAVING = (
    HEAD
    + """
import os, time, threading

class Unpicklable:
    def __init__(self):
        self.lock = threading.Lock()

@tw.op(config_schema={"n": int})
def needs_config(context):
    return context.op_config["n"]

@tw.op
def gives_unpicklable():
    return Unpicklable()

@tw.op
def takes(x):
    return 1

@tw.op
def leaves():
    os._exit(7)

@tw.op
def fine():
    return 1

@tw.job
def configured(): needs_config()

@tw.job
def unpicklable(): takes(gives_unpicklable())

@tw.job
def leaver(): leaves()

@tw.job
def good(): fine()

def sensor(name, interval=0.3):
    return tw.sensor(name=name, job=good, minimum_interval_seconds=interval, default_status=tw.DefaultSensorStatus.RUNNING)

@sensor("raises")
def raises(context): raise ValueError("the bucket is gone")

@sensor("hangs", 1)
def hangs(context): time.sleep(3600)

@sensor("nonsense")
def nonsense(context): return 42

@sensor("half_good", 30)
def half_good(context):
    return [tw.RunRequest(run_key="bad", job_name="no_such_job"), tw.RunRequest(run_key="fine")]

defs = tw.Definitions(jobs=[configured, unpicklable, leaver, good], sensors=[raises, hangs, nonsense, half_good])
"""
)


@pytest.fixture
def misbehaving(tmp_path: Path):
    file, home = tmp_path / "misbehaving.py", tmp_path / "home"
    file.write_text(MISBEHAVING)
    home.mkdir()
    (home / "tidewheel.toml").write_text("evaluation_timeout_s = 2.0\n")
    served = Served(home, file)
    served.wait_loaded()
    yield served
    served.stop()


def test_misbehaving_code_costs_the_rest_nothing(misbehaving: Served) -> None:
    served = misbehaving
    ticks = {}

    def seen(line: dict) -> bool:
        if line["kind"] == "tick":
            ticks.setdefault(line["name"], line)
        return {"raises", "hangs", "nonsense", "half_good"} <= set(ticks)

    served.wait_for(seen, 60.0)
    assert (
        ticks["raises"]["status"] == TickStatus.FAILURE.value
        and "the bucket is gone" in ticks["raises"]["text"]
    )
    assert ticks["hangs"]["status"] == TickStatus.FAILURE.value and "was cut" in ticks["hangs"]["text"]
    assert ticks["nonsense"]["status"] == TickStatus.FAILURE.value and "42" in ticks["nonsense"]["text"]
    # one bad request does not take the good one with it
    assert "no_such_job" in ticks["half_good"]["text"]
    ledger = served.ledger
    wait_until(
        lambda: ledger.get_runs(RunFilter(job_name="good", statuses=(RunStatus.SUCCESS,))),
        what="the good run",
    )

    from tidewheel.values.launch import LaunchRequest

    refused = served.control.launch(
        LaunchRequest(job_name="configured", run_config={"ops": {"needs_config": {"config": {"m": "x"}}}})
    )
    assert refused.run_id is None and refused.kind == "invalid_config"
    assert "needs_config" in refused.message and "n" in refused.message and "m" in refused.message

    for job, words in {"unpicklable": ["gives_unpicklable", "Unpicklable"], "leaver": ["7"]}.items():
        outcome = served.control.launch(LaunchRequest(job_name=job, tags={"dagster/max_retries": "0"}))
        wait_until(lambda o=outcome: ledger.get_run(o.run_id).is_finished, 60.0, f"{job} ended")
        assert ledger.get_run(outcome.run_id).status is RunStatus.FAILURE
        if job == "unpicklable":
            text = " ".join(repr(stored.event) for stored in ledger.get_run_log(outcome.run_id))
            assert all(word in text for word in words)
    # and the server still works
    outcome = served.control.launch(LaunchRequest(job_name="good"))
    wait_until(lambda: ledger.get_run(outcome.run_id).is_finished, what="a later run")
    assert ledger.get_run(outcome.run_id).status is RunStatus.SUCCESS
