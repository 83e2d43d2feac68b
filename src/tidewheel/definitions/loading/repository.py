"""Repositories: the older form of a code location's definitions; ``@repository`` and ``with_resources``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph
from tidewheel.definitions.assets.asset_labels import require_name
from tidewheel.definitions.assets.asset_loading import AssetValueLoader
from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.definition import DEFAULT_IO_MANAGER, AssetsDefinition
from tidewheel.definitions.assets.source_assets import SourceAsset
from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.jobs.asset_jobs import IMPLICIT_ASSET_JOB, UnresolvedAssetJobDefinition
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.loading.lint import collect_problems, raise_problems
from tidewheel.definitions.loading.resolved import ResolvedDefinitions
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.resources.definition import coerce_resources
from tidewheel.definitions.triggers.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from tidewheel.definitions.triggers.schedules import ScheduleDefinition
from tidewheel.definitions.triggers.sensors import SensorDefinition
from tidewheel.errors import ConfigProblem, InvalidConfigError, InvalidDefinitionError, InvalidInvocationError
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import typed_metadata


class RepositoryDefinition:
    """A named set of definitions, by name."""

    def __init__(
        self,
        name: str,
        *,
        resolved: ResolvedDefinitions | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        repository_data: Any = None,
    ) -> None:
        self.name = require_name(name, "name of a repository")
        self.description = description
        self.metadata = typed_metadata(metadata)
        if resolved is None:
            resolved = _resolved_of_data(repository_data)
        self.resolved = resolved

    # -- jobs and triggers -----------------------------------------------------------------------------------------------

    @property
    def job_names(self) -> list[str]:
        """All jobs."""
        return self.resolved.job_names

    def get_all_jobs(self) -> Sequence[JobDefinition]:
        """All jobs, resolved, by name."""
        return sorted(self.resolved.jobs(), key=lambda job: job.name)

    def has_job(self, name: str) -> bool:
        """Whether there is a job of this name."""
        return self.resolved.has_job(name)

    def get_job(self, name: str) -> JobDefinition:
        """A job.

        Raises:
            InvariantViolationError: when there is none of this name.
        """
        return self.resolved.job(name)

    def get_implicit_global_asset_job_def(self) -> JobDefinition:
        """The job over everything that has code."""
        return self.resolved.job(IMPLICIT_ASSET_JOB)

    def has_implicit_global_asset_job_def(self) -> bool:
        """Whether there is any asset."""
        return self.resolved.has_implicit_job

    def get_implicit_asset_job_names(self) -> Sequence[str]:
        """The implicit job, if there is one."""
        return [IMPLICIT_ASSET_JOB] if self.resolved.has_implicit_job else []

    @property
    def schedule_defs(self) -> Sequence[ScheduleDefinition]:
        """All schedules, by name."""
        return [self.resolved.schedule(name) for name in sorted(self.resolved.schedules)]

    def get_schedule_def(self, name: str) -> ScheduleDefinition:
        """A schedule; an error when there is none of this name."""
        return self.resolved.schedule(name)

    def has_schedule_def(self, name: str) -> bool:
        """Whether there is a schedule of this name."""
        return name in self.resolved.schedules

    @property
    def sensor_defs(self) -> Sequence[SensorDefinition]:
        """All sensors, by name."""
        return [self.resolved.sensor(name) for name in sorted(self.resolved.sensors)]

    def get_sensor_def(self, name: str) -> SensorDefinition:
        """A sensor; an error when there is none of this name."""
        return self.resolved.sensor(name)

    def has_sensor_def(self, name: str) -> bool:
        """Whether there is a sensor of this name."""
        return name in self.resolved.sensors

    # -- assets and resources ---------------------------------------------------------------------------------------------

    @property
    def asset_graph(self) -> AssetGraph:
        """All assets and checks, with who depends on whom."""
        return self.resolved.graph

    @property
    def assets_defs_by_key(self) -> Mapping[AssetKey, AssetsDefinition]:
        """Definitions by asset, with their resources bound; without source assets and keys that are only depended on."""
        graph = self.resolved.graph
        declared = {key: graph.assets_def_for_key(key) for key in graph.nodes if key not in graph.undeclared}
        bound = {id(one): self.resolved.with_its_resources(one) for one in declared.values()}
        return {key: bound[id(one)] for key, one in declared.items() if one.source_asset is None}

    @property
    def asset_checks_defs_by_key(self) -> Mapping[AssetCheckKey, AssetsDefinition]:
        """Definitions by check."""
        return {key: node.assets_def for key, node in self.resolved.graph.checks.items()}

    @property
    def source_assets_by_key(self) -> Mapping[AssetKey, SourceAsset]:
        """Assets made elsewhere."""
        graph = self.resolved.graph
        declared = {key: graph.assets_def_for_key(key) for key in graph.nodes if key not in graph.undeclared}
        return {key: one.source_asset for key, one in declared.items() if one.source_asset is not None}

    def get_top_level_resources(self) -> Mapping[str, Any]:
        """Resources by key."""
        return self.resolved.resources

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
        metadata: Mapping[str, Any] | None = None,
        resource_config: Any = None,
    ) -> object:
        """The stored value of an asset."""
        return self.get_asset_value_loader(instance).load_asset_value(
            asset_key,
            python_type=python_type,
            partition_key=partition_key,
            input_definition_metadata=metadata,
            resource_config=resource_config,
        )

    def validate_loadable(self) -> None:
        """Check everything.

        Raises:
            InvalidDefinitionError: with every problem that was found.
        """
        raise_problems(collect_problems(self.resolved))

    def load_all_definitions(self) -> None:
        """Resolve all jobs."""
        self.resolved.jobs()

    def __repr__(self) -> str:
        return f"RepositoryDefinition({self.name!r})"


class RepositoryData:
    """The base of classes that give a repository's contents by name when asked."""

    def get_all_jobs(self) -> Sequence[JobDefinition]:
        """All jobs."""
        return []

    def get_all_schedules(self) -> Sequence[ScheduleDefinition]:
        """All schedules."""
        return []

    def get_all_sensors(self) -> Sequence[SensorDefinition]:
        """All sensors."""
        return []

    def get_assets_defs_by_key(self) -> Mapping[AssetKey, AssetsDefinition]:
        """Definitions by asset."""
        return {}

    def get_asset_checks_defs_by_key(self) -> Mapping[AssetCheckKey, AssetsDefinition]:
        """Definitions by check."""
        return {}

    def get_source_assets_by_key(self) -> Mapping[AssetKey, SourceAsset]:
        """Assets made elsewhere."""
        return {}


def _resolved_of_data(data: Any) -> ResolvedDefinitions:
    if data is None:
        return ResolvedDefinitions()
    return ResolvedDefinitions(
        assets=[*data.get_assets_defs_by_key().values(), *data.get_source_assets_by_key().values()],
        asset_checks=data.get_asset_checks_defs_by_key().values(),
        jobs=data.get_all_jobs(),
        schedules=data.get_all_schedules(),
        sensors=data.get_all_sensors(),
    )


def repository(
    definitions_fn: Callable[[], Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    default_executor_def: Any = None,
    default_logger_defs: Mapping[str, Any] | None = None,
    _top_level_resources: Mapping[str, Any] | None = None,
    _component_tree: Any = None,
) -> Any:
    """Decorate a function that returns a list (or a dict by kind) of definitions, as a repository."""

    def decorate(fn: Callable[[], Any]) -> RepositoryDefinition:
        made_name = name or fn.__name__
        returned = fn()
        if isinstance(returned, RepositoryData):
            return RepositoryDefinition(
                made_name, resolved=_resolved_of_data(returned), description=description, metadata=metadata
            )
        contents = _sorted_out(_as_list(returned, made_name), made_name)
        resolved = ResolvedDefinitions(
            **contents,
            resources=_top_level_resources,
            executor=default_executor_def,
            loggers=default_logger_defs,
            metadata=metadata,
        )
        raise_problems(collect_problems(resolved, resolve_jobs=False))
        made = RepositoryDefinition(made_name, resolved=resolved, description=description, metadata=metadata)
        made.__doc__ = fn.__doc__
        return made

    if definitions_fn is not None:
        return decorate(definitions_fn)
    return decorate


def _as_list(returned: Any, name: str) -> list[Any]:
    if isinstance(returned, Mapping):
        found: list[Any] = []
        for kind, members in returned.items():
            if kind not in ("jobs", "schedules", "sensors", "assets", "graphs"):
                raise InvalidDefinitionError(
                    f"repository {name!r}: expected a dict with jobs, schedules or sensors, got key {kind!r}"
                )
            for one in members.values() if isinstance(members, Mapping) else members:
                made = one() if callable(one) and not _is_known(one) else one
                found.append(made)
        return found
    if isinstance(returned, str) or not isinstance(returned, Iterable):
        raise InvalidDefinitionError(
            f"repository {name!r}: expected a list or dict of definitions, got {returned!r} ({type(returned).__name__})"
        )
    flat: list[Any] = []
    for one in returned:
        flat.extend(one if isinstance(one, list | tuple) else [one])
    return flat


def _is_known(one: Any) -> bool:
    return isinstance(one, _JOBS | ScheduleDefinition | SensorDefinition | AssetsDefinition | SourceAsset)


_JOBS = JobDefinition | UnresolvedAssetJobDefinition | GraphDefinition


def _sorted_out(items: Sequence[Any], name: str) -> dict[str, list[Any]]:
    """Items by kind.

    Raises:
        InvalidDefinitionError: for an item of no known kind.
    """
    found: dict[str, list[Any]] = {"assets": [], "jobs": [], "schedules": [], "sensors": []}
    for position, one in enumerate(items):
        if isinstance(one, AssetsDefinition | SourceAsset | AssetSpec) or hasattr(
            one, "compute_cacheable_data"
        ):
            found["assets"].append(one)
        elif isinstance(one, _JOBS):
            found["jobs"].append(one)
        elif isinstance(one, ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition):
            found["schedules"].append(one)
        elif isinstance(one, SensorDefinition):
            found["sensors"].append(one)
        else:
            raise InvalidDefinitionError(
                f"repository {name!r}: expected jobs, assets, schedules and sensors, got {one!r} "
                f"({type(one).__name__}) at position {position}; remove it"
            )
    return found


def with_resources(
    definitions: Iterable[Any],
    resource_defs: Mapping[str, Any],
    resource_config_by_key: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Definitions with resources bound to them.

    ``resource_config_by_key``: by resource key, ``{"config": ...}`` for its fixed config.

    Raises:
        InvalidConfigError: when config is given for a key without a resource, or does not fit.
        InvalidInvocationError: when config is given in another form, or a resource is bound already to something else.
        InvalidDefinitionError: when an asset needs a resource that neither it nor ``resource_defs`` has.
    """
    resources = dict(coerce_resources(resource_defs))
    for key, given in (resource_config_by_key or {}).items():
        if key not in resources:
            problem = ConfigProblem(["resource_config_by_key", key], f"expected one of {sorted(resources)}")
            raise InvalidConfigError("with_resources: expected config for given resources", [problem])
        if not isinstance(given, Mapping) or "config" not in given:
            raise InvalidInvocationError(
                f"with_resources: expected {{'config': ...}} for {key!r}, got {given!r}"
            )
        if not callable(given["config"]):
            check_config(resources[key].config_field, given["config"], subject=f"resource {key!r}")
        resources[key] = resources[key].configured(given["config"])
    return [_with_resources(one, resources) for one in definitions]


def _with_resources(one: Any, resources: Mapping[str, Any]) -> Any:
    if isinstance(one, JobDefinition):
        return one.with_top_level_resources(resources)
    if not isinstance(one, AssetsDefinition | SourceAsset):
        return one
    bound = one.with_resources(resources)
    _require_resources(bound)
    return bound


def _require_resources(assets: AssetsDefinition | SourceAsset) -> None:
    """Refuse assets that need a resource, or bring along one that needs another, which is not bound to them."""
    known = {DEFAULT_IO_MANAGER, *assets.resource_defs}
    needed = dict.fromkeys(sorted(assets.required_resource_keys), "its code or IO manager")
    if isinstance(assets, SourceAsset) and assets.io_manager_key is not None:
        needed[assets.io_manager_key] = "its IO manager"
    for key, resource in assets.resource_defs.items():
        needed |= dict.fromkeys(sorted(resource.required_resource_keys), f"its resource {key!r}")
    for key, needed_by in needed.items():
        if key not in known:
            raise InvalidDefinitionError(
                f"with_resources: expected a resource with key {key!r}, which {needed_by} needs, for {assets!r}, got "
                f"{sorted(known)}; add it"
            )
