"""Runs the measurements and prints them as a table: target, ours, Dagster's in the same run, ratio."""

from __future__ import annotations

import argparse
import datetime
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import clients, condition_rounds, conditions, measure, programs, push, triggers

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


@section("load")
def load(peers: Peers) -> None:
    count = 2000
    peers.both("load 2,000 assets, cold", "<= 3 s", "s", programs.LOAD_ASSETS, 3, count=count)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "snapshot")
        text = programs.LOAD_ASSETS.format(imports=programs.IMPORTS["tidewheel"], count=count)
        measure.run_program(peers.ours, "tidewheel", programs.SNAPSHOT_OF_ASSETS, definitions=text, file=file)
        ours = measure.median_of(
            5,
            lambda: measure.run_program(
                peers.ours, "tidewheel", programs.LOAD_SNAPSHOT, file=file, count=count
            ),
        )
    show("load 2,000 assets from a snapshot", "<= 0.3 s", ours, None, "s")


@section("first-step")
def first_step(peers: Peers) -> None:
    count = 5000
    peers.both("first of 5,000 ops, in process", "<= 1 s", "s", programs.FIRST_STEP_OF_OPS, 3, count=count)
    peers.both(
        "first of 5,000 assets, in process", "<= 1 s", "s", programs.FIRST_STEP_OF_ASSETS, 3, count=count
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "began"
        with measure.tidewheel_server(programs.MANY_STEPS_FILE, file=str(file), count=count) as server:
            for job, name in (("many_ops", "ops"), ("many_assets", "assets")):
                times = []
                for _ in range(3):
                    file.unlink(missing_ok=True)
                    times.append(server.launch_to_file_s(job, file))
                ours = statistics.median(times)
                show(f"first of 5,000 {name}, launched over HTTP", "<= 1 s", ours, None, "s")


@section("parallel")
def parallel(peers: Peers) -> None:
    count = 500
    with tempfile.TemporaryDirectory() as folder:

        def cost(python: str, system: str) -> float:
            text = programs.PARALLEL_STEPS_FILE.format(imports=programs.IMPORTS[system], count=count)
            (Path(folder) / "parallel_steps.py").write_text(text)
            return measure.run_program(python, system, programs.PARALLEL_STEPS, folder=folder, count=count)

        ours = measure.median_of(3, lambda: cost(peers.ours, "tidewheel"))
        theirs = cost(peers.dagster, "dagster") if peers.dagster else None
    show("a step of 500 in processes, 4 at once", "", ours, theirs, "ms")


@section("push")
def pushed(peers: Peers) -> None:
    rate, answer = push.deliveries_per_second()
    show("webhook deliveries made durable", ">= 1000 /s", rate, None, "/s")
    show("  median answer with 64 senders at once", "<= 50 ms", answer, None, "ms")
    show("run events handed to a run status sensor", ">= 1000 /s", push.run_events_per_second(), None, "/s")
    # Dagster looks every 30 s, and starts a run in about 9 s
    show(
        "asset event to its sensor's run started",
        "<= 150 ms",
        push.asset_event_to_run_started_ms(),
        None,
        "ms",
    )


@section("schedules")
def schedules(peers: Peers) -> None:
    python = peers.dagster
    triggers.measure_schedules(
        show, None if python is None else lambda text: measure.dagster_process(python, text)
    )


@section("sensors")
def sensors(peers: Peers) -> None:
    python = peers.dagster
    triggers.measure_sensors(
        show, None if python is None else lambda text: measure.dagster_server(python, text)
    )


@section("backfill")
def backfill(peers: Peers) -> None:
    """Dagster takes many minutes for a year; it is measured over ``BENCH_PEER_SECONDS`` of the same backfill."""
    first = datetime.date(2013, 1, 1)
    number = int(os.environ.get("BENCH_BACKFILL_DAYS", "365"))
    days = [str(first + datetime.timedelta(days=day)) for day in range(number)]
    assets = ["clean_flights", "flights_with_weather", "delays", "year_so_far"]
    with measure.tidewheel_server(programs.YEAR_FILE) as server:
        ours = measure.backfill(measure.graphql(server.port), assets, days, longest_s=1_800)
    theirs = None
    if peers.dagster:
        longest_s = float(os.environ.get("BENCH_PEER_SECONDS", "240"))
        with measure.dagster_process(peers.dagster, programs.YEAR_FILE) as (_, query):
            theirs = measure.backfill(query, assets, days, longest_s=longest_s)
    peer_ms = 1000 / theirs.per_s if theirs is not None and theirs.runs else None
    show(f"backfill of {number} days of the demo, per run", "", 1000 / ours.per_s, peer_ms, "ms")
    show("  until all is made", "", ours.seconds, None, "s")
    if theirs is not None and theirs.is_whole:
        show("  until all is made, Dagster", "", theirs.seconds, None, "s")


@section("conditions")
def conditions_section(peers: Peers) -> None:
    """The engine alone at its sizes, the same on Dagster at 1,000, and the whole system from event to run."""
    theirs = {}
    if peers.dagster:
        theirs = measure.run_program_for_figures(peers.dagster, "dagster", programs.CONDITIONS_PEER)
    for figure in conditions.figures():
        show(figure.name, figure.target, figure.value, theirs.get(figure.name), figure.unit)
    for assets in (1_000, 10_000):
        first, idle, change = condition_rounds.rounds(assets)
        show(f"with ledger and commit, {assets:,} assets: first", "", first, None, "ms")
        show("  idle", "", idle, None, "ms")
        show("  one change, its child requested", "", change, None, "ms")
    for partitions in (1, 1_000, 1_000_000):
        for name, _, change in condition_rounds.operand_rounds(partitions):
            show(f"one change, {name}, {partitions:,} partitions", "not growing", change, None, "ms")


@section("event-to-run")
def event_to_run(peers: Peers) -> None:
    """The whole system: from the report of an event to the start of the run that follows from it."""
    for others in (0, 1_000):
        with measure.tidewheel_server(programs.CONDITIONS_FILE, others=others) as server:
            time.sleep(2.0)
            for _ in range(3):
                measure.report_to_start_ms(server.port, server.query)
                time.sleep(0.3)
            ours = []
            for _ in range(30):
                ours.append(measure.report_to_start_ms(server.port, server.query))
                time.sleep(0.2)  # so that the run before is over: what depends on a running asset waits
        peer = None
        if peers.dagster:
            with measure.dagster_process(peers.dagster, programs.CONDITIONS_FILE, others=others) as (
                port,
                query,
            ):
                time.sleep(40.0)  # its first evaluation comes with its sensor's interval
                # once only: it loses an event that falls into the evaluation after a request
                peer = measure.report_to_start_ms(port, query)
        name = f"event to run of what depends on it, {others + 2:,} assets"
        show(name, "<= 150 ms", statistics.median(ours), peer, "ms")


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
