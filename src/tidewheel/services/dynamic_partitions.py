"""Keeps the dynamic partitions at hand; they are read again only after somebody changed them."""

from __future__ import annotations

from tidewheel.storage.ports import LedgerPort


class DynamicPartitionCache:
    """By name, the (key, ordinal) pairs. Used from the database threads."""

    def __init__(self, ledger: LedgerPort) -> None:
        self._ledger = ledger
        self._known: dict[str, list[tuple[str, int]]] | None = None

    def load(self) -> dict[str, list[tuple[str, int]]]:
        """What is known, from the ledger if it changed."""
        if self._known is None:
            self._known = self._ledger.get_all_dynamic_partitions()
        return self._known

    def forget(self) -> None:
        """Somebody changed them."""
        self._known = None
