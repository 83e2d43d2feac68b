"""Resolves what runs need of pools: all of them, those of the steps that can begin at once, and whether slots are held."""

from __future__ import annotations

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.logic.graph.root_steps import root_pools_of_assets, root_pools_of_ops
from tidewheel.values.records import RunRecord

run = ObjectType("Run")


@run.field("allPools")
def _pools(record: RunRecord, info: GraphQLResolveInfo) -> list[str]:
    catalog = context_of(info).catalog
    node = catalog.job(record.location, record.job_name)
    assets = record.assets if record.assets is not None else (node.assets if node else ())
    found = {asset.pool for key in assets if (asset := catalog.asset(key)) is not None}
    found |= {op.pool for op in (node.ops if node else ()) if record.steps is None or op.name in record.steps}
    return sorted(pool for pool in found if pool is not None)


def _root_pools(context: RequestContext, record: RunRecord) -> list[str | None] | None:
    """The pool or None of each step that can begin at once; None when no code tells the run's steps."""
    catalog = context.catalog
    node = catalog.job(record.location, record.job_name)
    if node is not None and node.ops:
        return root_pools_of_ops(node.ops, record.steps)
    assets = record.assets if record.assets is not None else (node.assets if node else ())
    known = [asset for key in assets if (asset := catalog.asset(key)) is not None]
    return root_pools_of_assets(known) if known else None


@run.field("rootConcurrencyKeys")
def _root_keys(record: RunRecord, info: GraphQLResolveInfo) -> list[str] | None:
    found = _root_pools(context_of(info), record)
    return None if found is None else sorted(pool for pool in found if pool is not None)


@run.field("hasUnconstrainedRootNodes")
def _has_free_roots(record: RunRecord, info: GraphQLResolveInfo) -> bool:
    return None in (_root_pools(context_of(info), record) or [None])


@run.field("hasConcurrencyKeySlots")
async def _holds_slots(record: RunRecord, info: GraphQLResolveInfo) -> bool:
    return bool(await context_of(info).loaders.held_slots.load(record.run_id))


BINDABLES = (run,)
