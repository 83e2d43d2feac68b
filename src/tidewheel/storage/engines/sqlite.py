"""The ledger in SQLite: one file in write-ahead mode, or memory for a ledger that lives as long as its process."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from tidewheel.errors import LedgerBusyError
from tidewheel.storage import versions
from tidewheel.storage.engines import forks
from tidewheel.storage.engines.unusable import trouble_told

BUSY_TIMEOUT_S = 30.0
BEGIN_ATTEMPTS = 4
READERS_MAX = 16
CHECKPOINT_PAGES = 4_000
"""Pages in the log before it is folded into the file. Folding waits for the disk; four times SQLite's default does it
a quarter as often, for 16 MB beside the file."""
JOURNAL_KEPT_BYTES = 64 << 20
CACHE_KIB = 16_384
DAMAGE_SHOWN = 10
MEMORY = ":memory:"

_TAKEN_IDS = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")


class _WriteLock:
    """A lock that all ledgers of one file in this process share, for as long as one of them holds on to it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()


_write_locks: weakref.WeakValueDictionary[str, _WriteLock] = weakref.WeakValueDictionary()
_write_locks_guard = threading.Lock()


def _write_lock_of(path: Path) -> _WriteLock:
    with _write_locks_guard:
        return _write_locks.setdefault(str(path.resolve()), _WriteLock())


class SqliteBackend:
    """A SQLite file, or memory when there is no path.

    Writes are serialised by a lock of this process, and between processes by ``BEGIN IMMEDIATE`` with a long busy
    timeout: a transaction takes SQLite's write lock before it reads anything, so it never has to give up half-way.
    Readers of a file run beside the writer. In memory there is one connection, and readers take the lock too:
    they would see the writer's unfinished work otherwise.
    """

    name = "sqlite"

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._shared = path is None
        self._held_lock = _WriteLock() if path is None else _write_lock_of(path)
        self._lock = self._held_lock.lock
        self.engine = self._make_engine()
        self._writer: sa.Connection | None = None
        forks.watch(self)

    def _make_engine(self) -> sa.Engine:
        target = MEMORY if self.path is None else str(self.path)
        # The driver's own transaction control is off (isolation_level=None): it would begin too late, and deferred.
        options: dict[str, Any] = {
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 256,
        }

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(target, timeout=BUSY_TIMEOUT_S, **options)
            self._set_up(connection)
            return connection

        if self._shared:
            return sa.create_engine("sqlite://", creator=connect, poolclass=StaticPool)
        return sa.create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=READERS_MAX - 4,
            pool_timeout=BUSY_TIMEOUT_S,
        )

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        if self._shared:
            return
        # Changing to write-ahead mode needs the file for itself, and SQLite does not wait for that by itself.
        _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_KEPT_BYTES}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        if self._shared:
            with self._lock:
                yield self._writing_connection()
            return
        with trouble_told(str(self.path)), self.engine.connect() as conn:
            conn.exec_driver_sql("BEGIN")
            yield conn

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        with self._lock, trouble_told(str(self.path or MEMORY)):
            conn = self._writing_connection()
            waits_for_disk = durable and not self._shared
            if waits_for_disk:
                _set_synchronous(conn, "FULL")
            try:
                self._begin(conn)
                yield conn
                conn.commit()
            except BaseException:
                conn.rollback()
                raise
            finally:
                if waits_for_disk:
                    _set_synchronous(conn, "NORMAL")

    def _writing_connection(self) -> sa.Connection:
        # One connection is kept for writing: taking one from the pool costs as much as a small statement.
        if self._writer is None:
            self._writer = self.engine.connect()
        return self._writer

    def _begin(self, conn: sa.Connection) -> None:
        if self._shared:
            conn.exec_driver_sql("BEGIN")
            return
        for attempt in range(1, BEGIN_ATTEMPTS + 1):
            try:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as exc:
                if not _is_busy(exc.orig):
                    raise
                conn.rollback()
                if attempt == BEGIN_ATTEMPTS:
                    raise LedgerBusyError(
                        f"expected to write to {self.path} within {BUSY_TIMEOUT_S * BEGIN_ATTEMPTS:.0f} s, but "
                        "another process held its lock all the time; end that process, or let it be the server"
                    ) from exc

    def take_ids(self, conn: sa.Connection, table: sa.Table, count: int) -> Sequence[int]:
        # SQLite itself keeps the highest id ever used of AUTOINCREMENT tables, and rows with a given id raise it. Knowing
        # the ids beforehand lets many rows go in one statement. Nobody else can take them: we hold the write lock.
        taken = conn.execute(_TAKEN_IDS, {"name": table.name}).scalar() or 0
        return range(taken + 1, taken + 1 + count)

    def prepare(self) -> None:
        if self._shared:
            with self._lock:
                versions.create(self._writing_connection())
                self._writing_connection().commit()
            return
        with self.read() as conn:
            if versions.is_current(conn):
                return
        # Migrations copy tables and drop the old ones, and dropping one deletes what refers to its rows. This can
        # only be turned off outside a transaction.
        with self._lock:
            self._writing_connection().exec_driver_sql("PRAGMA foreign_keys = OFF")
            try:
                with self.write() as conn:
                    versions.create_or_migrate(conn)
            finally:
                self._writing_connection().exec_driver_sql("PRAGMA foreign_keys = ON")
                self._writing_connection().commit()

    def size_bytes(self, conn: sa.Connection) -> int:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * conn.exec_driver_sql("PRAGMA page_size").scalar_one())

    def find_damage(self, conn: sa.Connection) -> list[str]:
        found = [str(row[0]) for row in conn.exec_driver_sql(f"PRAGMA quick_check({DAMAGE_SHOWN})")]
        return [] if found == ["ok"] else found

    def leave_behind(self) -> object:
        # another thread of the parent may have held a lock when the process was forked
        if self.path is None:
            self._lock = _WriteLock().lock  # the memory has been copied, and its connection with it
            return None
        kept = (self._writer, self.engine.pool)
        self._writer = None
        self.engine.dispose(close=False)
        self._held_lock = _WriteLock()
        self._lock = self._held_lock.lock
        return kept

    def close(self) -> None:
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self.engine.dispose()


def _set_synchronous(conn: sa.Connection, mode: str) -> None:
    # only outside transactions, and the driver's own are off: this one is SQLAlchemy's idea of one
    conn.exec_driver_sql(f"PRAGMA synchronous = {mode}")
    conn.commit()


def _is_busy(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _patiently(action: Any) -> None:
    """Repeat an action that SQLite refuses at once while another process is opening the same file."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as exc:
            if not _is_busy(exc) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
