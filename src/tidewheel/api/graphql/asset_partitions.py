"""Resolves what an asset's definition and its bitmaps say of its partitions."""

from __future__ import annotations

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView
from tidewheel.api.graphql.partition_keys import definition_answer, key_page, keys_by_dimension
from tidewheel.api.graphql.partition_statuses import (
    Statuses,
    stats_answer,
    statuses_answer,
    statuses_of,
)
from tidewheel.api.graphql.wire import page_limit
from tidewheel.logic.partitions.keys import all_keys

node = ObjectType("AssetNode")
node.set_field("partitionDefinition", lambda view, info: definition_answer(view.node.partitions))


@node.field("partitionKeys")
async def _keys(view: AssetView, info: GraphQLResolveInfo) -> list[str]:
    if view.node.partitions is None:
        return []
    return list(all_keys(view.node.partitions, await context_of(info).loaders.view()))


@node.field("partitionKeyConnection")
async def _key_connection(
    view: AssetView, info: GraphQLResolveInfo, limit: int, ascending: bool, cursor: str | None = None
) -> Answer | None:
    if view.node.partitions is None:
        return None
    page = key_page(
        view.node.partitions,
        await context_of(info).loaders.view(),
        limit=page_limit(limit),
        after=cursor,
        is_reversed=not ascending,
    )
    last = page.keys[-1] if page.keys else cursor or ""
    return answer("PartitionKeyConnection", results=page.keys, cursor=last, has_more=page.has_more)


@node.field("partitionKeysByDimension")
async def _keys_by_dimension(
    view: AssetView, info: GraphQLResolveInfo, start_idx: int | None = None, end_idx: int | None = None
) -> list[Answer]:
    if view.node.partitions is None:
        return []
    return keys_by_dimension(view.node.partitions, await context_of(info).loaders.view(), start_idx, end_idx)


async def load_statuses(context: RequestContext, view: AssetView) -> Statuses | None:
    """The status of every partition of an asset; None where it has none."""
    if view.node.partitions is None:
        return None
    state = await context.loaders.partition_states.load(view.node.key)
    return statuses_of(view.node.partitions, state, await context.loaders.view())


@node.field("partitionStats")
async def _stats(view: AssetView, info: GraphQLResolveInfo) -> Answer | None:
    statuses = await load_statuses(context_of(info), view)
    return None if statuses is None else stats_answer(statuses)


@node.field("assetPartitionStatuses")
async def _statuses(view: AssetView, info: GraphQLResolveInfo) -> Answer:
    context = context_of(info)
    statuses = await load_statuses(context, view)
    return statuses_answer(view.node.partitions, statuses, await context.loaders.view())


BINDABLES = (node,)
