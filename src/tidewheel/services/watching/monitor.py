"""The monitor: sees to it that every run in progress ends, and that one which lost its worker is tried again."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable

from tidewheel.errors import WorkerLostError
from tidewheel.logic.graph.specs import JobNode
from tidewheel.logic.planning.recovery import (
    FailRun,
    LeaveAlone,
    RecoveryFacts,
    RecoveryPolicy,
    decide_recovery,
    decide_run_retry,
)
from tidewheel.logic.planning.retries import build_retry_run
from tidewheel.runtime.protocol import Activity
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.code.endings import ending
from tidewheel.services.database import Database
from tidewheel.services.machine import Machine
from tidewheel.services.runs.worker_book import EXIT_NOTICE_S, WorkerBook
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import EventType
from tidewheel.values.ids import uuid_at
from tidewheel.values.records import EventFilter, NewRun, RunRecord
from tidewheel.values.run_titles import run_title
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import AUTO_RETRY_RUN_ID

logger = logging.getLogger("tidewheel.monitor")

ROUND_S = 5.0
FAILURES_POSITION = "monitor.failures_position"


class Monitor:
    """Two questions, asked whenever workers come and go and every few seconds: is a run's worker there; is a failed run
    to be tried again."""

    def __init__(
        self,
        database: Database,
        workers: WorkerBook,
        signals: Signals,
        feed: ActivityFeed,
        policy: RecoveryPolicy,
        *,
        machine: Machine,
        catalog: Callable[[], Catalog],
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        received: Callable[[], Awaitable[None]],
    ) -> None:
        """``received``: waits until what workers have sent by now is in the ledger."""
        self._database = database
        self._workers = workers
        self._signals = signals
        self._feed = feed
        self._policy = policy
        self._machine = machine
        self._catalog = catalog
        self._clock = clock
        self._entropy = entropy
        self._received = received
        self.observers: list[Callable[[str, RunStatus], None]] = []
        """Told of every run that was ended from outside: its id and how it ended."""
        self._wake = signals.listen(Topic.WORKERS, Topic.RUNS_ENDED)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            wake_at: float | None
            try:
                wake_at = await self.tick()
                await self.retry_failed()
            except Exception:
                logger.exception("runs in progress could not be looked after; trying again")
                wake_at = None
            await wait_until(self._wake, wake_at, self._clock(), longest_s=ROUND_S)

    async def tick(self) -> float | None:
        """One round over all runs in progress; when the next deadline is."""
        runs = await self._database.read(self._database.ledger.in_progress_runs)
        deadlines: list[float] = []
        for run in runs:
            if not run.location and not self._has_died(run):
                continue  # executes in a process of its own (a script's): its end is that process's business
            worker, since = self._workers.look(run, self._clock())
            code = self._workers.exit_code(run)
            decision = decide_recovery(
                RecoveryFacts(
                    run=run,
                    worker=worker,
                    now=self._clock(),
                    policy=self._policy,
                    silent_since=since,
                    exit_text=ending(code) if code is not None else None,
                )
            )
            if worker == "unknown" and since + EXIT_NOTICE_S > self._clock():
                deadlines.append(since + EXIT_NOTICE_S)
            if isinstance(decision, FailRun):
                await self.end_run(run, decision)
            elif isinstance(decision, LeaveAlone) and decision.look_again_at is not None:
                deadlines.append(decision.look_again_at)
        return min(deadlines, default=None)

    async def end_run(self, run: RunRecord, decision: FailRun) -> None:
        """Commit the end (with the retry, if one is due) and, if its process may still live, end that.

        What the worker had sent before comes first: steps that it finished stay finished.
        """
        await self._received()
        retry = decide_run_retry(run, status=decision.status, reason=decision.reason, policy=self._policy)
        now = self._clock()
        new_run = None
        if retry is not None:
            job = self._catalog().job(run.location, run.job_name)
            new_run = build_retry_run(
                run, retry, run_id=uuid_at(now, self._entropy(10)), planned=_planned(run, job), now=now
            )
        ended = await self._database.write(
            self._database.ledger.finish_run,
            run.run_id,
            decision.status,
            now=now,
            message=decision.message,
            reason=decision.reason,
            error=ErrorInfo(cls_name=WorkerLostError.__name__, message=decision.message),
            expected_epoch=run.epoch,
            retry=new_run,
        )
        if decision.kill:
            self.kill_worker(run)
        if ended is None:
            return
        self._workers.forget(run.run_id)
        for observer in self.observers:
            observer(run.run_id, decision.status)
        self._signals.raise_topic(Topic.RUNS_ENDED, Topic.RUN_EVENTS, Topic.QUEUE)
        text = decision.message + (" It is tried again." if new_run is not None else "")
        self._feed.publish(
            Activity(
                kind="run",
                timestamp=now,
                name=run_title(run.job_name, run.assets, run.checks),
                status=decision.status.value,
                text=text,
                run_id=run.run_id,
                partition=run.partition,
            )
        )

    async def retry_failed(self) -> None:
        """Runs that failed on their own since the last look are tried again if their policy says so."""
        ledger = self._database.ledger
        stored = await self._database.read(ledger.get_setting, FAILURES_POSITION)
        position = int(stored) if stored is not None else 0
        events = await self._database.read(
            ledger.get_events,
            EventFilter(types=(EventType.RUN_FAILURE.value,), after_id=position),
            limit=200,
        )
        for item in events:
            run = await self._database.read(ledger.get_run, item.event.run_id)
            if run is not None and run.status is RunStatus.FAILURE:
                await self._retry(run)
        if events:
            await self._database.write(ledger.put_setting, FAILURES_POSITION, str(events[-1].id))

    def next_attempt(self, run: RunRecord) -> NewRun | None:
        """The run that tries one again that has failed on its own; None when its policy says that none does."""
        if run.failure_reason in ("WORKER_LOST", "START_TIMEOUT", "SERVER_STOPPED"):
            return None  # decided when it was failed
        retry = decide_run_retry(run, status=run.status, reason=run.failure_reason, policy=self._policy)
        if retry is None:
            return None
        now = self._clock()
        # the id follows from the failed run
        seed = f"{run.run_id}/{retry.retry_number}".encode()
        job = self._catalog().job(run.location, run.job_name)
        return build_retry_run(
            run, retry, run_id=uuid_at(now, _digest(seed)), planned=_planned(run, job), now=now
        )

    async def _retry(self, run: RunRecord) -> None:
        """What a worker reports gets its next attempt at once; this is for runs whose failure was stored otherwise."""
        new_run = None if AUTO_RETRY_RUN_ID in run.tags else self.next_attempt(run)
        if new_run is None:
            return
        await self._database.write(self._database.ledger.retry_run, run.run_id, new_run, now=self._clock())
        self._signals.raise_topic(Topic.QUEUE)

    def _has_died(self, run: RunRecord) -> bool:
        """Whether the process that executes a run by itself is known and has ended."""
        return run.worker_pid is not None and not self._machine.is_alive(run.worker_pid)

    def kill_worker(self, run: RunRecord) -> None:
        """End the process of a run's worker, if it lives."""
        pid = self._workers.pid(run)
        if pid is not None and self._machine.is_worker_alive(pid):
            try:
                self._machine.kill(pid)
            except OSError:
                logger.warning("the worker %s of run %s could not be ended", pid, run.run_id)


def _planned(run: RunRecord, job: JobNode | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The assets and checks that the run is to make: its selection, or all of its job."""
    assets = run.assets if run.assets is not None else (job.assets if job else ())
    checks = run.checks if run.checks is not None else (job.checks if job else ())
    return assets, checks


def _digest(seed: bytes) -> bytes:
    return hashlib.blake2b(seed, digest_size=10).digest()
