"""The duty that makes runs of requests which triggers' policies held back, when their turn has come."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

from tidewheel.runtime.protocol import CancelRun
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic, wait_any
from tidewheel.services.triggers.pause_book import PauseBook
from tidewheel.values.ids import location_of
from tidewheel.values.policies import TriggerPolicy

logger = logging.getLogger("tidewheel.releases")


class Releases:
    """By trigger, when its waiting requests are to be looked at; infinite: when one of its runs ends."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        pauses: PauseBook,
        workers: WorkerBook,
        signals: Signals,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._locations = locations
        self._pauses = pauses
        self._workers = workers
        self._signals = signals
        self._clock = clock
        self._due: dict[str, float] = {}
        self._noted = asyncio.Event()
        self._changed = signals.listen(Topic.RUNS_ENDED, Topic.CATALOG, Topic.TRIGGERS)
        self.counts: dict[str, int] = {}

    def note(self, trigger_id: str, held_until: float | None) -> None:
        """A commit left requests waiting (or none any more)."""
        if held_until is None:
            self._due.pop(trigger_id, None)
            self.counts.pop(trigger_id, None)
        else:
            self._due[trigger_id] = held_until
            self.counts.setdefault(trigger_id, 1)
            self._noted.set()

    def stop_workers(self, run_ids: tuple[str, ...]) -> None:
        """Tell the workers of runs that were cancelled to make room."""
        for run_id in run_ids:
            peer = self._workers.peer(run_id)
            if peer is not None:
                peer.send(CancelRun(run_id=run_id))
        if run_ids:
            self._signals.raise_topic(Topic.RUNS_ENDED, Topic.RUN_EVENTS, Topic.WORKERS)

    async def run(self) -> None:
        """Serve until cancelled."""
        self.counts = await self._database.read(self._database.ledger.policies.get_held_counts)
        self._due = dict.fromkeys(self.counts, 0.0)
        while True:
            await self.release_due()
            finite = (due for due in self._due.values() if not math.isinf(due))
            await wait_any(self._changed, self._noted, wake_at=min(finite, default=None), now=self._clock())
            self._noted.clear()

    async def release_due(self) -> None:
        """Look at what is due; after an end of a run (or another change) at everything that waits."""
        now = self._clock()
        everything = self._changed.is_set()
        self._changed.clear()
        for trigger_id, due in list(self._due.items()):
            if everything or due <= now:
                await self._release(trigger_id, now)

    async def _release(self, trigger_id: str, now: float) -> None:
        policy, is_paused = self._policy(trigger_id, now)
        if is_paused:
            self._due[trigger_id] = self._pauses.next_end(now) or math.inf
            return
        try:
            outcome = await self._database.write(
                self._database.ledger.policies.release, trigger_id, policy, now=now
            )
        except Exception:
            logger.exception(
                "trigger %s: its waiting requests could not be released",
                trigger_id,
                extra={"trigger_id": trigger_id},
            )
            self._due[trigger_id] = now + 5.0
            return
        self.note(trigger_id, outcome.held_until)
        self.stop_workers(outcome.canceled_run_ids)
        if outcome.run_ids:
            self._signals.raise_topic(Topic.QUEUE, Topic.RUN_EVENTS)

    def _policy(self, trigger_id: str, now: float) -> tuple[TriggerPolicy, bool]:
        """The trigger's policy and whether it is paused.

        A trigger that is gone holds nothing back; one whose code did not load is not gone, and its policy is not known.
        """
        catalog = self._locations.catalog
        found = catalog.trigger(trigger_id)
        if found is None:
            location = location_of(trigger_id)
            return TriggerPolicy(), location in self._locations.names() and location not in catalog.snapshots
        location, node = found
        return node.policy or TriggerPolicy(), self._pauses.holding(node, location, now) is not None
