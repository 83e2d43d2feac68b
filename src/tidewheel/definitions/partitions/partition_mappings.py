"""Partition mappings as users write them: thin objects over the pure values of ``logic.partitions.mappings``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tidewheel.definitions.partitions.definition import PartitionsDefinition
from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.partitions.partition_subset import PartitionsSubset
from tidewheel.errors import InvalidDefinitionError, InvalidMappingError, ParameterCheckError
from tidewheel.logic.partitions import mappings, projection, sets
from tidewheel.logic.partitions.errors import PartitionError


class UpstreamPartitionsResult:
    """The upstream partitions that are needed and exist, and those that are needed and do not exist.

    The latter are given as keys or (by classes that can hold keys that do not exist) as a subset.
    """

    def __init__(
        self,
        partitions_subset: PartitionsSubset,
        required_but_nonexistent_subset: Any = None,
        *,
        required_but_nonexistent_partition_keys: Sequence[str] = (),
    ) -> None:
        self.partitions_subset = partitions_subset
        self.required_but_nonexistent_subset = required_but_nonexistent_subset
        self._missing = list(required_but_nonexistent_partition_keys)

    @property
    def required_but_nonexistent_partition_keys(self) -> Sequence[str]:
        """The keys that are needed and do not exist."""
        if self.required_but_nonexistent_subset is None:
            return self._missing
        return [*self._missing, *self.required_but_nonexistent_subset.get_partition_keys()]


class PartitionMapping:
    """Which upstream partitions a downstream partition needs. A class of your own implements both methods."""

    @property
    def spec(self) -> mappings.PartitionMapping:
        """The serialisable value that this mapping is.

        Raises:
            InvalidDefinitionError: for a class of your own, which the server cannot know.
        """
        raise InvalidDefinitionError(
            f"{type(self).__name__}: expected one of the built-in partition mappings, got a class of its own; "
            "express it by StaticPartitionMapping, TimeWindowPartitionMapping or MultiPartitionMapping"
        )

    @property
    def description(self) -> str:
        """The mapping in a sentence."""
        return repr(self)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: PartitionsSubset | None,
        downstream_partitions_def: PartitionsDefinition | None,
        upstream_partitions_def: PartitionsDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: Any = None,
    ) -> UpstreamPartitionsResult:
        """What the downstream partitions need."""
        view = view_at(current_time, dynamic_partitions_store)
        down = (
            downstream_partitions_subset.members
            if downstream_partitions_subset is not None
            else sets.everything(None, view)
        )
        result = projection.upstream(self.spec, down, upstream_partitions_def.spec, view)
        return UpstreamPartitionsResult(
            PartitionsSubset(upstream_partitions_def, result.existing, view),
            required_but_nonexistent_partition_keys=list(result.nonexistent),
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: PartitionsSubset,
        upstream_partitions_def: PartitionsDefinition,
        downstream_partitions_def: PartitionsDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: Any = None,
    ) -> PartitionsSubset:
        """The downstream partitions that need one of the upstream ones."""
        view = view_at(current_time, dynamic_partitions_store)
        found = projection.downstream(
            self.spec, upstream_partitions_subset.members, downstream_partitions_def.spec, view
        )
        return PartitionsSubset(downstream_partitions_def, found, view)

    def validate_partition_mapping(
        self,
        upstream_partitions_def: PartitionsDefinition | None,
        downstream_partitions_def: PartitionsDefinition | None,
    ) -> None:
        """Check that the mapping can relate two definitions.

        Raises:
            InvalidMappingError: when it cannot.
        """
        up = upstream_partitions_def.spec if upstream_partitions_def is not None else None
        down = downstream_partitions_def.spec if downstream_partitions_def is not None else None
        try:
            mappings.require_mapping(self.spec, down, up)
        except PartitionError as exc:
            raise InvalidMappingError(str(exc)) from exc


class _BuiltIn(PartitionMapping):
    """A mapping that is its spec."""

    _spec: mappings.PartitionMapping

    @property
    def spec(self) -> mappings.PartitionMapping:
        """The serialisable value that this mapping is."""
        return self._spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BuiltIn) and self._spec == other._spec

    def __hash__(self) -> int:
        return hash(self._spec)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class IdentityPartitionMapping(_BuiltIn):
    """A partition needs the one with the same key."""

    _spec = mappings.Identity()


class AllPartitionMapping(_BuiltIn):
    """Each partition needs every upstream partition."""

    _spec = mappings.AllPartitions()


class LastPartitionMapping(_BuiltIn):
    """Each partition needs the last existing upstream partition."""

    _spec = mappings.LastPartition()


class SpecificPartitionsPartitionMapping(_BuiltIn):
    """Each partition needs the same fixed upstream keys."""

    def __init__(self, partition_keys: Sequence[str]) -> None:
        self.partition_keys = list(partition_keys)
        self._spec = mappings.SpecificPartitions(keys=tuple(partition_keys))

    def __repr__(self) -> str:
        return f"SpecificPartitionsPartitionMapping(partition_keys={self.partition_keys!r})"


class StaticPartitionMapping(_BuiltIn):
    """Explicit pairs: upstream key → downstream key or keys."""

    def __init__(
        self, downstream_partition_keys_by_upstream_partition_key: Mapping[str, str | Collection[str]]
    ) -> None:
        given = downstream_partition_keys_by_upstream_partition_key
        if not isinstance(given, Mapping):
            raise ParameterCheckError(
                f"static partition mapping: expected a mapping of upstream to downstream keys, got {given!r}; use a dict"
            )
        self.downstream_partition_keys_by_upstream_partition_key = given
        pairs = [
            (up, down)
            for up, downs in given.items()
            for down in ([downs] if isinstance(downs, str) else sorted(downs))
        ]
        self._spec = mappings.StaticMapping(pairs=tuple(pairs))

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: PartitionsSubset | None,
        downstream_partitions_def: PartitionsDefinition | None,
        upstream_partitions_def: PartitionsDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: Any = None,
    ) -> UpstreamPartitionsResult:
        """What the downstream partitions need; the pairs are checked first."""
        self.validate_partition_mapping(upstream_partitions_def, downstream_partitions_def)
        return super().get_upstream_mapped_partitions_result_for_partitions(
            downstream_partitions_subset,
            downstream_partitions_def,
            upstream_partitions_def,
            current_time,
            dynamic_partitions_store,
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: PartitionsSubset,
        upstream_partitions_def: PartitionsDefinition,
        downstream_partitions_def: PartitionsDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: Any = None,
    ) -> PartitionsSubset:
        """The downstream partitions of the upstream ones; the pairs are checked first."""
        self.validate_partition_mapping(upstream_partitions_def, downstream_partitions_def)
        return super().get_downstream_partitions_for_partitions(
            upstream_partitions_subset,
            upstream_partitions_def,
            downstream_partitions_def,
            current_time,
            dynamic_partitions_store,
        )

    def __repr__(self) -> str:
        return f"StaticPartitionMapping({self.downstream_partition_keys_by_upstream_partition_key!r})"


class TimeWindowPartitionMapping(_BuiltIn):
    """A window needs the upstream windows that overlap it, or the span of neighbours ``start_offset`` to ``end_offset``."""

    def __init__(
        self, start_offset: int = 0, end_offset: int = 0, allow_nonexistent_upstream_partitions: bool = False
    ) -> None:
        for name, value in (("start_offset", start_offset), ("end_offset", end_offset)):
            if not isinstance(value, int):
                raise ParameterCheckError(f"expected {name} as a whole number of windows, got {value!r}")
        self.start_offset = start_offset
        self.end_offset = end_offset
        self.allow_nonexistent_upstream_partitions = allow_nonexistent_upstream_partitions
        self._spec = mappings.TimeWindowMapping(
            start_offset=start_offset,
            end_offset=end_offset,
            allow_nonexistent=allow_nonexistent_upstream_partitions,
        )

    def __repr__(self) -> str:
        return f"TimeWindowPartitionMapping(start_offset={self.start_offset}, end_offset={self.end_offset})"


class MultiToSingleDimensionPartitionMapping(_BuiltIn):
    """Between multi partitions and one of their dimensions, in either direction."""

    def __init__(self, partition_dimension_name: str | None = None) -> None:
        self.partition_dimension_name = partition_dimension_name
        self._spec = mappings.MultiToSingle(dimension=partition_dimension_name)

    def __repr__(self) -> str:
        return f"MultiToSingleDimensionPartitionMapping({self.partition_dimension_name!r})"


class DimensionPartitionMapping(NamedTuple):
    """The downstream dimension that an upstream dimension goes with, and how."""

    dimension_name: str
    partition_mapping: PartitionMapping


class MultiPartitionMapping(_BuiltIn):
    """One mapping for each upstream dimension, combined as a product."""

    def __init__(
        self, downstream_mappings_by_upstream_dimension: Mapping[str, DimensionPartitionMapping]
    ) -> None:
        self.downstream_mappings_by_upstream_dimension = downstream_mappings_by_upstream_dimension
        links = []
        for upstream, link in downstream_mappings_by_upstream_dimension.items():
            inner = link.partition_mapping.spec
            if isinstance(inner, mappings.MultiToSingle | mappings.MultiMapping):
                raise InvalidDefinitionError(
                    f"multi partition mapping: expected a mapping between single dimensions for {upstream!r}, "
                    f"got {link.partition_mapping!r}; nest none"
                )
            links.append(
                mappings.DimensionLink(upstream=upstream, downstream=link.dimension_name, mapping=inner)
            )
        self._spec = mappings.MultiMapping(links=tuple(links))

    def __repr__(self) -> str:
        return f"MultiPartitionMapping({self.downstream_mappings_by_upstream_dimension!r})"


def mapping_of(spec: mappings.PartitionMapping) -> PartitionMapping:
    """The user's object of a spec."""
    match spec:
        case mappings.Identity():
            return IdentityPartitionMapping()
        case mappings.AllPartitions():
            return AllPartitionMapping()
        case mappings.LastPartition():
            return LastPartitionMapping()
        case mappings.SpecificPartitions(keys=keys):
            return SpecificPartitionsPartitionMapping(list(keys))
        case mappings.TimeWindowMapping():
            return TimeWindowPartitionMapping(spec.start_offset, spec.end_offset, spec.allow_nonexistent)
        case mappings.MultiToSingle(dimension=dimension):
            return MultiToSingleDimensionPartitionMapping(dimension)
        case mappings.StaticMapping(pairs=pairs):
            grouped: dict[str, list[str]] = {}
            for up, down in pairs:
                grouped.setdefault(up, []).append(down)
            return StaticPartitionMapping(grouped)
        case mappings.MultiMapping(links=links):
            return MultiPartitionMapping(
                {
                    link.upstream: DimensionPartitionMapping(link.downstream, mapping_of(link.mapping))
                    for link in links
                }
            )


def infer_partition_mapping(
    partition_mapping: PartitionMapping | None,
    downstream_partitions_def: PartitionsDefinition | None,
    upstream_partitions_def: PartitionsDefinition | None,
) -> PartitionMapping:
    """The given mapping, or the one that holds where none is given."""
    if partition_mapping is not None:
        return partition_mapping
    down = downstream_partitions_def.spec if downstream_partitions_def is not None else None
    up = upstream_partitions_def.spec if upstream_partitions_def is not None else None
    return mapping_of(mappings.default_mapping(down, up))
