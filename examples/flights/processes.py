"""Ends a server with everything that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path


def end_all(server: subprocess.Popen[str], *, grace_s: float) -> None:
    """Ask the server to end; after ``grace_s`` seconds kill whatever is left of it and of its descendants."""
    family = descendants(server.pid)
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
    deadline = time.monotonic() + grace_s
    try:
        server.wait(grace_s)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    while any(map(is_alive, family)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in filter(is_alive, family):
        os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The processes below a process, as the system lists them now; none where it has no ``ps``."""
    try:
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    children: dict[int, list[int]] = {}
    for child, parent in (map(int, row.split()) for row in listed.splitlines()):
        children.setdefault(parent, []).append(child)
    found = [pid]
    for known in found:
        found.extend(children.get(known, []))
    return found[1:]


def is_alive(pid: int) -> bool:
    """Whether a process has not ended. One that has, and that only its parent still has to note (a zombie), has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True  # a system without /proc, or it ended just now and the next look will tell
