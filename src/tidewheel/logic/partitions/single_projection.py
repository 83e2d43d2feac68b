"""What mappings other than those of multi partitions do to sets.

Time windows are mapped run by run; key texts are compared only between definitions whose ordinals have
nothing in common.
"""

from itertools import chain
from typing import assert_never

from tidewheel.logic.partitions import keys, windows
from tidewheel.logic.partitions.carry_over import windows_moved_by
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import (
    PartitionsSpec,
    PartitionView,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.mappings import (
    AllPartitions,
    Identity,
    LastPartition,
    SingleMapping,
    SpecificPartitions,
    StaticMapping,
    TimeWindowMapping,
    require_mapping,
)
from tidewheel.logic.partitions.needs import UpstreamResult, satisfied, with_sample
from tidewheel.logic.partitions.rows import runs_of
from tidewheel.logic.partitions.sets import PartitionSet, everything, existing, from_ordinals, nothing
from tidewheel.logic.partitions.time_projection import windows_fed, windows_needed


def single_upstream(
    mapping: SingleMapping, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    """What `down` needs of `up_spec`; raises PartitionError if the mapping does not fit."""
    if down.is_empty:
        return satisfied(nothing(up_spec), down.spec)
    match mapping:
        case Identity():
            return _same_keys_needed(down, up_spec, view)
        case AllPartitions():
            return satisfied(everything(up_spec, view), down.spec)
        case LastPartition():
            return satisfied(_last_of(up_spec, view), down.spec)
        case SpecificPartitions():
            return _specific_needed(mapping, down, up_spec, view)
        case StaticMapping():
            return _static_needed(mapping, down, up_spec, view)
        case TimeWindowMapping():
            return _windows_needed(mapping, down, up_spec, view)
        case _:
            assert_never(mapping)


def single_downstream(
    mapping: SingleMapping, up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView
) -> PartitionSet:
    """The existing partitions of `down_spec` that need one of `up`; raises PartitionError if it does not fit."""
    if up.is_empty:
        return nothing(down_spec)
    match mapping:
        case Identity():
            return _same_keys_fed(up, down_spec, view)
        case AllPartitions():
            return everything(down_spec, view)
        case LastPartition():
            return _all_if(up.overlaps(_last_of(up.spec, view)), down_spec, view)
        case SpecificPartitions():
            spec = _partitioned(mapping, down_spec, up.spec, up.spec)
            found = (keys.find_ordinal(spec, key, view) for key in mapping.keys)
            return _all_if(any(one in up for one in found if one is not None), down_spec, view)
        case StaticMapping():
            return _static_fed(mapping, up, down_spec, view)
        case TimeWindowMapping():
            down_windows, up_windows = _time_windows(mapping, down_spec, up.spec)
            fed = windows_fed(mapping, runs_of(up.single_bits), up_windows, down_windows, view.now)
            return PartitionSet(down_windows, fed)
        case _:
            assert_never(mapping)


def _windows_needed(
    mapping: TimeWindowMapping, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    down_spec, up_windows = _time_windows(mapping, down.spec, up_spec)
    needs = windows_needed(mapping, down.single_bits, down_spec, up_windows, view.now)
    needed = PartitionSet(up_windows, needs.existing)
    if not needs.nonexistent:
        return satisfied(needed, down_spec)
    affected = windows_fed(mapping, needs.nonexistent, up_windows, down_spec, view.now)
    named = chain.from_iterable(windows.keys_of(up_windows, range(*run)) for run in needs.nonexistent)
    return with_sample(needed, PartitionSet(down_spec, down.single_bits & affected), named)


def _same_keys_needed(
    down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    if down.spec is None or up_spec is None:
        require_mapping(Identity(), down.spec, up_spec)
        return satisfied(everything(None, view), None)
    moved = _moved_by(down.spec, up_spec)
    if moved is not None:
        needed = existing(PartitionSet(up_spec, down.bits.shift(moved)), view)
        blocked = down - PartitionSet(down.spec, needed.bits.shift(-moved))
    else:
        pairs = [(one, keys.find_ordinal(up_spec, key, view)) for one, key in _named(down, view)]
        needed = from_ordinals(up_spec, [found for _, found in pairs if found is not None])
        blocked = from_ordinals(down.spec, [one for one, found in pairs if found is None])
    return with_sample(needed, blocked, blocked.keys(view))


def _same_keys_fed(up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet:
    if up.spec is None or down_spec is None:
        require_mapping(Identity(), down_spec, up.spec)
        return everything(None, view)
    moved = _moved_by(up.spec, down_spec)
    if moved is not None:
        return existing(PartitionSet(down_spec, up.bits.shift(moved)), view)
    found = (keys.find_ordinal(down_spec, key, view) for _, key in _named(up, view))
    return from_ordinals(down_spec, [one for one in found if one is not None])


def _specific_needed(
    mapping: SpecificPartitions, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    spec = _partitioned(mapping, down.spec, up_spec, up_spec)
    found = {key: keys.find_ordinal(spec, key, view) for key in mapping.keys}
    needed = from_ordinals(spec, [ordinal for ordinal in found.values() if ordinal is not None])
    missing = [key for key, ordinal in found.items() if ordinal is None]
    return with_sample(needed, down if missing else nothing(down.spec), missing)


def _static_needed(
    mapping: StaticMapping, down: PartitionSet, up_spec: PartitionsSpec | None, view: PartitionView
) -> UpstreamResult:
    spec = _partitioned(mapping, down.spec, up_spec, up_spec)
    down_spec = _partitioned(mapping, down.spec, up_spec, down.spec)
    needed, blocked, missing = set(), set(), []
    for up_key, down_key in mapping.pairs:
        asked = keys.nameable_ordinal(down_spec, down_key, view)
        if asked is None or asked not in down:
            continue
        ordinal = keys.find_ordinal(spec, up_key, view)
        if ordinal is None:
            blocked.add(asked)
            missing.append(up_key)
        else:
            needed.add(ordinal)
    return with_sample(from_ordinals(spec, needed), from_ordinals(down_spec, blocked), dict.fromkeys(missing))


def _static_fed(
    mapping: StaticMapping, up: PartitionSet, down_spec: PartitionsSpec | None, view: PartitionView
) -> PartitionSet:
    up_spec = _partitioned(mapping, down_spec, up.spec, up.spec)
    spec = _partitioned(mapping, down_spec, up.spec, down_spec)
    fed = set()
    for up_key, down_key in mapping.pairs:
        given = keys.nameable_ordinal(up_spec, up_key, view)
        if given is not None and given in up:
            ordinal = keys.find_ordinal(spec, down_key, view)
            if ordinal is not None:
                fed.add(ordinal)
    return from_ordinals(spec, fed)


def _moved_by(spec: PartitionsSpec, other: PartitionsSpec) -> int | None:
    """What to add to an ordinal of `spec` for the same key's ordinal in `other`; None if it depends on the key."""
    if spec is other or fingerprint(spec) == fingerprint(other):
        return 0
    if isinstance(spec, TimeWindowPartitions) and isinstance(other, TimeWindowPartitions):
        return windows_moved_by(spec, other)
    return None


def _named(partitions: PartitionSet, view: PartitionView) -> list[tuple[int, str]]:
    return list(zip(partitions, partitions.keys(view), strict=True))


def _last_of(spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet:
    if spec is None:
        return everything(None, view)
    last = keys.last_ordinal(spec, view)
    return nothing(spec) if last is None else from_ordinals(spec, [last])


def _all_if(condition: bool, spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet:
    return everything(spec, view) if condition else nothing(spec)


def _time_windows(
    mapping: TimeWindowMapping, down_spec: PartitionsSpec | None, up_spec: PartitionsSpec | None
) -> tuple[TimeWindowPartitions, TimeWindowPartitions]:
    require_mapping(mapping, down_spec, up_spec)
    if isinstance(down_spec, TimeWindowPartitions) and isinstance(up_spec, TimeWindowPartitions):
        return down_spec, up_spec
    raise AssertionError("require_mapping lets only time windows pass")


def _partitioned(
    mapping: SpecificPartitions | StaticMapping,
    down_spec: PartitionsSpec | None,
    up_spec: PartitionsSpec | None,
    wanted: PartitionsSpec | None,
) -> PartitionsSpec:
    """`wanted`, if it is partitioned; else the error of `require_mapping`."""
    if wanted is None:
        require_mapping(mapping, down_spec, up_spec)
        raise PartitionError(f"partition mapping: expected partitioned assets, got none; remove {mapping!r}")
    return wanted
