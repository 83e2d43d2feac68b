"""``Definitions``: everything that a code location defines, and how it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph
from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.definitions.assets.asset_loading import AssetValueLoader
from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.assets.map_specs import map_asset_specs
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.assets.source_assets import SourceAsset
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.definitions.jobs.asset_jobs import IMPLICIT_ASSET_JOB, UnresolvedAssetJobDefinition
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.executors import ExecutorDefinition
from tidewheel.definitions.loading.lint import collect_problems, raise_problems
from tidewheel.definitions.loading.repository import RepositoryDefinition
from tidewheel.definitions.loading.resolved import ResolvedDefinitions
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.triggers.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from tidewheel.definitions.triggers.schedules import ScheduleDefinition
from tidewheel.definitions.triggers.sensors import SensorDefinition
from tidewheel.errors import CheckError, InvariantViolationError, ParameterCheckError
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.pydantic_fields import usable_as_field

REPOSITORY_NAME = "__repository__"


@usable_as_field
class Definitions:
    """Assets, checks, jobs, schedules, sensors and the resources, executor and loggers that they use.

    Nothing is resolved or checked across definitions before it is asked for; ``validate_loadable`` asks for everything.
    """

    def __init__(
        self,
        assets: Iterable[Any] | None = None,
        schedules: Iterable[Any] | None = None,
        sensors: Iterable[SensorDefinition] | None = None,
        jobs: Iterable[Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        executor: Any = None,
        loggers: Mapping[str, Any] | None = None,
        asset_checks: Iterable[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        component_tree: Any = None,
    ) -> None:
        self.assets = _items(assets, "assets", _ASSET_KINDS, "definitions, specs or source assets")
        self.schedules = _items(
            schedules,
            "schedules",
            (ScheduleDefinition, UnresolvedPartitionedAssetScheduleDefinition),
            "schedules",
        )
        self.sensors = _items(sensors, "sensors", (SensorDefinition,), "sensors")
        self.jobs = _items(
            jobs, "jobs", (JobDefinition, UnresolvedAssetJobDefinition, GraphDefinition), "jobs"
        )
        self.resources = _mapping(resources, "resources")
        if (
            executor is not None
            and not isinstance(executor, ExecutorDefinition)
            and not hasattr(executor, "execute")
        ):
            raise ParameterCheckError(f"expected executor as an executor definition, got {executor!r}")
        self.executor = executor
        self.loggers = _mapping(loggers, "loggers")
        self.asset_checks = _items(asset_checks, "asset_checks", (AssetsDefinition,), "checks")
        self.metadata = typed_metadata(metadata)
        self.component_tree = component_tree
        self._resolved: ResolvedDefinitions | None = None

    # -- resolving -----------------------------------------------------------------------------------------------------

    @property
    def resolved(self) -> ResolvedDefinitions:
        """Everything by name."""
        if self._resolved is None:
            self._resolved = ResolvedDefinitions(
                assets=self.assets or (),
                asset_checks=self.asset_checks or (),
                jobs=self.jobs or (),
                schedules=self.schedules or (),
                sensors=self.sensors or (),
                resources=self.resources,
                executor=self.executor,
                loggers=self.loggers,
                metadata=self.metadata,
            )
        return self._resolved

    def get_repository_def(self) -> RepositoryDefinition:
        """The same definitions as a repository.

        Raises:
            DefinitionsError: when they contradict each other.
        """
        raise_problems(collect_problems(self.resolved, resolve_jobs=False))
        return RepositoryDefinition(REPOSITORY_NAME, resolved=self.resolved, metadata=self.metadata)

    def has_resolved_repository_def(self) -> bool:
        """Whether something was asked for already."""
        return self._resolved is not None

    @staticmethod
    def validate_loadable(defs: Definitions) -> None:
        """Check everything.

        Raises:
            InvalidDefinitionError: with every problem that was found.
        """
        raise_problems(collect_problems(defs.resolved))

    def validate(self) -> None:
        """As ``validate_loadable``, of these definitions."""
        Definitions.validate_loadable(self)

    # -- jobs and triggers -----------------------------------------------------------------------------------------------

    def resolve_job_def(self, name: str) -> JobDefinition:
        """A job, with its assets and resources.

        Raises:
            InvariantViolationError: when there is none of this name.
        """
        if not isinstance(name, str):
            raise ParameterCheckError(f"expected the name of a job as text, got {name!r}")
        return self.resolved.job(name)

    def get_job_def(self, name: str) -> JobDefinition:
        """As ``resolve_job_def``."""
        return self.resolve_job_def(name)

    def has_job_def(self, name: str) -> bool:
        """Whether there is a job of this name."""
        return self.resolved.has_job(name)

    def resolve_all_job_defs(self) -> Sequence[JobDefinition]:
        """All jobs, the implicit one included."""
        return self.resolved.jobs()

    def get_all_job_defs(self) -> Sequence[JobDefinition]:
        """As ``resolve_all_job_defs``."""
        return self.resolve_all_job_defs()

    def resolve_implicit_global_asset_job_def(self) -> JobDefinition:
        """The job over everything that has code.

        Raises:
            InvalidDefinitionError: when it needs a resource that is not there.
        """
        job = self.resolved.job(IMPLICIT_ASSET_JOB)
        job.validate_resource_requirements_satisfied()
        return job

    def get_implicit_global_asset_job_def(self) -> JobDefinition:
        """As ``resolve_implicit_global_asset_job_def``."""
        return self.resolve_implicit_global_asset_job_def()

    def has_implicit_global_asset_job_def(self) -> bool:
        """Whether anything has code."""
        return self.resolved.has_implicit_job

    def resolve_implicit_job_def_def_for_assets(self, asset_keys: Iterable[AssetKey]) -> JobDefinition | None:
        """The job over everything that has code, if it has these assets."""
        wanted = set(asset_keys)
        if not wanted <= set(self.resolved.graph.executable_asset_keys):
            return None
        return self.resolve_implicit_global_asset_job_def()

    def resolve_schedule_def(self, name: str) -> ScheduleDefinition:
        """A schedule.

        Raises:
            InvariantViolationError: when there is none of this name.
        """
        return self.resolved.schedule(name)

    def get_schedule_def(self, name: str) -> ScheduleDefinition:
        """As ``resolve_schedule_def``."""
        return self.resolve_schedule_def(name)

    def get_unresolved_schedule_def(self, name: str) -> Any:
        """A schedule as it was given."""
        for one in self.schedules or ():
            if one.name == name:
                return one
        return self.resolve_schedule_def(name)

    def resolve_sensor_def(self, name: str) -> SensorDefinition:
        """A sensor.

        Raises:
            InvariantViolationError: when there is none of this name.
        """
        return self.resolved.sensor(name)

    def get_sensor_def(self, name: str) -> SensorDefinition:
        """As ``resolve_sensor_def``."""
        return self.resolve_sensor_def(name)

    def get_unresolved_sensor_def(self, name: str) -> SensorDefinition:
        """A sensor as it was given."""
        return self.resolve_sensor_def(name)

    # -- assets --------------------------------------------------------------------------------------------------------

    def resolve_asset_graph(self) -> AssetGraph:
        """All assets and checks, with who depends on whom."""
        graph = self.resolved.graph
        raise_problems(graph.problems)
        return graph

    def get_asset_graph(self) -> AssetGraph:
        """As ``resolve_asset_graph``."""
        return self.resolve_asset_graph()

    def resolve_assets_def(self, key: Any) -> AssetsDefinition:
        """The definition of an asset, with the resources of these definitions that it needs bound to it.

        Raises:
            InvariantViolationError: when nobody declares it.
        """
        return self.resolved.with_its_resources(self.get_assets_def(key))

    def get_assets_def(self, key: Any) -> AssetsDefinition:
        """The definition of an asset, as it was given.

        Raises:
            InvariantViolationError: when nobody declares it.
        """
        return self.resolved.assets_def(coerce_asset_key(key))

    def get_asset_checks_def(self, key: AssetCheckKey) -> AssetChecksDefinition:
        """The definition of a check.

        Raises:
            InvariantViolationError: when there is none.
        """
        node = self.resolved.graph.checks.get(key)
        if node is None:
            raise InvariantViolationError(
                f"expected a check that is defined here, got {key.to_user_string()!r}"
            )
        return node.assets_def  # type: ignore[return-value]

    def resolve_all_asset_specs(self) -> Sequence[AssetSpec]:
        """The specs of all assets, those included that are only depended on."""
        return [
            node.spec if node.spec.group_name else node.spec.replace_attributes(group_name=node.group_name)
            for node in self.resolve_asset_graph().nodes.values()
        ]

    def get_all_asset_specs(self) -> Sequence[AssetSpec]:
        """As ``resolve_all_asset_specs``."""
        return self.resolve_all_asset_specs()

    def resolve_all_asset_keys(self) -> Sequence[AssetKey]:
        """The keys of all declared assets."""
        return [spec.key for spec in self.resolve_all_asset_specs()]

    def map_asset_specs(
        self, *, func: Callable[[AssetSpec], AssetSpec], selection: Any = None
    ) -> Definitions:
        """A copy whose asset specs went through a function.

        Raises:
            CheckError: when a selection is given; ``map_resolved_asset_specs`` takes one.
        """
        if selection is not None:
            raise CheckError("expected no selection here, got one; use map_resolved_asset_specs()")
        return self._replaced(assets=map_asset_specs(func, self.assets or ()))

    def map_resolved_asset_specs(
        self, *, func: Callable[[AssetSpec], AssetSpec], selection: Any = None
    ) -> Definitions:
        """A copy whose (selected) asset specs went through a function."""
        return self.permissive_map_resolved_asset_specs(func, selection)

    def permissive_map_resolved_asset_specs(
        self, func: Callable[[AssetSpec], AssetSpec], selection: Any = None
    ) -> Definitions:
        """As ``map_resolved_asset_specs``."""
        graph = self.resolve_asset_graph()
        chosen = set(graph.get_all_asset_keys())
        if selection is not None:
            chosen = set(AssetSelection.from_coercible(selection).resolve(graph))

        def mapped(spec: AssetSpec) -> AssetSpec:
            return func(spec) if spec.key in chosen else spec

        return self._replaced(assets=map_asset_specs(mapped, self.assets or ()))

    def get_asset_value_loader(self, instance: Any = None) -> AssetValueLoader:
        """Something that loads stored values of assets."""
        return AssetValueLoader(self.resolved, instance=instance)

    def load_asset_value(
        self,
        asset_key: Any,
        *,
        python_type: type | None = None,
        instance: Any = None,
        partition_key: str | None = None,
        metadata: dict[str, Any] | None = None,
        resource_config: Mapping[str, Any] | None = None,
    ) -> object:
        """The stored value of an asset, loaded by its IO manager."""
        with self.get_asset_value_loader(instance) as loader:
            return loader.load_asset_value(
                asset_key,
                python_type=python_type,
                partition_key=partition_key,
                input_definition_metadata=metadata,
                resource_config=resource_config,
            )

    # -- changed copies ---------------------------------------------------------------------------------------------------

    def with_changes(self, **changes: Any) -> Definitions:
        """A copy with some arguments of the constructor changed."""
        return self._replaced(**changes)

    def _replaced(self, **changes: Any) -> Definitions:
        values: dict[str, Any] = {
            "assets": self.assets,
            "schedules": self.schedules,
            "sensors": self.sensors,
            "jobs": self.jobs,
            "resources": self.resources,
            "executor": self.executor,
            "loggers": self.loggers,
            "asset_checks": self.asset_checks,
            "metadata": self.metadata,
            "component_tree": self.component_tree,
        }
        return Definitions(**{**values, **changes})

    def with_resources(self, resources: Mapping[str, Any] | None) -> Definitions:
        """A copy with more resources."""
        return Definitions.merge(self, Definitions(resources=resources)) if resources else self

    def with_definition_metadata_update(
        self, update: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Definitions:
        """A copy in which the metadata of every asset, schedule and sensor went through a function."""

        def updated(spec: AssetSpec) -> AssetSpec:
            return spec.replace_attributes(metadata=update(spec.metadata))

        return self._replaced(
            assets=map_asset_specs(updated, self.assets or ()),
            schedules=[_with_updated_metadata(one, update) for one in self.schedules or ()],
            sensors=[_with_updated_metadata(one, update) for one in self.sensors or ()],
        )

    def with_reconstruction_metadata(self, reconstruction_metadata: Mapping[str, str]) -> Definitions:
        """A copy with more metadata."""
        return self._replaced(metadata={**self.metadata, **reconstruction_metadata})

    @staticmethod
    def merge(*def_sets: Definitions) -> Definitions:
        """Several definitions as one.

        Raises:
            InvariantViolationError: when two of them give a resource, logger or executor that differs.
        """
        values: dict[str, list[Any]] = {
            name: [] for name in ("assets", "schedules", "sensors", "jobs", "asset_checks")
        }
        resources: dict[str, Any] = {}
        loggers: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        executor = None
        component_tree = None
        for number, one in enumerate(def_sets):
            if not isinstance(one, Definitions):
                raise ParameterCheckError(f"merge: expected Definitions, got {one!r} at position {number}")
            for name, found in values.items():
                found.extend(getattr(one, name) or ())
            _merge_into(resources, one.resources, "resource", number)
            _merge_into(loggers, one.loggers, "logger", number)
            metadata.update(one.metadata)
            if one.executor is not None:
                if executor is not None and executor is not one.executor:
                    raise InvariantViolationError(
                        f"merge: expected one executor, got a second one in the definitions at position {number}; keep one"
                    )
                executor = one.executor
            component_tree = component_tree or one.component_tree
        return Definitions(
            **values,
            resources=resources,
            loggers=loggers,
            executor=executor,
            metadata=metadata,
            component_tree=component_tree,
        )

    @staticmethod
    def merge_unbound_defs(*def_sets: Definitions) -> Definitions:
        """As ``merge``."""
        return Definitions.merge(*def_sets)

    def __repr__(self) -> str:
        counts = {
            name: len(getattr(self, name) or ())
            for name in ("assets", "asset_checks", "jobs", "schedules", "sensors", "resources")
        }
        return f"Definitions({', '.join(f'{name}={count}' for name, count in counts.items() if count)})"


_ASSET_KINDS = (AssetsDefinition, AssetSpec, SourceAsset)


def _items(given: Any, name: str, kinds: tuple[type, ...], described: str) -> list[Any] | None:
    if given is None:
        return None
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ParameterCheckError(f"Definitions: expected {name} as a list, got {given!r}; write [{given!r}]")
    items = list(given)
    for one in items:
        if not isinstance(one, kinds) and not hasattr(one, "compute_cacheable_data"):
            raise CheckError(
                f"Definitions: expected {name} to hold {described}, got {one!r} ({type(one).__name__}); "
                "unpack lists with *, and decorate functions"
            )
    return items


def _mapping(given: Any, name: str) -> dict[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise ParameterCheckError(
            f"Definitions: expected {name} as a mapping by key, got {given!r}; use a dict"
        )
    return dict(given)


def _merge_into(found: dict[str, Any], more: Mapping[str, Any] | None, what: str, number: int) -> None:
    for key, value in (more or {}).items():
        if key in found and found[key] is not value and found[key] != value:
            raise InvariantViolationError(
                f"merge: expected {what} {key!r} to be given once, got a different one in the definitions at position "
                f"{number}; rename or remove one"
            )
        found[key] = value


def create_repository_using_definitions_args(
    name: str,
    assets: Iterable[Any] | None = None,
    schedules: Iterable[Any] | None = None,
    sensors: Iterable[SensorDefinition] | None = None,
    jobs: Iterable[Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    executor: Any = None,
    loggers: Mapping[str, Any] | None = None,
    asset_checks: Iterable[Any] | None = None,
) -> RepositoryDefinition:
    """A repository of this name, with the arguments of ``Definitions``."""
    defs = Definitions(assets, schedules, sensors, jobs, resources, executor, loggers, asset_checks)
    raise_problems(collect_problems(defs.resolved, resolve_jobs=False))
    return RepositoryDefinition(name, resolved=defs.resolved)


class BindResourcesToJobs(list):  # type: ignore[type-arg]
    """A list of jobs; ``Definitions`` binds resources to jobs anyway."""


def _with_updated_metadata(trigger: Any, update: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    metadata = update(trigger.metadata)
    if hasattr(trigger, "with_metadata"):
        return trigger.with_metadata(metadata)
    return trigger.with_attributes(metadata=metadata)
