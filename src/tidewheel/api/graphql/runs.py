"""Resolves ``Run``: its fields come from the ledger's record, its log, and the definitions as they are now."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml
from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.captured_logs import read_captured
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import JobView, find_trigger, repository_origin, state_answer
from tidewheel.api.graphql.event_fields import EventView, expectation_answer, log_views, step_stats_answer
from tidewheel.api.graphql.jobs import snapshot_answer
from tidewheel.api.graphql.permissions import DELETE_RUN, RELAUNCH, TERMINATE
from tidewheel.api.graphql.wire import (
    MODE,
    asset_keys,
    check_handle,
    key_values,
    page_limit,
    whole_cursor,
)
from tidewheel.runtime.masking import masked
from tidewheel.runtime.views.run_stats import run_stats, step_stats
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import HIDDEN_TAG_PREFIX, PARENT_RUN_ID, ROOT_RUN_ID

run = ObjectType("Run")


def run_not_found(run_id: str) -> Answer:
    """The answer for an id that no run has."""
    return answer("RunNotFoundError", run_id=run_id, message=f"expected the id of a run, got {run_id!r}")


@run.field("id")
def _id(record: RunRecord, info: GraphQLResolveInfo) -> str:
    return record.run_id


@run.field("pipelineName")
@run.field("jobName")
def _job_name(record: RunRecord, info: GraphQLResolveInfo) -> str:
    return record.job_name


@run.field("pipelineSnapshotId")
def _snapshot_id(record: RunRecord, info: GraphQLResolveInfo) -> str | None:
    return f"{record.location}/{record.job_name}" if record.location else None


@run.field("repositoryOrigin")
def _origin(record: RunRecord, info: GraphQLResolveInfo) -> Answer | None:
    return repository_origin(record.location) if record.location else None


@run.field("runStatus")
def _run_status(record: RunRecord, info: GraphQLResolveInfo) -> RunStatus:
    return record.status


@run.field("pipeline")
def _pipeline(record: RunRecord, info: GraphQLResolveInfo) -> Answer:
    node = context_of(info).catalog.job(record.location, record.job_name)
    if node is None:
        return answer("UnknownPipeline", name=record.job_name, solid_selection=_selection(record))
    return snapshot_answer(JobView(record.location, node), _selection(record))


def _selection(record: RunRecord) -> list[str] | None:
    return None if record.steps is None or record.assets is not None else list(record.steps)


@run.field("solidSelection")
@run.field("resolvedOpSelection")
def _solid_selection(record: RunRecord, info: GraphQLResolveInfo) -> list[str] | None:
    return _selection(record)


@run.field("stepKeysToExecute")
def _step_keys(record: RunRecord, info: GraphQLResolveInfo) -> list[str] | None:
    chosen = record.step_keys if record.step_keys is not None else record.steps
    if chosen is not None:
        return list(chosen)
    catalog = context_of(info).catalog
    node = catalog.job(record.location, record.job_name)
    assets = record.assets if record.assets is not None else (node.assets if node else ())
    if assets:
        nodes = [catalog.asset(key) for key in assets]
        return sorted({found.step for found in nodes if found is not None and found.step is not None})
    return [op.name for op in node.ops] if node is not None else None


@run.field("stats")
async def _stats(record: RunRecord, info: GraphQLResolveInfo) -> Answer:
    log = await context_of(info).loaders.run_logs.load(record.run_id) or []
    stats = run_stats(record.run_id, record, [stored.event for stored in log])
    return answer("RunStatsSnapshot", id=f"stats-{record.run_id}", **msgspec.structs.asdict(stats))


@run.field("stepStats")
async def _step_stats(record: RunRecord, info: GraphQLResolveInfo) -> list[Answer]:
    log = await context_of(info).loaders.run_logs.load(record.run_id) or []
    made: dict[str, list[EventView]] = {}
    said: dict[str, list[Answer]] = {}
    for view in log_views(log):
        step = view.event.step_key or ""
        if view.event.type is EventType.ASSET_MATERIALIZATION:
            made.setdefault(step, []).append(view)
        elif view.event.type is EventType.STEP_EXPECTATION_RESULT:
            said.setdefault(step, []).append(expectation_answer(view.event))
    answers = [
        step_stats_answer(stats) for stats in step_stats(record.run_id, [stored.event for stored in log])
    ]
    return [
        found
        | {
            "materializations": made.get(found["step_key"], []),
            "expectation_results": said.get(found["step_key"], []),
        }
        for found in answers
    ]


@run.field("capturedLogs")
async def _captured_logs(record: RunRecord, info: GraphQLResolveInfo, file_key: str) -> Answer:
    return await read_captured(context_of(info), [record.run_id, "compute_logs", file_key], None)


@run.field("runConfigYaml")
def _config_yaml(record: RunRecord, info: GraphQLResolveInfo) -> str:
    return config_text(record.run_config)


def config_text(config: dict[str, Any]) -> str:
    """A run's config as YAML; secrets in it are masked."""
    text: str = yaml.safe_dump(masked(config), sort_keys=False, allow_unicode=True)
    return text


@run.field("mode")
def _mode(record: RunRecord, info: GraphQLResolveInfo) -> str:
    return MODE


@run.field("tags")
def _tags(record: RunRecord, info: GraphQLResolveInfo) -> list[Answer]:
    return key_values(
        {name: value for name, value in record.tags.items() if not name.startswith(HIDDEN_TAG_PREFIX)}
    )


@run.field("parentRunId")
def _parent(record: RunRecord, info: GraphQLResolveInfo) -> str | None:
    return record.parent_run_id or record.tags.get(PARENT_RUN_ID)


@run.field("rootRunId")
def _root(record: RunRecord, info: GraphQLResolveInfo) -> str | None:
    return record.root_run_id or record.tags.get(ROOT_RUN_ID)


@run.field("canTerminate")
def _can_terminate(record: RunRecord, info: GraphQLResolveInfo) -> bool:
    return not record.is_finished and record.status is not RunStatus.CANCELING


@run.field("creationTime")
def _creation_time(record: RunRecord, info: GraphQLResolveInfo) -> float:
    return record.created_at


@run.field("startTime")
def _start_time(record: RunRecord, info: GraphQLResolveInfo) -> float | None:
    return record.started_at


@run.field("endTime")
def _end_time(record: RunRecord, info: GraphQLResolveInfo) -> float | None:
    return record.ended_at


@run.field("updateTime")
def _update_time(record: RunRecord, info: GraphQLResolveInfo) -> float:
    return record.updated_at


@run.field("assetSelection")
def _asset_selection(
    record: RunRecord, info: GraphQLResolveInfo, limit: int | None = None
) -> list[AssetKey] | None:
    return None if record.assets is None else asset_keys(record.assets[: page_limit(limit)])


@run.field("assetCheckSelection")
def _check_selection(
    record: RunRecord, info: GraphQLResolveInfo, limit: int | None = None
) -> list[Answer] | None:
    return None if record.checks is None else [check_handle(c) for c in record.checks[: page_limit(limit)]]


@run.field("assetSelectionCount")
def _asset_count(record: RunRecord, info: GraphQLResolveInfo) -> int:
    return len(record.assets or ())


@run.field("assetCheckSelectionCount")
def _check_count(record: RunRecord, info: GraphQLResolveInfo) -> int:
    return len(record.checks or ())


@run.field("assetChecks")
def _asset_checks(record: RunRecord, info: GraphQLResolveInfo) -> list[Answer]:
    node = context_of(info).catalog.job(record.location, record.job_name)
    checks = record.checks if record.checks is not None else (node.checks if node else ())
    return [check_handle(check) for check in checks]


@run.field("assets")
async def _assets(record: RunRecord, info: GraphQLResolveInfo) -> list[Answer]:
    made = await _materializations(record, info)
    return [asset_answer(key) for key in sorted({view.event.asset for view in made if view.event.asset})]


def asset_answer(key: str) -> Answer:
    """An ``Asset`` by its wire text; everything else about it is resolved when asked for."""
    return answer("Asset", text=key)


@run.field("assetMaterializations")
async def _materializations(record: RunRecord, info: GraphQLResolveInfo) -> list[EventView]:
    log = await context_of(info).loaders.run_logs.load(record.run_id) or []
    return [view for view in log_views(log) if view.event.type is EventType.ASSET_MATERIALIZATION]


@run.field("eventConnection")
async def _events(
    record: RunRecord, info: GraphQLResolveInfo, after_cursor: str | None = None, limit: int | None = None
) -> Answer:
    return await event_connection(context_of(info), record.run_id, after_cursor, limit)


async def event_connection(
    context: RequestContext, run_id: str, after_cursor: str | None, limit: int | None
) -> Answer:
    """A page of a run's log. The cursor is the position of the page's last entry."""
    after, count = whole_cursor(after_cursor) or 0, page_limit(limit)
    found = await context.database.read(context.ledger.get_run_log, run_id, after=after, limit=count + 1)
    page = found[:count]
    return answer(
        "EventConnection",
        events=log_views(page),
        cursor=str(page[-1].id if page else after),
        has_more=len(found) > count,
    )


@run.field("hasReExecutePermission")
def _may_relaunch(record: RunRecord, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(RELAUNCH, record.location, context_of(info).assets_of_run(record))


@run.field("hasTerminatePermission")
def _may_terminate(record: RunRecord, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(TERMINATE, record.location, context_of(info).assets_of_run(record))


@run.field("hasDeletePermission")
def _may_delete(record: RunRecord, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(DELETE_RUN, record.location, context_of(info).assets_of_run(record))


@run.field("waitsFor")
def _waits_for(record: RunRecord, info: GraphQLResolveInfo) -> str | None:
    if record.status is not RunStatus.QUEUED:
        return None
    return context_of(info).server.admission.reason_of(record)


@run.field("trigger")
def _trigger(record: RunRecord, info: GraphQLResolveInfo) -> Answer | None:
    view = None if record.trigger_id is None else find_trigger(context_of(info), record.trigger_id)
    return None if view is None else state_answer(view)


run.set_field("hasRunMetricsEnabled", lambda record, info: False)
run.set_field("parentPipelineSnapshotId", lambda record, info: None)
run.set_field("externalJobSource", lambda record, info: None)

BINDABLES = (run,)
