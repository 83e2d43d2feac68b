"""Resolves checks of assets and their executions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.conditions import condition_answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView
from tidewheel.api.graphql.event_fields import evaluation_answer
from tidewheel.api.graphql.partition_keys import definition_answer
from tidewheel.api.graphql.wire import asset_key, asset_text, page_limit, whole_cursor
from tidewheel.errors import did_you_mean
from tidewheel.logic.graph.specs import CheckNode
from tidewheel.values.events import CheckEvaluation, EventType, StoredEvent
from tidewheel.values.keys import check_text
from tidewheel.values.records import EventFilter, RunRecord

node, check, execution, query = (
    ObjectType("AssetNode"),
    ObjectType("AssetCheck"),
    ObjectType("AssetCheckExecution"),
    QueryType(),
)


def _checks_of(context: RequestContext, view: AssetView) -> list[tuple[str, CheckNode]]:
    """(location, check) of every check of the asset, wherever it is defined."""
    return [
        (name, found)
        for name, snapshot in context.catalog.snapshots.items()
        for found in snapshot.checks
        if found.asset == view.node.key
    ]


@node.field("hasAssetChecks")
def _has_checks(view: AssetView, info: GraphQLResolveInfo) -> bool:
    return bool(_checks_of(context_of(info), view))


@node.field("assetCheckOrError")
def _check_or_error(view: AssetView, info: GraphQLResolveInfo, check_name: str) -> Answer:
    found = _checks_of(context_of(info), view)
    for location, spec in found:
        if spec.name == check_name:
            return _check_answer(location, spec)
    advice = did_you_mean(check_name, [spec.name for _, spec in found])
    text = f"expected a check of {view.node.key!r}, got {check_name!r}; {advice}"
    return answer("AssetCheckNotFoundError", message=text)


@node.field("assetChecksOrError")
def _checks_or_error(
    view: AssetView,
    info: GraphQLResolveInfo,
    limit: int | None = None,
    pipeline: Mapping[str, Any] | None = None,
) -> Answer:
    context = context_of(info)
    found = _checks_of(context, view)
    if pipeline is not None:
        job = context.catalog.job(pipeline["repository_location_name"], pipeline["pipeline_name"])
        wanted = job.checks if job is not None else ()
        found = [(place, spec) for place, spec in found if check_text(spec.asset, spec.name) in wanted]
    checks = [_check_answer(location, spec) for location, spec in found[: page_limit(limit)]]
    return answer("AssetChecks", checks=checks)


def _check_answer(location: str, spec: CheckNode) -> Answer:
    return answer(
        "AssetCheck",
        location=location,
        spec=spec,
        name=spec.name,
        asset_key=asset_key(spec.asset),
        description=spec.description,
        blocking=spec.blocking,
        additional_asset_keys=[asset_key(key) for key in spec.deps],
    )


@check.field("jobNames")
def _job_names(found: Answer, info: GraphQLResolveInfo) -> list[str]:
    snapshot = context_of(info).catalog.snapshots.get(found["location"])
    text = check_text(found["spec"].asset, found["name"])
    return [job.name for job in (snapshot.jobs if snapshot else ()) if text in job.checks]


@check.field("canExecuteIndividually")
def _is_separate(found: Answer, info: GraphQLResolveInfo) -> str:
    spec: CheckNode = found["spec"]
    made_by = context_of(info).catalog.asset(spec.asset)
    is_shared = made_by is not None and made_by.step is not None and made_by.step == spec.step
    return "REQUIRES_MATERIALIZATION" if is_shared else "CAN_EXECUTE"


@check.field("automationCondition")
def _condition(found: Answer, info: GraphQLResolveInfo) -> Answer | None:
    return condition_answer(found["spec"].condition)


@check.field("partitionDefinition")
def _partitions(found: Answer, info: GraphQLResolveInfo) -> Answer | None:
    return definition_answer(found["spec"].partitions)


@check.field("executionForLatestMaterialization")
async def _latest(found: Answer, info: GraphQLResolveInfo) -> Answer | None:
    """The newest evaluation, if it is not older than the newest materialisation."""
    context = context_of(info)
    asset: str = found["spec"].asset
    state = await context.loaders.check_states.load(check_text(asset, found["name"]))
    made = await context.loaders.asset_states.load(asset)
    if state is None or state.last_evaluation_id is None:
        return None
    if made is not None and (made.last_materialization_id or 0) > state.last_evaluation_id:
        return None
    stored = await context.loaders.events.load(state.last_evaluation_id)
    return None if stored is None else _execution_answer(stored)


def _execution_answer(stored: StoredEvent) -> Answer:
    payload = stored.event.payload
    is_passed = isinstance(payload, CheckEvaluation) and payload.passed
    return answer(
        "AssetCheckExecution",
        id=str(stored.id),
        run_id=stored.event.run_id,
        status="SUCCEEDED" if is_passed else "FAILED",
        evaluation=evaluation_answer(stored.event),
        timestamp=stored.event.timestamp,
        partition=stored.event.partition,
        step_key=stored.event.step_key,
    )


@execution.field("run")
async def _run(found: Answer, info: GraphQLResolveInfo) -> RunRecord | None:
    return await context_of(info).loaders.runs.load(found["run_id"]) if found["run_id"] else None


@query.field("assetCheckExecutions")
async def _executions(
    root: None,
    info: GraphQLResolveInfo,
    asset_key: Mapping[str, Any],
    check_name: str,
    limit: int,
    partition: str | None = None,
    cursor: str | None = None,
) -> list[Answer]:
    context = context_of(info)
    filters = EventFilter(
        types=(EventType.ASSET_CHECK_EVALUATION.value,),
        assets=(asset_text(asset_key),),
        check=check_name,
        partitions=(partition,) if partition is not None else None,
        before_id=whole_cursor(cursor),
    )
    found = await context.database.read(
        context.ledger.get_events, filters, limit=page_limit(limit), ascending=False
    )
    return [_execution_answer(stored) for stored in found]


BINDABLES = (node, check, execution, query)
