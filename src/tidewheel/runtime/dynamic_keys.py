"""Reads the keys of dynamic partitions anew where they have changed since they were read."""

from __future__ import annotations

from collections.abc import Mapping

from tidewheel.logic.partitions.definitions import NO_KEYS, DynamicKeys
from tidewheel.storage.ports.ledger import LedgerPort


def read_dynamic_keys(ledger: LedgerPort, known: Mapping[str, DynamicKeys]) -> Mapping[str, DynamicKeys]:
    """The keys of all sets as they are now, given those `known`; the very same mapping where nothing has changed.

    Of a set that keys were only added to, nothing but these is read.
    """
    changes = ledger.get_dynamic_changes({name: keys.next_ordinal for name, keys in known.items()})
    if not changes:
        return known
    after = dict(known)
    for change in changes:
        start = NO_KEYS if change.is_whole else known.get(change.name, NO_KEYS)
        after[change.name] = start.extended(change.pairs, change.next_ordinal)
    return after


class DynamicKeysBook:
    """The keys of all sets as they were last read, for whoever needs them next. Threads may share it."""

    def __init__(self) -> None:
        self.newest: Mapping[str, DynamicKeys] = {}

    def read(self, ledger: LedgerPort) -> Mapping[str, DynamicKeys]:
        """The keys of all sets as they are now, and remembered."""
        self.newest = found = read_dynamic_keys(ledger, self.newest)
        return found
