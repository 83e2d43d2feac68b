"""Wakes the thread that executes a run when another one has heard something that it waits for."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable


class Bell:
    """``ring`` from any thread; whoever waits with ``wait``, or has ``fileno`` among what it selects from, wakes up."""

    def __init__(self) -> None:
        self._reader, self._writer = (
            os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        )
        self._lock = threading.Lock()
        self.listeners: list[Callable[[], None]] = []
        """Called in the ringing thread, for those that wait for something that has no descriptor."""

    def fileno(self) -> int:
        """What becomes readable when the bell has rung."""
        return self._reader

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        with (
            self._lock,
            contextlib.suppress(BlockingIOError),
        ):  # suppressed: it rang so often that the pipe is full
            if self._writer < 0:
                return
            os.write(self._writer, b"x")
        for listener in self.listeners:
            listener()

    def clear(self) -> None:
        """Forget that it has rung."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 1024):
                pass

    def wait(self, timeout_s: float) -> None:
        """Sleep until it rings, for so long at most."""
        select.select([self._reader], [], [], timeout_s)
        self.clear()

    def close(self) -> None:
        """Give its descriptors back."""
        with self._lock:
            os.close(self._reader)
            os.close(self._writer)
            self._writer = -1


def _pipe() -> tuple[int, int]:
    """The same where there is no ``pipe2`` (macOS)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer
