"""Keeps what steps write to standard output and error in files, one pair for each step (or for the run's own process)."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tidewheel.values.events import CapturedLogs, EventType
from tidewheel.worker.environment.run_environment import RunEnvironment

RUN_FILES = "_run"
"""Name of the files of a process that executes several steps."""


@contextmanager
def capture(env: RunEnvironment, name: str, steps: tuple[str, ...], step_key: str | None) -> Generator[None]:
    """Send this process's standard output and error to files; what other libraries and child processes write counts too.

    Nothing happens when the run keeps no logs.
    """
    if env.logs_dir is None:
        yield
        return
    folder = env.logs_dir / env.run_id
    folder.mkdir(parents=True, exist_ok=True)
    out_path, err_path = folder / f"{_file_name(name)}.out", folder / f"{_file_name(name)}.err"
    root = env.logs_dir.parent
    env.emit(
        EventType.LOGS_CAPTURED,
        f"Output of this process (pid {os.getpid()}) is kept.",
        step_key=step_key,
        payload=CapturedLogs(
            steps=steps, stdout_path=_relative(out_path, root), stderr_path=_relative(err_path, root)
        ),
    )
    with _to_file(1, out_path), _to_file(2, err_path):
        yield


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


def _file_name(name: str) -> str:
    return name.replace("/", "_")


@contextmanager
def _to_file(descriptor: int, path: Path) -> Generator[None]:
    """Let a descriptor write to a file; both the descriptor and Python's stream on top of it are put back at the end."""
    stream = sys.stdout if descriptor == 1 else sys.stderr
    _flush(stream)
    kept = os.dup(descriptor)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(target, descriptor)
        os.close(target)
        yield
    finally:
        _flush(stream)
        os.dup2(kept, descriptor)
        os.close(kept)


def _flush(stream: object) -> None:
    flush = getattr(stream, "flush", None)
    if flush is not None:
        try:
            flush()
        except ValueError:
            pass  # user code closed it
