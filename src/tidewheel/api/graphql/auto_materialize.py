"""Resolves what conditions did under the names of the engine before them: for clients that still ask for those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView
from tidewheel.api.graphql.loaders import TickPage
from tidewheel.api.graphql.wire import asset_key, asset_text, page_limit, whole_cursor
from tidewheel.values.conditions import EvaluationRow

query, node = QueryType(), ObjectType("AssetNode")


@query.field("autoMaterializeAssetEvaluationsOrError")
async def _evaluations(
    root: None, info: GraphQLResolveInfo, asset_key: Mapping[str, Any], limit: int, cursor: str | None = None
) -> Answer:
    context = context_of(info)
    rows = await context.database.read(
        context.ledger.conditions.get_evaluations,
        "asset",
        asset_text(asset_key),
        limit=page_limit(limit),
        before_id=whole_cursor(cursor),
    )
    return _records(rows)


@query.field("autoMaterializeEvaluationsForEvaluationId")
async def _of_evaluation(root: None, info: GraphQLResolveInfo, evaluation_id: str) -> Answer:
    context = context_of(info)
    number = whole_cursor(evaluation_id)
    if number is None:
        return _records([])
    return _records(await context.database.read(context.ledger.conditions.get_evaluations_of_tick, number))


def _records(rows: list[EvaluationRow]) -> Answer:
    told = [row for row in rows if row.evaluation.error is None and row.evaluation.kind == "asset"]
    return answer("AutoMaterializeAssetEvaluationRecords", records=[_record(row) for row in told])


def _record(row: EvaluationRow) -> Answer:
    """Conditions request or do not: nothing is skipped or discarded, and there are no rules besides the tree."""
    kept = row.evaluation
    return {
        "id": str(row.id),
        "evaluation_id": str(row.evaluation_id),
        "num_requested": kept.requested,
        "num_skipped": 0,
        "num_discarded": 0,
        "rules_with_rule_evaluations": [],
        "rules": [],
        "timestamp": kept.at,
        "run_ids": list(kept.run_ids),
        "asset_key": asset_key(kept.name),
    }


@node.field("autoMaterializePolicy")
def _policy(view: AssetView, info: GraphQLResolveInfo) -> Answer | None:
    """That there is a condition, in the words of the engine before: it has no rules and no limit of its own."""
    if view.node.condition is None:
        return None
    return answer("AutoMaterializePolicy", policy_type="LAZY", max_materializations_per_minute=None, rules=[])


@node.field("currentAutoMaterializeEvaluationId")
async def _current(view: AssetView, info: GraphQLResolveInfo) -> str | None:
    """The newest evaluation of the sensor that looks after the asset, whether it requested something or not."""
    context = context_of(info)
    sensor = _sensor_of(context, view)
    if sensor is None:
        return None
    ticks = await context.loaders.tick_pages.load(TickPage(trigger_id=sensor, limit=1))
    return str(ticks[0].tick_id) if ticks else None


def _sensor_of(context: RequestContext, view: AssetView) -> str | None:
    for trigger_id, location, sensor in context.catalog.sensors():
        if location == view.location and sensor.kind == "automation" and view.node.key in sensor.assets:
            return trigger_id
    return None


@node.field("lastAutoMaterializationEvaluationRecord")
async def _last(
    view: AssetView, info: GraphQLResolveInfo, as_of_evaluation_id: str | None = None
) -> Answer | None:
    """The newest kept evaluation of the asset, up to and with the given one."""
    as_of = whole_cursor(as_of_evaluation_id)
    row = await context_of(info).loaders.newest_evaluations.load((view.node.key, as_of))
    return None if row is None else _record(row)


BINDABLES = (query, node)
