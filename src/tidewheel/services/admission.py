"""The queue's duty: decide which queued runs start, mark them STARTING, and hand them to their locations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tidewheel.logic.planning.admission import (
    AdmissionDecision,
    AdmissionFacts,
    TagLimit,
    WaitReason,
    decide_admission,
)
from tidewheel.services.database import Database
from tidewheel.services.launching import Launching
from tidewheel.services.locations import Locations
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.values.records import RunRecord

logger = logging.getLogger("tidewheel.queue")

QUEUE_WINDOW = 1_000
"""How many queued runs are looked at in one round; those behind have to wait in any case."""


class QueueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The instance's limits; ``-1`` runs at once means no limit."""

    max_concurrent_runs: int = 10
    tag_limits: Sequence[TagLimit] = ()


class Admission:
    """Looks at the queue whenever something was queued, has ended or was loaded."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        launching: Launching,
        signals: Signals,
        limits: QueueLimits,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._locations = locations
        self._launching = launching
        self._limits = limits
        self._clock = clock
        self._wake = signals.listen(Topic.QUEUE, Topic.RUNS_ENDED, Topic.CATALOG)
        self.waits: Mapping[str, WaitReason] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            try:
                wake_at = await self.tick()
            except Exception:
                logger.exception("the queue could not be served; trying again")
                wake_at = self._clock() + 1.0
            await wait_until(self._wake, wake_at, self._clock())

    async def tick(self) -> float | None:
        """One round; when a delayed run may start."""
        facts = await self._load()
        decision = decide_admission(facts)
        self.waits = decision.waits
        launched = await self._commit(decision)
        for run in launched:
            self._launching.send(run)
        return decision.wake_at

    async def _load(self) -> AdmissionFacts:
        def gather() -> tuple[list[RunRecord], list[RunRecord]]:
            ledger = self._database.ledger
            return ledger.queued_runs(limit=QUEUE_WINDOW), ledger.in_progress_runs()

        queued, in_progress = await self._database.read(gather)
        return AdmissionFacts(
            queued=queued,
            in_progress=in_progress,
            max_concurrent_runs=self._limits.max_concurrent_runs,
            tag_limits=self._limits.tag_limits,
            now=self._clock(),
            locations=self._locations.names_serving(),
        )

    async def _commit(self, decision: AdmissionDecision) -> list[RunRecord]:
        if not decision.launch:
            return []

        def commit() -> list[RunRecord]:
            now = self._clock()
            runs = [self._database.ledger.launch_run(run_id, now=now) for run_id in decision.launch]
            return [run for run in runs if run is not None]

        return await self._database.write(commit)
