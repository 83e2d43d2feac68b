"""Finds everything that is wrong with definitions as a whole, so that it is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tidewheel.definitions.assets.asset_graph import circle_message
from tidewheel.definitions.assets.asset_labels import require_name
from tidewheel.definitions.jobs.asset_job_graph import undeclared_inputs
from tidewheel.definitions.jobs.asset_job_steps import select_steps
from tidewheel.definitions.jobs.asset_jobs import (
    IMPLICIT_ASSET_JOB,
    UnresolvedAssetJobDefinition,
    job_partitions,
)
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.resources.built_in_io_managers import DEFAULT_IO_MANAGER_KEY
from tidewheel.definitions.resources.pythonic_resources import inner_resource_problems
from tidewheel.errors import (
    CircularDependencyError,
    DefinitionsError,
    TidewheelError,
    did_you_mean,
)

if TYPE_CHECKING:
    from tidewheel.definitions.loading.resolved import ResolvedDefinitions


def collect_problems(resolved: ResolvedDefinitions, *, resolve_jobs: bool = True) -> list[str]:
    """Every problem, each in a sentence.

    Without ``resolve_jobs``, as when a file is only imported, selections of asset jobs and partition mappings are not looked
    at.
    """
    problems = list(resolved.problems)
    problems += _circles(resolved)
    problems += undeclared_inputs(resolved.graph, resolved.graph.declared_defs)
    problems += _missing_resources(resolved)
    problems += _unknown_jobs(resolved)
    problems += _double_automation(resolved)
    if resolve_jobs:
        problems += _mappings(resolved)
        problems += _jobs(resolved)
        problems += _schedules(resolved)
    return list(dict.fromkeys(problems))


def raise_problems(problems: Sequence[str]) -> None:
    """Raise the problems together, if there are any.

    Raises:
        CircularDependencyError: when the only problem is a circle.
        DefinitionsError: otherwise.
    """
    if not problems:
        return
    if len(problems) == 1 and problems[0].startswith(CIRCLE_START):
        raise CircularDependencyError(problems[0])
    raise DefinitionsError(problems)


CIRCLE_START = circle_message([]).split(", got")[0]


def _circles(resolved: ResolvedDefinitions) -> list[str]:
    circle = resolved.graph.find_circle()
    return [circle_message(circle)] if circle is not None else []


def _missing_resources(resolved: ResolvedDefinitions) -> list[str]:
    """Resources that assets, jobs and resources ask for and nobody gives; a trigger that misses one fails its tick."""
    known = {DEFAULT_IO_MANAGER_KEY, *resolved.resources}
    problems = []
    for definition in resolved.graph.declared_defs:
        if definition.computation is None:
            continue
        needed = definition.required_resource_keys
        if not needed <= known:
            missing = sorted(needed - known - set(definition.resource_defs))
            problems += [_missing(key, f"{definition.node_def.name!r}", known) for key in missing]
    for name in resolved.job_names:
        given = resolved.unresolved_job(name)
        if isinstance(given, JobDefinition) and not given.is_asset_job:
            try:
                resolved.job(name).validate_resource_requirements_satisfied()
            except TidewheelError as exc:
                problems.append(str(exc))
    for key, resource in resolved.resources.items():
        missing = sorted(set(resource.required_resource_keys) - known)
        problems += [_missing(one, f"resource {key!r}", known) for one in missing]
    return [*problems, *inner_resource_problems(resolved.resources)]


def _missing(key: str, needed_by: str, known: Iterable[str]) -> str:
    return (
        f"{needed_by}: expected a resource with key {key!r}, which it needs, got none; "
        f"pass Definitions(resources={{{key!r}: ...}}) ({did_you_mean(key, known)})"
    )


def _mappings(resolved: ResolvedDefinitions) -> list[str]:
    """Given partition mappings that cannot relate the partitions of two assets."""
    problems = []
    nodes = resolved.graph.nodes
    for key, node in nodes.items():
        for dep in node.spec.deps:
            if dep.partition_mapping is None or dep.asset_key in resolved.graph.undeclared:
                continue
            upstream = nodes[dep.asset_key].partitions_def
            if upstream is None and nodes[dep.asset_key].is_external:
                continue
            try:
                dep.partition_mapping.validate_partition_mapping(upstream, node.partitions_def)
            except (TidewheelError, ValueError) as exc:
                problems.append(
                    f"asset {key.to_user_string()!r}, dependency on {dep.asset_key.to_user_string()!r}: {exc}"
                )
    return problems


def _unknown_jobs(resolved: ResolvedDefinitions) -> list[str]:
    problems = []
    names = resolved.job_names
    for schedule in resolved.schedules.values():
        job_name = getattr(schedule, "job_name", None)
        if job_name is not None and not resolved.has_job(job_name):
            problems.append(_unknown(schedule.what, job_name, names))
    for sensor in resolved.sensors.values():
        problems += [
            _unknown(sensor.what, name, names) for name in sensor.job_names if not resolved.has_job(name)
        ]
    return problems


def _unknown(what: str, job_name: str, names: Iterable[str]) -> str:
    return f"{what}: expected a job that is defined here, got {job_name!r}; {did_you_mean(job_name, names)}"


def _double_automation(resolved: ResolvedDefinitions) -> list[str]:
    problems: list[str] = []
    if not any(sensor.kind == "automation" for sensor in resolved.sensors.values()):
        return problems
    for key, sensors in resolved.covered_by.items():
        if len(sensors) > 1:
            problems.append(
                f"{key.to_user_string()!r}: expected at most one automation sensor, got {sorted(sensors)}; "
                "narrow one of their targets"
            )
    return problems


def _jobs(resolved: ResolvedDefinitions) -> list[str]:
    """Jobs over assets whose selection cannot be resolved or run."""
    problems: list[str] = []
    has_circle = resolved.graph.find_circle() is not None
    for name in resolved.job_names:
        given = resolved.unresolved_job(name)
        if isinstance(given, UnresolvedAssetJobDefinition):
            problems += _asset_job(resolved, given, has_circle)
        elif name == IMPLICIT_ASSET_JOB and not has_circle:
            try:
                select_steps(
                    resolved.graph, resolved.graph.executable_asset_keys, resolved.graph.asset_check_keys
                )
            except TidewheelError as exc:
                problems.append(str(exc))
    return problems


def _asset_job(
    resolved: ResolvedDefinitions, job: UnresolvedAssetJobDefinition, has_circle: bool
) -> list[str]:
    graph = resolved.graph
    try:
        require_name(job.name, "name of a job")
        assets = frozenset(job.selection.resolve_inner(graph, False))
        checks = frozenset(job.selection.resolve_checks_inner(graph, False))
        job_partitions(graph, assets, checks, job.partitions_def)
        if not has_circle:
            select_steps(graph, assets, checks)
        if job.config is not None and not resolved.problems and not has_circle:
            resolved.job(job.name)
    except (TidewheelError, NotImplementedError) as exc:
        text = str(exc)
        return [text if text.startswith(f"job {job.name!r}") else f"job {job.name!r}: {text}"]
    return []


def _schedules(resolved: ResolvedDefinitions) -> list[str]:
    problems = []
    for name, schedule in resolved.schedules.items():
        if hasattr(schedule, "resolve"):
            try:
                resolved.schedule(name)
            except TidewheelError as exc:
                text = str(exc)
                problems.append(
                    text if text.startswith(f"schedule {name!r}") else f"schedule {name!r}: {text}"
                )
    return problems
