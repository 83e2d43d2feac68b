"""Resolves the kept evaluations of automation conditions: their records, and what was true for which partitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import QueryType
from graphql import GraphQLError, GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.condition_trees import (
    automation_nodes,
    condition_evaluation,
    entity_key,
    partition_evaluation,
)
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.wire import asset_key, asset_text, check_texts, page_limit, whole_cursor
from tidewheel.logic.conditions.explain import Explanation
from tidewheel.logic.planning.automation_records import ROOT, true_keys
from tidewheel.runtime.conditions.condition_facts import partition_view
from tidewheel.values.conditions import EvaluationRow

query = QueryType()


@query.field("assetConditionEvaluationRecordsOrError")
async def _records(
    root: None,
    info: GraphQLResolveInfo,
    limit: int,
    asset_key: Mapping[str, Any] | None = None,
    asset_check_key: Mapping[str, Any] | None = None,
    asset_job_key: Mapping[str, Any] | None = None,
    cursor: str | None = None,
) -> Answer:
    context = context_of(info)
    kind, name = _target(asset_key, asset_check_key, asset_job_key)
    rows = await context.database.read(
        context.ledger.conditions.get_evaluations,
        kind,
        name,
        limit=page_limit(limit),
        before_id=whole_cursor(cursor),
    )
    return _answer(rows)


@query.field("assetConditionEvaluationsForEvaluationId")
async def _of_evaluation(root: None, info: GraphQLResolveInfo, evaluation_id: str) -> Answer:
    context = context_of(info)
    number = whole_cursor(evaluation_id)
    if number is None:
        return _answer([])
    return _answer(await context.database.read(context.ledger.conditions.get_evaluations_of_tick, number))


@query.field("assetConditionEvaluationForPartition")
async def _for_partition(
    root: None,
    info: GraphQLResolveInfo,
    evaluation_id: str,
    partition: str,
    asset_key: Mapping[str, Any] | None = None,
) -> Answer | None:
    """Which nodes were true for one partition; null when the evaluation asked for nothing, or not about this asset."""
    context = context_of(info)
    kind, name = _target(asset_key, None, None)
    rows = await context.database.read(
        context.ledger.conditions.get_evaluations, kind, name, limit=1, tick_id=whole_cursor(evaluation_id)
    )
    if not rows or rows[0].evaluation.error is not None:
        return None
    kept = rows[0].evaluation
    graph = await context.server.automation.graph()
    view = await context.database.read(partition_view, context.server.database.ledger, kept.at)

    def is_true_at(place: str, one: Explanation) -> bool:
        if not one.is_true or (one.subject.kind, one.subject.name) != (kind, name):
            return one.is_true  # another subject has its own partitions: it is told as a whole
        if one.true_count == one.asked_count == 1 and not kept.partitions:
            return True
        keys = true_keys(kept, place, graph, view)
        if keys is None:
            raise _not_kept(place, evaluation_id, name)
        return partition in keys

    return partition_evaluation(kept, is_true_at)


@query.field("truePartitionsForAutomationConditionEvaluationNode")
async def _true_partitions(
    root: None,
    info: GraphQLResolveInfo,
    evaluation_id: str,
    asset_key: Mapping[str, Any] | None = None,
    asset_job_key: Mapping[str, Any] | None = None,
    node_unique_id: str | None = None,
) -> list[str]:
    """The keys for which a node was true; of evaluations with too ragged sets, and of the root alone, the first ones."""
    context = context_of(info)
    place = node_unique_id or ROOT
    kind, name = _target(asset_key, None, asset_job_key)
    rows = await context.database.read(
        context.ledger.conditions.get_evaluations, kind, name, limit=1, tick_id=whole_cursor(evaluation_id)
    )
    if not rows:
        return []
    kept = rows[0].evaluation
    graph = await context.server.automation.graph()
    view = await context.database.read(partition_view, context.server.database.ledger, kept.at)
    keys = true_keys(kept, place, graph, view)
    if keys is not None:
        return list(keys)
    if place == ROOT:
        return list(kept.partitions)
    raise _not_kept(place, evaluation_id, name)


def _not_kept(place: str, evaluation_id: str, name: str) -> GraphQLError:
    return GraphQLError(
        f"expected a node of the evaluation {evaluation_id} of {name} whose partitions are kept, got {place!r}; take a "
        "uniqueId of its evaluationNodes. Nothing is kept of sets with very many gaps, of more than 50 targets of one "
        "evaluation, and of a definition that has changed since",
        extensions={"code": "NOT_KEPT"},
    )


def _target(
    asset: Mapping[str, Any] | None, check: Mapping[str, Any] | None, job: Mapping[str, Any] | None
) -> tuple[str, str]:
    if asset is not None:
        return "asset", asset_text(asset)
    if check is not None:
        texts = check_texts([check])
        assert texts is not None
        return "check", texts[0]
    if job is not None:
        return "job", str(job["job_name"])
    raise ValueError("expected an assetKey, an assetCheckKey or an assetJobKey, got none of them")


def _answer(rows: list[EvaluationRow]) -> Answer:
    records = [_record(row) for row in rows if row.evaluation.error is None]
    return answer("AssetConditionEvaluationRecords", records=records)


def _record(row: EvaluationRow) -> Answer:
    kept = row.evaluation
    return {
        "id": str(row.id),
        "evaluation_id": str(row.evaluation_id),
        "run_ids": list(kept.run_ids),
        "timestamp": kept.at,
        "asset_key": asset_key(kept.name) if kept.kind == "asset" else None,
        "entity_key": entity_key(kept.kind, kept.name),
        "num_requested": kept.requested,
        "start_timestamp": kept.at,
        "end_timestamp": kept.at,
        "is_legacy": False,
        "evaluation": condition_evaluation(kept),
        "root_unique_id": ROOT,
        "evaluation_nodes": automation_nodes(kept),
    }


BINDABLES = (query,)
