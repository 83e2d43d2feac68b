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
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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


def run_program_for_figures(python: str, system: str, text: str) -> dict[str, float]:
    """The figures that a program prints as lines ``name=value``."""
    done = subprocess.run(
        [python, "-c", text.format(imports=IMPORTS[system])],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    pairs = (line.rpartition("=") for line in done.stdout.splitlines())
    return {name: float(value) for name, _, value in pairs}


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

    def launch_to_file_s(self, job: str, file: Path) -> float:
        """Seconds from the request to the moment that user code wrote into ``file``; the run is cancelled then."""
        began = time.time()
        run_id = self.post("/api/v1/launch", {"job_name": job})["run_id"]
        while not file.exists():
            time.sleep(0.005)
        took = float(file.read_text()) - began
        self.post(f"/api/v1/runs/{run_id}/cancel", {})
        while self.get(f"/api/v1/runs/{run_id}")["status"] not in ("SUCCESS", "FAILURE", "CANCELED"):
            time.sleep(0.05)
        return took

    def query(self, text: str, variables: dict[str, object]) -> dict[str, object]:
        found: dict = self.post("/graphql", {"query": text, "variables": variables})  # type: ignore[type-arg]
        data: dict[str, object] = found["data"]
        return data

    def memory_mb(self) -> tuple[float, int]:
        """Proportional memory of the server and all its processes, and how many they are."""
        top = psutil.Process(self.process.pid)
        family = [top, *top.children(recursive=True)]
        return sum(p.memory_full_info().pss for p in family) / 1e6, len(family)


@contextmanager
def tidewheel_home(
    text: str, *, settings: str = "", **values: object
) -> Iterator[tuple[Path, Callable[[], AbstractContextManager[TidewheelServer]]]]:
    """A temporary home for the text of a user's file, and what starts a server on it (again)."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "tidewheel.toml").write_text(settings)
        file = Path(folder) / "pipeline.py"
        file.write_text(text.format(imports=IMPORTS["tidewheel"], **values))
        yield home, lambda: _serving(home, file)


@contextmanager
def tidewheel_server(text: str, *, settings: str = "", **values: object) -> Iterator[TidewheelServer]:
    """A server on a temporary home that serves the text of a user's file."""
    with tidewheel_home(text, settings=settings, **values) as (_, serve), serve() as server:
        yield server


@contextmanager
def _serving(home: Path, file: Path) -> Iterator[TidewheelServer]:
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


Query = Callable[[str, dict[str, object]], dict[str, Any]]
"""Asks a GraphQL server and gives the data of its answer."""


def graphql(port: int) -> Query:
    """A function that asks the server on a port; both systems answer at the same path."""

    def query(text: str, variables: dict[str, object]) -> dict[str, Any]:
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
            return found

    return query


@contextmanager
def dagster_process(python: str, text: str, **values: object) -> Iterator[tuple[int, Query]]:
    """``dagster dev`` on a file; its port and a function that asks its GraphQL."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        file = Path(folder) / "pipeline.py"
        file.write_text(text.format(imports=IMPORTS["dagster"], **values))
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
        query = graphql(port)
        try:
            _wait_ready(lambda: bool(query("{ version }", {})))
            time.sleep(5)  # its daemon needs a moment more than its web server
            yield port, query
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
            psutil.wait_procs(family, timeout=5)


@contextmanager
def dagster_server(python: str, text: str) -> Iterator[Callable[..., float]]:
    """``dagster dev`` on a file; gives a function that launches job ``one`` and waits for SUCCESS, in ms;
    with ``until_done=False`` only for the answer."""
    with dagster_process(python, text) as (_, query):

        def launch(until_done: bool = True) -> float:
            began = time.perf_counter()
            selector = {
                "repositoryLocationName": "pipeline.py",
                "repositoryName": "__repository__",
                "jobName": "one",
            }
            launched = query(
                "mutation($s: JobOrPipelineSelector!) { launchRun(executionParams: {selector: $s, runConfigData: {}})"
                " { ... on LaunchRunSuccess { run { runId } } } }",
                {"s": selector},
            )
            run_id = launched["launchRun"]["run"]["runId"]
            if not until_done:
                return (time.perf_counter() - began) * 1000
            while True:
                found = query(
                    "query($r: ID!) { runOrError(runId: $r) { ... on Run { status } } }", {"r": run_id}
                )
                if found["runOrError"]["status"] in ("SUCCESS", "FAILURE"):
                    return (time.perf_counter() - began) * 1000
                time.sleep(0.05)

        yield launch


class BackfillSpeed(NamedTuple):
    """How many runs of a backfill succeeded in how many seconds, and whether that was all of it."""

    runs: int
    seconds: float
    is_whole: bool

    @property
    def per_s(self) -> float:
        """Runs a second."""
        return self.runs / self.seconds


def backfill(query: Query, assets: list[str], partitions: list[str], *, longest_s: float) -> BackfillSpeed:
    """Launch a backfill over GraphQL and watch it until it ends, or for so long."""
    began = time.perf_counter()
    params = {
        "assetSelection": [{"path": [name]} for name in assets],
        "partitionNames": partitions,
    }
    launched = query(
        "mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {"
        " ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
        {"p": params},
    )
    backfill_id = launched["launchPartitionBackfill"]["backfillId"]
    count = (
        "query($id: String!, $f: RunsFilter) { partitionBackfillOrError(backfillId: $id) {"
        " ... on PartitionBackfill { status } } pipelineRunsOrError(filter: $f) { ... on Runs { count } } }"
    )
    wanted = {"tags": [{"key": "dagster/backfill", "value": backfill_id}], "statuses": ["SUCCESS"]}
    while True:
        found = query(count, {"id": backfill_id, "f": wanted})
        took = time.perf_counter() - began
        runs = int(found["pipelineRunsOrError"]["count"])
        has_ended = found["partitionBackfillOrError"]["status"] not in ("REQUESTED", "CANCELING")
        if has_ended or took > longest_s:
            return BackfillSpeed(runs, took, has_ended)
        time.sleep(0.25)


STARTED_RUNS = "{ runsOrError { ... on Runs { results { runId startTime } } } }"


def report_to_start_ms(port: int, query: Query) -> float:
    """How long after the report of a materialisation of ``root`` the run of what depends on it has started."""

    def started() -> dict[str, float]:
        found: dict = query(STARTED_RUNS, {})  # type: ignore[type-arg]
        return {
            run["runId"]: run["startTime"]
            for run in found["runsOrError"]["results"]
            if run["startTime"] is not None
        }

    before = started()
    began = time.time()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/report_asset_materialization/root",
        b"{}",
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        new = started().keys() - before.keys()
        if new:
            return (started()[new.pop()] - began) * 1000
        time.sleep(0.02)
    raise RuntimeError("the run of what depends on it did not start")
