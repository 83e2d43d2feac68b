"""Watching a server from outside: measurements, alerts over real HTTP, signs of life, spans over real OTLP."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.processes.serving import Served, wait_until
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus

CODE = """
import tidewheel as tw

@tw.op
def first():
    return 1

@tw.op
def second(one):
    return one

@tw.job
def two_steps():
    second(first())

@tw.sensor(job=two_steps, minimum_interval_seconds=0.1, default_status=tw.DefaultSensorStatus.RUNNING)
def broken():
    raise ValueError("out of luck")

defs = tw.Definitions(jobs=[two_steps], sensors=[broken])
"""


class Listener:
    """A web server that keeps what is sent to it, by path."""

    def __init__(self) -> None:
        self.got: dict[str, list[bytes]] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                outer.got.setdefault(self.path, []).append(body)
                self.send_response(200)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


def metrics(served: Served) -> dict[tuple[str, str], float]:
    url = f"http://127.0.0.1:{served.port}/metrics"
    text = urllib.request.urlopen(url, timeout=10).read().decode()
    return {
        (sample.name, ",".join(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_server_is_watched_from_outside(tmp_path: Path, listener: Listener) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "tidewheel.toml").write_text(
        f'alert_addresses = ["json://127.0.0.1:{listener.port}/alerts"]\n'
        f'alert_ping_url = "http://127.0.0.1:{listener.port}/alive"\n'
        "alert_failures = 1\n"
    )
    code = tmp_path / "code.py"
    code.write_text(CODE)
    endpoint = f"http://127.0.0.1:{listener.port}"
    served = Served(
        home, code, env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    )
    try:
        served.wait_loaded()
        run_id = served.control.launch(LaunchRequest(job_name="two_steps")).run_id
        assert run_id is not None
        wait_until(lambda: served.ledger.get_run(run_id).status is RunStatus.SUCCESS)
        found = wait_until(lambda: _with_failures(metrics(served)), what="the sensor's failure")
        assert found["tidewheel_runs_ended_total", "SUCCESS"] == 1
        assert found["tidewheel_events_total", ""] > 5
        assert found["tidewheel_location_up", "code.py"] == 1
        assert found["tidewheel_runs", "QUEUED"] == 0
        assert found["tidewheel_run_slots", "limit"] == 10
        assert found["tidewheel_database_seconds_count", "write"] > 3
        assert found["tidewheel_duties_failed", ""] == 0
        wait_until(lambda: listener.got.get("/alerts"), timeout_s=150, what="the alert")
        alert = json.loads(listener.got["/alerts"][0])
        assert "sensor 'broken' has failed" in alert["message"]
        wait_until(lambda: listener.got.get("/alive"), timeout_s=150, what="the sign of life")
        wait_until(lambda: listener.got.get("/v1/traces"), timeout_s=150, what="the spans")
        sent = b"".join(listener.got["/v1/traces"])
        for name in (b"run two_steps", b"step first", b"step second", run_id.encode()):
            assert name in sent
        ready = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{served.port}/readyz").read())
        assert ready == {"ready": True, "failed_duties": [], "troubles": []}
        assert served.ledger.count_runs(RunFilter()) == 1
    finally:
        served.stop()


def _with_failures(found: dict[tuple[str, str], float]) -> dict[tuple[str, str], float] | None:
    failures = [
        value for (name, label), value in found.items() if name == "tidewheel_trigger_failures_in_a_row"
    ]
    return found if failures and max(failures) >= 1 else None


LOGS = """
import logging, os
import tidewheel as tw

@tw.op
def tells(context):
    logging.getLogger("mine").warning("from the run with %s", os.environ["API_TOKEN"])
    context.log.info("an event with " + os.environ["API_TOKEN"])

@tw.job
def talks():
    tells()

@tw.sensor(job=talks, minimum_interval_seconds=0.1, default_status=tw.DefaultSensorStatus.RUNNING)
def broken():
    raise ValueError("out of luck with " + os.environ["API_TOKEN"])

defs = tw.Definitions(jobs=[talks], sensors=[broken])
"""


def test_every_process_logs_json_lines_with_ids_and_without_secrets(tmp_path: Path) -> None:
    file, secret = tmp_path / "talk.py", "kept-from-everybody"
    file.write_text(LOGS)
    arguments = ("--log-format", "json", "--log-level", "info")
    served = Served(tmp_path / "home", file, env={"API_TOKEN": secret}, args=arguments)
    served.wait_loaded()
    run_id = served.control.launch(LaunchRequest(job_name="talks")).run_id
    served.wait_for(lambda line: line["kind"] == "run" and line["status"] == "SUCCESS")
    served.wait_for(lambda line: line["kind"] == "tick" and line["status"] == "FAILURE")
    events = str(served.ledger.get_run_log(run_id))
    ticks = str(served.ledger.get_ticks(limit=10))

    def logged() -> list[dict]:
        return [json.loads(line) for line in list(served.errors) if line.startswith("{")]

    wait_until(
        lambda: any(line.get("run_id") == run_id and "SUCCESS" in line["message"] for line in logged())
    )
    lines = logged()
    [said] = [line for line in lines if line["message"].startswith("from the run")]
    assert (said["run_id"], said["location"]) == (run_id, "talk.py")
    assert said["process"] in ("run", "step")
    ended = [line for line in lines if line.get("run_id") == run_id and line["process"] == "server"]
    assert any("SUCCESS" in line["message"] for line in ended)
    tick = next(line for line in lines if "tick_id" in line)
    assert (tick["trigger_id"], tick["trigger"]) == ("talk.py/broken", "broken")
    assert "an event with ********" in events and "out of luck with ********" in ticks
    for text in (events, ticks, "".join(served.errors), str(served.seen)):
        assert secret not in text
