"""The demo's end: whatever the server started is gone, even when nothing of it listens."""

import subprocess
import sys
import time

from examples.flights.processes import descendants, end_all, is_alive

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
    print(child.pid, flush=True)
time.sleep(600)
"""


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", STUBBORN, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_stubborn_processes_are_killed_with_their_children():
    server = start(STUBBORN)
    child = int(server.stdout.readline())
    assert descendants(server.pid) == [child]
    began = time.monotonic()
    end_all(server, grace_s=0.3)
    assert time.monotonic() - began < 3
    assert server.returncode is not None
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def test_a_server_that_has_ended_is_no_trouble():
    server = subprocess.Popen([sys.executable, "-c", ""], text=True)
    server.wait()
    end_all(server, grace_s=0.3)
