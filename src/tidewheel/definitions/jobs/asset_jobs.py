"""Jobs over assets: declared ones (``define_asset_job``), the implicit one over everything, and cuts of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph, normalize_assets
from tidewheel.definitions.assets.asset_labels import describe_keys, require_name
from tidewheel.definitions.assets.definition import DEFAULT_IO_MANAGER
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.jobs.asset_job_graph import AssetJobParts, bound_resources_of, build_parts
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.partitions.definition import PartitionsDefinition, require_key
from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.resources.definition import coerce_resources
from tidewheel.definitions.triggers.run_request import RunRequest, config_mapping
from tidewheel.errors import (
    CheckError,
    CircularDependencyError,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidSubsetError,
    ParameterCheckError,
    TidewheelError,
)
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.run_titles import job_in_words
from tidewheel.values.tags import normalize_tags

IMPLICIT_ASSET_JOB = "__ASSET_JOB"
EPHEMERAL_ASSET_JOB = "__ephemeral_asset_job__"
ANONYMOUS_JOB_PREFIX = "__anonymous_asset_job_"


class UnresolvedAssetJobDefinition:
    """A job over selected assets, before it is known which assets there are."""

    def __init__(
        self,
        name: str,
        selection: AssetSelection,
        config: Any = None,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        executor_def: Any = None,
        hooks: AbstractSet[Any] | None = None,
        op_retry_policy: Any = None,
        owners: Sequence[str] | None = None,
        automation_condition: Any = None,
    ) -> None:
        if not isinstance(name, str):
            raise ParameterCheckError(f"expected the name of an asset job as text, got {name!r}")
        self.name = name
        self.selection = selection
        self.config = _require_config(config)
        self.description = description
        self.tags = normalize_tags(tags)
        self.run_tags = normalize_tags(run_tags)
        self.has_run_tags = run_tags is not None
        self.metadata = dict(metadata) if metadata is not None else None
        self.partitions_def = partitions_def
        self.executor_def = executor_def
        self.hooks = frozenset(hooks) if hooks is not None else None
        self.op_retry_policy = op_retry_policy
        self.owners = list(owners) if owners is not None else None
        self.automation_condition = automation_condition

    def resolve(
        self,
        asset_graph: AssetGraph | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        executor_def: Any = None,
        logger_defs: Mapping[str, Any] | None = None,
        *,
        default_executor_def: Any = None,
        default_logger_defs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> JobDefinition:
        """The job over the assets there are.

        Raises:
            InvalidDefinitionError: when the selection cannot be resolved or cannot be run; the message names the job.
        """
        graph = asset_graph if asset_graph is not None else AssetGraph.from_assets([])
        try:
            return build_asset_job(
                self.name,
                graph,
                self.selection,
                config=self.config,
                description=self.description,
                tags=self.tags,
                run_tags=self.run_tags if self.has_run_tags else None,
                metadata=self.metadata,
                partitions_def=self.partitions_def,
                executor_def=self.executor_def or executor_def or default_executor_def,
                hooks=self.hooks,
                op_retry_policy=self.op_retry_policy,
                owners=self.owners,
                automation_condition=self.automation_condition,
                resource_defs=resource_defs,
                logger_defs=logger_defs if logger_defs is not None else default_logger_defs,
            )
        except CircularDependencyError as exc:
            raise CircularDependencyError(f"job {self.name!r}: {exc}") from exc
        except TidewheelError as exc:
            raise InvalidDefinitionError(f"job {self.name!r}: {exc}") from exc

    def run_request_for_partition(
        self,
        partition_key: str,
        run_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        asset_selection: Sequence[AssetKey] | None = None,
        run_config: Any = None,
        current_time: datetime | None = None,
        dynamic_partitions_store: Any = None,
    ) -> RunRequest:
        """A request for one partition.

        Raises:
            CheckError: when no partitions were given for the job: those of its assets are known once it is resolved.
            UnknownPartitionError: when there is no partition of this key.
        """
        definition = self.partitions_def
        if definition is None:
            raise CheckError(
                f"job {self.name!r}: expected partitions_def in define_asset_job for run_request_for_partition, got none; "
                "pass it there, or make RunRequest(partition_key=...) yourself"
            )
        require_key(definition.spec, partition_key, view_at(current_time, dynamic_partitions_store))
        partition_tags = definition.get_tags_for_partition_key(partition_key)
        own_tags = getattr(self.config, "get_tags_for_partition_key", None)
        if own_tags is not None:
            partition_tags = {**partition_tags, **own_tags(partition_key)}
        return RunRequest(
            job_name=self.name,
            run_key=run_key,
            run_config=self._config_for(partition_key) if run_config is None else run_config,
            tags={**(tags or {}), **partition_tags},
            asset_selection=asset_selection,
            partition_key=partition_key,
        )

    def _config_for(self, partition_key: str) -> Any:
        by_partition = getattr(self.config, "get_run_config_for_partition_key", None)
        return by_partition(partition_key) if by_partition is not None else None

    def with_metadata(self, metadata: Mapping[str, Any]) -> UnresolvedAssetJobDefinition:
        """A copy with other metadata."""
        return self.with_changes(metadata=metadata)

    def with_changes(self, **changes: Any) -> UnresolvedAssetJobDefinition:
        """A copy with some attributes changed."""
        values = {
            "name": self.name,
            "selection": self.selection,
            "config": self.config,
            "description": self.description,
            "tags": self.tags,
            "run_tags": self.run_tags if self.has_run_tags else None,
            "metadata": self.metadata,
            "partitions_def": self.partitions_def,
            "executor_def": self.executor_def,
            "hooks": self.hooks,
            "op_retry_policy": self.op_retry_policy,
            "owners": self.owners,
            "automation_condition": self.automation_condition,
        }
        return UnresolvedAssetJobDefinition(**{**values, **changes})  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"UnresolvedAssetJobDefinition(name={self.name!r}, selection={self.selection!r})"


def define_asset_job(
    name: str,
    selection: Any = None,
    config: Any = None,
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    executor_def: Any = None,
    hooks: AbstractSet[Any] | None = None,
    op_retry_policy: Any = None,
    owners: Sequence[str] | None = None,
    automation_condition: Any = None,
) -> UnresolvedAssetJobDefinition:
    """A job that makes the selected assets (all that are made here, if nothing is selected).

    ``selection``: a text, a list of texts, keys or definitions, or an ``AssetSelection``.
    """
    return UnresolvedAssetJobDefinition(
        name,
        AssetSelection.all() if selection is None else AssetSelection.from_coercible(selection),
        config,
        description,
        tags,
        run_tags,
        metadata,
        partitions_def,
        executor_def,
        hooks,
        op_retry_policy,
        owners,
        automation_condition,
    )


def build_asset_job(
    name: str,
    asset_graph: AssetGraph,
    selection: AssetSelection | None = None,
    *,
    config: Any = None,
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    executor_def: Any = None,
    hooks: AbstractSet[Any] | None = None,
    op_retry_policy: Any = None,
    owners: Sequence[str] | None = None,
    automation_condition: Any = None,
    resource_defs: Mapping[str, Any] | None = None,
    logger_defs: Mapping[str, Any] | None = None,
    input_values: Mapping[str, Any] | None = None,
    allows_different_partitions: bool = False,
) -> JobDefinition:
    """A job over the selected assets of a graph, with their checks.

    Raises:
        InvalidDefinitionError: when the selection cannot be run together.
        InvalidSubsetError: when something selected does not exist or cannot be taken alone.
    """
    require_name(name, "name of a job")
    chosen = selection if selection is not None else AssetSelection.all()
    assets = frozenset(chosen.resolve_inner(asset_graph, False))
    checks = frozenset(chosen.resolve_checks_inner(asset_graph, False))
    definition = job_partitions(
        asset_graph, assets, checks, partitions_def, allows_different=allows_different_partitions
    )
    parts = build_parts(name, asset_graph, assets, checks)
    resources = _resources_of_job(parts, resource_defs)

    def subset(job: JobDefinition, keys: Any, check_keys: Any) -> JobDefinition:
        return cut_asset_job(job, asset_graph, keys, check_keys)

    return JobDefinition(
        graph_def=parts.graph,
        name=name,
        resource_defs=resources or None,
        executor_def=executor_def,
        logger_defs=logger_defs,
        config=config,
        description=description,
        partitions_def=None if _is_partitioned_config(config) else definition,
        tags=tags,
        run_tags=run_tags,
        metadata=metadata,
        hook_defs=hooks,
        op_retry_policy=op_retry_policy,
        asset_layer=parts.layer,
        input_values=input_values,
        owners=owners,
        automation_condition=automation_condition,
        asset_subsetter=subset,
        requires_all_resources=False,
    )


def job_partitions(
    graph: AssetGraph,
    assets: Iterable[AssetKey],
    checks: Iterable[AssetCheckKey] = (),
    given: PartitionsDefinition | None = None,
    *,
    allows_different: bool = False,
) -> PartitionsDefinition | None:
    """The partitions that the runs of a job over some assets have.

    Raises:
        InvalidDefinitionError: when the assets have different ones, or others than those given.
    """
    found: dict[PartitionsDefinition, list[AssetKey]] = {}
    for key in assets:
        definition = graph.nodes[key].partitions_def
        if definition is not None:
            found.setdefault(definition, []).append(key)
    if not found:
        for check in checks:
            definition = graph.checks[check].partitions_def
            if definition is not None:
                found.setdefault(definition, []).append(check.asset_key)
    if len(found) > 1:
        if allows_different:
            return None
        shown = "; ".join(f"{definition!s}: {describe_keys(keys, 3)}" for definition, keys in found.items())
        raise InvalidDefinitionError(
            f"expected selected assets with the same partitions, got {len(found)} different ones ({shown}); "
            "select them in different jobs"
        )
    only = next(iter(found), None)
    if given is not None and only is not None and given != only:
        raise InvalidDefinitionError(
            f"expected partitions_def to be that of the selected assets, got {given!r} where they have {only!r}; "
            "drop partitions_def, it follows the assets"
        )
    return only


def cut_asset_job(
    job: JobDefinition,
    graph: AssetGraph,
    assets: Iterable[AssetKey] | None,
    checks: Iterable[AssetCheckKey] | None,
) -> JobDefinition:
    """A job over assets cut to some of them. Without ``checks``: with all checks of the job that judge them.

    Raises:
        InvalidSubsetError: when an asset or check is not in the job.
    """
    layer = job.asset_layer
    wanted = frozenset(assets) if assets is not None else frozenset()
    outside = wanted - layer.selected_assets
    if outside:
        AssetSelection.keys(*outside).resolve(graph)
        raise InvalidSubsetError(
            f"{job_in_words(job.name)}: expected assets of this job, got {describe_keys(outside)}; "
            f"it makes {describe_keys(layer.selected_assets)}"
        )
    if checks is None:
        wanted_checks = frozenset(key for key in layer.selected_checks if key.asset_key in wanted)
    else:
        wanted_checks = frozenset(checks)
        unknown = wanted_checks - layer.selected_checks
        if unknown:
            names = ", ".join(sorted(repr(key.to_user_string()) for key in unknown))
            raise InvalidSubsetError(f"{job_in_words(job.name)}: expected checks of this job, got {names}")
    parts: AssetJobParts = build_parts(job.name, graph, wanted, wanted_checks)
    config = job.config_mapping or job.partitioned_config or _config_of(job.run_config, parts)
    return job.copy(
        graph_def=parts.graph,
        asset_layer=parts.layer,
        config=config,
        partitions_def=(
            None
            if job.partitioned_config is not None
            else job_partitions(graph, wanted, wanted_checks, allows_different=True)
        ),
        requires_all_resources=False,
    )


def _config_of(run_config: Mapping[str, Any] | None, parts: AssetJobParts) -> dict[str, Any] | None:
    """Default run config without the entries of steps that were cut away."""
    if not run_config or "ops" not in run_config:
        return dict(run_config) if run_config else None
    names = set(parts.graph.node_dict)
    return {**run_config, "ops": {name: value for name, value in run_config["ops"].items() if name in names}}


def build_implicit_asset_job(
    graph: AssetGraph,
    *,
    resource_defs: Mapping[str, Any] | None = None,
    executor_def: Any = None,
    logger_defs: Mapping[str, Any] | None = None,
) -> JobDefinition:
    """The job ``__ASSET_JOB``: everything that has code here."""
    return build_asset_job(
        IMPLICIT_ASSET_JOB,
        graph,
        implicit_selection(graph),
        resource_defs=resource_defs,
        executor_def=executor_def,
        logger_defs=logger_defs,
        allows_different_partitions=True,
    )


def implicit_selection(graph: AssetGraph) -> AssetSelection:
    """Everything that has code here."""
    return AssetSelection.keys(*sorted(graph.executable_asset_keys)) | AssetSelection.all_asset_checks()


def build_ephemeral_asset_job(
    assets: Sequence[Any],
    selection: Any = None,
    resources: Mapping[str, Any] | None = None,
    *,
    partition_key: str | None = None,
    input_values: Mapping[str, Any] | None = None,
    name: str = EPHEMERAL_ASSET_JOB,
    executor_def: Any = None,
    logger_defs: Mapping[str, Any] | None = None,
) -> JobDefinition:
    """A job that makes some definitions once, as ``materialize`` does; everything with code, if nothing is selected.

    Raises:
        InvalidDefinitionError: when definitions contradict each other, or the selection cannot be run.
    """
    graph = AssetGraph.from_assets(normalize_assets(assets))
    bound_resources_of(graph, [one for one in graph.declared_defs if one.computation is not None])
    chosen = implicit_selection(graph) if selection is None else AssetSelection.from_coercible(selection)
    try:
        return build_asset_job(
            name,
            graph,
            chosen,
            resource_defs=coerce_resources(resources),
            executor_def=executor_def,
            logger_defs=logger_defs,
            input_values=input_values,
        )
    except InvalidSubsetError as exc:
        raise InvalidDefinitionError(str(exc)) from exc


def _resources_of_job(parts: AssetJobParts, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The given resources and those that assets bring along; of IO managers under the default key the assets' own.

    Raises:
        InvalidInvocationError: when others are given under the keys of those that assets bring along.
        InvalidDefinitionError: when some assets bring the default IO manager along and another does not.
    """
    bound, given = parts.resource_defs, given or {}
    own = bound.get(DEFAULT_IO_MANAGER)
    if (
        own is not None
        and parts.uses_default_manager is not None
        and given.get(DEFAULT_IO_MANAGER) is not own
    ):
        raise InvalidDefinitionError(
            f"{parts.uses_default_manager!r}: expected resource {DEFAULT_IO_MANAGER!r} to be the same for all assets of a "
            "job, got assets that bring their own along and this one, which does not; use io_manager_key and a key of "
            "its own"
        )
    both = sorted(
        key for key in bound if key != DEFAULT_IO_MANAGER and key in given and given[key] is not bound[key]
    )
    if both:
        raise InvalidInvocationError(
            f"expected resources under other keys than those that the assets bring along, got {', '.join(both)} twice "
            "with different values; remove them here or from the assets"
        )
    return {**given, **bound}


def _require_config(config: Any) -> Any:
    if config is None or isinstance(config, Mapping) or _is_partitioned_config(config):
        return config
    if hasattr(config, "config_fn"):
        return config
    if hasattr(config, "to_config_dict"):
        return config_mapping(config)
    raise ParameterCheckError(
        f"expected config as a mapping, RunConfig, ConfigMapping or PartitionedConfig, got {config!r} "
        f"({type(config).__name__}); use a dict"
    )


def _is_partitioned_config(config: Any) -> bool:
    return hasattr(config, "get_run_config_for_partition_key")
