"""Runs the measurements and prints them as a table: target, ours, Dagster's in the same run, ratio."""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import clients, measure, programs

SECTIONS: dict[str, Callable[[Peers], None]] = {}


class Peers:
    """Our Python and Dagster's, if there is one."""

    def __init__(self, dagster_python: str | None) -> None:
        self.ours = sys.executable
        self.dagster = dagster_python

    def both(self, name: str, target: str, unit: str, text: str, repeats: int, **values: object) -> None:
        """Measure a program on both and print a line."""
        ours = measure.median_of(repeats, lambda: measure.run_program(self.ours, "tidewheel", text, **values))
        theirs = None
        if self.dagster:
            python = self.dagster
            theirs = measure.median_of(
                min(repeats, 3), lambda: measure.run_program(python, "dagster", text, **values)
            )
        show(name, target, ours, theirs, unit)


def show(name: str, target: str, ours: float, theirs: float | None, unit: str) -> None:
    """One line of the table."""
    other = f"{theirs:>10.1f} {unit:<5} {theirs / ours:>7.1f}x" if theirs is not None else ""
    print(f"{name:<44} {target:>12} {ours:>10.2f} {unit:<5} {other}", flush=True)


def section(name: str) -> Callable[[Callable[[Peers], None]], Callable[[Peers], None]]:
    """Register a group of measurements."""

    def register(function: Callable[[Peers], None]) -> Callable[[Peers], None]:
        SECTIONS[name] = function
        return function

    return register


@section("import")
def imports(peers: Peers) -> None:
    peers.both("import of the package alone", "<= 250 ms", "ms", programs.BARE_IMPORT, 5)
    peers.both("import and first use of the main names", "", "ms", programs.IMPORT_TIME, 5)


@section("in-process")
def in_process(peers: Peers) -> None:
    peers.both("one-op job in process on SQLite", "<= 5 ms", "ms", programs.ONE_OP_IN_PROCESS, 1, rounds=20)
    peers.both(
        "a step of a 200-asset chain in process", "<= 1 ms", "ms", programs.CHAIN_IN_PROCESS, 1, rounds=3
    )


@section("launch")
def launch(peers: Peers) -> None:
    with measure.tidewheel_server(programs.ONE_OP_FILE) as server:
        for _ in range(5):
            server.launch_to_success_ms("one")
        ours = statistics.median(server.launch_to_success_ms("one") for _ in range(50))
        time.sleep(3)
        memory, count = server.memory_mb()
    theirs = None
    if peers.dagster:
        with measure.dagster_server(peers.dagster, programs.ONE_OP_FILE) as dagster_launch:
            theirs = statistics.median(dagster_launch() for _ in range(3))
    show("launch over HTTP to SUCCESS, one op, warm", "<= 100 ms", ours, theirs, "ms")
    show(f"idle stack, {count} processes (PSS)", "<= 200 MB", memory, None, "MB")


@section("launchrun")
def launchrun(peers: Peers) -> None:
    with measure.tidewheel_server(programs.ONE_OP_FILE, settings="max_concurrent_runs = 0\n") as server:
        clients.launch_answer_ms(server.port, 20)
        ours = clients.launch_answer_ms(server.port, 200)
    theirs = None
    if peers.dagster:
        with measure.dagster_server(peers.dagster, programs.ONE_OP_FILE) as dagster_launch:
            theirs = statistics.median(dagster_launch(until_done=False) for _ in range(7))
    show("GraphQL launchRun answered (durable, audited)", "<= 15 ms", ours, theirs, "ms")


@section("clients")
def many_clients(peers: Peers) -> None:
    seconds = float(os.environ.get("BENCH_CLIENT_SECONDS", "60"))
    with measure.tidewheel_server(programs.ONE_OP_FILE) as server:
        taken, errors = clients.many_clients(server.port, 200, seconds)
    ordered = sorted(taken)
    show("200 clients at once: errors", "0", float(errors), None, "")
    show("  answers", "", len(taken) / seconds, None, "/s")
    show("  median", "", ordered[len(ordered) // 2], None, "ms")
    show("  p99", "", ordered[len(ordered) * 99 // 100], None, "ms")


@section("drain")
def drain(peers: Peers) -> None:
    with measure.tidewheel_server(programs.ONE_OP_FILE, settings="max_concurrent_runs = 10\n") as server:
        server.launch_to_success_ms("one")
        began = time.perf_counter()
        for _ in range(1000):
            server.post("/api/v1/launch", {"job_name": "one"})
        queued = time.perf_counter() - began
        while True:
            health = server.get("/api/v1/health")
            if not health.get("queued") and not health.get("in_progress"):
                break
            time.sleep(0.05)
        total = time.perf_counter() - began
    show("1,000 one-op runs, launched and drained", ">= 40 /s", 1000 / total, None, "/s")
    show("  of that, launches answered", "", 1000 / queued, None, "/s")


@section("writers")
def writers(peers: Peers) -> None:
    seconds = float(os.environ.get("BENCH_WRITE_SECONDS", "60"))
    with measure.tidewheel_server(programs.PARALLEL_WRITERS_FILE, seconds=seconds) as server:
        run_id = server.post("/api/v1/launch", {"job_name": "writers"})["run_id"]
        began = time.perf_counter()
        while server.get(f"/api/v1/runs/{run_id}")["status"] not in ("SUCCESS", "FAILURE"):
            time.sleep(0.25)
        took = time.perf_counter() - began
        run = server.get(f"/api/v1/runs/{run_id}")
        ledger = sqlite3.connect(f"file:{server.home / 'ledger.db'}?mode=ro", uri=True)
        rows = ledger.execute("select count(*) from run_log where run_id = ?", (run_id,)).fetchone()[0]
    show("32 parallel steps writing: events stored", "", rows / took, None, "/s")
    ok = 1.0 if run["status"] == "SUCCESS" else 0.0
    show(f"  run ended {run['status']} (lock errors fail it)", "SUCCESS", ok, None, "")


def main() -> None:
    """Entry: ``python -m benchmarks.run [SECTION ...]``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"any of: {', '.join(SECTIONS)}")
    parser.add_argument(
        "--dagster", default=os.environ.get("BENCH_DAGSTER_PYTHON"), help="a Python with dagster"
    )
    args = parser.parse_args()
    default = Path(".venv-bench/bin/python")
    python = args.dagster or (str(default) if default.exists() else None)
    if python is None:
        print("Dagster is not installed beside us; 'make bench-peers' does that. Measuring ours alone.\n")
    print(f"{'':<44} {'target':>12} {'tidewheel':>16} {'dagster':>16} {'ratio':>8}")
    for name in args.sections or SECTIONS:
        SECTIONS[name](Peers(python))


if __name__ == "__main__":
    main()
