"""Measures events: deliveries made durable, run events handed over, the way from an asset event to its sensor's run."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

from benchmarks import measure
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.events import Event, EventType
from tidewheel.values.records import IntakeBatch, NewRun

RUN_ID_LENGTH = 36
EVENT_LIMIT_S = 30.0

HOOK_FILE = """
import tidewheel as tw

@tw.webhook_sensor(auth=tw.HookAuth.open(), hook="bench", hand_over="batch",
                   default_status=tw.DefaultSensorStatus.RUNNING)
def taken(context):
    return tw.SkipReason(str(len(context.deliveries)))

defs = tw.Definitions(sensors=[taken])
"""

RUN_STATUS_FILE = """
import os
import tidewheel as tw

MARKS = os.open({marks!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

@tw.run_status_sensor(tw.RunStatus.SUCCESS, default_status=tw.DefaultSensorStatus.RUNNING)
def heard(context):
    os.write(MARKS, context.dagster_run.run_id.encode())

@tw.op
def nothing():
    pass

@tw.job
def j():
    nothing()

defs = tw.Definitions(jobs=[j], sensors=[heard])
"""

ASSET_FILE = """
{imports}

@dg.asset
def up():
    pass

@dg.asset
def down():
    pass

job = dg.define_asset_job("job", selection=[down])

@dg.asset_sensor(dg.AssetKey("up"), job=job, default_status=dg.DefaultSensorStatus.RUNNING)
def follow(context, event):
    return dg.RunRequest()

defs = dg.Definitions(assets=[up, down], jobs=[job], sensors=[follow])
"""


def deliveries_per_second(count: int = 10_000, senders: int = 64) -> tuple[float, float]:
    """How many deliveries a second are answered, each after it has reached the disk; the median answer in milliseconds."""
    with measure.tidewheel_server(HOOK_FILE) as server:
        return asyncio.run(_send_all(server.port, count, senders))


async def _send_all(port: int, count: int, senders: int) -> tuple[float, float]:
    numbers = iter(range(count))
    took: list[float] = []

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = b'{"some": "event", "with": "a body of a usual size"}' * 4
        for number in numbers:
            began = time.perf_counter()
            head = (
                f"POST /hooks/bench HTTP/1.1\r\nhost: 127.0.0.1\r\nx-delivery-id: {number}\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b" 202 " in answer.split(b"\r\n")[0], answer
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append((time.perf_counter() - began) * 1000)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(senders)))
    return count / (time.perf_counter() - began), statistics.median(took)


def run_events_per_second(count: int = 10_000) -> float:
    """How many ended runs a second a run status sensor is handed, from the first evaluation to the last one's commit.

    Counted is what user code was called with: each run once, and none is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder) / "marks"
        with measure.tidewheel_home(RUN_STATUS_FILE, marks=str(marks)) as (home, serve):
            with serve() as server:
                _wait(lambda: _has_trigger(home), "the sensor's place in the log")
            _end_runs(home, count)
            with serve() as server:
                _wait(lambda: marks.stat().st_size >= count * RUN_ID_LENGTH, "all runs' events")
                _wait(lambda: not server.get("/api/v1/health").get("events_behind"), "the last commit")
            text = marks.read_text()
            heard = [text[place : place + RUN_ID_LENGTH] for place in range(0, len(text), RUN_ID_LENGTH)]
            assert len(heard) == len(set(heard)) == count, (
                f"{len(heard)} events of {count} runs were handed over"
            )
            ledger = open_ledger(home / "ledger.db")
            ticks = ledger.get_ticks("pipeline.py/heard", limit=10_000)
            ledger.close()
    return count / (max(tick.ended_at for tick in ticks) - min(tick.started_at for tick in ticks))


def _has_trigger(home: Path) -> bool:
    ledger = open_ledger(home / "ledger.db")
    try:
        return ledger.get_trigger("pipeline.py/heard") is not None
    finally:
        ledger.close()


def _wait(true: Callable[[], object], what: str, limit_s: float = 120.0) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected {what} within {limit_s:g} s")
        time.sleep(0.02)


def _end_runs(home: Path, count: int) -> None:
    ledger = open_ledger(home / "ledger.db")
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for start in range(0, count, 500):
        now = time.time()
        some = ids[start : start + 500]
        ledger.create_runs(
            [NewRun(run_id=run_id, job_name="j", location="pipeline.py") for run_id in some], now=now
        )
        batches = []
        for run_id in some:
            launched = ledger.launch_run(run_id, now=now)
            assert launched is not None
            events = tuple(
                Event(type=kind, timestamp=now, run_id=run_id)
                for kind in (EventType.RUN_START, EventType.RUN_SUCCESS)
            )
            batches.append(IntakeBatch(run_id=run_id, epoch=launched.epoch, seq=2, events=events))
        ledger.commit_intake(batches, now=now)
    ledger.close()


def asset_event_to_run_started_ms(rounds: int = 30) -> float:
    """The median time from an asset's event to the start of the run that its sensor asks for."""
    with measure.tidewheel_server(ASSET_FILE) as server:
        took = []
        for number in range(rounds):
            time.sleep(0.1)
            began = time.time()
            request = urllib.request.Request(
                f"http://127.0.0.1:{server.port}/report_asset_materialization/up", b"", method="POST"
            )
            urllib.request.urlopen(request).close()
            while True:
                runs = server.get("/api/v1/runs?limit=1")["items"]
                if isinstance(runs, list) and runs and runs[0].get("started_at", 0) > began:
                    break
                if time.time() - began > EVENT_LIMIT_S:
                    raise TimeoutError(f"no run was started within {EVENT_LIMIT_S:g} s of event {number}")
                time.sleep(0.002)
            if number >= 5:  # the first ones warm the stack up
                took.append((runs[0]["started_at"] - began) * 1000)
        return statistics.median(took)
