"""What the two databases must each provide, and the unit of work that every write runs in."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from tidewheel.storage.ports.ledger import PartitionResolver, RangeReader
from tidewheel.values.access import Target

V = TypeVar("V")
Rows = Sequence[Mapping[str, Any]]

IN_LIST_MAX = 5_000
"""Longest list of values in one statement; both databases refuse more than about 32,000 parameters."""


class Backend(Protocol):
    """One database: connections, transactions, and the few things that differ between SQLite and Postgres."""

    name: str
    """The dialect's name, ``sqlite`` or ``postgresql``."""

    def read(self) -> AbstractContextManager[sa.Connection]:
        """A connection that sees one committed state, whatever is written meanwhile."""

    def write(self, *, durable: bool = False) -> AbstractContextManager[sa.Connection]:
        """A connection in a write transaction, committed at the end, rolled back on an error.

        ``durable``: it has reached the disk when it returns, so that also a power cut cannot take it back.

        Writes follow each other one by one in the whole system, so that the ids taken in them become visible in their
        order. They are short: this is no limit that a scheduler meets.
        """

    def take_ids(self, conn: sa.Connection, table: sa.Table, count: int) -> Sequence[int]:
        """That many new ids for a table, ascending. Only in a write."""

    def prepare(self) -> None:
        """Make the schema, or bring it to the newest revision."""

    def size_bytes(self, conn: sa.Connection) -> int:
        """The size of everything stored."""

    def find_damage(self, conn: sa.Connection) -> list[str]:
        """What a check of the stored pages and indexes finds wrong; empty when all is well."""

    def close(self) -> None:
        """Close all connections."""


class Upsert:
    """``INSERT ... ON CONFLICT (key) DO UPDATE``, which SQLAlchemy spells once per dialect."""

    def __init__(
        self, table: sa.Table, *, update: Sequence[str], keep: Mapping[str, Any] | None = None
    ) -> None:
        """``update``: columns that take the new row's value; ``keep``: columns with an expression of their own."""
        self._table = table
        self._update = tuple(update)
        self._keep = dict(keep or {})
        self._statements: dict[str, Any] = {}

    def on(self, backend: Backend) -> Any:
        """The statement for a backend."""
        statement = self._statements.get(backend.name)
        if statement is None:
            statement = self._statements[backend.name] = self._build(backend.name)
        return statement

    def _build(self, dialect: str) -> Any:
        # Loaded by name when first used: Postgres's dialect takes 22 ms to load, and most processes never need it.
        statement = importlib.import_module(f"sqlalchemy.dialects.{dialect}").insert(self._table)
        keys = [column.name for column in self._table.primary_key]
        changes = {column: statement.excluded[column] for column in self._update} | self._keep
        if not changes:
            return statement.on_conflict_do_nothing(index_elements=keys)
        return statement.on_conflict_do_update(index_elements=keys, set_=changes)


class Unit:
    """One write transaction: the connection, and what functions of this package need besides."""

    __slots__ = ("_made", "backend", "conn", "entry_ids", "has_written", "resolve")

    def __init__(
        self, backend: Backend, conn: sa.Connection, resolve: PartitionResolver | None = None
    ) -> None:
        self.backend = backend
        self.conn = conn
        self.resolve = resolve
        self.has_written = False
        """Whether rows were changed; known of transactions that are audited."""
        self.entry_ids: Sequence[int] = ()
        """Of the entries of the audit that this transaction wrote."""
        self._made: list[Target] | None = None

    def begin_audit(self, made: list[Target]) -> None:
        """Watch from now on whether rows are changed, and note in ``made`` what is made."""
        self._made = made

    def note_made(self, kind: str, names: Iterable[str]) -> None:
        """Things were made that whoever asked for the change could not name before."""
        if self._made is not None:
            self._made.extend(Target(kind=kind, name=name) for name in names)

    def keys_between(self, asset: str, first: str, last: str, now: float) -> Sequence[str]:
        """The asset's partitions in a range, as far as the resolver knows them."""
        return (
            self.resolve.keys_between(asset, first, last, now)
            if isinstance(self.resolve, RangeReader)
            else ()
        )

    def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[Any]:
        """Carry out a statement."""
        result = self.conn.execute(statement, parameters)
        if self._made is not None and statement.is_dml and (result.returns_rows or result.rowcount != 0):
            self.has_written = True
        return result

    def write_rows(self, statement: Any, rows: Rows) -> None:
        """Carry out a statement once for each row; nothing for no rows."""
        if rows:
            self.execute(statement, rows)

    def upsert(self, statement: Upsert, rows: Rows) -> None:
        """Insert rows or change those that exist; nothing for no rows."""
        if rows:
            self.execute(statement.on(self.backend), rows)

    def take_ids(self, table: sa.Table, count: int) -> Sequence[int]:
        """That many new ids for a table, ascending."""
        return self.backend.take_ids(self.conn, table, count) if count else ()


def in_chunks(values: Iterable[V], size: int = IN_LIST_MAX) -> Iterator[list[V]]:
    """The values in lists short enough for one statement."""
    held = list(values)
    for start in range(0, len(held), size):
        yield held[start : start + size]
