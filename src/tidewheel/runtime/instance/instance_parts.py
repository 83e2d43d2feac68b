"""What every group of the instance's methods stands on: the ledger, the clock, the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tidewheel.runtime.clock import Clock
from tidewheel.runtime.settings import Settings
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import StoredEvent
from tidewheel.values.records import EventFilter

PAGE = 1_000
"""How many rows are read at once where a question needs many."""


class InstanceParts:
    """The parts that the groups of methods share; ``Instance`` sets them."""

    _ledger: LedgerPort
    _clock: Clock
    _settings: Settings | None
    _home: Path | None

    def _events(self, filters: EventFilter) -> Iterator[StoredEvent]:
        """All lasting events of a filter, oldest first, read in pages."""
        after = filters.after_id
        while True:
            page = self._ledger.get_events(
                msgspec.structs.replace(filters, after_id=after), limit=PAGE, ascending=True
            )
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].id

    def _run_log(self, run_id: str) -> Iterator[StoredEvent]:
        """Everything that a run reported, in order, read in pages."""
        after = 0
        while True:
            page = self._ledger.get_run_log(run_id, after=after, limit=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].id
