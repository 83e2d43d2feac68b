"""What resolvers return for types that exist only in the schema, and how a value's GraphQL type is found."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLAbstractType, GraphQLResolveInfo

from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.values.backfills import BackfillRecord
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import RunRecord, TickRecord

Answer = dict[str, Any]
"""A value of an object type: its fields in snake case, and the type's name under ``__typename``."""

_TYPENAMES: dict[type, str] = {
    AssetKey: "AssetKey",
    BackfillRecord: "PartitionBackfill",
    ErrorInfo: "PythonError",
    LocationSnapshot: "Repository",
    RunRecord: "Run",
    TickRecord: "InstigationTick",
}


def answer(typename: str, **fields: Any) -> Answer:
    """A value of the object type with this name."""
    return {"__typename": typename, **fields}


def failure(name: str, message: str, cause: ErrorInfo | None = None) -> ErrorInfo:
    """A ``PythonError`` that the server itself reports: without a stack, which is nobody's business."""
    return ErrorInfo(cls_name=name, message=message, cause=cause)


def exposed(error: BaseException) -> ErrorInfo:
    """An expected exception of the server as ``PythonError``, without its stack."""
    return failure(type(error).__name__, str(error))


def typename_of(value: Any, info: GraphQLResolveInfo, abstract: GraphQLAbstractType) -> str:
    """The object type of a value where the schema allows several.

    Raises:
        TypeError: when the value is of no known kind.
    """
    if isinstance(value, dict):
        return str(value["__typename"])
    known = _TYPENAMES.get(type(value)) or getattr(value, "typename", None)
    if known is None:
        raise TypeError(
            f"expected a value with a GraphQL type for {abstract.name}, got {type(value).__name__}"
        )
    return str(known)
