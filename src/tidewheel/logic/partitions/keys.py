"""Keys and ordinals of every kind of definition, as of one view.

The functions of time windows alone are in `windows.py`; these dispatch on the kind. "Existing" always
means: at the moment of the view.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import assert_never

from pyroaring import FrozenBitMap, FrozenBitMap64

from tidewheel.logic.partitions import windows
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    SinglePartitions,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import UnknownPartitionError
from tidewheel.logic.partitions.rows import pack, rectangle, unpack

SEPARATOR = "|"
SUGGESTION_LIMIT = 1_000  # with more keys than this, looking for a similar one costs more than it helps


def existing_ordinals(spec: PartitionsSpec | None, view: PartitionView) -> FrozenBitMap | FrozenBitMap64:
    """The ordinals of all existing partitions; of an unpartitioned asset {0}."""
    if isinstance(spec, MultiPartitions):
        return rectangle(single_ordinals(spec.first, view), single_ordinals(spec.second, view))
    return UNPARTITIONED if spec is None else single_ordinals(spec, view)


def single_ordinals(spec: SinglePartitions, view: PartitionView) -> FrozenBitMap:
    """The ordinals of all existing partitions of a definition with one dimension."""
    match spec:
        case TimeWindowPartitions():
            return windows.existing_ordinals(spec, view.now)
        case StaticPartitions():
            return FrozenBitMap(range(len(spec.keys)))
        case DynamicPartitions():
            return view.keys_of(spec).bits
        case _:
            assert_never(spec)


def count(spec: PartitionsSpec, view: PartitionView) -> int:
    """How many partitions exist."""
    match spec:
        case TimeWindowPartitions():
            return windows.count(spec, view.now)
        case StaticPartitions():
            return len(spec.keys)
        case DynamicPartitions():
            return len(view.keys_of(spec).keys)
        case MultiPartitions():
            return count(spec.first, view) * count(spec.second, view)
        case _:
            assert_never(spec)


def key_of(spec: PartitionsSpec, ordinal: int, view: PartitionView) -> str:
    """The key of an ordinal, existing or not; raises UnknownPartitionError if no key is known."""
    match spec:
        case TimeWindowPartitions():
            return windows.key_of(spec, ordinal)
        case StaticPartitions():
            if 0 <= ordinal < len(spec.keys):
                return spec.keys[ordinal]
        case DynamicPartitions():
            key = view.keys_of(spec).by_ordinal.get(ordinal)
            if key is not None:
                return key
        case MultiPartitions():
            first, second = unpack(ordinal)
            return key_of(spec.first, first, view) + SEPARATOR + key_of(spec.second, second, view)
        case _:
            assert_never(spec)
    raise UnknownPartitionError(
        f"partition: expected an ordinal of {label_of(spec)}, got {ordinal}; "
        "its key was removed, or the stored set belongs to an older definition"
    )


def find_ordinal(spec: PartitionsSpec, key: str, view: PartitionView) -> int | None:
    """The ordinal of an existing key, or None."""
    ordinal = nameable_ordinal(spec, key, view)
    return ordinal if ordinal is not None and is_existing(spec, ordinal, view) else None


def nameable_ordinal(spec: PartitionsSpec, key: str, view: PartitionView) -> int | None:
    """The ordinal of a text written as the definition writes keys; a window need not have ended yet."""
    match spec:
        case TimeWindowPartitions():
            return windows.find_ordinal(spec, key)
        case StaticPartitions():
            return spec.ordinals.get(key)
        case DynamicPartitions():
            return view.keys_of(spec).by_key.get(key)
        case MultiPartitions():
            return _find_pair(spec, key, view)
        case _:
            assert_never(spec)


def nameable_ordinals(spec: PartitionsSpec, keys: Iterable[str], view: PartitionView) -> Iterator[int | None]:
    """Of each text what `nameable_ordinal` says; cheap for a great many that come in the order of their windows."""
    if isinstance(spec, TimeWindowPartitions):
        return windows.find_ordinals(spec, keys)
    return (nameable_ordinal(spec, key, view) for key in keys)


def is_existing(spec: PartitionsSpec, ordinal: int, view: PartitionView) -> bool:
    """Whether the partition with this ordinal exists."""
    match spec:
        case TimeWindowPartitions():
            return windows.exists(spec, ordinal, view.now)
        case StaticPartitions():
            return 0 <= ordinal < len(spec.keys)
        case DynamicPartitions():
            return ordinal in view.keys_of(spec).by_ordinal
        case MultiPartitions():
            first, second = unpack(ordinal)
            return is_existing(spec.first, first, view) and is_existing(spec.second, second, view)
        case _:
            assert_never(spec)


def has_key(spec: PartitionsSpec, key: str, view: PartitionView) -> bool:
    """Whether a text is exactly the key of an existing partition."""
    return find_ordinal(spec, key, view) is not None


def ordinal_of(spec: PartitionsSpec, key: str, view: PartitionView) -> int:
    """The ordinal of an existing key; raises UnknownPartitionError with what would be right."""
    if isinstance(spec, TimeWindowPartitions):
        return windows.ordinal_of(spec, key, view.now)
    ordinal = find_ordinal(spec, key, view)
    if ordinal is None:
        raise UnknownPartitionError(
            f"partition: expected a key of {label_of(spec)}, got {key!r}; {_advice(spec, key, view)}"
        )
    return ordinal


def all_keys(spec: PartitionsSpec, view: PartitionView) -> Iterator[str]:
    """The keys of all existing partitions, in the order of their ordinals, made as they are taken."""
    match spec:
        case TimeWindowPartitions():
            if not spec.exclusions:
                return windows.keys_of(spec, range(windows.bound(spec, view.now)))
            return (windows.key_of(spec, one) for one in windows.existing_ordinals(spec, view.now))
        case StaticPartitions():
            return iter(spec.keys)
        case DynamicPartitions():
            return iter(view.keys_of(spec).keys)
        case MultiPartitions():
            seconds = list(all_keys(spec.second, view))
            return (first + SEPARATOR + second for first in all_keys(spec.first, view) for second in seconds)
        case _:
            assert_never(spec)


def first_key(spec: PartitionsSpec, view: PartitionView) -> str | None:
    """The key with the lowest ordinal, or None."""
    return next(all_keys(spec, view), None)


def last_key(spec: PartitionsSpec, view: PartitionView) -> str | None:
    """The key with the highest ordinal, or None."""
    ordinal = last_ordinal(spec, view)
    return None if ordinal is None else key_of(spec, ordinal, view)


def last_ordinal(spec: PartitionsSpec, view: PartitionView) -> int | None:
    """The highest existing ordinal, or None."""
    if isinstance(spec, TimeWindowPartitions):
        return windows.last_complete_ordinal(spec, view.now)
    if isinstance(spec, MultiPartitions):
        first, second = last_ordinal(spec.first, view), last_ordinal(spec.second, view)
        return None if first is None or second is None else pack(first, second)
    ordinals = single_ordinals(spec, view)
    return ordinals.max() if ordinals else None


def range_ordinals(
    spec: PartitionsSpec, first: str, last: str, view: PartitionView
) -> FrozenBitMap | FrozenBitMap64:
    """The existing partitions from `first` to `last`, both included; empty if the first comes after the last.

    The range of a multi definition is the product of its dimensions' ranges. Raises UnknownPartitionError
    for texts that are no keys; ends of time windows that do not exist are cut off.
    """
    if not isinstance(spec, MultiPartitions):
        return _single_range(spec, first, last, view)
    lower, upper = key_parts(spec, first, view), key_parts(spec, last, view)
    firsts = _single_range(spec.first, lower[0], upper[0], view)
    seconds = _single_range(spec.second, lower[1], upper[1], view)
    return rectangle(firsts, seconds)


def keys_in_range(spec: PartitionsSpec, first: str, last: str, view: PartitionView) -> list[str]:
    """The existing keys from `first` to `last`, both included; see `range_ordinals`."""
    if isinstance(spec, TimeWindowPartitions):
        return windows.keys_in_range(spec, first, last, view.now)
    return [key_of(spec, ordinal, view) for ordinal in range_ordinals(spec, first, last, view)]


def key_parts(spec: MultiPartitions, key: str, view: PartitionView) -> tuple[str, str]:
    """The keys of the first and the second dimension in a multi key; raises UnknownPartitionError."""
    ordinal = nameable_ordinal(spec, key, view)
    if ordinal is None:
        raise UnknownPartitionError(
            f"partition: expected a key of {label_of(spec)}, got {key!r}; {_advice(spec, key, view)}"
        )
    first, second = unpack(ordinal)
    return key_of(spec.first, first, view), key_of(spec.second, second, view)


def label_of(spec: PartitionsSpec) -> str:
    """A few words that name a definition in a message."""
    match spec:
        case TimeWindowPartitions():
            return f"the windows of cron {spec.cron!r} in zone {spec.zone!r}"
        case StaticPartitions():
            return f"the {len(spec.keys)} static partitions"
        case DynamicPartitions():
            return f"the dynamic partitions {spec.name!r}"
        case MultiPartitions():
            return f"the multi partitions {spec.dimensions[0][0]}{SEPARATOR}{spec.dimensions[1][0]}"
        case _:
            assert_never(spec)


def _single_range(spec: SinglePartitions, first: str, last: str, view: PartitionView) -> FrozenBitMap:
    if isinstance(spec, TimeWindowPartitions):
        return windows.without_excluded(spec, windows.range_of_keys(spec, first, last, view.now))
    start, stop = ordinal_of(spec, first, view), ordinal_of(spec, last, view) + 1
    return single_ordinals(spec, view) & FrozenBitMap(range(start, max(start, stop)))


def _find_pair(spec: MultiPartitions, key: str, view: PartitionView) -> int | None:
    """A multi key's ordinal; dynamic keys may hold the separator, so that each place is tried."""
    at = key.find(SEPARATOR)
    while at >= 0:
        first = nameable_ordinal(spec.first, key[:at], view)
        second = nameable_ordinal(spec.second, key[at + 1 :], view)
        if first is not None and second is not None and first >= 0 and second >= 0:
            return pack(first, second)
        at = key.find(SEPARATOR, at + 1)
    return None


def _advice(spec: PartitionsSpec, key: str, view: PartitionView) -> str:
    if isinstance(spec, MultiPartitions):
        (first, _), (second, _) = spec.dimensions
        return f"write the keys of {first!r} and {second!r}, joined by {SEPARATOR!r} in this order"
    number = count(spec, view)
    if number == 0:
        return "there are no keys yet"
    known = list(all_keys(spec, view)) if number <= SUGGESTION_LIMIT else []
    near = [one for one in known if one.casefold() == key.strip().casefold()]
    near = near or get_close_matches(key, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"add it first, or choose one of {number}, such as {first_key(spec, view)!r}"


UNPARTITIONED = FrozenBitMap([0])
