"""Answers the ledger's question which number a partition key has, from the catalog and the dynamic partitions."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.runtime.dynamic_keys import DynamicKeysBook
from tidewheel.services.code.catalog import Catalog
from tidewheel.storage.ports.ledger import LedgerPort


class PartitionResolver:
    """A function (asset, key) → (fingerprint, ordinal) or None, for use inside the ledger's transactions.

    It never touches the ledger itself; whoever changes dynamic partitions or the catalog tells it afterwards. A key that
    it does not know yet is set aside by the ledger and counted when the asset's sets are built again.
    """

    def __init__(self, dynamic: DynamicKeysBook) -> None:
        self._catalog = Catalog({})
        self._dynamic = dynamic
        self._lookup = self._catalog.resolver(0.0, {})

    def use_catalog(self, catalog: Catalog) -> None:
        """Other code is loaded now."""
        self._catalog = catalog
        self._lookup = catalog.resolver(0.0, self._dynamic.newest)

    def read_dynamic(self, ledger: LedgerPort) -> None:
        """Dynamic partitions were changed: read what was (in a database thread, outside transactions)."""
        self._lookup = self._catalog.resolver(0.0, self._dynamic.read(ledger))

    def __call__(self, asset: str, partition: str) -> tuple[str, int] | None:
        """The fingerprint of the asset's partitions and the key's ordinal, or None."""
        return self._lookup(asset, partition)

    def keys_between(self, asset: str, first: str, last: str, now: float) -> Sequence[str]:
        """The asset's existing keys from the first to the last; none where it has no such partitions."""
        return self._lookup.keys_between(asset, first, last, now)
