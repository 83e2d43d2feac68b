"""How things are measured: programs in fresh processes, servers by their HTTP interface, memory by the system's count."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.programs import IMPORTS

START_TIMEOUT_S = 120.0


def run_program(python: str, system: str, text: str, **values: object) -> float:
    """The number that a program prints last."""
    code = text.format(imports=IMPORTS[system], system=system, **values)
    done = subprocess.run(
        [python, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return float(done.stdout.strip().splitlines()[-1])


def median_of(rounds: int, measure: Callable[[], float]) -> float:
    """The median of some measurements."""
    return statistics.median(measure() for _ in range(rounds))


class TidewheelServer:
    """``tidewheel dev`` on a file."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, home: Path) -> None:
        self.process, self.port, self.home = process, port, home

    def post(self, path: str, body: dict[str, object]) -> dict[str, object]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def get(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def launch_to_success_ms(self, job: str) -> float:
        began = time.perf_counter()
        run_id = self.post("/api/v1/launch", {"job_name": job})["run_id"]
        while (status := self.get(f"/api/v1/runs/{run_id}")["status"]) not in ("SUCCESS", "FAILURE"):
            time.sleep(0.002)
        assert status == "SUCCESS", status
        return (time.perf_counter() - began) * 1000

    def memory_mb(self) -> tuple[float, int]:
        """Proportional memory of the server and all its processes, and how many they are."""
        top = psutil.Process(self.process.pid)
        family = [top, *top.children(recursive=True)]
        return sum(p.memory_full_info().pss for p in family) / 1e6, len(family)


@contextmanager
def tidewheel_server(text: str, *, settings: str = "", **values: object) -> Iterator[TidewheelServer]:
    """A server on a temporary home that serves the text of a user's file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "tidewheel.toml").write_text(settings)
        file = Path(folder) / "pipeline.py"
        file.write_text(text.format(imports=IMPORTS["tidewheel"], **values))
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tidewheel.cli.main",
                "dev",
                "-f",
                str(file),
                "--home",
                str(home),
                "--port",
                "0",
                "--json",
            ],
            stdout=subprocess.PIPE,
        )
        try:
            port = _wait_port(process)
            server = TidewheelServer(process, port, home)
            _wait_ready(lambda: bool(server.get("/readyz")["ready"]))
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _wait_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"{") and json.loads(line).get("kind") == "server":
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return int(json.loads(line)["port"])
    raise RuntimeError("the server ended before it was ready")


def _wait_ready(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not become ready")


@contextmanager
def dagster_server(python: str, text: str) -> Iterator[Callable[..., float]]:
    """``dagster dev`` on a file; gives a function that launches job ``one`` and waits for SUCCESS, in ms;
    with ``until_done=False`` only for the answer."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        file = Path(folder) / "pipeline.py"
        file.write_text(text.format(imports=IMPORTS["dagster"]))
        port = 13000 + os.getpid() % 1000
        process = subprocess.Popen(
            [str(Path(python).parent / "dagster"), "dev", "-f", str(file), "--port", str(port)],
            env={
                **os.environ,
                "DAGSTER_HOME": str(home),
                "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def query(text: str, variables: dict[str, object]) -> dict[str, object]:
            body = json.dumps({"query": text, "variables": variables}).encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"}
            )
            with urllib.request.urlopen(request) as answer:
                found: dict[str, object] = json.load(answer)["data"]
                return found

        def launch(until_done: bool = True) -> float:
            began = time.perf_counter()
            selector = {
                "repositoryLocationName": "pipeline.py",
                "repositoryName": "__repository__",
                "jobName": "one",
            }
            launched: dict = query(  # type: ignore[type-arg]
                "mutation($s: JobOrPipelineSelector!) { launchRun(executionParams: {selector: $s, runConfigData: {}})"
                " { ... on LaunchRunSuccess { run { runId } } } }",
                {"s": selector},
            )
            run_id = launched["launchRun"]["run"]["runId"]
            if not until_done:
                return (time.perf_counter() - began) * 1000
            while True:
                found: dict = query(
                    "query($r: ID!) { runOrError(runId: $r) { ... on Run { status } } }", {"r": run_id}
                )  # type: ignore[type-arg]
                if found["runOrError"]["status"] in ("SUCCESS", "FAILURE"):
                    return (time.perf_counter() - began) * 1000
                time.sleep(0.05)

        try:
            _wait_ready(lambda: bool(query("{ version }", {})))
            time.sleep(5)  # its daemon needs a moment more than its web server
            yield launch
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            for left in family:
                if left.is_running():
                    left.kill()
