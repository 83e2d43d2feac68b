"""Assets that are made elsewhere: plain ones, and ones that a function here observes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_decorator import remember_function, resolve_asset_key, step_name
from tidewheel.definitions.assets.asset_functions import bound_resources
from tidewheel.definitions.assets.asset_labels import (
    DEFAULT_GROUP,
    coerce_asset_key,
    require_group,
    require_tags,
)
from tidewheel.definitions.assets.asset_spec import (
    IO_MANAGER_METADATA,
    AssetCheckSpec,
    AssetSpec,
    make_spec,
    require_partitions_def,
)
from tidewheel.definitions.assets.data_version import DataVersion, DataVersionsByPartition
from tidewheel.definitions.assets.definition import (
    AUTO_OBSERVE_METADATA,
    DEFAULT_IO_MANAGER,
    AssetExecutionType,
    AssetsDefinition,
)
from tidewheel.definitions.assets.multi_asset_decorator import multi_asset
from tidewheel.definitions.assets.results import ObserveResult, Output
from tidewheel.definitions.ops.function_signature import FunctionSignature
from tidewheel.definitions.ops.inputs_outputs import Out
from tidewheel.definitions.ops.op_decorator import build_op
from tidewheel.definitions.ops.scalars import Nothing
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidObservationError,
)
from tidewheel.values.asset_events import AssetObservation
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.tags import DATA_VERSION


class SourceAsset:
    """An asset that is made elsewhere and loaded here, perhaps observed by ``observe_fn``."""

    def __init__(
        self,
        key: Any,
        metadata: Mapping[str, Any] | None = None,
        io_manager_key: str | None = None,
        io_manager_def: Any = None,
        description: str | None = None,
        partitions_def: Any = None,
        group_name: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        observe_fn: Callable[..., Any] | None = None,
        op_tags: Mapping[str, Any] | None = None,
        *,
        auto_observe_interval_minutes: float | None = None,
        legacy_freshness_policy: Any = None,
        automation_condition: Any = None,
        tags: Mapping[str, str] | None = None,
        _required_resource_keys: AbstractSet[str] | None = None,
        _op_def: Any = None,
        freshness_policy: Any = None,
    ) -> None:
        self.key: AssetKey = coerce_asset_key(key)
        self.raw_metadata = dict(metadata or {})
        self.io_manager_key = io_manager_key
        self._resources = bound_resources(resource_defs)
        self.io_manager_def = io_manager_def
        if io_manager_def is not None:
            if self.io_manager_key is None:
                self.io_manager_key = f"{step_name(self.key)}__io_manager"
            self._resources.update(bound_resources({self.io_manager_key: io_manager_def}))
        self.description = description
        self.partitions_def = require_partitions_def(partitions_def)
        self.group_name = require_group(group_name) or DEFAULT_GROUP
        self.observe_fn = observe_fn
        self.op_tags = dict(op_tags or {})
        self.auto_observe_interval_minutes = auto_observe_interval_minutes
        self.legacy_freshness_policy = legacy_freshness_policy or freshness_policy
        self.automation_condition = automation_condition
        self.tags = require_tags(tags)
        self.required_resource_keys = frozenset(_required_resource_keys or ())
        self._op_def = _op_def
        self._definition: AssetsDefinition | None = None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Typed metadata."""
        return typed_metadata(self.raw_metadata)

    @property
    def resource_defs(self) -> Mapping[str, Any]:
        """Resources that were bound to it."""
        return self._resources

    @property
    def is_observable(self) -> bool:
        """Whether a function here observes it."""
        return self.observe_fn is not None or self._op_def is not None

    @property
    def is_executable(self) -> bool:
        """As ``is_observable``."""
        return self.is_observable

    @property
    def execution_type(self) -> AssetExecutionType:
        """What running its code does."""
        return AssetExecutionType.OBSERVATION if self.is_observable else AssetExecutionType.UNEXECUTABLE

    @property
    def op(self) -> Any:
        """The op that observes it.

        Raises:
            CheckError: when there is none.
        """
        if self._op_def is None:
            if self.observe_fn is None:
                raise CheckError(
                    f"source asset {self.key.to_user_string()!r}: expected an observable one, got one without observe_fn"
                )
            self._op_def = observing_op(
                self.observe_fn,
                self.key,
                tags=self.op_tags,
                required_resource_keys=self.required_resource_keys,
            )
        return self._op_def

    @property
    def node_def(self) -> Any:
        """The op that observes it, or None."""
        return self.op if self.is_observable else None

    def get_io_manager_key(self) -> str:
        """The IO manager that loads it."""
        return self.io_manager_key or DEFAULT_IO_MANAGER

    def to_spec(self) -> AssetSpec:
        """Everything said about it, as a spec."""
        metadata = dict(self.raw_metadata)
        if self.io_manager_key:
            metadata[IO_MANAGER_METADATA] = self.io_manager_key
        if self.auto_observe_interval_minutes is not None:
            metadata[AUTO_OBSERVE_METADATA] = self.auto_observe_interval_minutes
        return make_spec(
            self.key,
            description=self.description,
            metadata=metadata,
            group_name=self.group_name,
            automation_condition=self.automation_condition,
            tags=self.tags,
            partitions_def=self.partitions_def,
            legacy_freshness_policy=self.legacy_freshness_policy,
        )

    def to_assets_def(self) -> AssetsDefinition:
        """The same asset as an ``AssetsDefinition``."""
        if self._definition is None:
            if self.is_observable:
                self._definition = AssetsDefinition(
                    keys_by_output_name={"result": self.key},
                    node_def=self.op,
                    specs=[self.to_spec()],
                    resource_defs=self._resources,
                    execution_type=AssetExecutionType.OBSERVATION,
                )
            else:
                self._definition = AssetsDefinition(
                    specs=[self.to_spec()],
                    resource_defs=self._resources,
                    execution_type=AssetExecutionType.UNEXECUTABLE,
                )
            self._definition.source_asset = self
        return self._definition

    def _changed(self, **changes: Any) -> SourceAsset:
        values: dict[str, Any] = {
            "key": self.key,
            "metadata": self.raw_metadata,
            "io_manager_key": self.io_manager_key,
            "description": self.description,
            "partitions_def": self.partitions_def,
            "group_name": self.group_name,
            "resource_defs": self._resources,
            "observe_fn": self.observe_fn,
            "op_tags": self.op_tags,
            "auto_observe_interval_minutes": self.auto_observe_interval_minutes,
            "legacy_freshness_policy": self.legacy_freshness_policy,
            "automation_condition": self.automation_condition,
            "tags": self.tags,
            "_required_resource_keys": self.required_resource_keys,
            "_op_def": self._op_def,
        }
        return SourceAsset(**{**values, **changes})

    def with_attributes(self, group_name: str | None = None, key: AssetKey | None = None) -> SourceAsset:
        """A copy in another group or under another key.

        Raises:
            InvalidDefinitionError: when it has a group already.
        """
        if group_name is not None and self.group_name != DEFAULT_GROUP:
            raise InvalidDefinitionError(
                f"source asset {self.key.to_user_string()!r}: expected no group, since {group_name!r} is given, got "
                f"{self.group_name!r}; remove one of them"
            )
        changes: dict[str, Any] = {"group_name": group_name or self.group_name}
        if key is not None and key != self.key:
            changes["key"] = key
            if self.observe_fn is not None:
                changes["_op_def"] = None
        return self._changed(**changes)

    def with_resources(self, resource_defs: Mapping[str, Any]) -> SourceAsset:
        """A copy with resources bound to it.

        Raises:
            InvalidInvocationError: when a resource is bound already to something else.
        """
        for name, given in bound_resources(resource_defs).items():
            if name != DEFAULT_IO_MANAGER and self._resources.get(name, given) is not given:
                raise InvalidInvocationError(
                    f"source asset {self.key.to_user_string()!r}: expected resource {name!r} to be bound once, got it "
                    "twice with different values; remove one of them"
                )
        return self._changed(resource_defs={**bound_resources(resource_defs), **self._resources})

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SourceAsset)
            and self.to_spec() == other.to_spec()
            and (self.observe_fn is other.observe_fn)
        )

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"SourceAsset(key={self.key!r})"


def observable_source_asset(
    observe_fn: Callable[..., Any] | None = None,
    *,
    key: Any = None,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    io_manager_key: str | None = None,
    io_manager_def: Any = None,
    description: str | None = None,
    group_name: str | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    partitions_def: Any = None,
    automation_condition: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    auto_observe_interval_minutes: float | None = None,
    legacy_freshness_policy: Any = None,
    freshness_policy: Any = None,
) -> Any:
    """Decorate a function that looks at an asset made elsewhere and returns its ``DataVersion``.

    It may also return an ``ObserveResult`` or, for partitions, ``DataVersionsByPartition``.
    """

    def decorate(fn: Callable[..., Any]) -> SourceAsset:
        asset_key = resolve_asset_key(fn, key=key, name=name, key_prefix=key_prefix)
        op_def = observing_op(fn, asset_key, tags=op_tags, required_resource_keys=required_resource_keys)
        return SourceAsset(
            asset_key,
            metadata=metadata,
            io_manager_key=io_manager_key,
            io_manager_def=io_manager_def,
            description=description,
            partitions_def=partitions_def,
            group_name=group_name,
            resource_defs=resource_defs,
            observe_fn=fn,
            op_tags=op_tags,
            auto_observe_interval_minutes=auto_observe_interval_minutes,
            legacy_freshness_policy=legacy_freshness_policy,
            automation_condition=automation_condition,
            tags=tags,
            _required_resource_keys=op_def.required_resource_keys,
            _op_def=op_def,
            freshness_policy=freshness_policy,
        )

    return decorate(observe_fn) if observe_fn is not None else decorate


def multi_observable_source_asset(
    *,
    specs: Sequence[AssetSpec],
    name: str | None = None,
    description: str | None = None,
    partitions_def: Any = None,
    can_subset: bool = False,
    required_resource_keys: AbstractSet[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
) -> Any:
    """Decorate a function that looks at several assets made elsewhere and yields an ``ObserveResult`` for each."""
    decorate_assets = multi_asset(
        specs=specs,
        name=name,
        description=description,
        partitions_def=partitions_def,
        can_subset=can_subset,
        required_resource_keys=required_resource_keys,
        resource_defs=resource_defs,
        group_name=group_name,
        check_specs=check_specs,
        _execution_type=AssetExecutionType.OBSERVATION,
    )

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        return remember_function(decorate_assets(fn), fn)

    return decorate


def observing_op(
    fn: Callable[..., Any],
    key: AssetKey,
    *,
    tags: Mapping[str, Any] | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
) -> Any:
    """The op that calls an observing function and records what it returns as observations."""
    return build_op(
        _observing(fn, key),
        name=step_name(key),
        outs={"result": Out(Nothing)},
        required_resource_keys=required_resource_keys,
        tags=tags,
        what="observable_source_asset",
        signature=FunctionSignature(fn, what="observable_source_asset"),
        infers_output_types=False,
    )


def _observing(fn: Callable[..., Any], key: AssetKey) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(fn):

        @functools.wraps(fn)
        async def observe_async(*args: Any, **kwargs: Any) -> Any:
            for event in _events_of(await fn(*args, **kwargs), key):
                yield event

        return observe_async

    @functools.wraps(fn)
    def observe(*args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from _events_of(fn(*args, **kwargs), key)

    return observe


def _events_of(found: Any, key: AssetKey) -> Iterator[Any]:
    """What an observing function returned, as events.

    Raises:
        InvalidObservationError: when it is nothing that can be recorded.
    """
    if isinstance(found, DataVersion):
        yield ObserveResult(asset_key=key, data_version=found)
    elif isinstance(found, ObserveResult):
        if found.asset_key is not None and found.asset_key != key:
            raise InvalidObservationError(
                f"source asset {key.to_user_string()!r}: expected an observation of it, got one of "
                f"{found.asset_key.to_user_string()!r}; leave asset_key out"
            )
        yield ObserveResult(
            asset_key=key,
            metadata=found.metadata,
            check_results=found.check_results,
            data_version=found.data_version,
            tags=found.tags,
        )
    elif isinstance(found, DataVersionsByPartition):
        for partition, version in found.data_versions_by_partition.items():
            yield AssetObservation(asset_key=key, partition=partition, tags={DATA_VERSION: version.value})
        yield Output(None)
    elif isinstance(found, Iterator):
        yield from found
    else:
        raise InvalidObservationError(
            f"source asset {key.to_user_string()!r}: expected its function to return DataVersion, "
            f"DataVersionsByPartition or ObserveResult, got {found!r} ({type(found).__name__})"
        )
