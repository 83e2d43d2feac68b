"""The ledger in Postgres: what differs from SQLite because several servers write to it at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from tidewheel.errors import NotSupportedError
from tidewheel.storage import versions
from tidewheel.storage.engines import forks
from tidewheel.storage.engines.unusable import trouble_told
from tidewheel.storage.tables.metadata import use_with_postgres

POOL_SIZE = 5
POOL_OVERFLOW = 10
POOL_TIMEOUT_S = 30.0
STALLED_WRITE_S = 60
WRITE_LOCK = 7_283_001
SCHEMA_LOCK = 7_283_002
"""Keys of advisory locks; any numbers that other users of the same database are unlikely to take."""

_TAKE_IDS = sa.text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)")
_TAKE_WRITE_LOCK = sa.text(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
_TAKE_SCHEMA_LOCK = sa.text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")


class PostgresBackend:
    """A Postgres database, through a bounded pool of connections.

    Postgres gives ids out before commits, so a transaction that took a lower id may become visible after one with a
    higher id, and a reader with an ``after_id`` cursor would miss it for ever. Writes therefore take one advisory lock,
    held until after the commit; it also spares them deadlocks. (The place for ``LISTEN``/``NOTIFY``: notify in ``write``
    before the commit.)
    """

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._address = url
        try:
            self.engine = sa.create_engine(
                url,
                pool_size=POOL_SIZE,
                max_overflow=POOL_OVERFLOW,
                pool_timeout=POOL_TIMEOUT_S,
                pool_pre_ping=True,
            )
        except ModuleNotFoundError as exc:
            raise NotSupportedError(
                "expected the psycopg package for a ledger in Postgres, got none; install 'tidewheel[postgres]'"
            ) from exc
        use_with_postgres()
        sa.event.listen(self.engine, "connect", _set_up)
        forks.watch(self)
        # READ COMMITTED, the default, shows a later state to each statement of a read; SQLite shows one state to all.
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with trouble_told(self._address), self._snapshots.connect() as conn:
            yield conn

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        # every commit waits for the disk, unless the database's owner has chosen otherwise
        with trouble_told(self._address), self.engine.begin() as conn:
            conn.execute(_TAKE_WRITE_LOCK)
            yield conn

    def take_ids(self, conn: sa.Connection, table: sa.Table, count: int) -> Sequence[int]:
        column = next(iter(table.primary_key)).name
        names = {"sequence": f"{table.name}_{column}_seq", "count": count}
        return sorted(conn.execute(_TAKE_IDS, names).scalars())

    def prepare(self) -> None:
        with self.engine.begin() as conn:
            if versions.is_current(conn):
                return
            conn.execute(_TAKE_SCHEMA_LOCK)
            versions.create_or_migrate(conn)

    def size_bytes(self, conn: sa.Connection) -> int:
        return int(conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())

    def find_damage(self, conn: sa.Connection) -> list[str]:
        return []  # Postgres checks pages as it reads them (checksums), and has tools of its own

    def leave_behind(self) -> object:
        kept = self.engine.pool
        self.engine.dispose(close=False)
        return kept

    def close(self) -> None:
        self.engine.dispose()


def _set_up(connection: Any, _record: object) -> None:
    # a server that stops in the middle of a write must not keep the others from writing
    connection.execute(f"SET idle_in_transaction_session_timeout = '{STALLED_WRITE_S}s'")
    connection.commit()
