"""Answers for what the schema declares and this server does not do yet: never a made-up result.

A result with room for an error has one; a field without room for it fails alone, with the code ``NOT_SUPPORTED``.
"""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, ObjectType, QueryType
from graphql import GraphQLError, GraphQLResolveInfo

CONDITIONS = (
    "there is no evaluation of conditions apart from automation sensors; ask for the sensors' ticks, "
    "start and stop the sensors"
)

query, mutation, instance = QueryType(), MutationType(), ObjectType("Instance")


def _as_failed_field(text: str) -> Any:
    def resolve(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> None:
        raise GraphQLError(text, extensions={"code": "NOT_SUPPORTED"})

    return resolve


query.set_field("autoMaterializeTicks", _as_failed_field(CONDITIONS))
mutation.set_field("setAutoMaterializePaused", _as_failed_field(CONDITIONS))
instance.set_field("autoMaterializePaused", lambda found, info: True)  # there is none: sensors do it

BINDABLES = (query, mutation, instance)
