"""Launches runs: new ones, several at once, and past ones again (whole or from where they failed)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import MutationType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed, failure
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import JobView, find_job, find_repository, job_not_found
from tidewheel.api.graphql.permissions import LAUNCH, RELAUNCH, unauthorized
from tidewheel.api.graphql.run_config import UnreadableConfigError, read_run_config
from tidewheel.api.graphql.wire import asset_texts, check_texts, tag_mapping
from tidewheel.errors import AccessRefusedError
from tidewheel.logic.graph.specs import JobNode
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.launch import ConfigProblemInfo, LaunchOutcome, LaunchRequest
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import (
    AUTO_RETRY_RUN_ID,
    CODE_LOCATION,
    FAILURE_REASON,
    IS_RESUME_RETRY,
    PARENT_RUN_ID,
    PARTITION,
    RANGE_END,
    RANGE_START,
    RETRY_NUMBER,
    ROOT_RUN_ID,
    RUN_KEY,
    SERVER_STOPS,
    WILL_RETRY,
)

MAX_LAUNCHES = 500
"""Runs that one mutation may launch."""
OWN_TAGS = frozenset(
    {AUTO_RETRY_RUN_ID, FAILURE_REASON, IS_RESUME_RETRY, RETRY_NUMBER, RUN_KEY, SERVER_STOPS, WILL_RETRY}
)
"""Tags that say something about one run only, which a re-execution does not inherit."""
KEPT_TAGS = frozenset({PARTITION, RANGE_START, RANGE_END})
"""Tags that say what a run makes, which a re-execution always inherits."""

Launched = Answer | ErrorInfo

mutation = MutationType()


@mutation.field("launchRun")
@mutation.field("launchPipelineExecution")
async def _launch_run(root: None, info: GraphQLResolveInfo, execution_params: Mapping[str, Any]) -> Launched:
    return await launch(context_of(info), execution_params)


@mutation.field("launchMultipleRuns")
async def _launch_multiple(
    root: None, info: GraphQLResolveInfo, execution_params_list: Sequence[Mapping[str, Any]]
) -> Launched:
    if len(execution_params_list) > MAX_LAUNCHES:
        text = f"expected at most {MAX_LAUNCHES} runs in one request, got {len(execution_params_list)}"
        return failure("TooManyRunsError", text)
    context = context_of(info)
    results = [await launch(context, params) for params in execution_params_list]
    return answer("LaunchMultipleRunsResult", launch_multiple_runs_result=results)


async def launch(context: RequestContext, params: Mapping[str, Any]) -> Launched:
    """Launch one run as ``ExecutionParams`` ask; the answer is of ``LaunchRunResult``."""
    selector = params["selector"]
    name = _job_name(selector)
    if not isinstance(name, str):
        return name
    job = find_job(context, selector, name)
    if job is None:
        return job_missing(context, selector, name)
    wanted = asset_texts(selector.get("asset_selection") or None)
    refused = context.refusal(LAUNCH, job.location, job.node.assets if wanted is None else wanted)
    if refused is not None:
        return refused
    try:
        request = launch_request(params, job)
    except UnreadableConfigError as error:
        return exposed(error)
    return await _launched(context, request, job)


def _job_name(selector: Mapping[str, Any]) -> str | Launched:
    names = {name for name in (selector.get("job_name"), selector.get("pipeline_name")) if name is not None}
    if len(names) > 1:
        text = f"expected one job, got jobName {selector['job_name']!r} and pipelineName {selector['pipeline_name']!r}"
        return answer("ConflictingExecutionParamsError", message=text)
    if names:
        return names.pop()
    if selector.get("asset_selection"):
        return IMPLICIT_ASSET_JOB
    return failure(
        "MissingJobError", "expected jobName, or assetSelection with assets, got neither; give one"
    )


def job_missing(context: RequestContext, selector: Mapping[str, Any], name: str) -> Launched:
    """The answer for a selector that names no job; it says when code could not be loaded."""
    location = selector["repository_location_name"]
    if find_repository(context, selector) is None and location in context.location_names():
        health = next(one for one in context.location_healths() if one.name == location)
        if health.errors and location not in context.catalog.snapshots:
            text = f"the code of location {location!r} could not be loaded: {health.errors[0].headline}"
            return failure("CodeLocationLoadError", text, health.errors[0])
    return job_not_found(context, selector, name)


def launch_request(params: Mapping[str, Any], job: JobView) -> LaunchRequest:
    """What ``ExecutionParams`` (or a selector of theirs) ask for.

    Raises:
        UnreadableConfigError: when the run config is none.
    """
    selector = params["selector"]
    metadata = params.get("execution_metadata") or {}
    tags = tag_mapping(metadata.get("tags")) | {CODE_LOCATION: job.location}
    for tag, run_id in (
        (PARENT_RUN_ID, metadata.get("parent_run_id")),
        (ROOT_RUN_ID, metadata.get("root_run_id")),
    ):
        if run_id is not None:
            tags[tag] = run_id
    return LaunchRequest(
        job_name=job.node.name,
        location=job.location,
        assets=asset_texts(selector.get("asset_selection") or None),
        checks=check_texts(selector.get("asset_check_selection")),
        ops=_names(selector.get("solid_selection")) or _names(params.get("step_keys")),
        partition=tags.get(PARTITION),
        run_config=read_run_config(params.get("run_config_data")),
        tags=tags,
        parent_run_id=metadata.get("parent_run_id"),
    )


def _names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(given) if given else None


async def _launched(context: RequestContext, request: LaunchRequest, job: JobView) -> Launched:
    async def approve(location: str, assets: Sequence[str]) -> None:
        context.require(LAUNCH, [context.server.guard.resource(location, assets)])

    try:
        outcome = await context.server.control.launch(request, approve=approve)
    except AccessRefusedError as refused:
        return unauthorized(LAUNCH, str(refused))
    if outcome.run_id is None:
        return _refusal(context, request, job, outcome)
    record = await context.database.read(context.ledger.get_run, outcome.run_id)
    assert record is not None
    context.loaders.runs.put(record.run_id, record)
    return answer("LaunchRunSuccess", run=record)


def _refusal(
    context: RequestContext, request: LaunchRequest, job: JobView, outcome: LaunchOutcome
) -> Launched:
    match outcome.kind:
        case "invalid_config":
            return config_invalid(job.node.name, outcome.config_problems)
        case "invalid_selection":
            return answer("InvalidSubsetError", message=outcome.message, pipeline=job)
        case "unknown_location" | "unknown_job":
            return answer(
                "PipelineNotFoundError",
                message=outcome.message,
                pipeline_name=job.node.name,
                repository_name="__repository__",
                repository_location_name=job.location,
            )
    if outcome.error is None:
        return failure("LaunchRefusedError", outcome.message)
    # only user code's own stack is of use to the caller
    stack = () if outcome.error.cls_name.startswith("UserCode") else outcome.error.stack
    return ErrorInfo(
        cls_name=outcome.error.cls_name,
        message=outcome.error.message,
        stack=stack,
        cause=outcome.error.cause,
    )


CONFIG_ERROR_TYPES = {
    "MISSING_REQUIRED_FIELD": "MissingFieldConfigError",
    "MISSING_REQUIRED_FIELDS": "MissingFieldsConfigError",
    "FIELD_NOT_DEFINED": "FieldNotDefinedConfigError",
    "FIELDS_NOT_DEFINED": "FieldsNotDefinedConfigError",
    "SELECTOR_FIELD_ERROR": "SelectorTypeConfigError",
}


def config_invalid(job_name: str, problems: Sequence[ConfigProblemInfo]) -> Answer:
    """The answer for a run config with problems."""
    errors = []
    for problem in problems:
        typename = CONFIG_ERROR_TYPES.get(problem.reason, "RuntimeMismatchConfigError")
        known = problem.reason if problem.reason in CONFIG_ERROR_TYPES else "RUNTIME_TYPE_MISMATCH"
        last = problem.path[-1] if problem.path else ""
        errors.append(
            answer(
                typename,
                message=problem.message,
                path=list(problem.path),
                reason=known,
                stack={"entries": [_stack_entry(part) for part in problem.path]},
                field_name=last,
                field_names=[last],
                incoming_fields=[last],
            )
        )
    return answer("RunConfigValidationInvalid", pipeline_name=job_name, errors=errors)


def _stack_entry(part: str) -> Answer:
    if part.isdecimal():
        return answer("EvaluationStackListItemEntry", list_index=int(part))
    return answer("EvaluationStackPathEntry", field_name=part)


# -- again ---------------------------------------------------------------------------------------------------


@mutation.field("launchRunReexecution")
@mutation.field("launchPipelineReexecution")
async def _relaunch_run(
    root: None,
    info: GraphQLResolveInfo,
    execution_params: Mapping[str, Any] | None = None,
    reexecution_params: Mapping[str, Any] | None = None,
) -> Launched:
    context = context_of(info)
    if (execution_params is None) == (reexecution_params is None):
        return failure(
            "ParameterCheckError", "expected either executionParams or reexecutionParams, got both or neither"
        )
    if execution_params is not None:
        return await launch(context, execution_params)
    assert reexecution_params is not None
    return await relaunch(context, reexecution_params)


async def relaunch(context: RequestContext, params: Mapping[str, Any]) -> Launched:
    """Run a past run again as ``ReexecutionParams`` ask."""
    parent = await context.loaders.runs.load(params["parent_run_id"])
    if parent is None:
        return failure("RunNotFoundError", f"expected the id of a run, got {params['parent_run_id']!r}")
    refused = context.refusal(RELAUNCH, parent.location, context.assets_of_run(parent))
    if refused is not None:
        return refused
    strategy = params["strategy"]
    if strategy != "ALL_STEPS" and parent.status not in (RunStatus.FAILURE, RunStatus.CANCELED):
        text = f"expected a run that failed or was cancelled, got one that is {parent.status.value}"
        return failure("InvariantViolationError", f"{text}; use the strategy ALL_STEPS")
    node = context.catalog.job(parent.location, parent.job_name)
    job = JobView(parent.location, node or JobNode(name=parent.job_name, is_hidden=True))
    return await _launched(context, _again(parent, params, strategy), job)


def _again(parent: RunRecord, params: Mapping[str, Any], strategy: str) -> LaunchRequest:
    wanted = params.get("use_parent_run_tags") or False
    tags = {
        name: value
        for name, value in parent.tags.items()
        if name in KEPT_TAGS or (wanted and name not in OWN_TAGS)
    }
    tags |= tag_mapping(params.get("extra_tags"))
    root_id = parent.root_run_id or parent.tags.get(ROOT_RUN_ID) or parent.run_id
    tags |= {PARENT_RUN_ID: parent.run_id, ROOT_RUN_ID: root_id, CODE_LOCATION: parent.location}
    if strategy != "ALL_STEPS":
        tags[IS_RESUME_RETRY] = "true"
    return LaunchRequest(
        job_name=parent.job_name,
        location=parent.location,
        assets=parent.assets,
        checks=parent.checks,
        ops=parent.steps if parent.assets is None else None,
        partition=parent.partition,
        run_config=parent.run_config,
        tags=tags,
        parent_run_id=parent.run_id,
    )


BINDABLES = (mutation,)
