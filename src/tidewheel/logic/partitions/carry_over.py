"""Moves a stored set to a changed definition, so that what is known of partitions outlives a change of code.

Used where the fingerprint of a definition has changed: keys keep their state by their text, wherever their
ordinals went. Keys that the new definition does not know are dropped.
"""

from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.zones import require_zone
from tidewheel.logic.partitions import keys, windows
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView, TimeWindowPartitions
from tidewheel.logic.partitions.errors import UnknownPartitionError
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals


def carried_over(partitions: PartitionSet, spec: PartitionsSpec, view: PartitionView) -> PartitionSet:
    """The set of `spec` with the same keys, whether they exist now or not.

    Costs one bitmap operation if the ordinals are the same or were moved as a whole (time windows with a
    new start), and otherwise one step for each partition in the set.
    """
    old = partitions.spec
    if fingerprint(old) == fingerprint(spec):
        return PartitionSet(spec, partitions.bits)
    if isinstance(old, TimeWindowPartitions) and isinstance(spec, TimeWindowPartitions):
        moved = windows_moved_by(old, spec)
        if moved is not None:
            return PartitionSet(spec, partitions.bits.shift(moved))
    found = (keys.nameable_ordinal(spec, key, view) for key in _known_keys(partitions, view))
    return from_ordinals(spec, [ordinal for ordinal in found if ordinal is not None and ordinal >= 0])


def windows_moved_by(old: TimeWindowPartitions, new: TimeWindowPartitions) -> int | None:
    """What to add to an ordinal of `old` for the same window's in `new`; None if the windows differ."""
    if parse(old.cron) != parse(new.cron) or require_zone(old.zone) != require_zone(new.zone):
        return None
    if old.fmt != new.fmt:
        return None
    return windows.ordinal_from(new, windows.start_of(old, 0))


def _known_keys(partitions: PartitionSet, view: PartitionView) -> list[str]:
    found = []
    for ordinal in partitions:
        if partitions.spec is None:
            break
        try:
            found.append(keys.key_of(partitions.spec, ordinal, view))
        except UnknownPartitionError:  # a dynamic key that was removed since
            continue
    return found
