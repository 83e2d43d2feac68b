"""Resolves what user code says of a job without launching it: whether a config fits, its shape, and the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed, failure
from tidewheel.api.graphql.config_types import all_types, config_type, default_yaml
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import JobView, find_job
from tidewheel.api.graphql.run_config import UnreadableConfigError
from tidewheel.api.graphql.run_launching import Launched, config_invalid, job_missing, launch_request
from tidewheel.api.graphql.wire import asset_keys, check_handle
from tidewheel.errors import UserCodeUnreachableError
from tidewheel.logic.runs.description import JobDescription
from tidewheel.logic.runs.plan import PlannedStep, RunPlan
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB
from tidewheel.values.launch import LaunchRequest, PreparedLaunch
from tidewheel.values.serde import decode

query, schema_of_run = QueryType(), ObjectType("RunConfigSchema")

Selector = Mapping[str, Any]


async def _asked(
    context: RequestContext, pipeline: Selector, run_config: Any, describe: str | None
) -> PreparedLaunch | Launched:
    """What the code location says; an answer of the schema when it could not be asked, or finds something wrong."""
    name = pipeline["pipeline_name"]
    job = find_job(context, pipeline, name)
    if job is None:
        return job_missing(context, pipeline, name)
    try:
        request = launch_request({"selector": pipeline, "run_config_data": run_config}, job)
        unseen = [key for key in request.assets or () if context.catalog.asset(key) is None]
        if unseen:
            text = f"expected assets of {name!r}, got {unseen[0]!r}, which is none of them"
            return answer("InvalidSubsetError", message=text, pipeline=job)
        asked = _narrowed(context, job, msgspec.structs.replace(request, describe=describe))
        prepared = await context.prepare(job.location, asked)
    except (UnreadableConfigError, UserCodeUnreachableError) as error:
        return exposed(error)
    if prepared.config_problems:
        return config_invalid(name, prepared.config_problems)
    if prepared.error is None:
        return prepared
    if prepared.error.cls_name == "InvalidSubsetError":
        return answer("InvalidSubsetError", message=prepared.error.message, pipeline=job)
    return prepared.error


def _narrowed(context: RequestContext, job: JobView, request: LaunchRequest) -> LaunchRequest:
    """Of the job of all assets, what the caller may see."""
    if job.node.name != IMPLICIT_ASSET_JOB or request.assets is not None or context.sight.is_whole:
        return request
    return msgspec.structs.replace(request, assets=job.node.assets)


@query.field("isPipelineConfigValid")
async def _is_config_valid(
    root: None, info: GraphQLResolveInfo, pipeline: Selector, mode: str, run_config_data: Any = None
) -> Launched:
    found = await _asked(context_of(info), pipeline, run_config_data, None)
    if isinstance(found, PreparedLaunch):
        return answer("PipelineConfigValidationValid", pipeline_name=pipeline["pipeline_name"])
    return found


@query.field("runConfigSchemaOrError")
async def _run_config_schema(
    root: None, info: GraphQLResolveInfo, selector: Selector, mode: str | None = None
) -> Launched:
    found = await _asked(context_of(info), selector, None, "config")
    if not isinstance(found, PreparedLaunch):
        return found
    described = decode(found.description, JobDescription)
    root_type = config_type(described.config_schema)
    return answer(
        "RunConfigSchema",
        root_config_type=root_type,
        all_config_types=all_types(root_type),
        root_default_yaml=default_yaml(described.config_schema),
        json_schema=msgspec.json.encode(described.config_schema).decode(),
        selector=selector,
    )


@schema_of_run.field("isRunConfigValid")
async def _is_run_config_valid(
    found: Answer, info: GraphQLResolveInfo, run_config_data: Any = None
) -> Launched:
    return await _is_config_valid(None, info, found["selector"], "default", run_config_data)


@query.field("executionPlanOrError")
async def _execution_plan(
    root: None, info: GraphQLResolveInfo, pipeline: Selector, mode: str, run_config_data: Any = None
) -> Launched:
    found = await _asked(context_of(info), pipeline, run_config_data, "plan")
    if not isinstance(found, PreparedLaunch):
        return found
    described = decode(found.description, JobDescription)
    if described.plan is None:
        return failure("NoPlanError", "expected the steps of the job, got none from its code location")
    return answer(
        "ExecutionPlan",
        steps=_steps(described.plan),
        artifacts_persisted=described.keeps_outputs,
        asset_keys=asset_keys(described.assets),
        asset_selection=list(described.assets) if pipeline.get("asset_selection") else [],
        asset_check_keys=[check_handle(check) for check in described.checks],
    )


def _steps(plan: RunPlan) -> list[Answer]:
    """Each after those that it depends on, which are the same values."""
    made: dict[str, Answer] = {}
    for step in plan.steps:
        made[step.key] = {
            "key": step.key,
            "solid_handle_id": ".".join(step.path),
            "kind": _kind(step),
            "metadata": [],
            "inputs": [
                {
                    "name": one.name,
                    "depends_on": [made[name] for name in _makers(step, one.name) if name in made],
                }
                for one in step.inputs
            ],
            "outputs": [{"name": one.name} for one in step.outputs],
        }
    return list(made.values())


def _makers(step: PlannedStep, input_name: str) -> list[str]:
    one = next(planned for planned in step.inputs if planned.name == input_name)
    found = [name for source in one.sources if (name := getattr(source, "step", None)) is not None]
    return list(dict.fromkeys(found))


def _kind(step: PlannedStep) -> str:
    if step.is_template:
        return "UNRESOLVED_MAPPED"
    return "UNRESOLVED_COLLECT" if any(ref.collected for ref in step.output_refs()) else "COMPUTE"


BINDABLES = (query, schema_of_run)
