"""Resolves how assets are: their freshness rule and what it says now, and their health with its reasons."""

from __future__ import annotations

import asyncio
from typing import Any

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.asset_partitions import load_statuses
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView, asset_view
from tidewheel.logic.freshness import WindowFreshness
from tidewheel.logic.graph.health import (
    CheckCounts,
    CheckOutcome,
    Health,
    PartitionCounts,
    checks_health,
    count_checks,
    freshness_health,
    materialization_health,
    overall_health,
)
from tidewheel.values.keys import check_text
from tidewheel.values.records import AssetState

asset, node = ObjectType("Asset"), ObjectType("AssetNode")


@node.field("internalFreshnessPolicy")
def _policy(view: AssetView, info: GraphQLResolveInfo) -> Answer | None:
    rule = view.node.freshness
    if rule is None:
        return None
    if isinstance(rule, WindowFreshness):
        warn = rule.warn_window_s
        return answer(
            "TimeWindowFreshnessPolicy",
            fail_window_seconds=int(rule.fail_window_s),
            warn_window_seconds=None if warn is None else int(warn),
        )
    return answer(
        "CronFreshnessPolicy",
        deadline_cron=rule.cron,
        lower_bound_delta_seconds=int(rule.lower_bound_s),
        timezone=rule.zone,
    )


@node.field("freshnessStatusInfo")
async def _freshness_status(view: AssetView, info: GraphQLResolveInfo) -> Answer | None:
    if view.node.freshness is None:
        return None
    context = context_of(info)
    state = await context.loaders.asset_states.load(view.node.key)
    found = _freshness(view, state, context.now)
    return {"freshness_status": found.value, "freshness_status_metadata": _freshness_meta(found, state)}


def _freshness(view: AssetView, state: AssetState | None, now: float) -> Health:
    return freshness_health(view.node.freshness, _updated_at(view, state), now)


def _updated_at(view: AssetView, state: AssetState | None) -> float | None:
    if state is None:
        return None
    if view.node.kind == "observable" and state.last_materialization_at is None:
        return state.last_observation_at
    return state.last_materialization_at


def _freshness_meta(found: Health, state: AssetState | None) -> Answer | None:
    if found is Health.NOT_APPLICABLE:
        return None
    return {"last_materialized_timestamp": state.last_materialization_at if state else None}


@asset.field("assetHealth")
async def _health(found: Answer, info: GraphQLResolveInfo) -> Answer | None:
    """Null for what no code defines."""
    context = context_of(info)
    view = asset_view(context, found["text"])
    if view is None:
        return None
    state, counts, checks = await asyncio.gather(
        context.loaders.asset_states.load(view.node.key), _partitions(context, view), _checks(context, view)
    )
    made = materialization_health(
        is_made=state is not None and state.last_materialization_id is not None,
        has_failed=state is not None and state.last_failed_run_id is not None,
        partitions=counts,
        is_materializable=view.node.kind == "materializable",
    )
    checked, fresh = checks_health(checks), _freshness(view, state, context.now)
    return {
        "asset_health": overall_health((made, checked, fresh)).value,
        "materialization_status": made.value,
        "materialization_status_metadata": _made_meta(made, state, counts),
        "asset_checks_status": checked.value,
        "asset_checks_status_metadata": _checks_meta(checked, checks),
        "freshness_status": fresh.value,
        "freshness_status_metadata": _freshness_meta(fresh, state),
    }


async def _partitions(context: RequestContext, view: AssetView) -> PartitionCounts | None:
    statuses = await load_statuses(context, view)
    if statuses is None:
        return None
    return PartitionCounts(total=len(statuses.existing), made=len(statuses.made), failed=len(statuses.failed))


async def _checks(context: RequestContext, view: AssetView) -> CheckCounts:
    names = [one.name for one in context.catalog.checks_by_asset.get(view.node.key, ())]
    states = await asyncio.gather(
        *(context.loaders.check_states.load(check_text(view.node.key, name)) for name in names)
    )
    return count_checks(
        [
            CheckOutcome(
                passed=state.passed if state else None, is_warning=bool(state and state.severity == "WARN")
            )
            for state in states
        ]
    )


def _made_meta(found: Health, state: AssetState | None, counts: PartitionCounts | None) -> Answer | None:
    """Why it is degraded; of partitions, how many are missing while it is healthy."""
    failed_run = state.last_failed_run_id if state else None
    if counts is None:
        if found is not Health.DEGRADED:
            return None
        return answer("AssetHealthMaterializationDegradedNotPartitionedMeta", failed_run_id=failed_run)
    numbers: dict[str, Any] = {
        "num_missing_partitions": counts.missing,
        "total_num_partitions": counts.total,
        "latest_run_id": state.last_materialization_run_id if state else None,
    }
    if found is Health.DEGRADED:
        return answer(
            "AssetHealthMaterializationDegradedPartitionedMeta",
            **numbers,
            num_failed_partitions=counts.failed,
            latest_failed_run_id=failed_run,
        )
    if found is Health.HEALTHY:
        return answer("AssetHealthMaterializationHealthyPartitionedMeta", **numbers)
    return None


def _checks_meta(found: Health, counts: CheckCounts) -> Answer | None:
    if found is Health.DEGRADED:
        return answer(
            "AssetHealthCheckDegradedMeta",
            num_failed_checks=counts.failed,
            num_warning_checks=counts.warned,
            total_num_checks=counts.total,
        )
    if found is Health.WARNING:
        return answer(
            "AssetHealthCheckWarningMeta", num_warning_checks=counts.warned, total_num_checks=counts.total
        )
    if found is Health.UNKNOWN:
        return answer(
            "AssetHealthCheckUnknownMeta",
            num_not_executed_checks=counts.not_executed,
            total_num_checks=counts.total,
        )
    return None


BINDABLES = (asset, node)
