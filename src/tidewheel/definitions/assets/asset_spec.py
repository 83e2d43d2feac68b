"""What is known of an asset or a check apart from the code that makes it: specs and dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.assets.asset_labels import (
    coerce_asset_key,
    describe_keys,
    kind_tags,
    kinds_of,
    require_group,
    require_owners,
    require_tags,
)
from tidewheel.errors import CheckError, InvalidDefinitionError, InvariantViolationError, ParameterCheckError
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.replacing import Replaceable
from tidewheel.values.tags import KIND_PREFIX

if TYPE_CHECKING:
    from tidewheel.definitions.partitions.definition import PartitionsDefinition
    from tidewheel.definitions.partitions.partition_mappings import PartitionMapping

IO_MANAGER_METADATA = "dagster/io_manager_key"
"""Metadata label under which a spec says which IO manager loads the asset."""


UNSET: Any = ...
"""Marks an argument that was not given; users may pass it."""


class AssetDep(Replaceable):
    """A dependency on an asset, perhaps with the mapping between the partitions.

    ``asset`` is a key, a text, a list of texts, a spec, or a definition of one asset.
    """

    __slots__ = ("asset_key", "metadata", "partition_mapping")

    def __init__(
        self,
        asset: Any,
        *,
        partition_mapping: PartitionMapping | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(asset, list):
            raise ParameterCheckError(
                f"expected an asset as a key, a text, a spec or a definition, got the list {asset!r}; "
                "use AssetKey([...])"
            )
        self.asset_key = single_key(asset)
        self.partition_mapping = partition_mapping
        self.metadata = dict(metadata) if metadata else {}

    @staticmethod
    def from_coercible(arg: Any) -> AssetDep:
        """The dependency itself, or one on an asset."""
        return arg if isinstance(arg, AssetDep) else AssetDep(single_key(arg))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AssetDep)
            and self.asset_key == other.asset_key
            and self.partition_mapping == other.partition_mapping
            and self.metadata == other.metadata
        )

    def __hash__(self) -> int:
        return hash(self.asset_key)

    def __repr__(self) -> str:
        return f"AssetDep(asset_key={self.asset_key!r}, partition_mapping={self.partition_mapping!r})"


def single_key(asset: Any) -> AssetKey:
    """The one key of an asset given in any form.

    Raises:
        InvalidDefinitionError: when a definition makes several assets, so that it is not clear which is meant.
    """
    keys = getattr(asset, "keys", None)
    if keys is not None and not callable(keys):
        if len(keys) != 1:
            raise InvalidDefinitionError(
                f"expected a definition of one asset as dependency, got one of {len(keys)} ({describe_keys(keys)}); "
                "pass the key of the one that is meant, or each of them"
            )
        return next(iter(keys))  # type: ignore[no-any-return]
    return coerce_asset_key(asset)


def coerce_deps(deps: Iterable[Any] | None, owner: AssetKey | None = None) -> tuple[AssetDep, ...]:
    """Dependencies without repetition, in order. Definitions of several assets stand for all of them.

    Raises:
        InvariantViolationError: when the same asset is named twice with different mappings.
    """
    if not deps:
        return ()
    found: dict[AssetKey, AssetDep] = {}
    for item in deps:
        for dep in _deps_of(item):
            known = found.get(dep.asset_key)
            if known is not None and known != dep:
                name = f"asset {owner.to_user_string()!r}" if owner else "these dependencies"
                raise InvariantViolationError(
                    f"{name}: expected one dependency on {dep.asset_key.to_user_string()!r}, got two that differ; "
                    "keep the one with the right partition mapping"
                )
            found[dep.asset_key] = dep
    return tuple(found.values())


def _deps_of(item: Any) -> list[AssetDep]:
    if isinstance(item, AssetDep):
        return [item]
    keys = getattr(item, "keys", None)
    if keys is not None and not callable(keys):
        return [AssetDep(key) for key in keys]
    return [AssetDep(coerce_asset_key(item))]


class AssetSpec(Replaceable):
    """An asset: its key, what it depends on, and everything that is said about it."""

    __slots__ = (
        "automation_condition",
        "code_version",
        "deps",
        "description",
        "freshness_policy",
        "group_name",
        "is_virtual",
        "key",
        "legacy_freshness_policy",
        "metadata",
        "owners",
        "partitions_def",
        "skippable",
        "tags",
    )

    key: AssetKey
    deps: Sequence[AssetDep]
    description: str | None
    metadata: Mapping[str, Any]
    skippable: bool
    group_name: str | None
    code_version: str | None
    automation_condition: Any
    owners: Sequence[str]
    tags: Mapping[str, str]
    partitions_def: PartitionsDefinition | None
    freshness_policy: Any
    legacy_freshness_policy: Any
    is_virtual: bool

    def __init__(
        self,
        key: Any,
        *,
        deps: Iterable[Any] | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        skippable: bool = False,
        group_name: str | None = None,
        code_version: str | None = None,
        automation_condition: Any = None,
        owners: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        freshness_policy: Any = None,
        is_virtual: bool = False,
        auto_materialize_policy: Any = None,
        legacy_freshness_policy: Any = None,
    ) -> None:
        self.key = coerce_asset_key(key)
        self.deps = list(coerce_deps(deps, self.key))
        self.description = _optional_text(description, "description")
        self.metadata = _mapping(metadata, "metadata")
        self.skippable = _flag(skippable, "skippable")
        self.group_name = require_group(group_name)
        self.code_version = _optional_text(code_version, "code_version")
        self.automation_condition = choose_condition(automation_condition, auto_materialize_policy, self.key)
        self.owners = list(require_owners(owners, self.key))
        self.tags = require_tags(tags) | kind_tags(list(kinds) if kinds else None)
        self.partitions_def = require_partitions_def(partitions_def)
        if _is_legacy_freshness(freshness_policy):
            freshness_policy, legacy_freshness_policy = None, freshness_policy
        self.freshness_policy = freshness_policy
        self.legacy_freshness_policy = legacy_freshness_policy
        self.is_virtual = is_virtual

    @property
    def kinds(self) -> set[str]:
        """The kinds, which are kept as tags."""
        return kinds_of(self.tags)

    @property
    def auto_materialize_policy(self) -> Any:
        """The condition as a policy, where it was given as one."""
        convert = getattr(self.automation_condition, "as_auto_materialize_policy", None)
        return convert() if convert else self.automation_condition

    @property
    def partition_mappings(self) -> Mapping[AssetKey, PartitionMapping]:
        """The mappings that were given, by upstream asset."""
        return {
            dep.asset_key: dep.partition_mapping for dep in self.deps if dep.partition_mapping is not None
        }

    def replace_attributes(
        self,
        *,
        key: Any = UNSET,
        deps: Iterable[Any] | None = UNSET,
        description: str | None = UNSET,
        metadata: Mapping[str, Any] | None = UNSET,
        skippable: bool = UNSET,
        group_name: str | None = UNSET,
        code_version: str | None = UNSET,
        automation_condition: Any = UNSET,
        owners: Sequence[str] | None = UNSET,
        tags: Mapping[str, str] | None = UNSET,
        kinds: Iterable[str] | None = UNSET,
        partitions_def: PartitionsDefinition | None = UNSET,
        freshness_policy: Any = UNSET,
        is_virtual: bool = UNSET,
        legacy_freshness_policy: Any = UNSET,
        auto_materialize_policy: Any = UNSET,
    ) -> AssetSpec:
        """A copy with the given attributes instead of the old ones; ``tags`` leave kinds alone and the other way round.

        Raises:
            CheckError: when a tag stands for a kind.
        """
        return AssetSpec(
            key=_given(key, self.key),
            deps=_given(deps, self.deps),
            description=_given(description, self.description),
            metadata=_given(metadata, self.metadata),
            skippable=_given(skippable, self.skippable),
            group_name=_given(group_name, self.group_name),
            code_version=_given(code_version, self.code_version),
            automation_condition=(
                auto_materialize_policy
                if auto_materialize_policy is not UNSET
                else _given(automation_condition, self.automation_condition)
            ),
            owners=_given(owners, self.owners),
            tags=_plain_tags(self.tags) if tags is UNSET else require_no_kind_tags(tags),
            kinds=_given(kinds, self.kinds),
            partitions_def=_given(partitions_def, self.partitions_def),
            freshness_policy=_given(freshness_policy, self.freshness_policy),
            is_virtual=_given(is_virtual, self.is_virtual),
            legacy_freshness_policy=_given(legacy_freshness_policy, self.legacy_freshness_policy),
        )

    def merge_attributes(
        self,
        *,
        deps: Iterable[Any] = (),
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] = (),
    ) -> AssetSpec:
        """A copy with these added to what there is."""
        return self.replace_attributes(
            deps=[*self.deps, *deps],
            metadata={**self.metadata, **(metadata or {})},
            owners=[*self.owners, *owners],
            tags={**_plain_tags(self.tags), **(tags or {})},
            kinds={*self.kinds, *kinds},
        )

    def with_io_manager_key(self, io_manager_key: str) -> AssetSpec:
        """A copy that is loaded by the IO manager of this key."""
        return self.replace_attributes(metadata={**self.metadata, IO_MANAGER_METADATA: io_manager_key})

    def copy_with(self, **changes: Any) -> AssetSpec:
        """A copy with slots set as they are, unchecked; for internal use on values that were checked already."""
        copy = object.__new__(AssetSpec)
        for name in AssetSpec.__slots__:
            setattr(copy, name, changes[name] if name in changes else getattr(self, name))
        return copy

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetSpec) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"AssetSpec(key={self.key!r}, deps={list(self.deps)!r})"


def make_spec(
    key: AssetKey,
    *,
    deps: tuple[AssetDep, ...] = (),
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    skippable: bool = False,
    group_name: str | None = None,
    code_version: str | None = None,
    automation_condition: Any = None,
    owners: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    kinds: Iterable[str] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    freshness_policy: Any = None,
    legacy_freshness_policy: Any = None,
    is_virtual: bool = False,
) -> AssetSpec:
    """A spec of dependencies that are values already: as the class, without coercion of keys and dependencies."""
    spec: AssetSpec = object.__new__(AssetSpec)
    spec.key = key
    spec.deps = list(deps)
    spec.description = description
    spec.metadata = _mapping(metadata, "metadata")
    spec.skippable = skippable
    spec.group_name = require_group(group_name)
    spec.code_version = _optional_text(code_version, "code_version")
    spec.automation_condition = automation_condition
    spec.owners = list(require_owners(owners, key)) if owners else []
    spec.tags = require_tags(tags) | kind_tags(list(kinds or ())) if tags or kinds else {}
    spec.partitions_def = partitions_def
    if _is_legacy_freshness(freshness_policy):
        freshness_policy, legacy_freshness_policy = None, freshness_policy
    spec.freshness_policy = freshness_policy
    spec.legacy_freshness_policy = legacy_freshness_policy
    spec.is_virtual = is_virtual
    return spec


def described(specs: Sequence[AssetSpec], description: str | None) -> list[AssetSpec]:
    """The specs, those without a description with this one."""
    if not description:
        return list(specs)
    return [one if one.description else one.replace_attributes(description=description) for one in specs]


class AssetCheckSpec(Replaceable):
    """A check: its name, the asset it judges, and everything that is said about it."""

    __slots__ = (
        "additional_deps",
        "asset_key",
        "automation_condition",
        "blocking",
        "description",
        "metadata",
        "name",
        "partitions_def",
    )

    def __init__(
        self,
        name: str,
        *,
        asset: Any,
        description: str | None = None,
        additional_deps: Iterable[Any] | None = None,
        blocking: bool = False,
        metadata: Mapping[str, Any] | None = None,
        automation_condition: Any = None,
        partitions_def: PartitionsDefinition | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise ParameterCheckError(
                f"expected the name of a check as text, got {name!r}; name= is a string"
            )
        self.name = name
        self.asset_key = single_key(asset)
        self.description = _optional_text(description, "description")
        self.additional_deps = list(coerce_deps(additional_deps, self.asset_key))
        self.blocking = _flag(blocking, "blocking")
        self.metadata = _mapping(metadata, "metadata")
        self.automation_condition = automation_condition
        self.partitions_def = require_partitions_def(partitions_def)
        for dep in self.additional_deps:
            if dep.asset_key == self.asset_key:
                raise ValueError(
                    f"check {name!r}: expected additional dependencies on other assets, got "
                    f"{self.asset_key.to_user_string()!r}, which it checks anyway; drop it"
                )

    @property
    def key(self) -> AssetCheckKey:
        """The check's identity."""
        return AssetCheckKey(self.asset_key, self.name)

    def get_python_identifier(self) -> str:
        """Asset and name as a Python identifier, used as step and output name."""
        return check_identifier(self.asset_key, self.name)

    def replace_key(self, key: AssetCheckKey) -> AssetCheckSpec:
        """A copy for another check key."""
        return self._with(asset_key=key.asset_key, name=key.name)

    def with_metadata(self, metadata: Mapping[str, Any]) -> AssetCheckSpec:
        """A copy with other metadata."""
        return self._with(metadata=dict(metadata))

    def _with(self, **changes: Any) -> AssetCheckSpec:
        copy = object.__new__(AssetCheckSpec)
        for name in AssetCheckSpec.__slots__:
            setattr(copy, name, changes[name] if name in changes else getattr(self, name))
        return copy

    def replace_attributes(self, **changes: Any) -> AssetCheckSpec:
        """A copy with some attributes changed."""
        return self._with(**changes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetCheckSpec) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.asset_key, self.name))

    def __repr__(self) -> str:
        return f"AssetCheckSpec(name={self.name!r}, asset_key={self.asset_key!r}, blocking={self.blocking!r})"


def check_identifier(asset_key: AssetKey, name: str) -> str:
    """The step and output name of a check."""
    return f"{asset_key.to_python_identifier()}_{name}"


def choose_condition(
    automation_condition: Any, auto_materialize_policy: Any, key: AssetKey | None = None
) -> Any:
    """The one automation condition of two spellings.

    Raises:
        InvariantViolationError: when both are given.
        ParameterCheckError: when it is something else.
    """
    if auto_materialize_policy is None:
        if automation_condition is not None and not hasattr(automation_condition, "get_label"):
            raise ParameterCheckError(
                f"expected automation_condition as an AutomationCondition, got {automation_condition!r}; use for example "
                "AutomationCondition.eager()"
            )
        return automation_condition
    if automation_condition is not None:
        name = f"asset {key.to_user_string()!r}: " if key else ""
        raise InvariantViolationError(
            f"{name}expected automation_condition or auto_materialize_policy, got both; keep automation_condition"
        )
    convert = getattr(auto_materialize_policy, "to_automation_condition", None)
    return convert() if convert else auto_materialize_policy


def require_partitions_def(partitions_def: Any) -> Any:
    """The partitions definition.

    Raises:
        ParameterCheckError: when it is not one.
    """
    if partitions_def is not None and not hasattr(partitions_def, "get_partition_keys"):
        raise ParameterCheckError(
            f"expected partitions_def to be a PartitionsDefinition, got {partitions_def!r}; "
            "use for example DailyPartitionsDefinition(...)"
        )
    return partitions_def


def require_no_kind_tags(tags: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """The tags.

    Raises:
        CheckError: when one stands for a kind.
    """
    for tag in tags or ():
        if tag.startswith(KIND_PREFIX):
            raise CheckError(
                f"expected tags without kinds, got {tag!r}; use kinds={{{tag[len(KIND_PREFIX) :]!r}}}"
            )
    return tags


def _plain_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {tag: value for tag, value in tags.items() if not tag.startswith(KIND_PREFIX)}


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value


def _optional_text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ParameterCheckError(
            f"expected {name} as text, got {value!r} ({type(value).__name__}); write it as text"
        )
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ParameterCheckError(f"expected {name} to be True or False, got {value!r}")
    return value


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ParameterCheckError(
            f"expected {name} as a mapping, got {value!r} ({type(value).__name__}); use a dict"
        )
    return dict(value)


def _is_legacy_freshness(policy: Any) -> bool:
    return policy is not None and hasattr(policy, "maximum_lag_minutes")
