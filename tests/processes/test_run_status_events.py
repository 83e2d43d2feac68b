"""Run status sensors against real servers: each event once, poisonous ones apart, across locations, with notices."""

import socket
from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.values.launch import LaunchRequest

JOBS = """
import tidewheel as tw

@tw.op(config_schema={"n": int, "fails": tw.Field(bool, default_value=False)})
def work(context):
    if context.op_config["fails"]:
        raise ValueError("broken on purpose")

@tw.job
def wanted():
    work()

@tw.job
def other():
    work()

defs = tw.Definitions(jobs=[wanted, other])
"""

SENSORS = """
import os
from pathlib import Path
import tidewheel as tw

ROOT = Path(os.environ["ROOT"])
RUNNING = tw.DefaultSensorStatus.RUNNING

def mark(name, text):
    with open(ROOT / name, "a") as out:
        out.write(text + "\\n")

@tw.op
def follow(context):
    pass

@tw.job
def follow_up():
    follow()

@tw.run_status_sensor(tw.RunStatus.SUCCESS, default_status=RUNNING, request_job=follow_up,
                      monitored_jobs=[tw.JobSelector("jobs.py", job_name="wanted")])
def follows(context):
    n = context.dagster_run.run_config["ops"]["work"]["config"]["n"]
    if n == 13 and not (ROOT / "mended").exists():
        raise ValueError("unlucky")
    mark("followed.txt", str(n))
    return tw.RunRequest(run_key=context.dagster_run.run_id)

@tw.run_status_sensor(tw.RunStatus.SUCCESS, default_status=RUNNING, monitor_all_code_locations=True)
def dies(context):
    n = context.dagster_run.run_config.get("ops", {}).get("work", {}).get("config", {}).get("n")
    if n == 13:
        import time
        time.sleep(60)
    mark("alive.txt", str(n))

@tw.run_failure_sensor(default_status=RUNNING, monitor_all_code_locations=True)
def failures(context):
    mark("failures.txt", context.dagster_run.job_name)

mail = tw.make_email_on_run_failure_sensor(
    "wheel@here", None, ["people@there"], smtp_host="127.0.0.1", smtp_type="PLAIN",
    smtp_port=int(os.environ["SMTP_PORT"]), monitor_all_code_locations=True, default_status=RUNNING)

defs = tw.Definitions(jobs=[follow_up], sensors=[follows, dies, failures, mail])
"""


class Mails:
    """Takes mails."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], str]] = []
        self.port = 0

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def mails():
    controller = pytest.importorskip("aiosmtpd.controller")
    taken = Mails()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        taken.port = probe.getsockname()[1]
    server = controller.Controller(taken, hostname="127.0.0.1", port=taken.port)
    server.start()
    yield taken
    server.stop(no_assert=True)


def lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def launch(served: Served, job: str, n: int, fails: bool = False) -> None:
    config = {"ops": {"work": {"config": {"n": n, "fails": fails}}}}
    outcome = served.control.launch(LaunchRequest(job_name=job, run_config=config))
    assert outcome.run_id, outcome


def test_run_events_across_locations(tmp_path, mails):
    jobs, sensors = tmp_path / "jobs.py", tmp_path / "sensors.py"
    jobs.write_text(JOBS)
    sensors.write_text(SENSORS)
    home = tmp_path / "home"
    home.mkdir()
    (home / "tidewheel.toml").write_text("evaluation_timeout_s = 2.0\n")
    served = Served(home, jobs, sensors, env={"ROOT": str(tmp_path), "SMTP_PORT": str(mails.port)})
    try:
        served.wait_loaded()
        wait_until(lambda: len(served.control.get_triggers_view("SENSOR")) == 4, what="the sensors")
        for n in (1, 13, 2):
            launch(served, "wanted", n)
        launch(served, "other", 3)
        launch(served, "other", 4, fails=True)
        wait_until(lambda: sorted(lines(tmp_path / "followed.txt")) == ["1", "2"], what="the others' events")
        wait_until(
            lambda: (
                [run.status.value for run in served.ledger.get_runs() if run.job_name == "follow_up"]
                == ["SUCCESS"] * 2
            ),
            what="the requested runs",
        )
        wait_until(lambda: lines(tmp_path / "failures.txt") == ["other"], what="the failure")
        [mail] = wait_until(lambda: mails.taken, what="the mail")
        assert mail[:2] == ("wheel@here", ["people@there"])
        assert "other" in mail[2]
        # the event that hangs is cut, and found to be the one: those beside it are handed over
        wait_until(lambda: {"1", "2", "3"} <= set(lines(tmp_path / "alive.txt")), what="the events beside it")
        wait_until(
            lambda: (
                {one.trigger_id for one in served.ledger.inbox.get_redeliveries()}
                == {"sensors.py/follows", "sensors.py/dies"}
            ),
            what="both failing events",
        )
        ticks = [tick for tick in served.ledger.get_ticks("sensors.py/follows") if tick.failed_events]
        assert ticks[0].failed_events[0].error.headline == "ValueError: unlucky"
        views = {view.name: view for view in served.control.get_triggers_view("SENSOR")}
        assert (views["follows"].retrying_events, views["follows"].failures_in_a_row) == (1, 0)
        (tmp_path / "mended").touch()
        wait_until(lambda: "13" in lines(tmp_path / "followed.txt"), what="the retry")
        wait_until(
            lambda: (
                "sensors.py/follows" not in {one.trigger_id for one in served.ledger.inbox.get_redeliveries()}
            ),
            what="the end of its retries",
        )
        assert lines(tmp_path / "followed.txt").count("1") == 1
        assert len(mails.taken) == 1
    finally:
        served.stop()
