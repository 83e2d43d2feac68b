"""Tells a database that cannot be used (disk full, file damaged, server gone) from a statement that it refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from tidewheel.errors import LedgerUnusableError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FORBIDDEN = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_UNUSABLE_CLASSES = ("08", "53", "57P", "58")
"""Postgres's classes of SQLSTATE: connections, want of resources, a stopping server, the system around it."""


@contextmanager
def trouble_told(address: str) -> Iterator[None]:
    """Raise LedgerUnusableError, with what to do, where the database at an address cannot go on by itself."""
    try:
        yield
    except DBAPIError as exc:
        if not is_trouble(exc):
            raise
        raise LedgerUnusableError(unusable_text(address, exc.orig or exc)) from exc


def is_trouble(exc: DBAPIError) -> bool:
    """Whether the database itself is in trouble, rather than the statement wrong."""
    code = _code_of(exc.orig)
    if code:
        return code in _DAMAGED | _FORBIDDEN | _NO_ROOM
    state = getattr(exc.orig, "sqlstate", None)
    return exc.connection_invalidated or (state is not None and state.startswith(_UNUSABLE_CLASSES))


def unusable_text(address: str, cause: BaseException) -> str:
    """What is wrong with a database that cannot be used, and what to do. Passwords of addresses are left out."""
    said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    where = address.rpartition("@")[2] if "@" in address else address
    code = _code_of(cause)
    state = getattr(cause, "sqlstate", None) or ""
    if code in _DAMAGED:
        advice = "the file is damaged or is no ledger: put a copy of it in its place, or move it away to begin anew"
    elif code in _FORBIDDEN or isinstance(cause, OSError):
        advice = "make the folder writable for this user, or choose another home with --home DIR"
    elif code in _NO_ROOM or state.startswith("53"):
        advice = "make room on its disk; nothing that was committed is lost"
    else:
        advice = (
            "check that the database runs and the address is right (TIDEWHEEL_STORAGE_URL, tidewheel.toml)"
        )
    return f"expected a usable ledger at {where}, got: {said}; {advice}"


def _code_of(cause: BaseException | None) -> int:
    """SQLite's primary result code, 0 where there is none."""
    return (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
