"""The IO manager of tables in a database, as the packages for databases build on it: one class, a client, type handlers.

An output is a table, or the part of it that its partitions stand for; a handler for the value's type writes and reads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar, cast

from tidewheel.definitions.partitions.multi_partitions import MultiPartitionKey, MultiPartitionsDefinition
from tidewheel.definitions.partitions.partition_keys import TimeWindow
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.definitions.resources.io_managers import IOManager
from tidewheel.errors import CheckError, InvalidDefinitionError

T = TypeVar("T")


class TablePartitionDimension(NamedTuple):
    """The partitions that are meant, and the expression of the table's rows that tells them apart."""

    partition_expr: str
    partitions: TimeWindow | Sequence[str]


class TableSlice(NamedTuple):
    """A table, or a part of it."""

    table: str
    schema: str
    database: str | None = None
    columns: Sequence[str] | None = None
    partition_dimensions: Sequence[TablePartitionDimension] | None = None


def static_where_clause(table_partition: TablePartitionDimension) -> str:
    """The condition for rows of some partitions that are no time windows."""
    keys = ", ".join("'" + str(key).replace("'", "''") + "'" for key in table_partition.partitions)
    return f"{table_partition.partition_expr} in ({keys})"


class DbTypeHandler(ABC, Generic[T]):
    """Writes and reads values of some types."""

    @abstractmethod
    def handle_output(
        self, context: Any, table_slice: TableSlice, obj: T, connection: Any
    ) -> Mapping[str, Any] | None:
        """Write a value; what is returned becomes metadata."""

    @abstractmethod
    def load_input(self, context: Any, table_slice: TableSlice, connection: Any) -> T:
        """Read a value."""

    @property
    @abstractmethod
    def supported_types(self) -> Sequence[type[object]]:
        """The types of its values."""


class DbClient(Generic[T]):
    """Talks to a database."""

    @staticmethod
    def delete_table_slice(context: Any, table_slice: TableSlice, connection: T) -> None:
        """Remove the rows that are written anew."""
        raise NotImplementedError

    @staticmethod
    def get_select_statement(table_slice: TableSlice) -> str:
        """The query of the rows."""
        raise NotImplementedError

    @staticmethod
    def get_table_name(table_slice: TableSlice) -> str:
        """The table's name with its schema."""
        return f"{table_slice.schema}.{table_slice.table}"

    @staticmethod
    def ensure_schema_exists(context: Any, table_slice: TableSlice, connection: T) -> None:
        """Make the schema, unless it is there."""
        raise NotImplementedError

    @staticmethod
    def connect(context: Any, table_slice: TableSlice) -> AbstractContextManager[T]:
        """A connection."""
        raise NotImplementedError


class DbIOManager(IOManager):
    """Keeps values in tables: the last part of an asset's key is the table, the one before it the schema."""

    def __init__(
        self,
        *,
        type_handlers: Sequence[DbTypeHandler[Any]],
        db_client: DbClient[Any],
        database: str,
        schema: str | None = None,
        io_manager_name: str | None = None,
        default_load_type: type | None = None,
    ) -> None:
        self._handlers = {kind: handler for handler in type_handlers for kind in handler.supported_types}
        self._db_client = db_client
        self._database = database
        self._schema = schema
        self._io_manager_name = io_manager_name or type(self).__name__
        only = list(self._handlers)
        self._default_load_type = default_load_type or (only[0] if len(only) == 1 else None)

    def handle_output(self, context: Any, obj: object) -> None:
        """Write a value in place of what the table has for these partitions."""
        if obj is None:
            return
        handler = self._handler_of(type(obj))
        rows = self._get_table_slice(context, context)
        with self._db_client.connect(context, rows) as connection:
            self._db_client.ensure_schema_exists(context, rows, connection)
            self._db_client.delete_table_slice(context, rows, connection)
            metadata = handler.handle_output(context, rows, obj, connection)
        query = self._db_client.get_select_statement(rows)
        name = ".".join(part for part in (rows.database, rows.schema, rows.table) if part)
        context.add_output_metadata({**(metadata or {}), "Query": query, "dagster/table_name": name})

    def load_input(self, context: Any) -> object:
        """Read what an annotation asks for."""
        kind = context.dagster_type.typing_type
        if kind is Any and self._default_load_type is not None:
            kind = self._default_load_type
        handler = self._handler_of(kind)
        rows = self._get_table_slice(context, cast("Any", context.upstream_output))
        with self._db_client.connect(context, rows) as connection:
            return handler.load_input(context, rows, connection)

    def _handler_of(self, kind: Any) -> DbTypeHandler[Any]:
        for known, handler in self._handlers.items():
            if kind is known or (isinstance(kind, type) and issubclass(kind, known)):
                return handler
        raise CheckError(
            f"{self._io_manager_name}: expected a value of {[one.__name__ for one in self._handlers]}, got "
            f"{getattr(kind, '__name__', kind)}; annotate the output or input with one of them, or add a type handler"
        )

    def _get_table_slice(self, context: Any, output_context: Any) -> TableSlice:
        metadata = _definition_metadata(output_context)
        columns = (
            (_definition_metadata(context) or {}).get("columns") if context is not output_context else None
        )
        if not context.has_asset_key:
            schema = metadata.get("schema") or self._schema or "public"
            return TableSlice(output_context.name, schema, self._database, columns)
        path = context.asset_key.path
        schema = metadata.get("schema") or self._schema or (path[-2] if len(path) > 1 else "public")
        dimensions: list[TablePartitionDimension] = []
        if context.has_asset_partitions:
            dimensions = _dimensions(context, metadata.get("partition_expr"))
        return TableSlice(path[-1], schema, self._database, columns, dimensions)


def _definition_metadata(context: Any) -> Mapping[str, Any]:
    return getattr(context, "definition_metadata", None) or {}


def _dimensions(context: Any, expression: Any) -> list[TablePartitionDimension]:
    name = context.asset_key.to_user_string()
    if expression is None:
        raise ValueError(
            f"asset {name!r}: expected metadata 'partition_expr' with the column that tells partitions apart, got none"
        )
    definition = context.asset_partitions_def
    if isinstance(definition, MultiPartitionsDefinition):
        return [
            TablePartitionDimension(
                _expression_of(expression, one.name, name),
                _partitions(one.partitions_def, _keys_along(context.asset_partition_keys, one.name)),
            )
            for one in sorted(definition.partitions_defs, key=lambda one: one.name)
        ]
    if isinstance(definition, TimeWindowPartitionsDefinition):
        keys: Sequence[str] = context.asset_partition_keys
        window = context.asset_partitions_time_window if keys else TimeWindow(*_no_time(definition))
        return [TablePartitionDimension(str(expression), window)]
    return [TablePartitionDimension(str(expression), list(context.asset_partition_keys))]


def _expression_of(expressions: Any, dimension: str, asset: str) -> str:
    found = expressions.get(dimension) if isinstance(expressions, Mapping) else None
    if found is None:
        raise ValueError(
            f"asset {asset!r}: expected metadata 'partition_expr' with an expression for the dimension {dimension!r}, "
            f"got {expressions!r}"
        )
    return str(found)


def _keys_along(keys: Sequence[Any], dimension: str) -> list[str]:
    found = (cast("MultiPartitionKey", key).keys_by_dimension[dimension] for key in keys)
    return list(dict.fromkeys(found))


def _partitions(definition: Any, keys: list[str]) -> TimeWindow | Sequence[str]:
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        return keys
    windows = sorted(definition.time_window_for_partition_key(key) for key in keys)
    for one, following in pairwise(windows):
        if one.end != following.start:
            raise InvalidDefinitionError(
                f"expected partitions without a gap, got one between {one.end} and {following.start}"
            )
    return TimeWindow(windows[0].start, windows[-1].end)


def _no_time(definition: TimeWindowPartitionsDefinition) -> tuple[Any, Any]:
    return definition.start, definition.start
