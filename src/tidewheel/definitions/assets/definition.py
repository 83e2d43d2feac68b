"""Assets as definitions: the code that makes them, and how its inputs and outputs are assets and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.assets.asset_labels import (
    DEFAULT_GROUP,
    coerce_asset_key,
    describe_keys,
    key_prefix_parts,
)
from tidewheel.definitions.assets.asset_spec import (
    IO_MANAGER_METADATA,
    AssetCheckSpec,
    AssetDep,
    AssetSpec,
    check_identifier,
    make_spec,
)
from tidewheel.definitions.assets.key_set import KeySet
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.definitions.ops.composition import current_composer
from tidewheel.definitions.ops.inputs_outputs import In
from tidewheel.definitions.ops.scalars import Nothing
from tidewheel.errors import CheckError, InvalidDefinitionError, InvalidInvocationError, did_you_mean
from tidewheel.values.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from tidewheel.definitions.assets.backfill_policy import BackfillPolicy
    from tidewheel.definitions.partitions.definition import PartitionsDefinition
    from tidewheel.definitions.partitions.partition_mappings import PartitionMapping


class AssetExecutionType(Enum):
    """What running the code of an asset does to it."""

    MATERIALIZATION = "MATERIALIZATION"
    OBSERVATION = "OBSERVATION"
    UNEXECUTABLE = "UNEXECUTABLE"


DEFAULT_IO_MANAGER = "io_manager"


class AssetsDefinition:
    """One or several assets that one piece of code makes (or observes), or that are made elsewhere.

    ``node_def`` is an op or a graph; ``keys_by_input_name`` and ``keys_by_output_name`` say which of its inputs and outputs
    are assets, ``check_specs_by_output_name`` which outputs are checks. A *subset* has the same node and only some of the
    keys.
    """

    def __init__(
        self,
        *,
        keys_by_input_name: Mapping[str, AssetKey] | None = None,
        keys_by_output_name: Mapping[str, AssetKey] | None = None,
        node_def: Any = None,
        partitions_def: PartitionsDefinition | None = None,
        partition_mappings: Mapping[AssetKey, PartitionMapping] | None = None,
        asset_deps: Mapping[AssetKey, AbstractSet[AssetKey]] | None = None,
        selected_asset_keys: AbstractSet[AssetKey] | None = None,
        can_subset: bool = False,
        resource_defs: Mapping[str, Any] | None = None,
        group_names_by_key: Mapping[AssetKey, str] | None = None,
        metadata_by_key: Mapping[AssetKey, Mapping[str, Any]] | None = None,
        tags_by_key: Mapping[AssetKey, Mapping[str, str]] | None = None,
        legacy_freshness_policies_by_key: Mapping[AssetKey, Any] | None = None,
        backfill_policy: BackfillPolicy | None = None,
        descriptions_by_key: Mapping[AssetKey, str] | None = None,
        check_specs_by_output_name: Mapping[str, AssetCheckSpec] | None = None,
        selected_asset_check_keys: AbstractSet[AssetCheckKey] | None = None,
        is_subset: bool = False,
        owners_by_key: Mapping[AssetKey, Sequence[str]] | None = None,
        specs: Sequence[AssetSpec] | None = None,
        execution_type: AssetExecutionType | None = None,
        auto_materialize_policies_by_key: Mapping[AssetKey, Any] | None = None,
        hook_defs: AbstractSet[Any] | None = None,
    ) -> None:
        self.node_keys_by_input_name: dict[str, AssetKey] = dict(keys_by_input_name or {})
        self.node_keys_by_output_name: dict[str, AssetKey] = dict(keys_by_output_name or {})
        if specs is None:
            described = _Described(
                partitions_def=partitions_def,
                partition_mappings=partition_mappings or {},
                asset_deps=asset_deps,
                groups=group_names_by_key or {},
                metadata=metadata_by_key or {},
                tags=tags_by_key or {},
                freshness=legacy_freshness_policies_by_key or {},
                descriptions=descriptions_by_key or {},
                owners=owners_by_key or {},
                policies=auto_materialize_policies_by_key or {},
            )
            specs = described.specs(self.node_keys_by_input_name, self.node_keys_by_output_name, node_def)
        self._node_def = node_def
        self._all_specs: dict[AssetKey, AssetSpec] = {spec.key: spec for spec in specs}
        self.node_check_specs_by_output_name: dict[str, AssetCheckSpec] = dict(
            check_specs_by_output_name or {}
        )
        self._selected_assets = frozenset(selected_asset_keys) if selected_asset_keys is not None else None
        self._selected_checks = (
            frozenset(selected_asset_check_keys) if selected_asset_check_keys is not None else None
        )
        self._can_subset = can_subset
        self._resource_defs = dict(resource_defs or {})
        self._backfill_policy = backfill_policy
        self._is_subset = is_subset
        if execution_type is None:
            execution_type = (
                AssetExecutionType.MATERIALIZATION
                if node_def is not None
                else AssetExecutionType.UNEXECUTABLE
            )
        self.execution_type = execution_type
        self._hook_defs = frozenset(hook_defs or ())
        self._caches: dict[str, Any] = {}
        self.source_asset: Any = None
        """The ``SourceAsset`` that this definition was made of, or None."""

    # -- making one --------------------------------------------------------------------------------------------

    def _copy(self, **changes: Any) -> AssetsDefinition:
        """The same definition with some attributes changed."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._caches = {}
        copy.__dict__.update(changes)
        return copy

    @staticmethod
    def from_op(
        op_def: Any,
        *,
        keys_by_input_name: Mapping[str, AssetKey] | None = None,
        keys_by_output_name: Mapping[str, AssetKey] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        internal_asset_deps: Mapping[str, set[AssetKey]] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        partition_mappings: Mapping[str, PartitionMapping] | None = None,
        group_name: str | None = None,
        group_names_by_output_name: Mapping[str, str | None] | None = None,
        descriptions_by_output_name: Mapping[str, str] | None = None,
        metadata_by_output_name: Mapping[str, Mapping[str, Any] | None] | None = None,
        tags_by_output_name: Mapping[str, Mapping[str, str] | None] | None = None,
        automation_conditions_by_output_name: Mapping[str, Any] | None = None,
        backfill_policy: BackfillPolicy | None = None,
        can_subset: bool = False,
        legacy_freshness_policies_by_output_name: Mapping[str, Any] | None = None,
        auto_materialize_policies_by_output_name: Mapping[str, Any] | None = None,
        hook_defs: AbstractSet[Any] | None = None,
    ) -> AssetsDefinition:
        """The assets that an op's outputs are; inputs and outputs are keyed by their names unless told otherwise."""
        return _from_node(
            op_def,
            keys_by_input_name=keys_by_input_name,
            keys_by_output_name=keys_by_output_name,
            key_prefix=key_prefix,
            internal_asset_deps=internal_asset_deps,
            partitions_def=partitions_def,
            partition_mappings=partition_mappings,
            group_name=group_name,
            group_names_by_output_name=group_names_by_output_name,
            descriptions_by_output_name=descriptions_by_output_name,
            metadata_by_output_name=metadata_by_output_name,
            tags_by_output_name=tags_by_output_name,
            conditions_by_output_name=automation_conditions_by_output_name
            or auto_materialize_policies_by_output_name,
            freshness_by_output_name=legacy_freshness_policies_by_output_name,
            backfill_policy=backfill_policy,
            can_subset=can_subset,
            hook_defs=hook_defs,
        )

    @staticmethod
    def from_graph(
        graph_def: Any,
        *,
        keys_by_input_name: Mapping[str, AssetKey] | None = None,
        keys_by_output_name: Mapping[str, AssetKey] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        internal_asset_deps: Mapping[str, set[AssetKey]] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        partition_mappings: Mapping[str, PartitionMapping] | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        group_name: str | None = None,
        group_names_by_output_name: Mapping[str, str | None] | None = None,
        descriptions_by_output_name: Mapping[str, str] | None = None,
        metadata_by_output_name: Mapping[str, Mapping[str, Any] | None] | None = None,
        tags_by_output_name: Mapping[str, Mapping[str, str] | None] | None = None,
        automation_conditions_by_output_name: Mapping[str, Any] | None = None,
        backfill_policy: BackfillPolicy | None = None,
        can_subset: bool = False,
        check_specs: Sequence[AssetCheckSpec] | None = None,
        owners_by_output_name: Mapping[str, Sequence[str]] | None = None,
        code_versions_by_output_name: Mapping[str, str | None] | None = None,
        legacy_freshness_policies_by_output_name: Mapping[str, Any] | None = None,
        auto_materialize_policies_by_output_name: Mapping[str, Any] | None = None,
        hook_defs: AbstractSet[Any] | None = None,
    ) -> AssetsDefinition:
        """The assets that a graph's outputs are; inputs and outputs are keyed by their names unless told otherwise."""
        return _from_node(
            graph_def,
            keys_by_input_name=keys_by_input_name,
            keys_by_output_name=keys_by_output_name,
            key_prefix=key_prefix,
            internal_asset_deps=internal_asset_deps,
            partitions_def=partitions_def,
            partition_mappings=partition_mappings,
            resource_defs=resource_defs,
            group_name=group_name,
            group_names_by_output_name=group_names_by_output_name,
            descriptions_by_output_name=descriptions_by_output_name,
            metadata_by_output_name=metadata_by_output_name,
            tags_by_output_name=tags_by_output_name,
            conditions_by_output_name=automation_conditions_by_output_name
            or auto_materialize_policies_by_output_name,
            freshness_by_output_name=legacy_freshness_policies_by_output_name,
            backfill_policy=backfill_policy,
            can_subset=can_subset,
            check_specs=check_specs,
            owners_by_output_name=owners_by_output_name,
            code_versions_by_output_name=code_versions_by_output_name,
            hook_defs=hook_defs,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function directly; inside a job or graph, place the op there (nothing is materialised then)."""
        if self._node_def is None:
            raise InvalidDefinitionError(
                f"assets {describe_keys(self._all_specs)}: expected assets with code to be called, got external ones"
            )
        if current_composer() is not None or getattr(self._node_def, "is_graph", False):
            return self._node_def(*args, **kwargs)
        return hooks().invoke_op(self._node_def, args, kwargs, assets_def=self)

    # -- keys and specs -----------------------------------------------------------------------------------------

    @property
    def node_def(self) -> Any:
        """The op or graph.

        Raises:
            CheckError: for assets that are made elsewhere.
        """
        if self._node_def is None:
            raise CheckError(
                f"assets {describe_keys(self._all_specs)}: expected assets with code, got external ones, which have none"
            )
        return self._node_def

    @property
    def computation(self) -> Any:
        """The op or graph, or None for assets that are made elsewhere."""
        return self._node_def

    @property
    def op(self) -> Any:
        """The op (the graph, for graph-backed assets)."""
        return self.node_def

    @property
    def unique_id(self) -> str:
        """A text that is different for different definitions."""
        names = sorted(str(key) for key in (*self.keys, *self.check_keys))
        return "+".join(names)

    @property
    def keys(self) -> AbstractSet[AssetKey]:
        """The (selected) assets."""
        if self._selected_assets is None:
            return KeySet(self._all_specs)
        return self._selected_assets

    @property
    def key(self) -> AssetKey:
        """The only asset.

        Raises:
            CheckError: when there are none or several.
        """
        keys = self.keys
        if len(keys) != 1:
            raise CheckError(
                f"expected a definition of one asset, got one of {len(keys)}: {describe_keys(keys)}; use .keys"
            )
        return next(iter(keys))

    @property
    def all_keys(self) -> AbstractSet[AssetKey]:
        """All assets of the node, whether selected or not."""
        return self._all_specs.keys()

    @property
    def has_keys(self) -> bool:
        """Whether an asset is selected."""
        return len(self.keys) > 0

    @property
    def check_keys(self) -> AbstractSet[AssetCheckKey]:
        """The (selected) checks."""
        if self._selected_checks is not None:
            return self._selected_checks
        return {spec.key for spec in self.node_check_specs_by_output_name.values()}

    @property
    def has_check_keys(self) -> bool:
        """Whether a check is selected."""
        return bool(self.check_keys)

    @property
    def check_key(self) -> AssetCheckKey:
        """The only check.

        Raises:
            CheckError: when there are none or several.
        """
        keys = self.check_keys
        if len(keys) != 1:
            raise CheckError(f"expected a definition of one check, got one of {len(keys)}; use .check_keys")
        return next(iter(keys))

    @property
    def asset_and_check_keys(self) -> AbstractSet[AssetKey | AssetCheckKey]:
        """All that is selected."""
        return {*self.keys, *self.check_keys}

    @property
    def specs(self) -> Sequence[AssetSpec]:
        """The specs of the (selected) assets."""
        if self._selected_assets is None:
            return list(self._all_specs.values())
        return [spec for key, spec in self._all_specs.items() if key in self._selected_assets]

    @property
    def specs_by_key(self) -> Mapping[AssetKey, AssetSpec]:
        """The specs of the (selected) assets by key."""
        return {spec.key: spec for spec in self.specs}

    @property
    def all_specs(self) -> Mapping[AssetKey, AssetSpec]:
        """The specs of all assets of the node by key."""
        return self._all_specs

    def get_asset_spec(self, key: AssetKey | None = None) -> AssetSpec:
        """The spec of one asset; of the only one, if no key is given.

        Raises:
            KeyError: when there is no such asset.
        """
        wanted = self.key if key is None else key
        found = self._all_specs.get(wanted)
        if found is None:
            raise KeyError(wanted)
        return found

    @property
    def check_specs(self) -> Sequence[AssetCheckSpec]:
        """The specs of the (selected) checks."""
        selected = self.check_keys
        return [spec for spec in self.node_check_specs_by_output_name.values() if spec.key in selected]

    @property
    def check_specs_by_output_name(self) -> Mapping[str, AssetCheckSpec]:
        """The (selected) checks by output."""
        selected = self.check_keys
        return {
            name: spec for name, spec in self.node_check_specs_by_output_name.items() if spec.key in selected
        }

    def get_spec_for_check_key(self, asset_check_key: AssetCheckKey) -> AssetCheckSpec:
        """The spec of one check.

        Raises:
            KeyError: when there is no such check.
        """
        for spec in self.node_check_specs_by_output_name.values():
            if spec.key == asset_check_key:
                return spec
        raise KeyError(asset_check_key)

    def get_checks_targeting_keys(self, keys: Iterable[AssetKey]) -> AbstractSet[AssetCheckKey]:
        """The checks of some assets."""
        wanted = set(keys)
        return {check for check in self.check_keys if check.asset_key in wanted}

    # -- inputs and outputs --------------------------------------------------------------------------------------

    @property
    def keys_by_output_name(self) -> Mapping[str, AssetKey]:
        """The (selected) assets by output."""
        selected = self.keys
        return {name: key for name, key in self.node_keys_by_output_name.items() if key in selected}

    @property
    def entity_keys_by_output_name(self) -> Mapping[str, AssetKey | AssetCheckKey]:
        """Assets and checks by output."""
        checks = {name: spec.key for name, spec in self.check_specs_by_output_name.items()}
        return {**self.keys_by_output_name, **checks}

    @property
    def output_names_by_entity_key(self) -> Mapping[AssetKey | AssetCheckKey, str]:
        """Outputs by asset or check."""
        return {key: name for name, key in self.entity_keys_by_output_name.items()}

    @property
    def keys_by_input_name(self) -> Mapping[str, AssetKey]:
        """The upstream assets that the selection needs, by input."""
        if not self._is_subset:
            return self._plain_inputs
        needed = self.needed_upstream
        return {
            name: key
            for name, key in self.node_keys_by_input_name.items()
            if key in needed and key not in self.keys
        }

    @property
    def _plain_inputs(self) -> Mapping[str, AssetKey]:
        inputs = self._caches.get("inputs")
        if inputs is None:
            inputs = {
                name: key
                for name, key in self.node_keys_by_input_name.items()
                if not name.startswith(SUBSET_INPUT_PREFIX)
            }
            self._caches["inputs"] = inputs
        return inputs  # type: ignore[no-any-return]

    @property
    def needed_upstream(self) -> AbstractSet[AssetKey]:
        """Every asset that the selected assets and checks depend on."""
        needed = {dep.asset_key for spec in self.specs for dep in spec.deps}
        for check in self.check_specs:
            needed.update(dep.asset_key for dep in check.additional_deps)
            needed.add(check.asset_key)
        return needed

    @property
    def input_names(self) -> Iterable[str]:
        """The inputs that are upstream assets."""
        return self.keys_by_input_name.keys()

    @property
    def input_names_by_node_key(self) -> Mapping[AssetKey, str]:
        """Inputs by upstream asset."""
        return {key: name for name, key in self.node_keys_by_input_name.items()}

    def get_upstream_input_keys(self, keys: Iterable[AssetKey]) -> AbstractSet[AssetKey]:
        """What some of the assets depend on outside of this definition."""
        found = {dep.asset_key for key in keys for dep in self.get_asset_spec(key).deps}
        return found - set(self.keys)

    def has_output_for_asset_key(self, key: AssetKey) -> bool:
        """Whether an output makes this asset."""
        return key in self.node_keys_by_output_name.values()

    def get_output_name_for_asset_key(self, key: AssetKey) -> str:
        """The output that makes an asset.

        Raises:
            InvalidDefinitionError: when none does.
        """
        for name, one in self.node_keys_by_output_name.items():
            if one == key:
                return name
        raise InvalidDefinitionError(
            f"expected one of the assets {describe_keys(self._all_specs)}, got {key.to_user_string()!r}; "
            + did_you_mean(key.to_user_string(), [one.to_user_string() for one in self._all_specs])
        )

    def get_output_name_for_asset_check_key(self, key: AssetCheckKey) -> str:
        """The output that gives a check's result.

        Raises:
            InvalidDefinitionError: when none does.
        """
        for name, spec in self.node_check_specs_by_output_name.items():
            if spec.key == key:
                return name
        raise InvalidDefinitionError(f"expected a check of this definition, got {key.to_user_string()!r}")

    def get_op_def_for_asset_key(self, key: AssetKey) -> Any:
        """The op that makes an asset: inside a graph, the one whose output the graph's output is."""
        if self._node_def is None:
            return None
        resolve = getattr(self._node_def, "resolve_output_to_origin_op_def", None)
        return resolve(self.get_output_name_for_asset_key(key)) if resolve else self._node_def

    def get_io_manager_key_for_asset_key(self, key: AssetKey) -> str:
        """The IO manager that stores and loads an asset."""
        told = self.get_asset_spec(key).metadata.get(IO_MANAGER_METADATA)
        if self._node_def is None or self.execution_type is not AssetExecutionType.MATERIALIZATION:
            return str(told or DEFAULT_IO_MANAGER)
        output = self._node_def.output_dict[self.get_output_name_for_asset_key(key)]
        return output.io_manager_key or DEFAULT_IO_MANAGER

    # -- what is known of the assets ----------------------------------------------------------------------------

    @property
    def asset_deps(self) -> Mapping[AssetKey, AbstractSet[AssetKey]]:
        """What each (selected) asset depends on."""
        return {spec.key: {dep.asset_key for dep in spec.deps} for spec in self.specs}

    @property
    def dependency_keys(self) -> AbstractSet[AssetKey]:
        """All upstream assets outside of this definition, in the order of its inputs."""
        own = set(self._all_specs)
        return KeySet(key for key in self._plain_inputs.values() if key not in own)

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The partitions that all assets here have in common.

        Raises:
            CheckError: when they have different ones.
        """
        found = {spec.partitions_def for spec in self.specs}
        found.discard(None)
        if len(found) > 1:
            raise CheckError(
                f"assets {describe_keys(self.keys)}: expected one partitions definition, got {len(found)} different "
                "ones; ask the spec of one asset instead"
            )
        return next(iter(found), None)

    def get_partition_mapping_for_dep(self, dep_key: AssetKey) -> PartitionMapping | None:
        """The mapping that was given for an upstream asset."""
        for spec in self._all_specs.values():
            for dep in spec.deps:
                if dep.asset_key == dep_key and dep.partition_mapping is not None:
                    return dep.partition_mapping
        return None

    def get_partition_mapping(self, in_asset_key: AssetKey) -> PartitionMapping | None:
        """As ``get_partition_mapping_for_dep``."""
        return self.get_partition_mapping_for_dep(in_asset_key)

    @property
    def group_names_by_key(self) -> Mapping[AssetKey, str]:
        """Groups by asset."""
        return {spec.key: spec.group_name or DEFAULT_GROUP for spec in self.specs}

    @property
    def descriptions_by_key(self) -> Mapping[AssetKey, str]:
        """Descriptions by asset, where there are some."""
        return {spec.key: spec.description for spec in self.specs if spec.description is not None}

    @property
    def metadata_by_key(self) -> Mapping[AssetKey, Mapping[str, Any]]:
        """Metadata by asset."""
        return {spec.key: spec.metadata for spec in self.specs}

    @property
    def tags_by_key(self) -> Mapping[AssetKey, Mapping[str, str]]:
        """Tags by asset."""
        return {spec.key: spec.tags for spec in self.specs}

    @property
    def code_versions_by_key(self) -> Mapping[AssetKey, str | None]:
        """Code versions by asset."""
        return {spec.key: spec.code_version for spec in self.specs}

    @property
    def owners_by_key(self) -> Mapping[AssetKey, Sequence[str]]:
        """Owners by asset."""
        return {spec.key: spec.owners for spec in self.specs}

    @property
    def automation_conditions_by_key(self) -> Mapping[AssetKey, Any]:
        """Conditions by asset, where there are some."""
        return {
            spec.key: spec.automation_condition
            for spec in self.specs
            if spec.automation_condition is not None
        }

    @property
    def auto_materialize_policies_by_key(self) -> Mapping[AssetKey, Any]:
        """Policies by asset, where there are some."""
        return {
            spec.key: spec.auto_materialize_policy
            for spec in self.specs
            if spec.automation_condition is not None
        }

    @property
    def legacy_freshness_policies_by_key(self) -> Mapping[AssetKey, Any]:
        """Older freshness policies by asset, where there are some."""
        return {
            spec.key: spec.legacy_freshness_policy
            for spec in self.specs
            if spec.legacy_freshness_policy is not None
        }

    @property
    def backfill_policy(self) -> BackfillPolicy | None:
        """How many partitions a run of a backfill takes."""
        return self._backfill_policy

    @property
    def auto_observe_interval_minutes(self) -> float | None:
        """How often an observable source asset is observed by itself."""
        for spec in self._all_specs.values():
            value = spec.metadata.get(AUTO_OBSERVE_METADATA)
            if value is not None:
                return float(value)
        return None

    @property
    def hook_defs(self) -> AbstractSet[Any]:
        """Hooks of the step."""
        return self._hook_defs

    @property
    def can_subset(self) -> bool:
        """Whether some of the assets can be made without the others."""
        return self._can_subset

    @property
    def is_subset(self) -> bool:
        """Whether only some of the assets are selected."""
        return self._is_subset

    @property
    def is_executable(self) -> bool:
        """Whether there is code to run."""
        return self._node_def is not None and self.execution_type is not AssetExecutionType.UNEXECUTABLE

    @property
    def is_materializable(self) -> bool:
        """Whether running the code makes the assets."""
        return self.execution_type is AssetExecutionType.MATERIALIZATION and self._node_def is not None

    @property
    def is_observable(self) -> bool:
        """Whether running the code observes the assets."""
        return self.execution_type is AssetExecutionType.OBSERVATION

    @property
    def is_external(self) -> bool:
        """Whether the assets are made elsewhere."""
        return self.execution_type is not AssetExecutionType.MATERIALIZATION

    @property
    def is_auto_created_stub(self) -> bool:
        """Whether it only stands for keys that somebody depends on and nobody declares."""
        return False

    @property
    def resource_defs(self) -> Mapping[str, Any]:
        """Resources that were bound to these assets."""
        return self._resource_defs

    @property
    def required_resource_keys(self) -> set[str]:
        """Resources that the code asks for, IO managers included."""
        required: set[str] = set()
        if self._node_def is not None:
            ops = getattr(self._node_def, "iterate_op_defs", None)
            for op_def in ops() if ops else [self._node_def]:
                required.update(op_def.required_resource_keys)
                required.update(
                    given.input_manager_key
                    for given in op_def.input_defs
                    if given.input_manager_key is not None
                )
                required.update(given.io_manager_key for given in op_def.output_defs if given.io_manager_key)
        for key in self.keys:
            if self.is_materializable:
                required.add(self.get_io_manager_key_for_asset_key(key))
        return required

    # -- changed copies -------------------------------------------------------------------------------------------

    def subset_for(
        self,
        selected_asset_keys: AbstractSet[AssetKey],
        selected_asset_check_keys: AbstractSet[AssetCheckKey] | None = None,
    ) -> AssetsDefinition:
        """The same code with only these assets and checks.

        Raises:
            CheckError: when the code cannot make some of its assets without the others.
        """
        assets = frozenset(selected_asset_keys) & self.keys
        if selected_asset_check_keys is None:
            checks = frozenset(check for check in self.check_keys if check.asset_key in assets)
        else:
            checks = frozenset(selected_asset_check_keys) & frozenset(self.check_keys)
        if assets == self.keys and checks == self.check_keys:
            return self
        if not self._can_subset:
            raise CheckError(
                f"assets {describe_keys(self.keys)}: expected all of them to be selected together, got "
                f"{describe_keys(assets) or 'none'}; select the others too, or use can_subset=True"
            )
        return self._copy(_selected_assets=assets, _selected_checks=checks, _is_subset=True)

    def map_asset_specs(self, fn: Callable[[AssetSpec], AssetSpec]) -> AssetsDefinition:
        """A copy whose specs went through a function; keys stay, and dependencies without an argument may change.

        Raises:
            InvalidDefinitionError: when the function changes a key.
            CheckError: when it drops a dependency that is an argument of the code.
        """
        specs = {}
        for old in self._all_specs.values():
            new = fn(old)
            if not isinstance(new, AssetSpec):
                raise InvalidDefinitionError(
                    f"asset {old.key.to_user_string()!r}: expected the function to return an AssetSpec, got {new!r}"
                )
            if new.key != old.key:
                raise InvalidDefinitionError(
                    f"asset {old.key.to_user_string()!r}: expected the function to keep the key, got "
                    f"{new.key.to_user_string()!r}; use key_prefix or with_attributes(asset_key_replacements=...)"
                )
            specs[old.key] = new
        return self.with_specs(specs)

    def with_specs(self, specs: Mapping[AssetKey, AssetSpec]) -> AssetsDefinition:
        """A copy with other specs of the same keys; added dependencies become inputs of the code that carry no value."""
        changes: dict[str, Any] = {"_all_specs": dict(specs)}
        before = {dep.asset_key for spec in self._all_specs.values() for dep in spec.deps}
        after = {dep.asset_key for spec in specs.values() for dep in spec.deps}
        if before != after and self._node_def is not None:
            changes.update(self._rewired(before - after, after - before))
        return self._copy(**changes)

    def _rewired(self, gone: AbstractSet[AssetKey], new: AbstractSet[AssetKey]) -> dict[str, Any]:
        """Node and input names with some dependencies (without values) removed and some added."""
        inputs = dict(self.node_keys_by_input_name)
        names = {key: name for name, key in inputs.items()}
        ins = dict(self._node_def.ins)
        for key in gone:
            name = names.get(key)
            if name is None:
                continue
            if not self._node_def.input_dict[name].dagster_type.is_nothing:
                raise CheckError(
                    f"assets {describe_keys(self._all_specs)}: expected the dependency on {key.to_user_string()!r} to "
                    f"stay, since the code takes it as argument {name!r}; change the function instead"
                )
            del inputs[name]
            del ins[name]
        for key in sorted(new - set(self._all_specs)):
            name = "_".join(key.path).replace("-", "_").replace(".", "_")
            while name in ins:
                name = "_" + name
            inputs[name] = key
            ins[name] = nothing_input()
        node = self._node_def.with_replaced_properties(name=self._node_def.name, ins=ins)
        return {"_node_def": node, "node_keys_by_input_name": inputs}

    def with_attributes(
        self,
        *,
        asset_key_replacements: Mapping[AssetKey, AssetKey] | None = None,
        group_names_by_key: Mapping[AssetKey, str] | None = None,
        tags_by_key: Mapping[AssetKey, Mapping[str, str]] | None = None,
        legacy_freshness_policy: Any = None,
        automation_condition: Any = None,
        backfill_policy: BackfillPolicy | None = None,
        hook_defs: AbstractSet[Any] | None = None,
        metadata_by_key: Mapping[AssetKey, Mapping[str, Any]] | None = None,
    ) -> AssetsDefinition:
        """A copy with other keys, groups, tags, ... Groups and conditions are only given where there are none.

        Raises:
            InvalidDefinitionError: when an asset has a group, policy or condition already.
        """
        specs = {}
        for key, spec in self._all_specs.items():
            changes: dict[str, Any] = {}
            if group_names_by_key and key in group_names_by_key:
                if spec.group_name not in (None, DEFAULT_GROUP):
                    raise InvalidDefinitionError(
                        f"asset {key.to_user_string()!r}: expected no group, since {group_names_by_key[key]!r} is "
                        f"given, got {spec.group_name!r}; remove one of them"
                    )
                changes["group_name"] = group_names_by_key[key]
            if tags_by_key and key in tags_by_key:
                changes["tags"] = dict(tags_by_key[key])
            if metadata_by_key and key in metadata_by_key:
                changes["metadata"] = dict(metadata_by_key[key])
            _set_if_free(changes, spec, "automation_condition", automation_condition)
            _set_if_free(changes, spec, "legacy_freshness_policy", legacy_freshness_policy)
            specs[key] = spec.copy_with(**changes) if changes else spec
        changed: dict[str, Any] = {"_all_specs": specs}
        if backfill_policy is not None:
            if self._backfill_policy is not None:
                raise InvalidDefinitionError(
                    f"assets {describe_keys(self._all_specs)}: expected no backfill policy, since another is given, "
                    f"got {self._backfill_policy!r}; remove one of them"
                )
            changed["_backfill_policy"] = backfill_policy
        if hook_defs:
            changed["_hook_defs"] = self._hook_defs | frozenset(hook_defs)
        copy = self._copy(**changed)
        return copy._with_keys(asset_key_replacements) if asset_key_replacements else copy

    def _with_keys(self, replacements: Mapping[AssetKey, AssetKey]) -> AssetsDefinition:
        """A copy with other keys, upstream ones included."""

        def new(key: AssetKey) -> AssetKey:
            return replacements.get(key, key)

        specs = [
            spec.copy_with(key=new(spec.key), deps=[_moved_dep(dep, new(dep.asset_key)) for dep in spec.deps])
            for spec in self._all_specs.values()
        ]
        checks = {
            name: spec.replace_attributes(
                asset_key=new(spec.asset_key),
                additional_deps=[_moved_dep(dep, new(dep.asset_key)) for dep in spec.additional_deps],
            )
            for name, spec in self.node_check_specs_by_output_name.items()
        }
        selected_checks = self._selected_checks
        return self._copy(
            _all_specs={spec.key: spec for spec in specs},
            node_keys_by_input_name={name: new(key) for name, key in self.node_keys_by_input_name.items()},
            node_keys_by_output_name={name: new(key) for name, key in self.node_keys_by_output_name.items()},
            node_check_specs_by_output_name=checks,
            _selected_assets=(
                frozenset(new(key) for key in self._selected_assets)
                if self._selected_assets is not None
                else None
            ),
            _selected_checks=(
                frozenset(check.replace_key(new(check.asset_key)) for check in selected_checks)
                if selected_checks is not None
                else None
            ),
        )

    def with_resources(self, resource_defs: Mapping[str, Any]) -> AssetsDefinition:
        """A copy with resources bound to it; an IO manager under the default key stays what it is.

        Raises:
            InvalidInvocationError: when another resource is bound already to something else.
        """
        for name, given in resource_defs.items():
            known = self._resource_defs.get(name)
            if known is not None and name != DEFAULT_IO_MANAGER and known is not given and known != given:
                raise InvalidInvocationError(
                    f"assets {describe_keys(self._all_specs)}: expected resource {name!r} to be bound once, got it "
                    "twice with different values; remove one of them"
                )
        return self._copy(_resource_defs={**resource_defs, **self._resource_defs})

    def with_hooks(self, hook_defs: AbstractSet[Any]) -> AssetsDefinition:
        """A copy with more hooks."""
        return self._copy(_hook_defs=self._hook_defs | frozenset(hook_defs))

    def coerce_to_checks_def(self) -> Any:
        """The same definition as one of checks.

        Raises:
            InvalidDefinitionError: when it makes assets too.
        """
        if self._all_specs or not self.node_check_specs_by_output_name:
            raise InvalidDefinitionError(
                f"expected a definition of checks alone, got one of the assets {describe_keys(self._all_specs)}; "
                "pass it in assets="
            )
        return self

    def to_source_asset(self, key: Any = None) -> Any:
        """An external asset of the same key."""
        from tidewheel.definitions.assets.source_assets import SourceAsset  # noqa: PLC0415 - it is made of this class

        spec = self.get_asset_spec(coerce_asset_key(key) if key is not None else None)
        return SourceAsset(
            spec.key,
            metadata=spec.metadata,
            io_manager_key=self.get_io_manager_key_for_asset_key(spec.key),
            partitions_def=spec.partitions_def,
            description=spec.description,
            group_name=spec.group_name,
            tags=spec.tags,
        )

    def to_source_assets(self) -> Sequence[Any]:
        """External assets of the same keys."""
        return [self.to_source_asset(key) for key in self.keys]

    def __repr__(self) -> str:
        if not self._all_specs:
            checks = ", ".join(sorted(key.to_user_string() for key in self.check_keys))
            return f"AssetsDefinition of the checks {checks}"
        return f"AssetsDefinition of {describe_keys(self.keys)}"


SUBSET_INPUT_PREFIX = "__subset_input__"
"""Inputs of a subsettable definition for its own assets, used when its parts run in different steps."""

AUTO_OBSERVE_METADATA = "dagster/auto_observe_interval_minutes"


def external_asset(spec: AssetSpec, io_manager_key: str | None = None) -> AssetsDefinition:
    """A definition of an asset that is made elsewhere."""
    if io_manager_key and io_manager_key != DEFAULT_IO_MANAGER and IO_MANAGER_METADATA not in spec.metadata:
        spec = spec.with_io_manager_key(io_manager_key)
    return AssetsDefinition(specs=[spec], execution_type=AssetExecutionType.UNEXECUTABLE)


def nothing_input() -> In:
    """An input that orders steps and carries no value."""
    return In(Nothing)


def _set_if_free(changes: dict[str, Any], spec: AssetSpec, name: str, value: Any) -> None:
    if value is None:
        return
    known = getattr(spec, name)
    if known is not None:
        raise InvalidDefinitionError(
            f"asset {spec.key.to_user_string()!r}: expected no {name}, since another is given, got {known!r}; "
            "remove one of them"
        )
    changes[name] = value


def _moved_dep(dep: AssetDep, key: AssetKey) -> AssetDep:
    if key == dep.asset_key:
        return dep
    return AssetDep(key, partition_mapping=dep.partition_mapping, metadata=dep.metadata)


class _Described:
    """What the older arguments of ``AssetsDefinition`` say of each key, as specs."""

    def __init__(
        self,
        *,
        partitions_def: Any,
        partition_mappings: Mapping[AssetKey, Any],
        asset_deps: Mapping[AssetKey, AbstractSet[AssetKey]] | None,
        groups: Mapping[AssetKey, str],
        metadata: Mapping[AssetKey, Mapping[str, Any]],
        tags: Mapping[AssetKey, Mapping[str, str]],
        freshness: Mapping[AssetKey, Any],
        descriptions: Mapping[AssetKey, str],
        owners: Mapping[AssetKey, Sequence[str]],
        policies: Mapping[AssetKey, Any],
    ) -> None:
        self.partitions_def = partitions_def
        self.partition_mappings = partition_mappings
        self.asset_deps = asset_deps
        self.groups = groups
        self.metadata = metadata
        self.tags = tags
        self.freshness = freshness
        self.descriptions = descriptions
        self.owners = owners
        self.policies = policies

    def specs(
        self, inputs: Mapping[str, AssetKey], outputs: Mapping[str, AssetKey], node_def: Any
    ) -> list[AssetSpec]:
        """One spec for each output."""
        everything = list(dict.fromkeys(inputs.values()))
        found = []
        for name, key in outputs.items():
            output = node_def.output_dict.get(name) if node_def is not None else None
            deps = everything if self.asset_deps is None else sorted(self.asset_deps.get(key, ()))
            policy = self.policies.get(key)
            convert = getattr(policy, "to_automation_condition", None)
            found.append(
                make_spec(
                    key,
                    deps=tuple(
                        AssetDep(dep, partition_mapping=self.partition_mappings.get(dep)) for dep in deps
                    ),
                    description=self.descriptions.get(key) or getattr(output, "description", None),
                    metadata={**(getattr(output, "metadata", None) or {}), **(self.metadata.get(key) or {})},
                    skippable=output is not None and not output.is_required,
                    group_name=self.groups.get(key) or DEFAULT_GROUP,
                    code_version=getattr(output, "code_version", None),
                    automation_condition=convert() if convert else policy,
                    owners=self.owners.get(key),
                    tags=self.tags.get(key),
                    partitions_def=self.partitions_def,
                    legacy_freshness_policy=self.freshness.get(key),
                )
            )
        return found


def _op_output(node_def: Any, name: str) -> Any:
    """The output of the op that gives an output of a node."""
    inside = getattr(node_def, "op_output", None)
    return inside(name) if inside is not None else node_def.output_dict[name]


def _from_node(
    node_def: Any,
    *,
    keys_by_input_name: Mapping[str, AssetKey] | None = None,
    keys_by_output_name: Mapping[str, AssetKey] | None = None,
    key_prefix: str | Sequence[str] | None = None,
    internal_asset_deps: Mapping[str, set[AssetKey]] | None = None,
    partitions_def: Any = None,
    partition_mappings: Mapping[str, Any] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    group_names_by_output_name: Mapping[str, str | None] | None = None,
    descriptions_by_output_name: Mapping[str, str] | None = None,
    metadata_by_output_name: Mapping[str, Mapping[str, Any] | None] | None = None,
    tags_by_output_name: Mapping[str, Mapping[str, str] | None] | None = None,
    conditions_by_output_name: Mapping[str, Any] | None = None,
    freshness_by_output_name: Mapping[str, Any] | None = None,
    backfill_policy: Any = None,
    can_subset: bool = False,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    owners_by_output_name: Mapping[str, Sequence[str]] | None = None,
    code_versions_by_output_name: Mapping[str, str | None] | None = None,
    hook_defs: AbstractSet[Any] | None = None,
) -> AssetsDefinition:
    """Assets of a node's outputs, described per output."""
    prefix = key_prefix_parts(key_prefix)
    given_inputs = {name: coerce_asset_key(key) for name, key in (keys_by_input_name or {}).items()}
    given_outputs = {name: coerce_asset_key(key) for name, key in (keys_by_output_name or {}).items()}
    inputs = {
        name: given_inputs.get(name, AssetKey((name,)))
        for name, definition in node_def.input_dict.items()
        if name in given_inputs or not definition.has_default_value
    }
    checks = {check_identifier(spec.asset_key, spec.name): spec for spec in check_specs or ()}
    names = [name for name in node_def.output_dict if name not in checks]
    outputs = {}
    for name in names:
        default = AssetKey((node_def.name if name == "result" and len(names) == 1 else name,))
        key = given_outputs.get(name, default)
        outputs[name] = key.with_prefix(prefix) if prefix else key
    _require_known_outputs(node_def, "keys_by_output_name", given_outputs, outputs)
    _require_known_outputs(node_def, "internal_asset_deps", internal_asset_deps or {}, outputs)
    mappings = {
        inputs[name]: mapping for name, mapping in (partition_mappings or {}).items() if name in inputs
    }
    specs = []
    for name, key in outputs.items():
        output = node_def.output_dict[name]
        deps: Iterable[AssetKey] = dict.fromkeys(inputs.values())
        if internal_asset_deps and name in internal_asset_deps:
            deps = sorted(internal_asset_deps[name])
        group = group_name or (group_names_by_output_name or {}).get(name)
        condition = (conditions_by_output_name or {}).get(name)
        convert = getattr(condition, "to_automation_condition", None)
        specs.append(
            make_spec(
                key,
                deps=tuple(AssetDep(dep, partition_mapping=mappings.get(dep)) for dep in deps),
                description=(descriptions_by_output_name or {}).get(name)
                or _op_output(node_def, name).description
                or (node_def.description if len(names) == 1 else None),
                metadata={
                    **(output.metadata or {}),
                    **((metadata_by_output_name or {}).get(name) or {}),
                },
                skippable=not output.is_required,
                group_name=group or DEFAULT_GROUP,
                code_version=(code_versions_by_output_name or {}).get(name)
                or getattr(output, "code_version", None),
                automation_condition=convert() if convert else condition,
                owners=(owners_by_output_name or {}).get(name),
                tags=(tags_by_output_name or {}).get(name),
                partitions_def=partitions_def,
                legacy_freshness_policy=(freshness_by_output_name or {}).get(name),
            )
        )
    return AssetsDefinition(
        keys_by_input_name=inputs,
        keys_by_output_name=outputs,
        node_def=node_def,
        can_subset=can_subset,
        resource_defs=resource_defs,
        backfill_policy=backfill_policy,
        check_specs_by_output_name=checks,
        specs=specs,
        hook_defs=hook_defs,
    )


def _require_known_outputs(node_def: Any, what: str, given: Iterable[str], outputs: Iterable[str]) -> None:
    known = list(outputs)
    for name in given:
        if name not in known:
            raise InvalidDefinitionError(
                f"{what} of {node_def.name!r}: expected names of its outputs, got {name!r}; {did_you_mean(name, known)}"
            )
