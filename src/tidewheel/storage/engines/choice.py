"""Chooses and opens the database of a ledger from its address."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import DatabaseError

from tidewheel.errors import LedgerUnusableError
from tidewheel.storage.engines.backend import Backend
from tidewheel.storage.engines.postgres import PostgresBackend
from tidewheel.storage.engines.sqlite import MEMORY, SqliteBackend
from tidewheel.storage.engines.unusable import unusable_text

LEDGER_FILE = "ledger.db"
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
