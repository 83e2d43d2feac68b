"""Whatever makes a sensor due wakes it at once, however it comes between: nothing waits for the sensor's interval."""

from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tests.processes.test_hooks import lines, post
from tidewheel.values.policies import Selection

SOON_S = 15.0
"""Half the interval of a webhook sensor."""

CODE = """
import os
import time
from pathlib import Path
import tidewheel as tw

MARKS = Path(os.environ["MARKS"])
RUNNING = tw.DefaultSensorStatus.RUNNING
HOUR_S = 3600

def mark(name, text):
    with open(MARKS / name, "a") as out:
        out.write(text + "\\n")

def wait_at(gate):
    while not (MARKS / gate).exists():
        time.sleep(0.02)

@tw.op
def nothing():
    pass

@tw.job
def j():
    nothing()

@tw.sensor(job=j, minimum_interval_seconds=HOUR_S, default_status=RUNNING)
def polls(context):
    mark("polls.txt", context.cursor or "none")
    wait_at("gate")
    return tw.SensorResult(run_requests=[tw.RunRequest()], cursor=context.cursor or "own")

@tw.webhook_sensor(auth=tw.HookAuth.open(), hook="slow", job=j, default_status=RUNNING)
def takes(context):
    mark("begun.txt", context.delivery_id)
    wait_at("gate")
    return tw.RunRequest(tags={"of": context.delivery_id})

defs = tw.Definitions(jobs=[j], sensors=[polls, takes])
"""


@pytest.fixture
def served(tmp_path: Path):
    file = tmp_path / "wakes.py"
    file.write_text(CODE)
    started = Served(tmp_path / "home", file, env={"MARKS": str(tmp_path)})
    started.wait_loaded()
    wait_until(lambda: post(started, "nothing", b"")[0] == 404, what="that triggers are served")
    yield started
    (tmp_path / "gate").touch()
    started.stop()


def handed_over(served: Served) -> list[str]:
    return sorted(run.tags["of"] for run in served.ledger.get_runs() if "of" in run.tags)


def send(served: Served, name: str) -> None:
    assert post(served, "slow", b"x", {"X-Delivery-Id": name})[0] == 202


def test_a_sensor_whose_state_changed_under_its_evaluation_is_evaluated_again_at_once(served, tmp_path):
    wait_until(lambda: lines(tmp_path / "polls.txt") == ["none"], what="the first evaluation")
    served.control.set_cursor("polls", "7")
    (tmp_path / "gate").touch()
    wait_until(lambda: lines(tmp_path / "polls.txt") == ["none", "7"], SOON_S, "the evaluation anew")
    wait_until(lambda: len(served.ledger.get_runs()) == 1, what="its run")
    assert served.ledger.get_trigger("wakes.py/polls").cursor == "7"


def test_a_delivery_whose_commit_came_too_late_is_handed_over_again_at_once(served, tmp_path):
    send(served, "a")
    wait_until(lambda: lines(tmp_path / "begun.txt"), what="the evaluation")
    served.control.set_cursor("takes", "moved")
    (tmp_path / "gate").touch()
    wait_until(lambda: handed_over(served) == ["a"], SOON_S, "the delivery's run")
    assert lines(tmp_path / "begun.txt") == ["a", "a"]


def test_deliveries_that_come_while_one_is_handled_follow_it(served, tmp_path):
    send(served, "a")
    wait_until(lambda: lines(tmp_path / "begun.txt"), what="the evaluation")
    for name in ("b", "c"):
        send(served, name)
    (tmp_path / "gate").touch()
    wait_until(lambda: handed_over(served) == ["a", "b", "c"], SOON_S, "all runs")


def test_what_came_during_a_pause_is_handed_over_when_it_ends(served, tmp_path):
    (tmp_path / "gate").touch()
    selection = Selection(name="takes")
    served.control.pause(selection, reason="work on the house")
    send(served, "a")
    view = wait_until(
        lambda: [
            v for v in served.control.get_triggers_view("SENSOR") if v.name == "takes" and v.events_behind
        ]
    )
    assert view[0].events_behind == 1
    assert handed_over(served) == []
    served.control.resume(selection=selection)
    wait_until(lambda: handed_over(served) == ["a"], SOON_S, "the delivery's run")


def test_what_came_while_code_was_loaded_anew_is_handed_over(served, tmp_path):
    (tmp_path / "gate").touch()
    for number in range(3):
        served.control.reload("wakes.py")
        send(served, f"r{number}")
    wait_until(lambda: handed_over(served) == ["r0", "r1", "r2"], SOON_S, "the deliveries' runs")
    assert sorted(lines(tmp_path / "begun.txt")) == ["r0", "r1", "r2"]
