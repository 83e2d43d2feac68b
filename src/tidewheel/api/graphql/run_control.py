"""Stops and deletes runs."""

from __future__ import annotations

from collections.abc import Sequence

from ariadne import MutationType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, failure
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.permissions import DELETE_RUN, SET_PRIORITY, TERMINATE
from tidewheel.api.graphql.runs import run_not_found
from tidewheel.logic.planning.recovery import FailRun
from tidewheel.runtime.protocol import CancelRun
from tidewheel.services.signals import Topic
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.status import RunStatus

MAX_TERMINATIONS = 1_000
AT_ONCE = "MARK_AS_CANCELED_IMMEDIATELY"

mutation, query = MutationType(), QueryType()


async def terminate(context: RequestContext, run_id: str, policy: str | None) -> Answer:
    """Stop a run; the answer is of ``TerminateRunResult``.

    A queued run is cancelled at once; a running one is asked to stop, and is CANCELED when its worker has done so, or
    with the policy MARK_AS_CANCELED_IMMEDIATELY now, whatever its worker does.
    """
    known = await context.database.read(context.ledger.get_run, run_id)
    if known is None:
        return run_not_found(run_id)
    refused = context.refusal(TERMINATE, known.location, context.assets_of_run(known))
    if refused is not None:
        return refused
    record = await context.server.control.cancel(run_id)
    if policy == AT_ONCE and not known.is_finished:
        await _end_now(context, run_id)
        record = await context.database.read(context.ledger.get_run, run_id)
    context.begin_anew()
    if record is not None:
        return answer("TerminateRunSuccess", run=record)
    return answer(
        "TerminateRunFailure",
        run=known,
        message=f"run {run_id} cannot be stopped: it has ended with status {known.status.value}",
    )


async def _end_now(context: RequestContext, run_id: str) -> None:
    record = await context.database.read(context.ledger.get_run, run_id)
    if record is None or record.is_finished:
        return
    peer = context.server.workers.peer(run_id)
    decision = FailRun(
        status=RunStatus.CANCELED,
        reason="TERMINATED",
        message="The run was cancelled without waiting for its worker.",
    )
    await context.server.monitor.end_run(record, decision)
    if peer is not None:
        peer.send(CancelRun(run_id=run_id))


@mutation.field("terminateRun")
@mutation.field("terminatePipelineExecution")
async def _terminate_run(
    root: None, info: GraphQLResolveInfo, run_id: str, terminate_policy: str | None = None
) -> Answer:
    return await terminate(context_of(info), run_id, terminate_policy)


@mutation.field("terminateRuns")
async def _terminate_runs(
    root: None, info: GraphQLResolveInfo, run_ids: Sequence[str], terminate_policy: str | None = None
) -> Answer | ErrorInfo:
    if len(run_ids) > MAX_TERMINATIONS:
        text = f"expected at most {MAX_TERMINATIONS} runs in one request, got {len(run_ids)}"
        return failure("TooManyRunsError", text)
    context = context_of(info)
    results = [await terminate(context, run_id, terminate_policy) for run_id in run_ids]
    return answer("TerminateRunsResult", terminate_run_results=results)


@mutation.field("deleteRun")
@mutation.field("deletePipelineRun")
async def _delete_run(root: None, info: GraphQLResolveInfo, run_id: str) -> Answer:
    context = context_of(info)
    known = await context.database.read(context.ledger.get_run, run_id)
    if known is None:
        return run_not_found(run_id)
    refused = context.refusal(DELETE_RUN, known.location, context.assets_of_run(known))
    if refused is not None:
        return refused
    await _end_now(context, run_id)
    await context.database.write(context.ledger.delete_run, run_id)
    context.server.signals.raise_topic(Topic.RUNS_ENDED, Topic.HISTORY)
    return answer("DeletePipelineRunSuccess", run_id=run_id)


@query.field("canBulkTerminate")
def _can_bulk_terminate(root: None, info: GraphQLResolveInfo) -> bool:
    return context_of(info).may(TERMINATE)


@mutation.field("setRunPriority")
async def _set_priority(
    root: None, info: GraphQLResolveInfo, run_id: str, priority: int
) -> Answer | ErrorInfo:
    """Change the place in the queue of a run that waits."""
    context = context_of(info)
    record = await context.loaders.runs.load(run_id)
    if record is None:
        return run_not_found(run_id)
    refused = context.refusal(SET_PRIORITY, record.location, context.assets_of_run(record))
    if refused is not None:
        return refused
    changed = await context.database.write(context.ledger.set_run_priority, run_id, priority, now=context.now)
    if changed is None:
        text = f"expected a run that is QUEUED, got {run_id} which is {record.status.value}"
        return failure("InvalidInvocationError", text)
    context.server.signals.raise_topic(Topic.QUEUE)
    return answer("SetRunPrioritySuccess", run=changed)


BINDABLES = (mutation, query)
