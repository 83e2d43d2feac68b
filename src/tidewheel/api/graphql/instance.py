"""Resolves the server itself: its queue, its duties' health, what the caller may do."""

from __future__ import annotations

import json
import sys

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, failure
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.permissions import permission_list
from tidewheel.api.graphql.server_parts import ended_duty
from tidewheel.runtime.control import ServerHealth

DUTIES = {
    "SCHEDULER": "schedules",
    "SENSOR": "sensors",
    "QUEUED_RUN_COORDINATOR": "queue",
    "MONITORING": "monitor",
    "BACKFILL": "backfills",
}
"""Daemons that clients ask about, and the duties of this one process that do their work."""

query, instance, daemons, server = (
    QueryType(),
    ObjectType("Instance"),
    ObjectType("DaemonHealth"),
    ObjectType("ServerStatus"),
)


@query.field("version")
def _version(root: None, info: GraphQLResolveInfo) -> str:
    return context_of(info).server.options.version


@query.field("permissions")
def _permissions(root: None, info: GraphQLResolveInfo) -> list[Answer]:
    return permission_list(context_of(info).access, None)


@query.field("instance")
def _instance(root: None, info: GraphQLResolveInfo) -> Answer:
    return answer("Instance", id="Instance")


@instance.field("info")
def _info(found: Answer, info: GraphQLResolveInfo) -> str:
    options = context_of(info).server.options
    lines = {"home": str(options.home), "version": options.version, "locations": sorted(options.targets)}
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in lines.items())


@instance.field("runQueueConfig")
def _queue(found: Answer, info: GraphQLResolveInfo) -> Answer:
    limits = context_of(info).server.options.limits
    tag_limits = [
        {"key": one.key, "value": one.value, "limit": one.limit, "per_value": one.per_value}
        for one in limits.tag_limits
    ]
    return answer(
        "RunQueueConfig",
        max_concurrent_runs=limits.max_concurrent_runs,
        tag_concurrency_limits_yaml=json.dumps(tag_limits) if tag_limits else None,
        is_op_concurrency_aware=True,
        max_concurrent_runs_all_branch_deployments=None,
    )


instance.set_field("runLauncher", lambda found, info: answer("RunLauncher", name="CodeLocationLauncher"))
instance.set_field("runQueuingSupported", lambda found, info: True)
instance.set_field("executablePath", lambda found, info: sys.executable)
instance.set_field("hasInfo", lambda found, info: True)
instance.set_field("useAutoMaterializeSensors", lambda found, info: True)
instance.set_field("freshnessEvaluationEnabled", lambda found, info: False)
instance.set_field("daemonHealth", lambda found, info: answer("DaemonHealth", id="daemonHealth"))


@daemons.field("allDaemonStatuses")
def _all_statuses(found: Answer, info: GraphQLResolveInfo) -> list[Answer]:
    return [_status(context_of(info), name) for name in DUTIES]


@daemons.field("daemonStatus")
def _one_status(found: Answer, info: GraphQLResolveInfo, daemon_type: str | None = None) -> Answer:
    return _status(context_of(info), daemon_type or "")


def _status(context: RequestContext, name: str) -> Answer:
    failed = ended_duty(context.server, DUTIES[name]) if name in DUTIES else None
    return answer(
        "DaemonStatus",
        daemon_type=name,
        id=name,
        required=name in DUTIES,
        healthy=failed is None if name in DUTIES else None,
        last_heartbeat_time=context.now if name in DUTIES and failed is None else None,
        last_heartbeat_errors=[failure("DutyEndedError", failed)] if failed else [],
    )


@instance.field("server")
async def _server(found: Answer, info: GraphQLResolveInfo) -> ServerHealth:
    return await context_of(info).server.control.health()


server.set_field("queuedRuns", lambda health, info: health.queued)
server.set_field("runsInProgress", lambda health, info: health.in_progress)

BINDABLES = (query, instance, daemons, server)
