"""Definitions looked up by name: jobs over assets resolved when they are asked for, names unique, targets known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from tidewheel.definitions.assets.asset_graph import AssetGraph, AssetGraphNode, normalize_assets
from tidewheel.definitions.assets.definition import AUTO_OBSERVE_METADATA, AssetsDefinition
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.automation.automation_sensors import (
    AutomationConditionSensorDefinition,
    default_automation_sensor,
)
from tidewheel.definitions.jobs.asset_jobs import (
    ANONYMOUS_JOB_PREFIX,
    IMPLICIT_ASSET_JOB,
    UnresolvedAssetJobDefinition,
    build_implicit_asset_job,
)
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.resources.definition import ResourceDefinition, coerce_resources
from tidewheel.definitions.triggers.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from tidewheel.definitions.triggers.run_status_sensors import RunStatusSensorDefinition
from tidewheel.definitions.triggers.schedules import ScheduleDefinition
from tidewheel.definitions.triggers.sensors import SensorDefinition
from tidewheel.definitions.triggers.trigger_target import TriggerTarget
from tidewheel.errors import CircularDependencyError, InvariantViolationError, TidewheelError, did_you_mean
from tidewheel.values.keys import AssetCheckKey, AssetKey

T = TypeVar("T")
AnyJob = JobDefinition | UnresolvedAssetJobDefinition


class ResolvedDefinitions:
    """Everything that some definitions define, by name. ``problems`` is what contradicts itself so far."""

    def __init__(
        self,
        *,
        assets: Iterable[Any] = (),
        asset_checks: Iterable[Any] = (),
        jobs: Iterable[Any] = (),
        schedules: Iterable[Any] = (),
        sensors: Iterable[SensorDefinition] = (),
        resources: Mapping[str, Any] | None = None,
        executor: Any = None,
        loggers: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.problems: list[str] = []
        assets, asset_checks, jobs = list(assets), list(asset_checks), list(jobs)
        schedules, sensors = list(schedules), list(sensors)
        self.raw: dict[str, Any] = {
            "assets": assets,
            "asset_checks": asset_checks,
            "jobs": jobs,
            "schedules": schedules,
            "sensors": sensors,
            "resources": resources,
            "executor": executor,
            "loggers": loggers,
            "metadata": metadata,
        }
        """What it was made of."""
        self.metadata = dict(metadata or {})
        self.executor = executor
        self.loggers = dict(loggers) if loggers else None
        self.resources_given = dict(resources or {})
        self.resources: dict[str, ResourceDefinition] = coerce_resources(resources)
        self.location_name: str | None = None
        self._given_schedules = _distinct(schedules)
        self._given_sensors = _distinct(sensors)
        self.graph: AssetGraph = self._build_graph(assets, asset_checks)
        self.problems += self.graph.problems
        self._jobs: dict[str, AnyJob] = {}
        self._resolved_jobs: dict[str, JobDefinition] = {}
        self._anonymous: set[str] = set()
        self._collect_jobs(jobs)
        self.schedules: dict[str, Any] = {}
        self.sensors: dict[str, SensorDefinition] = {}
        self._collect_triggers()
        self._resolved_schedules: dict[str, ScheduleDefinition] = {}

    # -- putting it together -----------------------------------------------------------------------------------------

    def _build_graph(self, assets: Iterable[Any], checks: Iterable[Any]) -> AssetGraph:
        given = [*assets, *checks]
        declared = normalize_assets(given)
        seen = {id(one) for one in declared}
        known = {key for one in declared for key in one.all_keys}
        for target in self._targets():
            for one in normalize_assets(target.assets):
                if id(one) not in seen and not one.all_keys <= known:
                    declared.append(one)
                    seen.add(id(one))
                    known |= set(one.all_keys)
        return AssetGraph(_unique(declared))

    def _targets(self) -> list[TriggerTarget]:
        found = [one.target for one in self._given_schedules if isinstance(one, ScheduleDefinition)]
        for sensor in self._given_sensors:
            found.extend(sensor.targets)
        return [target for target in found if target is not None]

    def _collect_jobs(self, jobs: Iterable[Any]) -> None:
        for job in jobs:
            if hasattr(job, "coerce_to_job"):
                job = job.coerce_to_job()
            self._add_job(job)
        for target in self._targets():
            if target.job is not None:
                self._add_job(target.job)
                if target.is_anonymous:
                    self._anonymous.add(target.job_name)
        for schedule in self._given_schedules:
            if isinstance(schedule, UnresolvedPartitionedAssetScheduleDefinition):
                self._add_job(schedule.job)
        for sensor in self._given_sensors:
            if isinstance(sensor, RunStatusSensorDefinition):
                for job in sensor.monitored_job_defs:
                    if getattr(job, "is_graph", False):
                        job = job.to_job()  # type: ignore[union-attr]
                    if job.name not in self._jobs:
                        self._add_job(job)

    def _add_job(self, job: AnyJob) -> None:
        known = self._jobs.get(job.name)
        if known is None:
            self._jobs[job.name] = job
        elif known is not job and not _is_same_job(known, job):
            self.problems.append(
                f"job {job.name!r}: expected one definition, got two different ones; rename or remove one"
            )

    def _collect_triggers(self) -> None:
        for schedule in self._given_schedules:
            if schedule.name in self.schedules:
                self.problems.append(
                    f"schedule {schedule.name!r}: expected one definition, got two; rename or remove one"
                )
            else:
                self.schedules[schedule.name] = schedule
        for sensor in self._given_sensors:
            if sensor.name in self.sensors or sensor.name in self.schedules:
                other = "a schedule of the same name" if sensor.name in self.schedules else "two"
                self.problems.append(
                    f"sensor {sensor.name!r}: expected one definition, got {other}; rename or remove one"
                )
            else:
                self.sensors[sensor.name] = sensor
        if self.uncovered_conditions or self.unclaimed_jobs:
            made = default_automation_sensor(self.default_automation_selection(), self.unclaimed_jobs)
            self.sensors.setdefault(made.name, made)

    # -- automation conditions -----------------------------------------------------------------------------------------

    def _automation_sensors(self) -> list[AutomationConditionSensorDefinition]:
        return [one for one in self._given_sensors if isinstance(one, AutomationConditionSensorDefinition)]

    @cached_property
    def covered_by(self) -> Mapping[AssetKey | AssetCheckKey, list[str]]:
        """The explicit automation sensors of each asset and check that they cover."""
        found: dict[AssetKey | AssetCheckKey, list[str]] = {}
        for sensor in self._automation_sensors():
            assets = sensor.selection.resolve_inner(self.graph, True)
            checks = sensor.selection.resolve_checks_inner(self.graph, True)
            for key in (*assets, *checks):
                found.setdefault(key, []).append(sensor.name)  # type: ignore[arg-type]
        return found

    @cached_property
    def uncovered_conditions(self) -> list[AssetKey | AssetCheckKey]:
        """Assets and checks with a condition that no explicit automation sensor covers."""
        nodes: list[tuple[Any, Any]] = [*self.graph.nodes.items(), *self.graph.checks.items()]
        found = [
            key for key, node in nodes if node.automation_condition is not None or _observed_regularly(node)
        ]
        if not found:
            return []
        covered = self.covered_by
        return [key for key in found if key not in covered]

    @property
    def unclaimed_jobs(self) -> list[str]:
        """Jobs with an automation condition that no automation sensor names."""
        claimed = {
            str(getattr(key, "job_name", key))
            for one in self._automation_sensors()
            for key in one.asset_job_keys
        }
        conditioned = [
            name for name, job in self._jobs.items() if getattr(job, "automation_condition", None) is not None
        ]
        return [name for name in conditioned if name not in claimed]

    def default_automation_selection(self) -> AssetSelection:
        """What the default automation sensor covers: everything, less what explicit ones select."""
        if not self.uncovered_conditions:
            return AssetSelection.keys()
        nodes = self.graph.nodes.values()
        observes = any(
            node.is_observable and (node.automation_condition or _observed_regularly(node)) for node in nodes
        )
        found = AssetSelection.all(include_sources=observes)
        if any(isinstance(key, AssetCheckKey) for key in self.uncovered_conditions):
            found = found | AssetSelection.all_asset_checks()
        for sensor in sorted(self._automation_sensors(), key=lambda one: one.name):
            found = found - sensor.selection
        return found

    # -- looking up ----------------------------------------------------------------------------------------------------

    @property
    def has_implicit_job(self) -> bool:
        """Whether there is an implicit asset job: where there is any asset, also if none of them has code here."""
        return bool(self.graph.declared_defs or self.graph.checks)

    @property
    def job_names(self) -> list[str]:
        """All jobs, the implicit one first."""
        names = [name for name in self._jobs if name != IMPLICIT_ASSET_JOB]
        return [IMPLICIT_ASSET_JOB, *names] if self.has_implicit_job else names

    def is_hidden_job(self, name: str) -> bool:
        """Whether the system made the job."""
        return name == IMPLICIT_ASSET_JOB or name in self._anonymous or name.startswith(ANONYMOUS_JOB_PREFIX)

    def has_job(self, name: str) -> bool:
        """Whether there is a job of this name."""
        return name in self._jobs or (name == IMPLICIT_ASSET_JOB and self.has_implicit_job)

    def unresolved_job(self, name: str) -> AnyJob | None:
        """The job as it was given."""
        return self._jobs.get(name)

    def job(self, name: str) -> JobDefinition:
        """A job, resolved over the assets there are, with the resources there are.

        Raises:
            InvariantViolationError: when there is none of this name.
            InvalidDefinitionError: when it cannot be resolved.
        """
        found = self._resolved_jobs.get(name)
        if found is None:
            found = self._resolved_jobs[name] = self._resolve_job(name)
        return found

    def _resolve_job(self, name: str) -> JobDefinition:
        if name == IMPLICIT_ASSET_JOB and self.has_implicit_job:
            return self._with_defaults(build_implicit_asset_job(self.graph))
        given = self._jobs.get(name)
        if given is None:
            raise InvariantViolationError(
                f"expected a job that is defined here, got {name!r}; {did_you_mean(name, self.job_names)}"
            )
        if isinstance(given, UnresolvedAssetJobDefinition):
            return self._with_defaults(given.resolve(self.graph))
        return self._with_defaults(given)

    def _with_defaults(self, job: JobDefinition) -> JobDefinition:
        if self.resources_given:
            job = job.with_top_level_resources(self.resources_given)
        if self.executor is not None and not job.has_specified_executor:
            job = job.with_executor_def(self.executor)
        if self.loggers is not None and not job.has_specified_loggers:
            job = job.with_logger_defs(self.loggers)
        return job

    def jobs(self) -> list[JobDefinition]:
        """All jobs, resolved."""
        return [self.job(name) for name in self.job_names]

    def schedule(self, name: str) -> ScheduleDefinition:
        """A schedule.

        Raises:
            InvariantViolationError: when there is none of this name.
        """
        found = self._resolved_schedules.get(name)
        if found is not None:
            return found
        given = self.schedules.get(name)
        if given is None:
            raise InvariantViolationError(
                f"expected a schedule that is defined here, got {name!r}; {did_you_mean(name, self.schedules)}"
            )
        if isinstance(given, UnresolvedPartitionedAssetScheduleDefinition):
            given = given.resolve(self.job(given.job.name))
        self._resolved_schedules[name] = given
        return given  # type: ignore[no-any-return]

    def sensor(self, name: str) -> SensorDefinition:
        """A sensor.

        Raises:
            InvariantViolationError: when there is none of this name.
        """
        found = self.sensors.get(name)
        if found is None:
            raise InvariantViolationError(
                f"expected a sensor that is defined here, got {name!r}; {did_you_mean(name, self.sensors)}"
            )
        return found

    def with_its_resources(self, definition: AssetsDefinition) -> AssetsDefinition:
        """Assets with those of the resources bound that they need and do not bring along, so that they run by themselves."""
        needed = definition.required_resource_keys - set(definition.resource_defs)
        bound = {key: self.resources[key] for key in needed if key in self.resources}
        return definition.with_resources(bound) if bound else definition

    def assets_def(self, key: AssetKey) -> AssetsDefinition:
        """The definition of an asset.

        Raises:
            InvariantViolationError: when nobody declares it.
        """
        node = self.graph.nodes.get(key)
        if node is None or node.assets_def is None:
            known = [one.to_user_string() for one in self.graph.nodes]
            raise InvariantViolationError(
                f"expected an asset that is defined here, got {key.to_user_string()!r}; "
                + did_you_mean(key.to_user_string(), known)
            )
        return node.assets_def

    def toposorted(self) -> Sequence[AssetKey]:
        """All assets, upstream ones first; in any order when they depend on each other in a circle."""
        try:
            return self.graph.toposorted_asset_keys
        except CircularDependencyError:
            return sorted(self.graph.get_all_asset_keys())

    def attempt(self, action: Callable[[], T]) -> T | None:
        """What an action gives; when it raises one of our errors, its message becomes a problem."""
        try:
            return action()
        except TidewheelError as exc:
            self.problems.append(str(exc))
            return None


def _distinct(given: Iterable[Any]) -> list[Any]:
    """Without the same object twice."""
    return list({id(one): one for one in given}.values())


def _unique(definitions: Sequence[AssetsDefinition]) -> list[AssetsDefinition]:
    return list({id(one): one for one in definitions}.values())


def _is_same_job(known: AnyJob, other: AnyJob) -> bool:
    """Whether two jobs of one name come to the same: one made of the same graph without anything else."""
    return (
        isinstance(known, JobDefinition)
        and isinstance(other, JobDefinition)
        and known.graph is other.graph
        and known.run_config == other.run_config
        and known.partitions_def == other.partitions_def
    )


def _observed_regularly(node: Any) -> bool:
    return isinstance(node, AssetGraphNode) and AUTO_OBSERVE_METADATA in node.metadata
