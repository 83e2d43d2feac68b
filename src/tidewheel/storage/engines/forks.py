"""Keeps a forked child from using, or closing, the database connections of its parent.

User code may fork while a ledger is open in its process. A connection that two processes use is lost for both, and
SQLite forbids even to close one in the child. So the child leaves all connections where they are and opens its own.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something with connections."""

    def leave_behind(self) -> object:
        """Start anew in a child process; returns the parent's things, which are kept from being closed."""


_open: weakref.WeakSet[Forkable] = weakref.WeakSet()
_left_behind: list[object] = []


def watch(backend: Forkable) -> None:
    """See to a backend after every fork, for as long as it is used."""
    _open.add(backend)


def _start_anew() -> None:
    _left_behind.extend(backend.leave_behind() for backend in list(_open))


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_start_anew)
