"""Shows the status of an asset's partitions from the ledger's bitmaps, in ranges wherever there is an order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_

import msgspec
from pyroaring import BitMap64, FrozenBitMap, FrozenBitMap64

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.partition_keys import primary_position
from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    SinglePartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.keys import existing_ordinals, key_of
from tidewheel.logic.partitions.rows import rows_of, runs_of
from tidewheel.logic.partitions.windows import key_of as window_key_of
from tidewheel.logic.partitions.windows import start_of
from tidewheel.storage.bitmaps import load_ordinals
from tidewheel.values.records import AssetPartitionState

Bits = FrozenBitMap | FrozenBitMap64
MADE, FAILED, MAKING = "MATERIALIZED", "FAILED", "MATERIALIZING"
NOTHING = FrozenBitMap()


class Statuses(msgspec.Struct, frozen=True, kw_only=True):
    """Disjoint sets of existing ordinals; what is in progress is neither failed nor made, what failed is not made."""

    existing: Bits
    made: Bits
    failed: Bits
    making: Bits

    def named(self) -> tuple[tuple[str, Bits], ...]:
        """The three sets under the schema's names."""
        return (MADE, self.made), (FAILED, self.failed), (MAKING, self.making)


def statuses_of(spec: PartitionsSpec, state: AssetPartitionState | None, view: PartitionView) -> Statuses:
    """The status of every partition that exists now."""
    existing = existing_ordinals(spec, view)
    if state is None:
        empty = existing & type(existing)()  # type: ignore[operator]  # equal widths
        return Statuses(existing=existing, made=empty, failed=empty, making=empty)
    is_wide = isinstance(spec, MultiPartitions)
    made, failed, making = (
        _loaded(data, is_wide) & existing  # type: ignore[operator]  # equal widths
        for data in (state.materialized, state.failed, state.in_progress)
    )
    failed = failed - making  # type: ignore[operator]  # equal widths
    made = made - making - failed  # type: ignore[operator]  # equal widths
    return Statuses(existing=existing, made=made, failed=failed, making=making)


def _loaded(data: bytes, is_wide: bool) -> Bits:
    bits: BitMap64 = load_ordinals(data)
    return FrozenBitMap64(bits) if is_wide else FrozenBitMap(bits)


def stats_answer(statuses: Statuses) -> Answer:
    """``PartitionStats``: how many partitions there are of each status."""
    return answer(
        "PartitionStats",
        num_materialized=len(statuses.made),
        num_partitions=len(statuses.existing),
        num_failed=len(statuses.failed),
        num_materializing=len(statuses.making),
    )


def statuses_answer(spec: PartitionsSpec | None, statuses: Statuses | None, view: PartitionView) -> Answer:
    """``AssetPartitionStatuses`` in the shape that fits the definition."""
    if spec is None or statuses is None:
        return _key_lists(None, NOTHING, NOTHING, NOTHING, NOTHING, view)
    if isinstance(spec, MultiPartitions):
        return _two_dimensions(spec, statuses, view)
    return _one_dimension(spec, statuses.existing, statuses.made, statuses.failed, statuses.making, view)


def _one_dimension(
    spec: SinglePartitions, existing: Bits, made: Bits, failed: Bits, making: Bits, view: PartitionView
) -> Answer:
    if isinstance(spec, TimeWindowPartitions):
        return _time_ranges(spec, ((MADE, made), (FAILED, failed), (MAKING, making)))
    return _key_lists(spec, existing, made, failed, making, view)


def _key_lists(
    spec: SinglePartitions | None, existing: Bits, made: Bits, failed: Bits, making: Bits, view: PartitionView
) -> Answer:
    def keys(bits: Bits) -> list[str]:
        return [] if spec is None else [key_of(spec, ordinal, view) for ordinal in bits]

    rest = existing - made - failed - making  # type: ignore[operator]  # equal widths
    return answer(
        "DefaultPartitionStatuses",
        materialized_partitions=keys(made),
        failed_partitions=keys(failed),
        unmaterialized_partitions=keys(rest),
        materializing_partitions=keys(making),
    )


def _time_ranges(spec: TimeWindowPartitions, named: tuple[tuple[str, Bits], ...]) -> Answer:
    found = sorted(
        (start, stop, status)
        for status, bits in named
        if isinstance(bits, FrozenBitMap)
        for start, stop in runs_of(bits)
    )
    ranges = [
        answer(
            "TimePartitionRangeStatus",
            start_time=start_of(spec, start),
            end_time=start_of(spec, stop),
            start_key=window_key_of(spec, start),
            end_key=window_key_of(spec, stop - 1),
            status=status,
        )
        for start, stop, status in found
    ]
    return answer("TimePartitionStatuses", ranges=ranges)


def _two_dimensions(spec: MultiPartitions, statuses: Statuses, view: PartitionView) -> Answer:
    position = primary_position(spec)
    name, primary = spec.dimensions[position]
    secondary = spec.dimensions[1 - position][1]
    rows = {status: _rows(bits, position) for status, bits in statuses.named()}
    existing = existing_ordinals(secondary, view)
    assert isinstance(existing, FrozenBitMap)
    ranges = [
        _range_answer(primary, secondary, stretch, existing, view)
        for stretch in _stretches(rows, existing_ordinals(primary, view))
    ]
    return answer("MultiPartitionStatuses", ranges=ranges, primary_dimension_name=name)


def _rows(bits: Bits, position: int) -> dict[int, FrozenBitMap]:
    """Second ordinals by primary ordinal."""
    assert isinstance(bits, FrozenBitMap64)
    if position == 0:
        return rows_of(bits)
    turned: dict[int, list[int]] = {}
    for first, seconds in rows_of(bits).items():
        for second in seconds:
            turned.setdefault(second, []).append(first)
    return {second: FrozenBitMap(firsts) for second, firsts in turned.items()}


class _Stretch(msgspec.Struct, frozen=True):
    """Neighbouring primary ordinals (first and last) whose partitions have the same statuses."""

    first: int
    last: int
    made: FrozenBitMap
    failed: FrozenBitMap
    making: FrozenBitMap


def _stretches(rows: dict[str, dict[int, FrozenBitMap]], primary: Bits) -> Iterator[_Stretch]:
    current: _Stretch | None = None
    touched = reduce(or_, (set(by_ordinal) for by_ordinal in rows.values()))
    for ordinal in sorted(touched):
        made, failed, making = (rows[status].get(ordinal, NOTHING) for status in (MADE, FAILED, MAKING))
        # in order, and nothing that exists lies between
        is_next = current is not None and primary.rank(ordinal) == primary.rank(current.last) + 1
        if (
            current is not None
            and is_next
            and (made, failed, making) == (current.made, current.failed, current.making)
        ):
            current = _Stretch(current.first, ordinal, made, failed, making)
            continue
        if current is not None:
            yield current
        current = _Stretch(ordinal, ordinal, made, failed, making)
    if current is not None:
        yield current


def _range_answer(
    primary: SinglePartitions,
    secondary: SinglePartitions,
    stretch: _Stretch,
    existing: FrozenBitMap,
    view: PartitionView,
) -> Answer:
    start = end = None
    if isinstance(primary, TimeWindowPartitions):
        start, end = start_of(primary, stretch.first), start_of(primary, stretch.last + 1)
    return answer(
        "MaterializedPartitionRangeStatuses2D",
        primary_dim_start_key=key_of(primary, stretch.first, view),
        primary_dim_end_key=key_of(primary, stretch.last, view),
        primary_dim_start_time=start,
        primary_dim_end_time=end,
        secondary_dim=_one_dimension(secondary, existing, stretch.made, stretch.failed, stretch.making, view),
    )
