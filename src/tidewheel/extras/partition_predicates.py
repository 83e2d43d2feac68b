"""The rows of a table that belong to partitions, as SQL conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tidewheel.definitions.partitions.multi_partitions import MultiPartitionsDefinition
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.errors import InvalidDefinitionError

EXPRESSION_KEY = "partition_expr"
"""Metadata label of an asset that names the SQL expression (a column, usually) which tells a row's partition."""

Span = tuple[datetime, datetime]


def partition_predicate(definition: Any, keys: Sequence[Any], expression: Any, what: str) -> str:
    """A condition that is true for the rows of these partitions.

    ``expression`` is SQL; for partitions with dimensions it is a mapping from each dimension to its SQL. Time windows are
    compared as timestamps without a zone, in the zone of the definition.

    Raises:
        InvalidDefinitionError: when there is no expression, or not one for each dimension; ``what`` names the asset.
    """
    if not keys:
        return "FALSE"
    if not isinstance(definition, MultiPartitionsDefinition):
        return _predicate(definition, [str(key) for key in keys], _text(expression, what))
    names = [one.name for one in definition.partitions_defs]
    if not isinstance(expression, Mapping) or not set(names) <= set(expression):
        raise InvalidDefinitionError(
            f"{what}: expected the metadata {EXPRESSION_KEY!r} as a mapping with SQL for each of {names}, got "
            f"{expression!r}; write metadata={{{EXPRESSION_KEY!r}: {{{names[0]!r}: 'column', ...}}}}"
        )
    return _of_dimensions(definition, keys, expression, what)


def _of_dimensions(
    definition: MultiPartitionsDefinition, keys: Sequence[Any], expression: Mapping[str, Any], what: str
) -> str:
    """One condition for each key of one dimension, on the keys that go with it in the other."""
    first, second = definition.partitions_defs
    if isinstance(first.partitions_def, TimeWindowPartitionsDefinition):
        first, second = second, first  # windows of time that touch become one
    grouped: dict[str, list[str]] = {}
    for key in keys:
        dimensions = definition.get_partition_key_from_str(str(key)).keys_by_dimension
        grouped.setdefault(dimensions[first.name], []).append(dimensions[second.name])
    outer, inner = _text(expression[first.name], what), _text(expression[second.name], what)
    conditions = [
        f"({_predicate(first.partitions_def, [key], outer)} AND {_predicate(second.partitions_def, others, inner)})"
        for key, others in grouped.items()
    ]
    return _any_of(conditions)


def _predicate(definition: Any, keys: Sequence[str], expression: str) -> str:
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        return f"{expression} IN ({', '.join(_literal(key) for key in dict.fromkeys(keys))})"
    windows = [definition.time_window_for_partition_key(key) for key in keys]
    spans = joined_spans((window.start, window.end) for window in windows)
    moment = f"CAST({expression} AS TIMESTAMP)"
    return _any_of([f"({moment} >= {_moment(start)} AND {moment} < {_moment(end)})" for start, end in spans])


def joined_spans(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _any_of(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _moment(moment: datetime) -> str:
    return f"TIMESTAMP {_literal(moment.replace(tzinfo=None).isoformat(sep=' '))}"


def _text(expression: Any, what: str) -> str:
    found = getattr(expression, "value", expression)
    if not isinstance(found, str) or not found.strip():
        raise InvalidDefinitionError(
            f"{what}: expected the metadata {EXPRESSION_KEY!r} to say which column tells a row's partition, got "
            f"{expression!r}; write metadata={{{EXPRESSION_KEY!r}: 'column'}}"
        )
    return found
