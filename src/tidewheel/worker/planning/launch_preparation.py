"""Checks a launch request against the definitions: the job, the selection, the partition, the config."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.assets.selection_parts import selection_parts
from tidewheel.definitions.jobs.asset_jobs import IMPLICIT_ASSET_JOB
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.partitions.definition import require_key
from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.partitions.partition_requests import config_for_partition, tags_for_partition
from tidewheel.definitions.resources.built_in_io_managers import mem_io_manager
from tidewheel.errors import InvalidConfigError, InvalidSubsetError, UnknownPartitionError
from tidewheel.logic.access.schemas import without_secret_defaults
from tidewheel.logic.partitions.keys import last_key, range_ordinals
from tidewheel.logic.runs.description import JobDescription
from tidewheel.values.error_info import error_info
from tidewheel.values.evaluation import RequestedRun
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.launch import ConfigProblemInfo, LaunchRequest, PreparedLaunch
from tidewheel.values.run_titles import run_title
from tidewheel.values.serde import encode
from tidewheel.values.tags import PARTITION, RANGE_END, RANGE_START
from tidewheel.worker.environment.run_target import find_job
from tidewheel.worker.planning.plan_builder import build_run_plan

if TYPE_CHECKING:
    from tidewheel.runtime.instance.facade import Instance


def prepare_launch(
    defs: Definitions, request: LaunchRequest, *, instance: Instance, clock: Callable[[], float]
) -> PreparedLaunch:
    """The run that the request means, or what is wrong with it; never raises."""
    try:
        return _prepare(defs, request, instance, clock())
    except InvalidConfigError as exc:
        problems = tuple(
            ConfigProblemInfo(path=problem.path, message=problem.message, reason=problem.reason.value)
            for problem in exc.errors
        )
        return PreparedLaunch(config_problems=problems, error=error_info(exc))
    except Exception as exc:  # noqa: BLE001 - a boundary: user code (config functions, selections)
        return PreparedLaunch(error=error_info(exc))


def _prepare(defs: Definitions, request: LaunchRequest, instance: Instance, now: float) -> PreparedLaunch:
    job = find_job(defs, request.job_name or IMPLICIT_ASSET_JOB)
    assets, checks = _selection(defs, job, request)
    if request.only_resolve:
        return PreparedLaunch(
            run=RequestedRun(job_name=job.name, assets=_texts(assets), checks=_texts(checks))
        )
    if request.ops is not None:
        job = job.get_subset(op_selection=list(request.ops))
    elif assets is not None or checks is not None:
        job = job.get_subset(asset_selection=assets, asset_check_selection=checks)
    if request.describe == "partition":
        return PreparedLaunch(
            run=RequestedRun(
                job_name=job.name,
                partition=request.partition,
                run_config=_default_config(job, request.partition),
                tags={**job.tags, **job.run_tags, **_partition_tags(job, request, instance, now)},
            )
        )
    if request.describe is not None:
        return PreparedLaunch(description=encode(_description(job, request)))
    tags = {**job.tags, **job.run_tags, **_partition_tags(job, request, instance, now), **request.tags}
    partition = request.partition or request.tags.get(PARTITION)
    config = request.run_config or _default_config(job, partition)
    job.validate_run_config(config)
    layer = job.asset_layer
    return PreparedLaunch(
        run=RequestedRun(
            job_name=request.job_name or IMPLICIT_ASSET_JOB,
            partition=partition,
            assets=_texts(assets),
            checks=_texts(checks),
            run_config=dict(config),
            tags=tags,
            planned_assets=tuple(sorted(key.to_escaped_user_string() for key in layer.selected_assets)),
            planned_checks=tuple(sorted(key.to_escaped_user_string() for key in layer.selected_checks)),
        ),
        steps=request.ops,
    )


def _description(job: JobDefinition, request: LaunchRequest) -> JobDescription:
    layer = job.asset_layer
    plan = None
    if request.describe == "plan":
        config = request.run_config or _default_config(job, request.partition)
        plan = build_run_plan(job, job.resolve_run_config(config))
    return JobDescription(
        config_schema=_needed_schema(job) if plan is None else {},
        plan=plan,
        keeps_outputs=_keeps_outputs(job),
        assets=_texts(set(layer.selected_assets)) or (),
        checks=_texts(set(layer.selected_checks)) or (),
    )


def _keeps_outputs(job: JobDefinition) -> bool:
    keys = {out.io_manager_key for op in job.graph.iterate_op_defs() for out in op.outs.values()}
    return all(job.resource_defs.get(key) is not mem_io_manager for key in keys)


def _needed_schema(job: JobDefinition) -> dict[str, Any]:
    """The shape of the run config, without what may be given and is not used: of ops cut away, of other resources."""
    schema = without_secret_defaults(job.config_json_schema())
    properties = dict(schema.get("properties", {}))
    for name, used in (("ops", job.graph.node_dict), ("resources", job.needed_resource_keys())):
        part = properties.get(name, {})
        if job.config_mapping is None and job.graph.config_mapping is None and "properties" in part:
            kept = {key: inner for key, inner in part["properties"].items() if key in used}
            properties[name] = {**part, "properties": kept}
    return {**schema, "properties": properties} if properties else schema


def _selection(
    defs: Definitions, job: JobDefinition, request: LaunchRequest
) -> tuple[set[AssetKey] | None, set[AssetCheckKey] | None]:
    """The assets and checks that the request names; None where it names none.

    Raises:
        InvalidSubsetError: when a selection means nothing that can be made.
    """
    if request.selection is not None:
        graph = defs.resolve_asset_graph()
        wanted = AssetSelection.from_coercible(selection_parts(request.selection))
        found = wanted.resolve(graph) & set(job.asset_layer.selected_assets)
        if not found:
            raise InvalidSubsetError(
                f"expected a selection of assets that can be made, got {request.selection!r}, which means none; "
                "'tidewheel asset list' shows what there is"
            )
        return set(found), None
    assets = None
    if request.assets is not None:
        assets = {AssetKey.from_escaped_user_string(text) for text in request.assets}
    checks = None
    if request.checks:
        checks = {AssetCheckKey.from_escaped_user_string(text) for text in request.checks}
        assets = assets or set()
    return assets, checks


def _partition_tags(
    job: JobDefinition, request: LaunchRequest, instance: Instance, now: float
) -> dict[str, str]:
    """Tags of the wanted partition or range.

    Raises:
        UnknownPartitionError: when a key does not exist, one is missing or too much, or a range holds none.
    """
    definition = job.partitions_def
    key = request.partition or request.tags.get(PARTITION)
    bounds = request.partition_range
    if bounds is None and RANGE_START in request.tags:
        bounds = (request.tags[RANGE_START], request.tags.get(RANGE_END, request.tags[RANGE_START]))
    if definition is None:
        if key is not None or bounds is not None:
            raise UnknownPartitionError(
                f"expected no partition for {_title(job)!r}, which has none, got {key or bounds!r}; drop it"
            )
        return {}
    view = view_at(datetime.fromtimestamp(now, UTC), instance)
    if bounds is not None:
        for bound in bounds:
            require_key(definition.spec, bound, view)
        if not range_ordinals(definition.spec, *bounds, view):
            raise UnknownPartitionError(
                f"expected a range from the first partition to the last, got {bounds[0]!r} to {bounds[1]!r}, which holds "
                "none; turn it round"
            )
        return {RANGE_START: bounds[0], RANGE_END: bounds[1]}
    if key is None:
        newest = last_key(definition.spec, view)
        example = f", for example {newest!r}" if newest is not None else ""
        raise UnknownPartitionError(
            f"expected a partition of {_title(job)!r}, which is partitioned, got none; give its key{example}"
        )
    require_key(definition.spec, key, view)
    return tags_for_partition(job, key)


def _title(job: JobDefinition) -> str:
    """What people are told that is launched."""
    return run_title(job.name, _texts(set(job.asset_layer.selected_assets)))


def _default_config(job: JobDefinition, partition: str | None) -> dict[str, object]:
    if partition is not None:
        by_partition = config_for_partition(job, partition)
        if by_partition:
            return dict(by_partition)
    return dict(job.run_config or {})


def _texts(keys: set[AssetKey] | set[AssetCheckKey] | None) -> tuple[str, ...] | None:
    return None if keys is None else tuple(sorted(key.to_escaped_user_string() for key in keys))
