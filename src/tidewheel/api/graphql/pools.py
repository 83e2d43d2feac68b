"""Resolves pools: their limits, who holds and waits for slots, and changes of both."""

from __future__ import annotations

from typing import Any

from ariadne import MutationType, ObjectType
from graphql import GraphQLError, GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.services.signals import Topic
from tidewheel.values.pools import PoolRecord

LARGEST_LIMIT = 1_000
"""As in Dagster."""

mutation, instance = MutationType(), ObjectType("Instance")

instance.set_field("supportsConcurrencyLimits", lambda found, info: True)
instance.set_field("minConcurrencyLimitValue", lambda found, info: 0)
instance.set_field("maxConcurrencyLimitValue", lambda found, info: LARGEST_LIMIT)


@instance.field("poolConfig")
def _config(found: Any, info: GraphQLResolveInfo) -> Answer:
    limits = context_of(info).server.options.limits
    return answer(
        "PoolConfig",
        pool_granularity=limits.pool_granularity,
        default_pool_limit=limits.default_pool_slots,
        op_granularity_run_buffer=None,
    )


@instance.field("concurrencyLimits")
async def _all(found: Any, info: GraphQLResolveInfo) -> list[Answer]:
    context = context_of(info)
    return [_info(context, pool) for pool in await context.database.read(context.ledger.pools.get_all)]


@instance.field("concurrencyLimit")
async def _one(found: Any, info: GraphQLResolveInfo, concurrency_key: str | None = None) -> Answer:
    context = context_of(info)
    pools = await context.database.read(context.ledger.pools.get_all)
    known = next((pool for pool in pools if pool.name == concurrency_key), None)
    return _info(context, known or PoolRecord(name=concurrency_key or ""))


def _info(context: RequestContext, pool: PoolRecord) -> Answer:
    default = context.server.options.limits.default_pool_slots
    limit = default if pool.slots is None else pool.slots
    held = [claim for claim in pool.claims if claim.held_since is not None]
    waiting = [claim for claim in pool.claims if claim.held_since is None]
    return answer(
        "ConcurrencyKeyInfo",
        concurrency_key=pool.name,
        slot_count=limit or 0,
        limit=limit,
        using_default_limit=pool.slots is None and default is not None,
        claimed_slots=[{"run_id": claim.run_id, "step_key": claim.step} for claim in held],
        pending_steps=[
            {
                "run_id": claim.run_id,
                "step_key": claim.step,
                "enqueued_timestamp": claim.asked_at,
                "assigned_timestamp": None,
                "priority": claim.priority,
            }
            for claim in waiting
        ],
        active_slot_count=len(held),
        active_run_ids=sorted({claim.run_id for claim in held}),
        pending_step_count=len(waiting),
        pending_step_run_ids=sorted({claim.run_id for claim in waiting}),
        assigned_step_count=0,
        assigned_step_run_ids=[],
    )


@mutation.field("setConcurrencyLimit")
async def _set(root: None, info: GraphQLResolveInfo, concurrency_key: str, limit: int) -> bool:
    if not 0 <= limit <= LARGEST_LIMIT or not concurrency_key:
        raise GraphQLError(
            f"expected a pool's name and a limit from 0 to {LARGEST_LIMIT}, got {concurrency_key!r} and {limit}"
        )
    await _change(info, concurrency_key, limit)
    return True


@mutation.field("deleteConcurrencyLimit")
async def _delete(root: None, info: GraphQLResolveInfo, concurrency_key: str) -> bool:
    context = context_of(info)
    known = concurrency_key in await context.database.read(context.ledger.pools.get_slots)
    await _change(info, concurrency_key, None)
    return known


async def _change(info: GraphQLResolveInfo, name: str, slots: int | None) -> None:
    context = context_of(info)
    await context.database.write(context.ledger.pools.set_slots, name, slots, now=context.now)
    context.server.signals.raise_topic(Topic.QUEUE)


@mutation.field("freeConcurrencySlots")
async def _free_step(root: None, info: GraphQLResolveInfo, run_id: str, step_key: str | None = None) -> bool:
    context = context_of(info)
    pools = context.ledger.pools
    if step_key is not None:
        freed = await context.database.write(pools.release, run_id, step_key)
    else:
        freed = await context.database.write(pools.free, run_id=run_id)
    context.server.signals.raise_topic(Topic.QUEUE)
    return freed > 0


@mutation.field("freeConcurrencySlotsForRun")
async def _free_run(root: None, info: GraphQLResolveInfo, run_id: str) -> bool:
    return await _free_step(root, info, run_id)


BINDABLES = (mutation, instance)
