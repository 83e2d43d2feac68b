"""DuckDB: a resource that opens connections, and IO managers that keep each asset in a table.

Needs: ``pip install 'tidewheel[duckdb]'``. The asset ``a/b/c`` is the table ``c`` of the schema ``b``.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

import duckdb
from pydantic import Field

from tidewheel.definitions.resources.io_managers import ConfigurableIOManager
from tidewheel.definitions.resources.pythonic_resources import ConfigurableResource
from tidewheel.errors import InvariantViolationError
from tidewheel.extras.frame_files import annotated_type, frame_metadata, wanted_columns
from tidewheel.extras.partition_predicates import EXPRESSION_KEY, partition_predicate

DEFAULT_SCHEMA = "public"
SCHEMA_KEY = "schema"
"""Metadata label of an asset (or output) that names the schema of its table."""
PATIENCE_S = 60.0
"""How long to wait for a database file that another process has open: only one can write at a time."""
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0
_INCOMING = "tidewheel_incoming"


class DuckDBResource(ConfigurableResource):
    """Opens connections to a DuckDB database.

    Attributes:
        database: the file, ``:memory:``, or another address that DuckDB knows.
        connection_config: DuckDB's settings for the connection.
    """

    database: str = ":memory:"
    connection_config: dict[str, Any] = {}

    @contextlib.contextmanager
    def get_connection(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """A connection, closed at the end of the ``with``."""
        with connection_to(self.database, self.connection_config) as connection:
            yield connection


@contextlib.contextmanager
def connection_to(
    database: str, config: Mapping[str, Any] | None = None
) -> Generator[duckdb.DuckDBPyConnection, None, None]:
    """A connection, closed at the end; waits while another process has the file open.

    Raises:
        duckdb.IOException: when it stays so for a minute, or the file cannot be opened.
    """
    connection = _connect(database, dict(config or {}))
    try:
        yield connection
    finally:
        connection.close()


def _connect(database: str, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    deadline, pause_s = time.monotonic() + PATIENCE_S, _FIRST_PAUSE_S
    while True:
        try:
            return duckdb.connect(database, config=config)
        except duckdb.IOException as exc:
            if "lock" not in str(exc) or time.monotonic() > deadline:
                raise
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


class Place(NamedTuple):
    """A table, and the condition on its rows that belong to the partitions in question (None: all rows)."""

    schema: str
    table: str
    predicate: str | None = None

    @property
    def sql(self) -> str:
        """The table's name in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"


class DuckDBIOManager(ConfigurableIOManager):
    """Keeps each asset in a table. Frames of Pandas, Polars or PyArrow are stored; inputs are loaded as annotated.

    Partitioned assets name the column that tells a row's partition: ``metadata={"partition_expr": "day"}`` (a mapping from
    dimension to column for partitions with dimensions). Storing a partition replaces its rows in one transaction. An
    input's metadata ``columns`` names the columns to load.

    Attributes:
        database: the file.
        connection_config: DuckDB's settings for the connection.
        schema: of tables whose asset key has one part and whose metadata ``schema`` names none.
    """

    database: str
    connection_config: dict[str, Any] = {}
    schema_: str | None = Field(default=None, alias="schema")

    @property
    def default_frame(self) -> str:
        """What inputs without a frame's annotation are loaded as: ``pandas``, ``polars`` or ``pyarrow``."""
        return "pandas"

    # -- storing --------------------------------------------------------------------------------------------

    def handle_output(self, context: Any, obj: Any) -> None:
        """Store a frame as a table, or as the rows of some partitions of it."""
        if context.dagster_type.is_nothing and obj is None:
            return
        incoming = _incoming(obj, _name_of(context))
        place = self.place_of_output(context)
        with connection_to(self.database, self.connection_config) as connection:
            connection.register(_INCOMING, incoming)
            connection.execute("BEGIN")
            try:
                self._write(connection, place, context)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            ((count,),) = connection.execute(f"SELECT count(*) FROM {_INCOMING}").fetchall()
            columns = columns_of(connection, _INCOMING)
            connection.unregister(_INCOMING)
        context.add_output_metadata(
            {**frame_metadata(count, columns), "dagster/table_name": f"{place.schema}.{place.table}"}
        )

    def _write(self, connection: duckdb.DuckDBPyConnection, place: Place, context: Any) -> None:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(place.schema)}")
        if place.predicate is None:
            connection.execute(f"CREATE OR REPLACE TABLE {place.sql} AS SELECT * FROM {_INCOMING}")
            return
        connection.execute(f"CREATE TABLE IF NOT EXISTS {place.sql} AS SELECT * FROM {_INCOMING} LIMIT 0")
        known = columns_of(connection, place.sql)
        for name, kind in columns_of(connection, _INCOMING).items():
            if name not in known:
                connection.execute(f"ALTER TABLE {place.sql} ADD COLUMN {quoted(name)} {kind}")
        _warn_of_strays(connection, place, context)
        connection.execute(f"DELETE FROM {place.sql} WHERE {place.predicate}")
        connection.execute(f"INSERT INTO {place.sql} BY NAME SELECT * FROM {_INCOMING}")

    # -- loading --------------------------------------------------------------------------------------------

    def load_input(self, context: Any) -> Any:
        """Load a table, or the rows of some partitions of it, as the frame that the input is annotated with."""
        if context.dagster_type.is_nothing:
            return None
        place = self.place_of_input(context)
        columns = wanted_columns(context)
        shown = "*" if columns is None else ", ".join(quoted(name) for name in columns)
        condition = "" if place.predicate is None else f" WHERE {place.predicate}"
        make = frame_maker(annotated_type(context), self.default_frame)
        with connection_to(self.database, self.connection_config) as connection:
            try:
                return make(connection.sql(f"SELECT {shown} FROM {place.sql}{condition}"))
            except duckdb.CatalogException as exc:
                exc.add_note(f"expected a table of {_name_of(context)!r}, got none; materialize it first")
                raise

    # -- places ---------------------------------------------------------------------------------------------

    def place_of_output(self, context: Any) -> Place:
        """Where an output is stored."""
        if not context.has_asset_key:
            return Place(self._schema(context, None), context.name)
        return self._place(context, context)

    def place_of_input(self, context: Any) -> Place:
        """Where an input is stored; schema and partition expression are in its upstream's metadata."""
        if context.has_asset_key:
            return self._place(context, context.upstream_output)
        return self.place_of_output(context.upstream_output)

    def _place(self, context: Any, owner: Any) -> Place:
        path = context.asset_key.path
        predicate = None
        if context.has_asset_partitions:
            predicate = partition_predicate(
                context.asset_partitions_def,
                context.asset_partition_keys,
                _metadata(owner, EXPRESSION_KEY),
                f"asset {_name_of(context)!r}",
            )
        return Place(self._schema(owner, path), path[-1], predicate)

    def _schema(self, owner: Any, path: list[str] | None) -> str:
        named = _metadata(owner, SCHEMA_KEY)
        if named is not None:
            return str(named)
        if self.schema_ is not None:
            return self.schema_
        return path[-2] if path is not None and len(path) > 1 else DEFAULT_SCHEMA


class DuckDBPandasIOManager(DuckDBIOManager):
    """Keeps each asset in a table; inputs are Pandas frames unless annotated otherwise."""


class DuckDBPolarsIOManager(DuckDBIOManager):
    """Keeps each asset in a table; inputs are Polars frames unless annotated otherwise."""

    @property
    def default_frame(self) -> str:
        """Polars."""
        return "polars"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column names and types of a table, given by its name in SQL."""
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()}


def frame_maker(annotation: Any, default: str) -> Callable[[duckdb.DuckDBPyRelation], Any]:
    """How to make the annotated kind of frame of a query's result; ``default``: of an input without one."""
    package = str(getattr(annotation, "__module__", "")).split(".")[0]
    kind = package if package in _MAKERS else default
    if package == "polars" and annotation.__name__ == "LazyFrame":
        return lambda relation: relation.pl().lazy()
    return _MAKERS[kind]


_MAKERS: dict[str, Callable[[duckdb.DuckDBPyRelation], Any]] = {
    "pandas": lambda relation: relation.df(),
    "polars": lambda relation: relation.pl(),
    "pyarrow": lambda relation: relation.to_arrow_table(),
}


def _incoming(obj: Any, what: str) -> Any:
    """Something that DuckDB reads as a table.

    Raises:
        InvariantViolationError: for a value that is no frame.
    """
    package = type(obj).__module__.split(".")[0]
    if package not in ("pandas", "polars", "pyarrow", "duckdb", "_duckdb"):
        raise InvariantViolationError(
            f"expected the value of {what!r} to be a frame of Pandas, Polars or PyArrow, got {type(obj).__name__}; "
            "return a frame, annotate the function with '-> None' if it stores its result itself, or choose another IO manager"
        )
    return obj.arrow() if "duckdb" in package else obj


def _warn_of_strays(connection: duckdb.DuckDBPyConnection, place: Place, context: Any) -> None:
    """Rows outside of the partitions that are stored would not be replaced the next time."""
    strays = connection.execute(
        f"SELECT count(*) FROM {_INCOMING} WHERE NOT coalesce({place.predicate}, FALSE)"
    ).fetchall()[0][0]
    if strays:
        context.log.warning(
            f"{strays} rows of {_name_of(context)!r} lie outside of the partitions that are stored: they will be there "
            "twice when these partitions are made again"
        )


def _metadata(owner: Any, label: str) -> Any:
    found = (owner.definition_metadata or {}).get(label) if owner is not None else None
    return getattr(found, "value", found)


def _name_of(context: Any) -> str:
    return context.asset_key.to_user_string() if context.has_asset_key else context.name  # type: ignore[no-any-return]
