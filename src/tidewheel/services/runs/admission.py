"""The queue's duty: decide which queued runs start, mark them STARTING, and hand them to their locations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Optional

import msgspec

from tidewheel.logic.planning.admission import (
    AdmissionDecision,
    AdmissionFacts,
    QueueShares,
    TagLimit,
    WaitReason,
    decide_admission,
)
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.runs.launching import Launching
from tidewheel.services.runs.pool_book import PoolBook
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.values.records import RunRecord

logger = logging.getLogger("tidewheel.queue")

QUEUE_WINDOW = 250
"""How many queued runs of each origin are looked at first in one round."""
QUEUE_WINDOW_MAX = 32_000
"""How many at most, when slots are free and all that was looked at waits for something else."""


class QueueLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The instance's limits; ``-1`` runs at once means no limit.

    ``default_pool_slots``: the limit of pools that none was set for. ``pool_granularity``: whether a full pool holds back
    runs of which no step can begin (``op``), or all that have a step in it (``run``).
    """

    max_concurrent_runs: int = 10
    tag_limits: Sequence[TagLimit] = ()
    shares: QueueShares = QueueShares()
    default_pool_slots: Optional[int] = None
    pool_granularity: Literal["op", "run"] = "op"


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
        self._pools = PoolBook()
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
        window = QUEUE_WINDOW
        while True:
            facts = await self._load(window)
            decision = decide_admission(facts)
            is_cut = len(facts.queued) >= window
            if decision.launch or not decision.free or not is_cut or window >= QUEUE_WINDOW_MAX:
                break
            window *= 8  # what waits for something else must not hide what could start behind it
        self.waits = decision.waits
        launched = await self._commit(decision)
        for run in launched:
            self._launching.send(run)
        if launched and is_cut and decision.free:
            self._wake.set()
        return decision.wake_at

    def reason_of(self, run: RunRecord) -> str:
        """Why a queued run waits, in a sentence."""
        found = self.waits.get(run.run_id)
        if found is not None:
            return found.describe()
        return f"many other runs ({run.origin.value}) wait before it"

    async def _load(self, window: int) -> AdmissionFacts:
        def gather() -> AdmissionFacts:
            ledger = self._database.ledger
            queued, in_progress = ledger.queued_by_origin(limit=window), ledger.in_progress_runs()
            before = {run_id for run in queued for run_id in run.after}
            needs = {run.run_id: found for run in (*in_progress, *queued) if (found := self._pools.of(run))}
            used = {pool for one in needs.values() for pool in one.any}
            slots = ledger.pools.get_slots() if used else {}
            default = self._limits.default_pool_slots
            if default is not None:
                slots = dict.fromkeys(used, default) | slots
            return AdmissionFacts(
                queued=queued,
                in_progress=in_progress,
                max_concurrent_runs=self._limits.max_concurrent_runs,
                tag_limits=self._limits.tag_limits,
                now=self._clock(),
                locations=self._locations.names_serving(),
                shares=self._limits.shares,
                unfinished=frozenset(ledger.get_unfinished(sorted(before))) if before else frozenset(),
                pool_slots=slots,
                pool_held=ledger.pools.get_held() if used else {},
                pool_needs=needs,
                pool_granularity=self._limits.pool_granularity,
            )

        self._pools.use_catalog(self._locations.catalog)
        return await self._database.read(gather)

    async def _commit(self, decision: AdmissionDecision) -> list[RunRecord]:
        if not decision.launch:
            return []

        def commit() -> list[RunRecord]:
            now = self._clock()
            runs = [self._database.ledger.launch_run(run_id, now=now) for run_id in decision.launch]
            return [run for run in runs if run is not None]

        return await self._database.write(commit)
