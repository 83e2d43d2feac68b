"""``tidewheel dev`` as people use it: it serves, reloads, cancels, survives restarts and stops clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.processes import pipelines
from tests.processes.serving import Served, processes_of, wait_until
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus

SLOW = """
import time
import tidewheel as tw

@tw.op
def slow(context):
    try:
        time.sleep(60)
    finally:
        open(context.op_config["out"], "w").write("cleaned up")

@tw.op
def quick():
    return 1

@tw.job(config={"ops": {"slow": {"config": {"out": "OUT"}}}})
def sleeper():
    slow()

@tw.job
def one():
    quick()

defs = tw.Definitions(jobs=[sleeper, one])
"""


def command(*args: str, home: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command of the CLI in a process of its own."""
    env = {**os.environ}
    env.pop("TIDEWHEEL_HOME", None)
    if home is not None:
        env["TIDEWHEEL_HOME"] = str(home)
    done = subprocess.run(
        [sys.executable, "-m", "tidewheel.cli.main", *args],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def post(port: int, path: str, body: object) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as exc:
        return exc.code, json.load(exc)


@pytest.fixture
def one_op(tmp_path: Path):
    file = tmp_path / "pipeline.py"
    file.write_text(pipelines.ONE_OP)
    served = Served(tmp_path / "home", file)
    served.wait_loaded()
    yield served, file
    served.stop()


def test_a_job_is_launched_over_http_and_by_command_and_can_be_read_back(one_op) -> None:
    served, _ = one_op
    status, launched = post(served.port, "/api/v1/launch", {"job_name": "one"})
    assert status == 201
    served.wait_for(
        lambda a: a["kind"] == "run" and a["status"] == "SUCCESS" and a["run_id"] == launched["run_id"]
    )
    done = command("launch", "one", "--json", home=served.home)
    assert json.loads(done.stdout)["status"] == "SUCCESS"
    listed = json.loads(command("run", "list", "--json", home=served.home).stdout)
    assert [run["status"] for run in listed] == ["SUCCESS", "SUCCESS"]
    log = command("run", "logs", launched["run_id"][:20], home=served.home).stdout
    assert "RUN_START" in log and "STEP_SUCCESS" in log and "RUN_SUCCESS" in log


def test_a_wrong_launch_is_refused_with_the_nearest_name(one_op) -> None:
    served, _ = one_op
    status, refused = post(served.port, "/api/v1/launch", {"job_name": "oen"})
    assert status == 404 and "did you mean 'one'" in refused["message"]
    status, refused = post(served.port, "/api/v1/launch", {"job": "one"})
    assert status in (404, 422)
    status, refused = post(served.port, "/api/v1/launch", ["nonsense"])
    assert status == 422 and "expected" in refused["message"]
    done = command("launch", "oen", home=served.home, check=False)
    assert done.returncode == 1 and "did you mean 'one'" in done.stderr


def test_a_second_server_on_the_same_home_is_refused(one_op) -> None:
    served, file = one_op
    done = command("dev", "-f", str(file), "--home", str(served.home), check=False)
    assert done.returncode == 1
    assert f"process {served.process.pid}" in done.stderr and "--home" in done.stderr


def test_edits_are_loaded_and_broken_ones_leave_the_last_good_code_serving(one_op) -> None:
    served, file = one_op
    file.write_text(pipelines.ONE_OP.replace("def one()", "def two()").replace("jobs=[one]", "jobs=[two]"))
    served.wait_for(lambda a: a["kind"] == "location" and a["status"] == "LOADED")
    assert post(served.port, "/api/v1/launch", {"job_name": "two"})[0] == 201
    file.write_text("this is no Python")
    failed = served.wait_for(lambda a: a["kind"] == "location" and a["status"] == "FAILED")
    assert "SyntaxError" in failed["text"] and "last good code" in failed["text"]
    status, launched = post(served.port, "/api/v1/launch", {"job_name": "two"})
    assert status == 201
    served.wait_for(
        lambda a: a["kind"] == "run" and a["status"] == "SUCCESS" and a["run_id"] == launched["run_id"]
    )
    assert command("doctor", home=served.home, check=False).returncode == 1
    file.write_text(pipelines.ONE_OP)
    served.wait_for(lambda a: a["kind"] == "location" and a["status"] == "LOADED")
    assert post(served.port, "/api/v1/launch", {"job_name": "one"})[0] == 201


def test_a_run_is_cancelled_and_its_code_cleans_up(tmp_path: Path) -> None:
    file, out = tmp_path / "slow.py", tmp_path / "out.txt"
    file.write_text(SLOW.replace("OUT", str(out)))
    served = Served(tmp_path / "home", file)
    try:
        served.wait_loaded()
        _, launched = post(served.port, "/api/v1/launch", {"job_name": "sleeper"})
        served.wait_for(lambda a: a["kind"] == "run" and a["status"] == "STARTED")
        command("run", "cancel", launched["run_id"], home=served.home)
        served.wait_for(lambda a: a["kind"] == "run" and a["status"] == "CANCELED")
        assert out.read_text() == "cleaned up"
        assert command("run", "cancel", launched["run_id"], home=served.home, check=False).returncode == 1
    finally:
        served.stop()


def test_ctrl_c_ends_everything_quickly_and_the_interrupted_run_is_tried_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    file, out = tmp_path / "slow.py", tmp_path / "out.txt"
    file.write_text(SLOW.replace("OUT", str(out)))
    home = tmp_path / "home"
    served = Served(home, file)
    served.wait_loaded()
    _, launched = post(served.port, "/api/v1/launch", {"job_name": "sleeper"})
    served.wait_for(lambda a: a["kind"] == "run" and a["status"] == "STARTED")
    assert served.stop() < 45.0  # not the minute that the step would take
    assert not processes_of(home)
    file.write_text(SLOW.replace("OUT", str(out)).replace("time.sleep(60)", "pass"))
    again = Served(home, file)
    try:
        again.wait_loaded()
        again.wait_for(lambda a: a["kind"] == "run" and a["status"] == "SUCCESS")
        first, retry = again.ledger.get_runs(RunFilter(job_name="sleeper"), ascending=True)
        assert (first.run_id, first.status, first.failure_reason) == (
            launched["run_id"],
            RunStatus.FAILURE,
            "SERVER_STOPPED",
        )
        assert (retry.parent_run_id, retry.status) == (first.run_id, RunStatus.SUCCESS)
    finally:
        again.stop()


def test_a_run_survives_a_killed_server(tmp_path: Path) -> None:
    file, out = tmp_path / "slow.py", tmp_path / "out.txt"
    file.write_text(SLOW.replace("OUT", str(out)).replace("time.sleep(60)", "time.sleep(3)"))
    home = tmp_path / "home"
    served = Served(home, file)
    served.wait_loaded()
    _, launched = post(served.port, "/api/v1/launch", {"job_name": "sleeper"})
    served.wait_for(lambda a: a["kind"] == "run" and a["status"] == "STARTED")
    served.kill()
    again = Served(home, file)
    try:
        again.wait_loaded()
        ledger = again.ledger
        wait_until(lambda: ledger.get_run(launched["run_id"]).is_finished, 20.0, "the run ended")
        assert ledger.get_run(launched["run_id"]).status is RunStatus.SUCCESS
        assert ledger.count_runs(None) == 1
    finally:
        again.stop()


def test_commands_and_a_server_on_one_home_do_not_disturb_each_other(one_op) -> None:
    served, file = one_op
    launches = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tidewheel.cli.main",
                "launch",
                "one",
                "--home",
                str(served.home),
                "--json",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    results = [json.loads(process.communicate(timeout=60)[0]) for process in launches]
    assert [result["status"] for result in results] == ["SUCCESS"] * 4
    assert len({result["run_id"] for result in results}) == 4
    outcome = served.control.launch(LaunchRequest(job_name="one"))
    wait_until(lambda: served.ledger.get_run(outcome.run_id).is_finished, what="the run ended")
    assert served.ledger.count_runs(RunFilter(statuses=(RunStatus.SUCCESS,))) == 5


def test_commands_open_a_home_without_a_server_also_two_at_once(tmp_path: Path) -> None:
    file, home = tmp_path / "pipeline.py", tmp_path / "home"
    file.write_text(pipelines.ONE_OP)
    both = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tidewheel.cli.main",
                "launch",
                "one",
                "-f",
                str(file),
                "--home",
                str(home),
                "--json",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [json.loads(p.communicate(timeout=60)[0])["status"] for p in both] == ["SUCCESS", "SUCCESS"]
    listed = json.loads(command("run", "list", "--json", home=home).stdout)
    assert len(listed) == 2
    assert command("doctor", home=home).returncode == 0


THREADED = """
import os, threading, time
import tidewheel as tw

threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()

@tw.op
def hello():
    return 1

@tw.job
def one():
    hello()

@tw.sensor(job=one, minimum_interval_seconds=0.2, default_status=tw.DefaultSensorStatus.RUNNING)
def once(context):
    return tw.RunRequest(run_key="once")

defs = tw.Definitions(jobs=[one], sensors=[once])
"""


def test_code_that_starts_threads_gets_its_workers_from_the_stock_of_spares(tmp_path: Path) -> None:
    file = tmp_path / "threaded.py"
    file.write_text(THREADED)
    served = Served(tmp_path / "home", file)
    try:
        served.wait_loaded()
        served.wait_for(lambda a: a["kind"] == "run" and a["status"] == "SUCCESS")
        [location] = served.control.health().locations
        assert location.start_method == "spare"
        _, launched = post(served.port, "/api/v1/launch", {"job_name": "one"})
        served.wait_for(
            lambda a: a["kind"] == "run" and a["status"] == "SUCCESS" and a["run_id"] == launched["run_id"]
        )
        assert served.ledger.count_runs(None) == 2
    finally:
        served.stop()


def test_code_is_found_through_pyproject_and_by_module(tmp_path: Path) -> None:
    (tmp_path / "my_pipeline.py").write_text(pipelines.ONE_OP)
    (tmp_path / "pyproject.toml").write_text('[tool.tidewheel]\nmodule = "my_pipeline"\n')
    home = tmp_path / "home"
    run = [sys.executable, "-m", "tidewheel.cli.main", "launch", "one", "--home", str(home), "--json"]
    for extra in ([], ["-m", "my_pipeline"]):
        done = subprocess.run([*run, *extra], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["status"] == "SUCCESS"
    (tmp_path / "pyproject.toml").write_text('[tool.tidewheel]\nmodul = "my_pipeline"\n')
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "did you mean 'module'" in done.stderr
