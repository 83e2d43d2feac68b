"""How a process ended, in words."""

from __future__ import annotations

import signal


def ending(code: int | None) -> str:
    """How a process ended, in words: its exit code, or the signal that ended it."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"ended by signal {-code}"
    hint = ", perhaps for lack of memory" if name == "SIGKILL" else ""
    return f"ended by {name}{hint}"
