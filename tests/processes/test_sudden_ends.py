"""User code that ends its own process: the true cause in the step's event, what succeeded stays, a retry does the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.values.events import EventType
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

CODE = """
import os, resource, signal, subprocess, sys
import tidewheel as tw

HERE = os.path.dirname(__file__)

def is_mended():
    return os.path.exists(os.path.join(HERE, "mended"))

MIB = 2**20

def takes_all_memory_it_may():
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 64 * MIB, resource.RLIM_INFINITY))
    held = []
    while True:
        held.append(bytearray(8 * MIB))

KILLER = '''
import os, resource, signal, sys, time
victim, most = int(sys.argv[1]), int(sys.argv[2])
while True:
    if int(open(f"/proc/{victim}/statm").read().split()[1]) * resource.getpagesize() > most:
        os.kill(victim, signal.SIGKILL)
        break
    time.sleep(0.001)
'''

def is_killed_for_its_memory():
    # As the kernel does it: whoever holds more than there is gets SIGKILL, at any point of its code.
    most = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() + 64 * MIB
    subprocess.Popen([sys.executable, "-S", "-c", KILLER, str(os.getpid()), str(most)])
    held = [bytearray(os.urandom(1) * (8 * MIB)) for _ in range(16)]
    while held:
        held[0][0] ^= 1

def note(name):
    with open(os.path.join(HERE, "executed"), "a") as file:
        file.write(name + "\\n")

@tw.op
def first():
    note("first")
    return 1

@tw.op(config_schema=str)
def trouble(context, x):
    note("trouble")
    if not is_mended():
        match context.op_config:
            case "kill": os.kill(os.getpid(), signal.SIGKILL)
            case "memory": takes_all_memory_it_may()
            case "oom": is_killed_for_its_memory()
            case "exit": os._exit(7)
            case "name":
                context.log.info("a file's name: \\udc80")
                raise ValueError("of a file: \\udc80")
            case "sys.exit": sys.exit("enough")
    return x + 1

@tw.op
def last(y):
    note("last")
    return y * 10

@tw.job
def chain():
    last(trouble(first()))

@tw.asset
def one():
    note("one")
    return 1

@tw.asset
def two(one):
    note("two")
    if not is_mended():
        os._exit(9)
    return one + 1

@tw.op
def starts_a_process():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    with open(os.path.join(HERE, "child"), "w") as file:
        file.write(str(child.pid))
    os.rename(os.path.join(HERE, "child"), os.path.join(HERE, "child_started"))
    import time
    while True:
        time.sleep(0.01)

@tw.job
def parent():
    starts_a_process()

numbers = tw.define_asset_job("numbers", selection="*")
defs = tw.Definitions(jobs=[chain, parent, numbers], assets=[one, two])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("ends")
    file = folder / "ends.py"
    file.write_text(CODE)
    one = Served(folder / "home", file)
    one.wait_loaded()
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def fresh(served: Served):
    for name in ("mended", "executed", "child_started"):
        (served.home.parent / name).unlink(missing_ok=True)


def run_to_the_end(served: Served, request: LaunchRequest) -> RunRecord:
    outcome = served.control.launch(request)
    assert outcome.run_id is not None, outcome
    ledger = served.ledger
    return wait_until(
        lambda: (run := ledger.get_run(outcome.run_id)) and run.is_finished and run, 60.0, "the end"
    )  # type: ignore[return-value]


def failures(served: Served, run_id: str) -> dict[str | None, str]:
    """What failed in a run, step by step (None: the run), and why."""
    found = {}
    for stored in served.ledger.get_run_log(run_id):
        if stored.event.type in (EventType.STEP_FAILURE, EventType.RUN_FAILURE):
            error = getattr(stored.event.payload, "error", None)
            found[stored.event.step_key] = f"{stored.event.message} {error}"
    return found


def executed(served: Served) -> list[str]:
    file = served.home.parent / "executed"
    return file.read_text().split() if file.exists() else []


def retry(served: Served, run_id: str) -> dict:
    """The command, as a person types it."""
    done = subprocess.run(
        [sys.executable, "-m", "tidewheel", "run", "retry", run_id, "--home", str(served.home), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("kill", "SIGKILL"),
        ("memory", "MemoryError"),
        ("oom", "lack of memory"),
        ("exit", "exit code 7"),
        ("sys.exit", "enough"),
        ("name", "of a file: \\\\udc80"),
    ],
)
def test_a_step_that_ends_its_process(served: Served, how: str, words: str) -> None:
    config = {"ops": {"trouble": {"config": how}}}
    failed = run_to_the_end(
        served, LaunchRequest(job_name="chain", run_config=config, tags={"dagster/max_retries": "0"})
    )
    assert failed.status is RunStatus.FAILURE
    told = failures(served, failed.run_id)
    assert set(told) == {"trouble", None}
    assert words in told["trouble"]
    (served.home.parent / "mended").touch()
    again = retry(served, failed.run_id)
    assert again["status"] == "SUCCESS" and again["parent_run_id"] == failed.run_id
    assert executed(served) == ["first", "trouble", "trouble", "last"]


def test_an_asset_that_ends_its_process(served: Served) -> None:
    failed = run_to_the_end(served, LaunchRequest(job_name="numbers", tags={"dagster/max_retries": "0"}))
    assert failed.status is RunStatus.FAILURE
    told = failures(served, failed.run_id)
    assert "exit code 9" in told.get("two", ""), told
    (served.home.parent / "mended").touch()
    again = retry(served, failed.run_id)
    assert again["status"] == "SUCCESS"
    assert executed(served) == ["one", "two", "two"]


@pytest.mark.parametrize("how", ["cancelled", "killed"])
def test_what_a_step_has_started_ends_with_the_run(served: Served, how: str) -> None:
    outcome = served.control.launch(LaunchRequest(job_name="parent", tags={"dagster/max_retries": "0"}))
    assert outcome.run_id is not None
    note: Path = served.home.parent / "child_started"
    wait_until(note.exists, what="the child")
    child = psutil.Process(int(note.read_text()))
    ledger = served.ledger
    if how == "cancelled":
        served.control.cancel(outcome.run_id)
    else:
        worker = wait_until(lambda: ledger.get_run(outcome.run_id).worker_pid, what="the worker's process")
        os.kill(int(worker), signal.SIGKILL)  # type: ignore[call-overload]
    wait_until(lambda: ledger.get_run(outcome.run_id).is_finished, 60.0, "the end of the run")
    wait_until(
        lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, what="the child's end"
    )
