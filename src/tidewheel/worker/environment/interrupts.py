"""Turns an interrupt signal into an exception, but only where user code runs; elsewhere it waits for the next such place.

Python's default raises wherever the main thread happens to be, perhaps halfway through recording an event. Here
the signal is noted, and ``ExecutionInterruptedError`` is raised at once inside ``user_code()``, or when that is next
entered.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from tidewheel.errors import ExecutionInterruptedError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_MESSAGE = "the run was asked to stop"


class _UserCode:
    """The part of the main thread's work that may be interrupted."""

    __slots__ = ("_gate",)

    def __init__(self, gate: InterruptGate) -> None:
        self._gate = gate

    def __enter__(self) -> None:
        gate = self._gate
        gate.depth += 1
        if gate.pending and gate.depth == 1:
            gate.raise_pending()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gate.depth -= 1


class InterruptGate:
    """Notes interrupt signals while ``installed``."""

    def __init__(self) -> None:
        self.depth = 0
        self.pending = False
        self.interrupted = False
        self._user_code = _UserCode(self)

    def user_code(self) -> _UserCode:
        """``with gate.user_code():`` what is inside may be interrupted."""
        return self._user_code

    def raise_pending(self) -> None:
        """Raise for a signal that came earlier.

        Raises:
            ExecutionInterruptedError: when one did.
        """
        if self.pending:
            self.pending = False
            self.interrupted = True
            raise ExecutionInterruptedError(_MESSAGE)

    def note(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """The signal handler."""
        self.pending = True
        if self.depth > 0:
            self.raise_pending()

    @contextmanager
    def installed(self) -> Generator[InterruptGate, None, None]:
        """Handle signals in this way; does nothing outside of the main thread, where none arrive."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before: dict[Any, Any] = {}
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, self.note)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def restart_in_child(self) -> None:
        """A forked child begins with a clean slate."""
        self.depth = 0
        self.pending = False
        self.interrupted = False
