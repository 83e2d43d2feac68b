"""Resolves whether assets are stale, and the data versions of partitions, reading all assets of a page together.

Of a partitioned asset without a partition, the newest event counts. Of a partition, an upstream asset counts with the
partition of the same key where it is partitioned in the same way, whole where it has no partitions, and not otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView
from tidewheel.api.graphql.stale_reads import made_of, newest_id
from tidewheel.api.graphql.wire import MAX_PAGE, asset_key
from tidewheel.logic.graph.staleness import Staleness, decide_staleness
from tidewheel.values.tags import DATA_VERSION

node = ObjectType("AssetNode")


async def _of_partitions(
    context: RequestContext, view: AssetView, partitions: Sequence[str]
) -> list[Staleness]:
    own = view.node
    alike = [own.key] + [
        dep.asset
        for dep in own.deps
        if dep.asset != own.key
        and (parent := context.catalog.asset(dep.asset)) is not None
        and parent.partitions is not None
        and parent.partitions == own.partitions
    ]
    whole = {
        dep.asset: context.stalenesses.load(dep.asset)
        for dep in own.deps
        if (parent := context.catalog.asset(dep.asset)) is not None and parent.partitions is None
    }
    upstream = {key: found for key, awaited in whole.items() if (found := await awaited) is not None}
    states = await context.loaders.asset_states.load_many(whole)
    whole_ids = {
        state.asset: number for state in states if (number := newest_id(context.catalog, state)) is not None
    }
    rows = await context.database.read(context.ledger.get_partition_rows, alike, list(partitions))
    ids = {
        (key, row.partition): row.last_materialization_id
        for key, found in rows.items()
        for row in found
        if row.last_materialization_id is not None
    }
    events = await context.loaders.events.load_many([*ids.values(), *whole_ids.values()])
    by_id = {stored.id: made_of(stored) for stored in events}
    shared = {key: by_id[number] for key, number in whole_ids.items() if number in by_id}
    results = []
    for partition in partitions:
        made = shared | {
            key: by_id[number]
            for (key, place), number in ids.items()
            if place == partition and number in by_id
        }
        results.append(decide_staleness(own, made, upstream))
    return results


async def _staleness(context: RequestContext, view: AssetView, partition: str | None) -> Staleness:
    if partition is not None and view.node.partitions is not None:
        return (await _of_partitions(context, view, [partition]))[0]
    return await context.stalenesses.load(view.node.key) or Staleness(status="MISSING")


async def _keys(context: RequestContext, view: AssetView, partitions: Sequence[str] | None) -> list[str]:
    """Those that were asked for, or all that were ever made; a page at most."""
    if partitions is not None:
        return list(partitions)[:MAX_PAGE]
    rows = await context.database.read(context.ledger.get_partition_rows, [view.node.key])
    return sorted(row.partition for row in rows.get(view.node.key, []))[:MAX_PAGE]


@node.field("staleStatus")
async def _status(view: AssetView, info: GraphQLResolveInfo, partition: str | None = None) -> str:
    return (await _staleness(context_of(info), view, partition)).status


@node.field("staleCauses")
async def _causes(view: AssetView, info: GraphQLResolveInfo, partition: str | None = None) -> list[Answer]:
    return _cause_answers(view, partition, await _staleness(context_of(info), view, partition))


@node.field("staleStatusByPartition")
async def _statuses(
    view: AssetView, info: GraphQLResolveInfo, partitions: Sequence[str] | None = None
) -> list[str]:
    context = context_of(info)
    keys = await _keys(context, view, partitions)
    return [one.status for one in await _of_partitions(context, view, keys)]


@node.field("staleCausesByPartition")
async def _causes_by_partition(
    view: AssetView, info: GraphQLResolveInfo, partitions: Sequence[str] | None = None
) -> list[list[Answer]]:
    context = context_of(info)
    keys = await _keys(context, view, partitions)
    found = await _of_partitions(context, view, keys)
    return [_cause_answers(view, key, one) for key, one in zip(keys, found, strict=True)]


def _cause_answers(view: AssetView, partition: str | None, found: Staleness) -> list[Answer]:
    return [
        answer(
            "StaleCause",
            key=asset_key(view.node.key),
            partition_key=partition,
            category=cause.category,
            reason=cause.reason,
            dependency=None if cause.dependency is None else asset_key(cause.dependency),
            dependency_partition_key=None,
        )
        for cause in found.causes
    ]


@node.field("dataVersionByPartition")
async def _versions(
    view: AssetView, info: GraphQLResolveInfo, partitions: Sequence[str] | None = None
) -> list[str | None]:
    context = context_of(info)
    keys = await _keys(context, view, partitions)
    rows = await context.database.read(context.ledger.get_partition_rows, [view.node.key], keys)
    ids = {row.partition: row.last_materialization_id for row in rows.get(view.node.key, [])}
    events: list[Any] = await asyncio.gather(
        *(context.loaders.events.load(number) for number in ids.values() if number is not None)
    )
    by_id = {stored.id: made_of(stored).tags.get(DATA_VERSION) for stored in events if stored is not None}
    return [by_id.get(number) if (number := ids.get(key)) is not None else None for key in keys]


BINDABLES = (node,)
