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
POOLS = "limits of concurrency pools are not supported yet; limit runs by tags in the settings"
STALENESS = (
    "whether an asset is stale is not computed yet; compare dataVersion of the asset and its dependencies"
)

query, mutation, node, instance = QueryType(), MutationType(), ObjectType("AssetNode"), ObjectType("Instance")


def _as_failed_field(text: str) -> Any:
    def resolve(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> None:
        raise GraphQLError(text, extensions={"code": "NOT_SUPPORTED"})

    return resolve


query.set_field("autoMaterializeTicks", _as_failed_field(CONDITIONS))
mutation.set_field("setAutoMaterializePaused", _as_failed_field(CONDITIONS))
instance.set_field("autoMaterializePaused", lambda found, info: True)  # there is none: sensors do it

for _name in (
    "setConcurrencyLimit",
    "deleteConcurrencyLimit",
    "freeConcurrencySlots",
    "freeConcurrencySlotsForRun",
):
    mutation.set_field(_name, _as_failed_field(POOLS))
instance.set_field("supportsConcurrencyLimits", lambda found, info: False)
instance.set_field("minConcurrencyLimitValue", lambda found, info: 0)
instance.set_field("maxConcurrencyLimitValue", lambda found, info: 0)
instance.set_field("concurrencyLimits", lambda found, info: [])  # there cannot be any
instance.set_field("concurrencyLimit", _as_failed_field(POOLS))
instance.set_field("poolConfig", lambda found, info: None)

node.set_field("staleStatus", _as_failed_field(STALENESS))

BINDABLES = (query, mutation, node, instance)
