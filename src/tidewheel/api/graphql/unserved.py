"""Answers for what the schema declares and this server does not do yet: never a made-up result.

A result with room for an error has one; a field without room for it fails alone, with the code ``NOT_SUPPORTED``.
"""

from __future__ import annotations

from typing import Any

from ariadne import ObjectType
from graphql import GraphQLError, GraphQLResolveInfo

STALENESS = (
    "whether an asset is stale is not computed yet; compare dataVersion of the asset and its dependencies"
)

node = ObjectType("AssetNode")


def _as_failed_field(text: str) -> Any:
    def resolve(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> None:
        raise GraphQLError(text, extensions={"code": "NOT_SUPPORTED"})

    return resolve


node.set_field("staleStatus", _as_failed_field(STALENESS))

BINDABLES = (node,)
