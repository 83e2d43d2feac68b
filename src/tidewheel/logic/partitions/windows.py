"""Time windows: ordinal <-> (start, end) <-> key text, by arithmetic.

No question enumerates windows from the start. A *bound* is the ordinal after the last existing window.
Ordinals below zero are windows before the first one; they have a start and an end but never exist. Excluded
windows keep their ordinals and are holes.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pyroaring import BitMap, FrozenBitMap

from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.tick_index import TickIndex, tick_index
from tidewheel.logic.cron.ticks import is_tick, iter_ticks
from tidewheel.logic.cron.zones import first_instant, zone_info
from tidewheel.logic.partitions.definitions import TimeWindowPartitions
from tidewheel.logic.partitions.errors import PartitionError, UnknownPartitionError

DAILY_FORMAT = "%Y-%m-%d"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are naive on purpose
DAY_S = 86_400
SAMPLE_WINDOWS = 64
SAMPLE_DAYS = (1, 7, 31, 365, 366, 1_461, 3_653, 10_227)  # up to 28 years, when weekdays and leap years recur
SUFFIX_LENGTH = 5  # +0100
NEAR_WINDOWS = 64  # neighbours that are asked one by one; further ones are looked up in a bitmap
KEYS_AHEAD = 5_000  # keys in order are compared with so many that are written ahead, one by one
FAR_WINDOWS = 20_000  # more consecutive excluded windows than this count as "no further window"


class Window(NamedTuple):
    """The instants start_s <= t < end_s, seconds since the epoch."""

    start_s: float
    end_s: float


class _Numbering(NamedTuple):
    """A definition's ticks, the number of its first window's start, and how its keys are written."""

    ticks: TickIndex
    base: int
    info: ZoneInfo
    is_hourly: bool


def window_of(spec: TimeWindowPartitions, ordinal: int) -> Window:
    """The window of an ordinal, whether it exists or not."""
    return Window(start_of(spec, ordinal), start_of(spec, ordinal + 1))


def start_of(spec: TimeWindowPartitions, ordinal: int) -> float:
    """The start of a window, which is the end of the one before it."""
    numbering = _numbering(spec)
    return float(numbering.ticks.instant_of(numbering.base + ordinal))


def ordinal_at(spec: TimeWindowPartitions, instant_s: float) -> int:
    """The ordinal of the window that contains an instant, which is the bound of those ended by then."""
    numbering = _numbering(spec)
    return numbering.ticks.count_before(floor(instant_s) + 1) - 1 - numbering.base


def ordinal_from(spec: TimeWindowPartitions, instant_s: float) -> int:
    """The ordinal of the first window that starts at or after an instant."""
    numbering = _numbering(spec)
    return numbering.ticks.count_before(instant_s) - numbering.base


def ordinals_overlapping(spec: TimeWindowPartitions, window: Window) -> range:
    """The windows that share at least one instant with `window`, existing or not."""
    return range(ordinal_at(spec, window.start_s), ordinal_from(spec, window.end_s))


def ordinals_inside(spec: TimeWindowPartitions, window: Window) -> range:
    """The windows that lie in `window` as a whole, existing or not."""
    return range(ordinal_from(spec, window.start_s), ordinal_at(spec, window.end_s))


def bound(spec: TimeWindowPartitions, now: float) -> int:
    """The ordinal after the last window that exists at `now`; 0 if none does."""
    after = _moved_bound(spec, ordinal_at(spec, now), spec.end_offset)
    if after <= 0 < spec.end_offset and now > start_of(spec, -spec.end_offset):
        after = 1  # with a positive offset the first window can be seen from the window before on
    if spec.end is not None:
        after = min(after, ordinal_at(spec, spec.end))
    return max(after, 0)


def existing_ordinals(spec: TimeWindowPartitions, now: float) -> FrozenBitMap:
    """All existing windows."""
    return without_excluded(spec, range(bound(spec, now)))


def without_excluded(spec: TimeWindowPartitions, ordinals: range) -> FrozenBitMap:
    """A range of ordinals (none below zero is kept) less the excluded windows."""
    whole = FrozenBitMap(range(max(ordinals.start, 0), max(ordinals.stop, 0)))
    if not spec.exclusions or not whole:
        return whole
    return whole - excluded_ordinals(spec, ordinals.stop)


def excluded_ordinals(spec: TimeWindowPartitions, stop: int) -> FrozenBitMap:
    """The excluded windows among ordinals 0 to `stop` - 1, and perhaps some beyond."""
    if not spec.exclusions or stop <= 0:
        return FrozenBitMap()
    # whole powers of two are remembered, so that a growing bound seldom asks for a new piece
    return _excluded(spec.cron, spec.zone, spec.start, spec.exclusions, max(64, 1 << (stop - 1).bit_length()))


def is_excluded(spec: TimeWindowPartitions, ordinal: int) -> bool:
    """Whether an exclusion names the start of this window."""
    if not spec.exclusions:
        return False
    start = start_of(spec, ordinal)
    return any(
        is_tick(parse(one), start, spec.zone) if isinstance(one, str) else one == start
        for one in spec.exclusions
    )


def exists(spec: TimeWindowPartitions, ordinal: int, now: float) -> bool:
    """Whether a window exists at `now`."""
    return 0 <= ordinal < bound(spec, now) and not is_excluded(spec, ordinal)


def count(spec: TimeWindowPartitions, now: float) -> int:
    """How many windows exist at `now`."""
    after = bound(spec, now)
    return len(existing_ordinals(spec, now)) if spec.exclusions else after


def first_ordinal(spec: TimeWindowPartitions, now: float) -> int | None:
    """The first existing window, or None."""
    found = 0 if not is_excluded(spec, 0) else next_ordinal(spec, 0)
    return found if found is not None and found < bound(spec, now) else None


def last_complete_ordinal(spec: TimeWindowPartitions, now: float) -> int | None:
    """The last existing window (the end offset is respected), or None."""
    found = previous_ordinal(spec, bound(spec, now))
    return found if found is not None and found >= 0 else None


def next_ordinal(spec: TimeWindowPartitions, ordinal: int) -> int | None:
    """The next window that is not excluded, existing or not; None if all further ones are excluded."""
    return _nth_beyond(spec, ordinal, 1)


def previous_ordinal(spec: TimeWindowPartitions, ordinal: int) -> int | None:
    """The previous window that is not excluded; it may lie before the first one, below zero."""
    return _nth_beyond(spec, ordinal, -1)


def key_of(spec: TimeWindowPartitions, ordinal: int) -> str:
    """The key of a window: its start in the definition's zone and format.

    Where an hourly window starts at the second occurrence of a repeated local time, the offset from UTC is
    appended.
    """
    numbering = _numbering(spec)
    return _key_at(spec, numbering, numbering.ticks.instant_of(numbering.base + ordinal))


def keys_of(spec: TimeWindowPartitions, ordinals: range) -> Iterator[str]:
    """The keys of consecutive windows, excluded or not; cheaper each than `key_of`."""
    numbering = _numbering(spec)
    starts = numbering.ticks.instants(numbering.base + ordinals.start, numbering.base + ordinals.stop)
    return (_key_at(spec, numbering, start) for start in starts)


def find_ordinal(spec: TimeWindowPartitions, key: str) -> int | None:
    """The ordinal whose key is exactly this text, whether the window exists or not; None if there is none.

    Of windows that share a key it is the first.
    """
    numbering = _numbering(spec)
    for instant in _instants_of_key(spec, numbering, key):
        try:
            ordinal = ordinal_from(spec, instant)
            if (
                ordinal < 0 and key_of(spec, 0) == key
            ):  # a shared key whose first windows lie before the start
                return 0
            if key_of(spec, ordinal) == key:
                return ordinal
        except CronError:  # beyond the calendar
            continue
    return None


def find_ordinals(spec: TimeWindowPartitions, keys: Iterable[str]) -> Iterator[int | None]:
    """Of each text what `find_ordinal` says; texts in the order of their windows cost a tenth of it each."""
    in_order = _keys_follow_windows(spec)
    before: int | None = None
    key_before = following = None
    ahead: Iterator[str] = iter(())
    for key in keys:
        if key == following and key != key_before and before is not None:
            ordinal: int | None = before + 1
            following = next(ahead, None)
        else:
            ordinal, following = find_ordinal(spec, key), None
            # two in a row: more of them may follow
            if in_order and ordinal is not None and before is not None and ordinal == before + 1:
                ahead = keys_of(spec, range(ordinal + 1, ordinal + 1 + KEYS_AHEAD))
                following = _next_in_calendar(ahead)
        before, key_before = ordinal, key
        yield ordinal


def ordinal_of(spec: TimeWindowPartitions, key: str, now: float) -> int:
    """The ordinal of an existing window's key; raises UnknownPartitionError."""
    ordinal = find_ordinal(spec, key)
    if ordinal is None:
        raise UnknownPartitionError(
            f"partition: expected a key such as {key_of(spec, 0)!r}, got {key!r}; keys are the starts of windows of "
            f"cron {spec.cron!r} in zone {spec.zone!r}, written as {spec.fmt!r}"
        )
    if not exists(spec, ordinal, now):
        last = last_complete_ordinal(spec, now)
        known = "none exists yet" if last is None else f"{key_of(spec, 0)!r} to {key_of(spec, last)!r} exist"
        why = "it is excluded" if is_excluded(spec, ordinal) else known
        raise UnknownPartitionError(
            f"partition: expected an existing window, got {key!r} ({why}); "
            "choose another key, or wait for the window's end"
        )
    return ordinal


def range_of_keys(spec: TimeWindowPartitions, first: str, last: str, now: float) -> range:
    """The ordinals below the bound from key `first` to key `last`, both included, and excluded ones too.

    Both must be keys of windows; ends that do not exist are cut off. First after last gives an empty range.
    Raises UnknownPartitionError.
    """
    ends = []
    for key in (first, last):
        ordinal = find_ordinal(spec, key)
        if ordinal is None:
            ordinal_of(spec, key, now)  # raises with the reason
            raise AssertionError("unreachable")
        ends.append(ordinal)
    return range(max(ends[0], 0), min(ends[1] + 1, bound(spec, now)))


def keys_in_range(spec: TimeWindowPartitions, first: str, last: str, now: float) -> list[str]:
    """The existing keys from `first` to `last`, both included; see `range_of_keys`."""
    ordinals = range_of_keys(spec, first, last, now)
    if not spec.exclusions:
        return list(keys_of(spec, ordinals))
    return [key_of(spec, ordinal) for ordinal in without_excluded(spec, ordinals)]


def _keys_follow_windows(spec: TimeWindowPartitions) -> bool:
    """Whether windows with the same key, if there are any, follow one another."""
    names = ("%Y", "%m", "%d", "%H") if _numbering(spec).is_hourly else ("%Y", "%m", "%d")
    return all(name in spec.fmt for name in names)


def _next_in_calendar(keys: Iterator[str]) -> str | None:
    try:
        return next(keys, None)
    except CronError:  # too near the end of the calendar to look so far ahead
        return None


def _moved_bound(spec: TimeWindowPartitions, after: int, steps: int) -> int:
    """A bound that lets `steps` more (or fewer) windows in, counting those that are not excluded."""
    if not steps:
        return after
    found = _nth_beyond(spec, after - 1 if steps > 0 else after, steps)
    if found is None:
        return after
    return found + 1 if steps > 0 else found


def _nth_beyond(spec: TimeWindowPartitions, ordinal: int, steps: int) -> int | None:
    """The |steps|-th window after (or before) `ordinal` that is not excluded."""
    if not spec.exclusions:
        return ordinal + steps
    found: int | None = ordinal
    for _ in range(abs(steps)):
        if found is None:
            return None
        found = _free_neighbour(spec, found, 1 if steps > 0 else -1)
    return found


def _free_neighbour(spec: TimeWindowPartitions, ordinal: int, direction: int) -> int | None:
    """The nearest window on one side that is not excluded; windows below zero never are."""
    for _ in range(NEAR_WINDOWS):
        ordinal += direction
        if ordinal < 0 or not is_excluded(spec, ordinal):
            return ordinal
    if direction < 0:
        left = without_excluded(spec, range(ordinal))
        return left.max() if left else -1
    left = without_excluded(spec, range(ordinal + 1, ordinal + FAR_WINDOWS))
    return left.min() if left else None


def _key_at(spec: TimeWindowPartitions, numbering: _Numbering, start: int) -> str:
    moment = datetime.fromtimestamp(start, numbering.info)
    if moment.fold and numbering.is_hourly and "%z" not in spec.fmt:
        return moment.strftime(spec.fmt) + moment.strftime("%z")
    if spec.fmt == DAILY_FORMAT:
        return moment.date().isoformat()
    return moment.strftime(spec.fmt)


def _instants_of_key(spec: TimeWindowPartitions, numbering: _Numbering, key: str) -> Iterator[float]:
    """Where the window of a key may start: at or right after one of these instants."""
    moment = _parsed(key, spec.fmt)
    if moment is not None:
        if moment.tzinfo is not None:
            yield moment.timestamp()
        else:
            yield first_instant(spec.zone, _local_seconds(moment))
    if numbering.is_hourly and "%z" not in spec.fmt:
        moment, offset = _parsed(key[:-SUFFIX_LENGTH], spec.fmt), _parsed(key[-SUFFIX_LENGTH:], "%z")
        if moment is not None and offset is not None:
            yield _local_seconds(moment) - (offset.utcoffset() or timedelta()).total_seconds()


def _parsed(text: str, fmt: str) -> datetime | None:
    try:
        return datetime.strptime(text, fmt)  # noqa: DTZ007 - the zone is the definition's
    except ValueError:
        return None


def _local_seconds(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def _numbering(spec: TimeWindowPartitions) -> _Numbering:
    return _numbering_of(spec.cron, spec.zone, spec.start)


@lru_cache(maxsize=4096)
def _numbering_of(cron: str, zone: str, start: float) -> _Numbering:
    index = tick_index(cron, zone)
    return _Numbering(index, index.count_before(start), zone_info(zone), parse(cron).is_hourly)


@lru_cache(maxsize=256)
def _excluded(
    cron: str, zone: str, start: float, exclusions: tuple[str | float, ...], stop: int
) -> FrozenBitMap:
    """The excluded ordinals below `stop`: one pass over window starts and excluded instants."""
    ticks, base, _, _ = _numbering_of(cron, zone, start)
    starts = list(ticks.instants(base, base + stop))
    instants: set[float] = set()
    for one in exclusions:
        if not isinstance(one, str):
            instants.add(one)
            continue
        rule, rule_ticks = parse(one), tick_index(one, zone)
        if rule_ticks.count_before(starts[-1]) - rule_ticks.count_before(starts[0]) > 4 * stop:
            # a rule much finer than the windows: asking for each window is less work than walking the rule
            instants.update(at for at in starts if is_tick(rule, at, zone))
        else:
            instants.update(iter_ticks(rule, starts[0], starts[-1] + 1, zone))
    excluded = BitMap(ordinal for ordinal, at in enumerate(starts) if at in instants)
    excluded.run_optimize()
    return FrozenBitMap(excluded)


def require_windows(spec: TimeWindowPartitions) -> None:
    """Reject a bad cron, zone, exclusion or format; raises PartitionError, CronError or ZoneError.

    A format is bad if its keys cannot be read back. This is tried on the first windows and on some that are further
    and further away. Several windows may share a key (see ``shared_key``): it then means the first of them.
    """
    for one in spec.exclusions:
        if isinstance(one, str):
            parse(one)
    for ordinal in _sampled_ordinals(spec):
        key = key_of(spec, ordinal)
        found = find_ordinal(spec, key)
        if found is None or key_of(spec, found) != key:
            raise PartitionError(
                f"time window partitions: expected a format that can be read back, got {spec.fmt!r} for windows of "
                f"{spec.cron!r}, which writes the window at {start_of(spec, ordinal)} s as {key!r}; "
                "add the missing parts, such as %Y-%m-%d-%H:%M"
            )


@lru_cache(maxsize=4096)
def shared_key(spec: TimeWindowPartitions) -> str | None:
    """A key that the format gives to several windows, None if none was found among samples."""
    for ordinal in _sampled_ordinals(spec):
        key = key_of(spec, ordinal)
        if find_ordinal(spec, key) != ordinal:
            return key
    return None


def _sampled_ordinals(spec: TimeWindowPartitions) -> list[int]:
    first = start_of(spec, 0)
    later = [ordinal_from(spec, first + days * DAY_S) for days in SAMPLE_DAYS]
    near = range(min(SAMPLE_WINDOWS, later[-1]))
    return sorted({*near, *later, *(ordinal + 1 for ordinal in later)})
