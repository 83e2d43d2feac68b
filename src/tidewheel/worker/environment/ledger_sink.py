"""The sink of runs in this process: gathers events and writes them to a ledger in few transactions, if there is one."""

from __future__ import annotations

import time
from collections.abc import Callable

from tidewheel.logic.runs.check_targets import with_targets
from tidewheel.logic.runs.event_size import fitting
from tidewheel.runtime.known_secrets import events_without_secrets
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import Event, EventType
from tidewheel.values.records import EventFilter, IntakeBatch, NewRun, RunRecord
from tidewheel.values.texts import with_storable_texts

LONGEST_WAIT_S = 0.25
MOST_EVENTS = 2_000


class LedgerSink:
    """An ``EventSink``. Events are written when asked (``flush``), when many have gathered, or after a while.

    Without a ledger they are only kept; ``attach`` names one later, and everything so far goes there. ``events`` holds
    them all.
    """

    def __init__(self, ledger: LedgerPort | None, run: NewRun, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._new_run = run
        self._clock = clock
        self.events: list[Event] = []
        self._written = 0
        self._due = 0.0
        self._epoch = 0

    def start(self) -> RunRecord | None:
        """Create the run in the ledger; None without one."""
        if self._ledger is None:
            return None
        record = self._ledger.start_in_process_run(self._new_run, now=self._clock())
        self._epoch = record.epoch
        self._due = time.monotonic() + LONGEST_WAIT_S
        return record

    def attach(self, ledger: LedgerPort) -> None:
        """Use a ledger from now on; the run and what has happened so far are written to it."""
        self._ledger = ledger
        self.start()
        self.flush()

    def emit(self, event: Event) -> None:
        """Take one event."""
        self.events.append(event)
        if self._ledger is not None and (
            len(self.events) - self._written >= MOST_EVENTS or time.monotonic() >= self._due
        ):
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if self._ledger is None or self._written == len(self.events):
            return
        batch = IntakeBatch(
            run_id=self._new_run.run_id,
            epoch=self._epoch,
            seq=len(self.events),
            events=events_without_secrets(tuple(map(fitting, self.events[self._written :]))),
        )
        try:
            self._ledger.commit_intake([batch], now=self._clock())
        except UnicodeEncodeError:
            # a text of user code that cannot be stored as it is; nothing of the batch has been stored
            self._ledger.commit_intake([with_storable_texts(batch)], now=self._clock())
        self._written = len(self.events)
        self._due = time.monotonic() + LONGEST_WAIT_S

    def told(self) -> list[Event]:
        """All events; what checks judged is known once they are stored."""
        if not any(one.type is EventType.ASSET_CHECK_EVALUATION for one in self.events):
            return self.events
        if self._ledger is None:  # then of this run alone
            return with_targets(range(1, len(self.events) + 1), self.events, lambda _asset: None)
        wanted = EventFilter(types=(EventType.ASSET_CHECK_EVALUATION.value,), run_ids=(self._new_run.run_id,))
        stored = iter(self._ledger.get_events(wanted))
        return [
            next(stored).event if one.type is EventType.ASSET_CHECK_EVALUATION else one for one in self.events
        ]

    def hand_over(self) -> None:
        """Nothing is given away before it is due."""

    def pause_for_fork(self) -> None:
        """There is no helper thread."""

    def resume_after_fork(self) -> None:
        """There is no helper thread."""
