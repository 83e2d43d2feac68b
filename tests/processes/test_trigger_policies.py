"""Policies on a real server: overlap, debounce, breaker, taken keys, pause and resume by command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tests.processes.test_dev import command
from tidewheel.values.policies import Selection
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus, TickStatus

CODE = """
import pathlib, time
import tidewheel as tw

HOME = pathlib.Path("FOLDER")

@tw.op
def wait_for_file():
    while not (HOME / "go").exists():
        time.sleep(0.05)

@tw.job
def slow():
    wait_for_file()

@tw.op
def quick():
    return 1

@tw.job
def one():
    quick()

def sensor(name, job, **policy):
    return dict(
        name=name, job=job, minimum_interval_seconds=0.1,
        policy=tw.TriggerPolicy(**policy), tags={"team": name},
        default_status=tw.DefaultSensorStatus.RUNNING,
    )

@tw.sensor(**sensor("skipping", slow, overlap="skip"))
def skipping(context):
    yield tw.RunRequest()

@tw.sensor(**sensor("bursting", one, debounce=tw.Debounce(quiet_s=0.5)))
def bursting(context):
    count = int(context.cursor or 0)
    if count < 3:
        context.update_cursor(str(count + 1))
        yield tw.RunRequest(run_key=str(count))

@tw.sensor(**sensor("failing", one, breaker=tw.Breaker(failures=2, delay_s=300)))
def failing(context):
    raise ValueError("no such table")

@tw.sensor(**sensor("repeating", one))
def repeating(context):
    yield tw.RunRequest(run_key="same")

defs = tw.Definitions(jobs=[slow, one], sensors=[skipping, bursting, failing, repeating])
"""


@pytest.fixture
def served(tmp_path: Path):
    file = tmp_path / "pipeline.py"
    file.write_text(CODE.replace("FOLDER", str(tmp_path)))
    server = Served(tmp_path / "home", file)
    server.wait_loaded()
    yield server
    (tmp_path / "go").touch()
    server.stop()


def runs_of(served: Served, sensor: str):
    return served.ledger.get_runs(RunFilter(tags={"dagster/sensor_name": (sensor,)}))


def ticks_of(served: Served, sensor: str):
    return served.ledger.get_ticks(f"pipeline.py/{sensor}")


def view_of(served: Served, sensor: str):
    [view] = [one for one in served.control.get_triggers_view() if one.name == sensor]
    return view


def test_policies_hold_on_a_running_server(served: Served, tmp_path: Path) -> None:
    # overlap: while the first run goes on, others are dropped with a link to it
    wait_until(lambda: len(ticks_of(served, "skipping")) == 2, what="a tick that is dropped")
    [running] = runs_of(served, "skipping")
    dropped = ticks_of(served, "skipping")[0]
    assert dropped.status is TickStatus.SKIPPED
    assert [note.run_id for note in dropped.set_aside] == [running.run_id]

    # debounce: three requests, one run, and its ticks know it
    wait_until(lambda: runs_of(served, "bursting"), what="the joined run")
    [joined] = runs_of(served, "bursting")
    assert json.loads(joined.tags["tidewheel/joined_run_keys"]) == ["0", "1", "2"]

    # breaker: two equal failures, then it is not asked any more, and that is shown
    wait_until(lambda: view_of(served, "failing").breaker, what="an open breaker")
    assert "the last 2 evaluations failed in the same way" in (view_of(served, "failing").breaker or "")
    assert len(ticks_of(served, "failing")) == 2

    # taken keys: told once
    wait_until(lambda: len(ticks_of(served, "repeating")) == 2, what="a tick that tells of the taken key")
    [run] = runs_of(served, "repeating")
    assert [kept.run_id for kept in ticks_of(served, "repeating")[0].kept_keys] == [run.run_id]
    freed = command("sensor", "reset-keys", "repeating", "--all", "--json", home=served.home)
    assert json.loads(freed.stdout) == {"freed": 1}
    wait_until(lambda: len(runs_of(served, "repeating")) == 2, what="the second run")

    assert len(ticks_of(served, "skipping")) == 2, "the same drop is told once"
    # when the slow run ends, the next tick is run
    (tmp_path / "go").touch()
    wait_until(lambda: len(runs_of(served, "skipping")) > 1, what="a run after the first one")


def test_pauses_hold_survive_a_restart_and_end_by_themselves(served: Served, tmp_path: Path) -> None:
    wait_until(lambda: ticks_of(served, "skipping"), what="a tick")
    answer = command("sensor", "pause", "skip*", "--reason", "move", "--json", home=served.home)
    pause = json.loads(answer.stdout)
    assert (pause["reason"], pause["selection"]) == ("move", {"kind": "SENSOR", "name": "skip*"})
    assert view_of(served, "skipping").paused is not None
    assert view_of(served, "repeating").paused is None
    wrong = command("sensor", "pause", "skippin", home=served.home, check=False)
    assert wrong.returncode == 1 and "did you mean 'skipping'" in wrong.stderr
    served.stop()

    again = Served(served.home, tmp_path / "pipeline.py")
    try:
        again.wait_loaded()
        count = len(ticks_of(again, "skipping"))
        assert "paused" in command("sensor", "list", home=again.home).stdout
        again.control.pause(
            Selection(tags={"team": "repeating"}), expires_at=again.control.health().now + 0.7
        )
        assert view_of(again, "repeating").paused is not None
        wait_until(lambda: view_of(again, "repeating").paused is None, what="the end of the short pause")
        assert len(ticks_of(again, "skipping")) == count
        listed = json.loads(command("pause", "--list", "--json", home=again.home).stdout)
        assert [one["pause_id"] for one in listed] == [pause["pause_id"]]
        command("resume", "--all", home=again.home)
        (tmp_path / "go").touch()
        wait_until(lambda: len(ticks_of(again, "skipping")) > count, what="a tick after the pause")
        assert all(run.status is not RunStatus.CANCELED for run in runs_of(again, "repeating"))
    finally:
        (tmp_path / "go").touch()
        again.stop()
