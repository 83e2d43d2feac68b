"""The time window mapping on whole runs of windows; the cost follows the runs, not the windows.

Runs are half-open ranges of ordinals. They may reach below zero or beyond the last window: what exists is
cut at the end. Where windows are excluded, offsets count the windows that are left (their *ranks*).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pyroaring import FrozenBitMap

from tidewheel.logic.partitions import windows
from tidewheel.logic.partitions.definitions import TimeWindowPartitions
from tidewheel.logic.partitions.mappings import TimeWindowMapping
from tidewheel.logic.partitions.rows import bits_of_runs, runs_of

Run = tuple[int, int]
RANK_LIMIT = 1 << 22  # a definition that excludes nearly everything is not searched further than this


class TimeNeeds(NamedTuple):
    """Existing upstream windows that are needed, and ascending runs of required ones that do not exist."""

    existing: FrozenBitMap
    nonexistent: list[Run]


def windows_needed(
    mapping: TimeWindowMapping,
    down: FrozenBitMap,
    down_spec: TimeWindowPartitions,
    up_spec: TimeWindowPartitions,
    now: float,
) -> TimeNeeds:
    """The upstream windows that the downstream windows `down` need."""
    after = windows.bound(up_spec, now)
    shifted = _shifted(runs_of(down), mapping, down_spec)
    runs = _merged(_overlapping(run, down_spec, up_spec) for run in shifted)
    existing = bits_of_runs((start, min(stop, after)) for start, stop in runs)
    nonexistent: list[Run] = []
    for start, stop in runs:
        if start < 0 and mapping.start_offset >= 0 and not mapping.allow_nonexistent:
            nonexistent.append((start, min(stop, 0)))
        if stop > after and mapping.end_offset <= 0 and not mapping.allow_nonexistent:
            nonexistent.extend(runs_of(windows.without_excluded(up_spec, range(max(start, after), stop))))
    return TimeNeeds(_less_excluded(existing, up_spec), nonexistent)


def windows_fed(
    mapping: TimeWindowMapping,
    up: Iterable[Run],
    up_spec: TimeWindowPartitions,
    down_spec: TimeWindowPartitions,
    now: float,
) -> FrozenBitMap:
    """The existing downstream windows that need at least one of the upstream windows in the runs `up`."""
    after = windows.bound(down_spec, now)
    touched = (_overlapping(run, up_spec, down_spec) for run in up)
    fed = bits_of_runs((start, min(stop, after)) for start, stop in _unshifted(touched, mapping, down_spec))
    return _less_excluded(fed, down_spec)


def _overlapping(run: Run, spec: TimeWindowPartitions, other: TimeWindowPartitions) -> Run:
    """The run of windows of `other` that overlap a run of windows of `spec`."""
    covered = windows.Window(windows.start_of(spec, run[0]), windows.start_of(spec, run[1]))
    found = windows.ordinals_overlapping(other, covered)
    return found.start, found.stop


def _shifted(runs: Iterable[Run], mapping: TimeWindowMapping, spec: TimeWindowPartitions) -> Iterator[Run]:
    """The windows that the windows of `runs` stand for: those from start_offset to end_offset after each."""
    low, high = mapping.start_offset, mapping.end_offset
    if low > high:
        return
    for start, stop in runs:
        if not spec.exclusions:
            yield start + low, stop + high
            continue
        first = _ordinal_of_rank(spec, _rank(spec, start) + low)
        after = _ordinal_of_rank(spec, _rank(spec, stop) - 1 + high) + 1
        if first < 0:
            yield first, min(after, 0)
        yield from runs_of(windows.without_excluded(spec, range(first, after)))


def _unshifted(runs: Iterable[Run], mapping: TimeWindowMapping, spec: TimeWindowPartitions) -> Iterator[Run]:
    """The windows that stand for at least one window of `runs`; excluded ones are among them."""
    low, high = mapping.start_offset, mapping.end_offset
    if low > high:
        return
    for start, stop in runs:
        if not spec.exclusions:
            yield start - high, stop - low
            continue
        first, after = _rank(spec, start), _rank(spec, stop)
        if first < after:
            yield _ordinal_of_rank(spec, first - high), _ordinal_of_rank(spec, after - 1 - low) + 1


def _rank(spec: TimeWindowPartitions, ordinal: int) -> int:
    """How many windows that are not excluded precede an ordinal, counted from the first window."""
    if ordinal <= 0:
        return ordinal
    return ordinal - int(windows.excluded_ordinals(spec, ordinal).rank(ordinal - 1))


def _ordinal_of_rank(spec: TimeWindowPartitions, rank: int) -> int:
    """The window that is not excluded and has this rank."""
    if rank < 0:
        return rank
    low, high = rank, 2 * rank + 1024
    while _rank(spec, high) <= rank:
        if high > RANK_LIMIT:
            return high
        high *= 2
    while high - low > 1:  # rank(low) <= rank < rank(high)
        middle = (low + high) // 2
        if _rank(spec, middle) <= rank:
            low = middle
        else:
            high = middle
    return low


def _less_excluded(bits: FrozenBitMap, spec: TimeWindowPartitions) -> FrozenBitMap:
    if not spec.exclusions or not bits:
        return bits
    return bits - windows.excluded_ordinals(spec, bits.max() + 1)


def _merged(runs: Iterable[Run]) -> list[Run]:
    """The same ordinals in ascending runs that neither touch nor overlap."""
    merged: list[Run] = []
    for start, stop in sorted(runs):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        elif start < stop:
            merged.append((start, stop))
    return merged
