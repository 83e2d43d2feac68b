"""Inputs and outputs of asset functions: ``AssetIn`` and ``AssetOut``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.assets.asset_labels import coerce_asset_key, key_prefix_parts, kind_tags, kinds_of
from tidewheel.definitions.assets.asset_spec import AssetSpec, choose_condition, make_spec
from tidewheel.definitions.assets.results import NO_VALUE
from tidewheel.definitions.ops.inputs_outputs import In, Out
from tidewheel.definitions.ops.types import resolve_type
from tidewheel.errors import CheckError, InvalidDefinitionError
from tidewheel.values.keys import AssetKey

if TYPE_CHECKING:
    from tidewheel.definitions.assets.asset_spec import AssetDep
    from tidewheel.definitions.partitions.partition_mappings import PartitionMapping


class AssetIn:
    """Which upstream asset a parameter is, and how it is loaded. Without a key, the parameter's name is the key's last part."""

    __slots__ = ("dagster_type", "input_manager_key", "key", "key_prefix", "metadata", "partition_mapping")

    def __init__(
        self,
        key: Any = None,
        metadata: Mapping[str, Any] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        input_manager_key: str | None = None,
        partition_mapping: PartitionMapping | None = None,
        dagster_type: Any = NO_VALUE,
    ) -> None:
        if key is not None and key_prefix:
            raise CheckError(
                f"AssetIn: expected key or key_prefix, got both ({key!r}, {key_prefix!r}); put the prefix into the key"
            )
        self.key: AssetKey | None = coerce_asset_key(key) if key is not None else None
        self.metadata = dict(metadata) if metadata is not None else None
        self.key_prefix = list(key_prefix_parts(key_prefix))
        self.input_manager_key = input_manager_key
        self.partition_mapping = partition_mapping
        self.dagster_type = dagster_type if dagster_type is NO_VALUE else resolve_type(dagster_type)

    @classmethod
    def from_coercible(cls, coercible: Any) -> AssetIn:
        """The input itself, or one of a key."""
        return coercible if isinstance(coercible, AssetIn) else cls(key=coercible)

    def resolve_key(self, name: str) -> AssetKey:
        """The upstream asset, for a parameter of this name."""
        if self.key is not None:
            return self.key
        return AssetKey((*self.key_prefix, name))

    @property
    def is_nothing(self) -> bool:
        """Whether it only orders, without a value."""
        return self.dagster_type is not NO_VALUE and self.dagster_type.is_nothing

    def to_in(self) -> In:
        """The op's input."""
        return In(self.dagster_type, metadata=self.metadata, input_manager_key=self.input_manager_key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetIn) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AssetIn(key={self.key!r}, key_prefix={self.key_prefix!r})"


class AssetOut:
    """Which asset an output is, and everything that is said about it. Without a key, the output's name is the last part."""

    __slots__ = (
        "automation_condition",
        "backfill_policy",
        "code_version",
        "dagster_type",
        "description",
        "freshness_policy",
        "group_name",
        "io_manager_key",
        "is_required",
        "is_virtual",
        "key",
        "key_prefix",
        "legacy_freshness_policy",
        "metadata",
        "owners",
        "tags",
    )

    def __init__(
        self,
        key_prefix: str | Sequence[str] | None = None,
        key: Any = None,
        dagster_type: Any = NO_VALUE,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        group_name: str | None = None,
        code_version: str | None = None,
        automation_condition: Any = None,
        backfill_policy: Any = None,
        owners: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        kinds: set[str] | None = None,
        freshness_policy: Any = None,
        is_virtual: bool = False,
        auto_materialize_policy: Any = None,
        legacy_freshness_policy: Any = None,
    ) -> None:
        if key is not None and key_prefix is not None:
            raise CheckError(
                f"AssetOut: expected key or key_prefix, got both ({key!r}, {key_prefix!r}); put the prefix into the key"
            )
        self.key_prefix = key_prefix_parts(key_prefix)
        self.key: AssetKey | None = coerce_asset_key(key) if key is not None else None
        self.dagster_type = dagster_type
        self.description = description
        self.is_required = is_required
        self.io_manager_key = io_manager_key
        self.metadata = dict(metadata) if metadata is not None else None
        self.group_name = group_name
        self.code_version = code_version
        self.automation_condition = choose_condition(automation_condition, auto_materialize_policy)
        self.backfill_policy = backfill_policy
        self.owners = list(owners or ())
        self.tags = {**(tags or {}), **kind_tags(kinds)}
        self.freshness_policy = freshness_policy
        self.legacy_freshness_policy = legacy_freshness_policy
        self.is_virtual = is_virtual

    @classmethod
    def from_spec(
        cls,
        spec: AssetSpec,
        dagster_type: Any = NO_VALUE,
        is_required: bool = True,
        io_manager_key: str | None = None,
    ) -> AssetOut:
        """The output of a spec without dependencies.

        Raises:
            InvalidDefinitionError: when the spec has dependencies, which an output cannot have.
        """
        if spec.deps:
            raise InvalidDefinitionError(
                f"asset {spec.key.to_user_string()!r}: expected a spec without deps, got "
                f"{[dep.asset_key.to_user_string() for dep in spec.deps]}; use internal_asset_deps"
            )
        return cls(
            key=spec.key,
            dagster_type=dagster_type,
            description=spec.description,
            is_required=is_required and not spec.skippable,
            io_manager_key=io_manager_key,
            metadata=spec.metadata,
            group_name=spec.group_name,
            code_version=spec.code_version,
            automation_condition=spec.automation_condition,
            owners=spec.owners,
            tags={tag: value for tag, value in spec.tags.items() if not tag.startswith("dagster/kind/")},
            kinds=spec.kinds,
            freshness_policy=spec.freshness_policy,
            legacy_freshness_policy=spec.legacy_freshness_policy,
            is_virtual=spec.is_virtual,
        )

    @property
    def kinds(self) -> set[str]:
        """The kinds, which are kept as tags."""
        return kinds_of(self.tags)

    @property
    def auto_materialize_policy(self) -> Any:
        """The condition as a policy."""
        return self.automation_condition

    def resolve_key(self, name: str) -> AssetKey:
        """The asset, for an output of this name."""
        if self.key is not None:
            return self.key
        return AssetKey((*self.key_prefix, name))

    def to_out(self) -> Out:
        """The op's output."""
        return Out(
            self.dagster_type,
            description=self.description,
            metadata=self.metadata,
            is_required=self.is_required,
            io_manager_key=self.io_manager_key,
            code_version=self.code_version,
        )

    def to_spec(
        self,
        key: AssetKey,
        deps: tuple[AssetDep, ...],
        additional_tags: Mapping[str, str] | None = None,
        partitions_def: Any = None,
        group_name: str | None = None,
    ) -> AssetSpec:
        """The asset's spec, with what the output itself does not know."""
        return make_spec(
            key,
            deps=deps,
            description=self.description,
            metadata=self.metadata,
            skippable=not self.is_required,
            group_name=self.group_name or group_name,
            code_version=self.code_version,
            automation_condition=self.automation_condition,
            owners=self.owners,
            tags={**(additional_tags or {}), **self.tags},
            partitions_def=partitions_def,
            freshness_policy=self.freshness_policy,
            legacy_freshness_policy=self.legacy_freshness_policy,
            is_virtual=self.is_virtual,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetOut) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AssetOut(key={self.key!r}, key_prefix={self.key_prefix!r})"
