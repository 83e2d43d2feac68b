"""Chooses and opens the database of a ledger from its address."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from tidewheel.errors import LedgerUnusableError
from tidewheel.storage.engines.backend import Backend
from tidewheel.storage.engines.postgres import PostgresBackend
from tidewheel.storage.engines.sqlite import SqliteBackend

LEDGER_FILE = "ledger.db"
MEMORY = ":memory:"
_POSTGRES_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")


def open_backend(address: str | Path) -> Backend:
    """The database of an address, with its schema at the newest revision.

    An address is ``:memory:`` (a ledger that ends with this process), a SQLite file, a folder (its ``ledger.db``),
    ``sqlite:///path`` or ``postgresql://...``.

    Raises:
        ValueError: when the address is of another kind.
        NotSupportedError: when a newer Tidewheel has written the database.
        LedgerUnusableError: when the database is damaged, out of reach or must not be written to.
    """
    try:
        backend = _backend_of(address)
    except OSError as exc:
        raise LedgerUnusableError(unusable_text(str(address), exc)) from exc
    try:
        backend.prepare()
    except DatabaseError as exc:
        backend.close()
        raise LedgerUnusableError(unusable_text(str(address), exc.orig or exc)) from exc
    except BaseException:
        backend.close()
        raise
    return backend


def unusable_text(address: str, cause: BaseException) -> str:
    """What is wrong with a database that cannot be used, and what to do. Passwords of addresses are left out."""
    said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    where = address.rpartition("@")[2] if "@" in address else address
    code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        advice = "the file is damaged or is no ledger: put a copy of it in its place, or move it away to begin anew"
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) or isinstance(
        cause, OSError
    ):
        advice = "make the folder writable for this user, or choose another home with --home DIR"
    elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        advice = "make room on the disk"
    else:
        advice = (
            "check that the database runs and the address is right (TIDEWHEEL_STORAGE_URL, tidewheel.toml)"
        )
    return f"expected a usable ledger at {where}, got: {said}; {advice}"


def _backend_of(address: str | Path) -> Backend:
    if isinstance(address, Path):
        return SqliteBackend(_file_of(address))
    scheme, separator, rest = address.partition("://")
    if not separator:
        return SqliteBackend(None if address == MEMORY else _file_of(Path(address)))
    if scheme in _POSTGRES_SCHEMES:
        return PostgresBackend(f"postgresql+psycopg://{rest}")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        return SqliteBackend(None if path in ("", MEMORY) else _file_of(Path(path)))
    raise ValueError(
        f"expected a ledger address of the form sqlite:///path or postgresql://..., or a path, got {address!r}"
    )


def _file_of(path: Path) -> Path:
    if path.is_dir():
        return path / LEDGER_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
