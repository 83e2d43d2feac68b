"""Shows partitions definitions, and hands out their keys in pages without enumerating the others."""

from __future__ import annotations

from typing import assert_never

import msgspec

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    SinglePartitions,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.keys import existing_ordinals, key_of, nameable_ordinal
from tidewheel.logic.partitions.windows import key_of as window_key_of

SHOWN_KEYS = 3
"""Static keys that a definition's description names."""


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some keys in order, and whether there are more behind them."""

    keys: list[str]
    has_more: bool


def key_page(
    spec: PartitionsSpec,
    view: PartitionView,
    *,
    limit: int,
    after: str | None = None,
    is_reversed: bool = False,
) -> KeyPage:
    """At most ``limit`` keys after the one given, in the order of the ordinals or against it."""
    bits = existing_ordinals(spec, view)
    reached = nameable_ordinal(spec, after, view) if after else None
    if is_reversed:
        end = len(bits) if reached is None else bits.rank(reached) - (reached in bits)
        start = max(0, end - limit)
        ordinals = list(bits[start:end])[::-1]
        has_more = start > 0
    else:
        start = 0 if reached is None else bits.rank(reached)
        ordinals = list(bits[start : start + limit])
        has_more = start + limit < len(bits)
    return KeyPage(keys=[key_of(spec, ordinal, view) for ordinal in ordinals], has_more=has_more)


def type_of(spec: PartitionsSpec) -> str:
    """The schema's name of a kind of definition."""
    match spec:
        case TimeWindowPartitions():
            return "TIME_WINDOW"
        case StaticPartitions():
            return "STATIC"
        case DynamicPartitions():
            return "DYNAMIC"
        case MultiPartitions():
            return "MULTIPARTITIONED"
        case _:
            assert_never(spec)


def describe(spec: PartitionsSpec) -> str:
    """A definition in a few words."""
    match spec:
        case TimeWindowPartitions():
            return f"windows between ticks of {spec.cron!r} in {spec.zone}, from {window_key_of(spec, 0)} on"
        case StaticPartitions():
            shown = ", ".join(spec.keys[:SHOWN_KEYS])
            return shown if len(spec.keys) <= SHOWN_KEYS else f"{shown}, ... ({len(spec.keys)} keys)"
        case DynamicPartitions():
            return f"keys added to {spec.name!r}"
        case MultiPartitions():
            return " x ".join(f"{name}: {describe(dimension)}" for name, dimension in spec.dimensions)
        case _:
            assert_never(spec)


def dimensions_of(spec: PartitionsSpec) -> tuple[tuple[str, SinglePartitions], ...]:
    """The dimensions by name; a definition with one dimension calls it ``default``."""
    return spec.dimensions if isinstance(spec, MultiPartitions) else (("default", spec),)


def primary_position(spec: MultiPartitions) -> int:
    """Which dimension statuses are listed by: the one of time windows, if exactly one is, else the first."""
    kinds = [isinstance(dimension, TimeWindowPartitions) for _, dimension in spec.dimensions]
    return 1 if kinds == [False, True] else 0


def definition_answer(spec: PartitionsSpec | None) -> Answer | None:
    """The ``PartitionDefinition`` of a definition."""
    if spec is None:
        return None
    primary = primary_position(spec) if isinstance(spec, MultiPartitions) else 0
    return answer(
        "PartitionDefinition",
        description=describe(spec),
        type=type_of(spec),
        name=spec.name if isinstance(spec, DynamicPartitions) else None,
        fmt=spec.fmt if isinstance(spec, TimeWindowPartitions) else None,
        dimension_types=[
            answer(
                "DimensionDefinitionType",
                name=name,
                description=describe(dimension),
                type=type_of(dimension),
                is_primary_dimension=position == primary,
                dynamic_partitions_definition_name=(
                    dimension.name if isinstance(dimension, DynamicPartitions) else None
                ),
            )
            for position, (name, dimension) in enumerate(dimensions_of(spec))
        ],
    )


def keys_by_dimension(
    spec: PartitionsSpec, view: PartitionView, start: int | None, end: int | None
) -> list[Answer]:
    """The ``DimensionPartitionKeys`` of every dimension; the slice is of the primary or only dimension's keys."""
    primary = primary_position(spec) if isinstance(spec, MultiPartitions) else 0
    found = []
    for position, (name, dimension) in enumerate(dimensions_of(spec)):
        bits = existing_ordinals(dimension, view)
        chosen = bits[start or 0 : len(bits) if end is None else end] if position == primary else bits
        keys = [key_of(dimension, ordinal, view) for ordinal in chosen]
        found.append(
            answer("DimensionPartitionKeys", name=name, partition_keys=keys, type=type_of(dimension))
        )
    return found
