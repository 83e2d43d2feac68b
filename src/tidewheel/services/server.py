"""Puts the server together: the hub, the locations, the duties; starts them in order and stops them in order."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Optional

import msgspec

from tidewheel.logic.planning.recovery import FailRun, RecoveryPolicy
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.runtime.protocol import (
    Call,
    CancelRun,
    ChildExited,
    ChildStarted,
    EventBatch,
    Hello,
    Message,
    Retire,
)
from tidewheel.services.access.calls import Calls
from tidewheel.services.access.guard import Guard
from tidewheel.services.access.identity import Identity, IdentityOptions
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.automation.automation_control import AutomationControl
from tidewheel.services.automation.rounds import Automation
from tidewheel.services.backfills.backfill_control import BackfillControl
from tidewheel.services.backfills.duty import Backfills
from tidewheel.services.code.code_watch import CodeWatch
from tidewheel.services.code.locations import LocationOptions, LocationPaths, Locations
from tidewheel.services.code.partition_resolver import PartitionResolver
from tidewheel.services.control import ServerControl
from tidewheel.services.hub import Peer
from tidewheel.services.machine import Machine
from tidewheel.services.retention import Retention
from tidewheel.services.runs.admission import Admission, QueueLimits
from tidewheel.services.runs.intake import Intake
from tidewheel.services.runs.launching import Launching
from tidewheel.services.runs.pool_turns import PoolTurns
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.signals import Signals, Topic
from tidewheel.services.triggers.breakers import Breakers
from tidewheel.services.triggers.file_watch import FileWatching
from tidewheel.services.triggers.hooks import Hooks
from tidewheel.services.triggers.inbox import InboxWriter
from tidewheel.services.triggers.pause_book import PauseBook
from tidewheel.services.triggers.policy_control import PolicyControl
from tidewheel.services.triggers.releases import Releases
from tidewheel.services.triggers.schedules import Schedules
from tidewheel.services.triggers.sensor_events import inbox_positions
from tidewheel.services.triggers.sensors import Sensors
from tidewheel.services.triggers.tick_writer import TickWriter
from tidewheel.services.triggers.trigger_book import TriggerBook
from tidewheel.services.watching.measurements import Measurements
from tidewheel.services.watching.monitor import Monitor
from tidewheel.services.watching.readiness import ReadinessProbe
from tidewheel.services.watching.tracing import SpanExporter, Tracing
from tidewheel.services.watching.watchdog import Watchdog, WatchdogOptions
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

logger = logging.getLogger("tidewheel.server")

CATALOG_AGAIN_S = 1.0


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a server is told. Times in seconds."""

    home: Path
    socket: Path
    storage_dir: Path
    targets: dict[str, CodeTarget]
    limits: QueueLimits = QueueLimits()
    recovery: RecoveryPolicy = RecoveryPolicy()
    location: LocationOptions = LocationOptions()
    evaluation_timeout_s: float = 60.0
    chatter_days: Optional[float] = 30.0
    tick_days: Optional[float] = 30.0
    inbox_days: Optional[float] = 30.0
    watch_code: bool = True
    watchdog: WatchdogOptions = WatchdogOptions()
    version: str = ""
    port: Optional[int] = None
    identity: IdentityOptions = IdentityOptions()
    read_only: bool = False


class Server:
    """One server on one ledger. ``start``, then ``stop``; everything runs in the caller's event loop."""

    def __init__(
        self,
        ledger: LedgerPort,
        options: ServerOptions,
        *,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes] = os.urandom,
        machine: Machine | None = None,
        exporter: SpanExporter | None = None,
    ) -> None:
        self.options = options
        self._clock = clock
        machine = machine or Machine()
        self.database = machine.database(ledger)
        self.signals = Signals()
        self.feed = ActivityFeed()
        self._resolver = PartitionResolver(self.database.dynamic_keys)
        ledger.use_resolver(self._resolver)
        ledger.pools.use_default_slots(options.limits.default_pool_slots)
        self.workers = WorkerBook(clock(), machine)
        self.book = TriggerBook(self.database, clock)
        self._hub = machine.hub(on_hello=self._on_hello, on_message=self._on_message, on_close=self._on_close)
        self.locations = Locations(
            options.targets,
            LocationPaths(
                socket=str(options.socket),
                home=str(options.home),
                storage_dir=str(options.storage_dir),
                logs_dir=str(options.home / "logs"),
            ),
            options.location,
            database=self.database,
            signals=self.signals,
            feed=self.feed,
            clock=clock,
            machine=machine,
        )
        self.pauses = PauseBook(self.database, self.signals, clock)
        self.breakers = Breakers(self.database, clock)
        self.releases = Releases(
            self.database, self.locations, self.pauses, self.workers, self.signals, clock=clock
        )
        writer = TickWriter(self.database, self.book, self.signals, self.feed, self._resolver, self.releases)
        self.schedules = Schedules(
            self.locations,
            self.book,
            writer,
            self.signals,
            self.pauses,
            self.breakers,
            clock=clock,
            evaluation_timeout_s=options.evaluation_timeout_s,
        )
        self.sensors = Sensors(
            self.locations,
            self.book,
            writer,
            self.database,
            self.signals,
            self.pauses,
            self.breakers,
            self.releases,
            clock=clock,
            evaluation_timeout_s=options.evaluation_timeout_s,
        )
        self.automation = Automation(
            self.locations,
            self.book,
            writer,
            self.database,
            self.signals,
            self.pauses,
            clock=clock,
            evaluation_timeout_s=options.evaluation_timeout_s,
            thread=machine.helper_thread("tidewheel-automation"),
        )
        self.launching = Launching(self.database, self.locations, self.workers, self.signals, clock=clock)
        self.admission = Admission(
            self.database, self.locations, self.launching, self.signals, options.limits, clock=clock
        )
        self._pool_turns = PoolTurns(self.database, self.workers, self.signals)
        self.monitor = Monitor(
            self.database,
            self.workers,
            self.signals,
            self.feed,
            options.recovery,
            machine=machine,
            catalog=lambda: self.locations.catalog,
            clock=clock,
            entropy=entropy,
            received=lambda: self.intake.caught_up(),
        )
        self.intake = Intake(
            self.database,
            self.signals,
            self.feed,
            clock=clock,
            next_attempt=self.monitor.next_attempt,
        )
        self._file_watching = FileWatching(
            self.database, self.locations, self.book, writer, self.signals, clock=clock, home=options.home
        )
        self.inbox = InboxWriter(self.database, self.signals)
        self.hooks = Hooks(self.inbox, clock=clock)
        self.backfills = Backfills(
            self.database,
            self.locations,
            self.workers,
            self.signals,
            self.feed,
            options.recovery,
            clock=clock,
            evaluation_timeout_s=options.evaluation_timeout_s,
            max_concurrent_runs=options.limits.max_concurrent_runs,
        )
        self.about: dict[str, Any] = {
            "home": options.home,
            "version": options.version,
            "port": options.port,
        }
        self.control = ServerControl(
            database=self.database,
            locations=self.locations,
            book=self.book,
            schedules=self.schedules,
            sensors=self.sensors,
            automation=AutomationControl(
                self.automation,
                self.book,
                self.database,
                clock=clock,
                evaluation_timeout_s=options.evaluation_timeout_s,
            ),
            admission=self.admission,
            workers=self.workers,
            signals=self.signals,
            backfills=BackfillControl(
                self.database,
                self.locations,
                self.workers,
                self.signals,
                clock=clock,
                entropy=entropy,
                evaluation_timeout_s=options.evaluation_timeout_s,
            ),
            clock=clock,
            entropy=entropy,
            evaluation_timeout_s=options.evaluation_timeout_s,
            about=self.about,
            policies=PolicyControl(self.database, self.locations, self.pauses, self.breakers, self.releases),
        )
        self.control.wait_ready = self.wait_ready
        self.identity = Identity(self.database, options.identity, clock=clock, entropy=entropy)
        self.guard = Guard(
            self.database,
            catalog=lambda: self.locations.catalog,
            clock=clock,
            read_only=options.read_only,
        )
        self.readiness = ReadinessProbe(self.database, options.home, clock)
        self._calls = Calls(self.database, self.control, self.book, self._resolver, self.signals, self.guard)
        self._retention = Retention(
            self.database,
            chatter_days=options.chatter_days,
            tick_days=options.tick_days,
            inbox_days=options.inbox_days,
            positions=lambda: inbox_positions(self.locations.catalog, self.book),
            clock=clock,
        )
        self.failed_duties: list[str] = []
        self.watchdog = Watchdog(
            self.database,
            self.locations,
            self.book,
            self.schedules,
            self.feed,
            options.watchdog,
            alerter=machine.alerter(),
            thread=machine.helper_thread("tidewheel-alerts"),
            failed_duties=lambda: self.failed_duties,
            clock=clock,
        )
        self.measurements = Measurements()
        self._tracing = Tracing(self.database, exporter) if exporter is not None else None
        self._observe()
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()

    async def start(self) -> None:
        """Listen, start the locations and all duties. Returns before user code has loaded (``wait_ready``)."""
        await self._hub.listen(self.options.socket)
        self._begin("intake", self.intake.run())
        self._begin("inbox", self.inbox.run())
        self.hooks.restore(self.database.ledger, self.locations.names())
        self._begin("catalog", self._follow_catalog())
        await self.locations.start()
        self._begin("launching", self.launching.run())
        self._begin("queue", self.admission.run())
        self._begin("pools", self._pool_turns.run())
        self._begin("monitor", self.monitor.run())
        self._begin("retention", self._retention.run())
        self._begin("watchdog", self._watch())
        self._begin("loop lag", self.measurements.probe_loop())
        if self._tracing is not None:
            self._begin("tracing", self._tracing.run())
        if self.options.watch_code:
            self._begin("reload", CodeWatch(self.locations, self.signals).run())

    async def wait_ready(self) -> None:
        """Wait until user code has loaded (or failed) and triggers are served."""
        await self.locations.wait_settled()
        await self._ready.wait()

    async def stop(self, *, grace_s: float = 1.5, end_runs: bool = True) -> None:
        """Stop deciding, end runs (they are tried again at the next start, if policy says so), end all processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.intake.finish()
        ended = await self._end_runs() if end_runs else []
        await self.locations.stop(grace_s)
        for run in ended:
            # a worker of an earlier location process is nobody's child any more: it is ended by its number
            self.monitor.kill_worker(run)
        await self._hub.close()
        self.database.close()

    async def _end_runs(self) -> list[RunRecord]:
        ended = []
        for run in await self.database.read(self.database.ledger.in_progress_runs):
            if not run.location:
                continue  # executes in a process that is not ours
            canceling = run.status is RunStatus.CANCELING
            decision = FailRun(
                status=RunStatus.CANCELED if canceling else RunStatus.FAILURE,
                reason="SERVER_STOPPED",
                message="The server was stopped while the run was in progress.",
            )
            peer = self.workers.peer(run.run_id)
            await self.monitor.end_run(run, decision)
            ended.append(run)
            if peer is not None:
                peer.send(CancelRun(run_id=run.run_id))
        return ended

    async def _follow_catalog(self) -> None:
        """Triggers are served only when their stored state is in step with what is defined."""
        changed = self.signals.listen(Topic.CATALOG)
        await self.locations.wait_settled()
        changed.clear()
        await self._take_catalog()
        self.hooks.complete()
        await self.pauses.sync()
        self._begin("releases", self.releases.run())
        self._begin("schedules", self.schedules.run())
        self._begin("sensors", self.sensors.run())
        self._begin("files", self._file_watching.run())
        self._begin("backfills", self.backfills.run())
        self._begin("automation", self.automation.run())
        self._ready.set()
        while True:
            await changed.wait()
            changed.clear()
            await self._take_catalog()
            self.signals.raise_topic(Topic.TRIGGERS)

    async def _take_catalog(self) -> None:
        while True:
            catalog = self.locations.catalog
            try:
                await self.database.read(self._resolver.read_dynamic, self.database.ledger)
                self._resolver.use_catalog(catalog)
                await self.book.sync(catalog)
                self.hooks.follow(catalog)
                return
            except Exception:
                logger.exception("the catalog could not be taken over; trying again")
                await asyncio.sleep(CATALOG_AGAIN_S)

    def _begin(self, name: str, duty: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(duty, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failed_duties.append(task.get_name())
            logger.error("the duty %r ended with an error", task.get_name(), exc_info=task.exception())

    def _observe(self) -> None:
        """Let the duties tell what they do."""
        measurements, tracing = self.measurements, self._tracing
        self.database.observe = measurements.database
        self.book.observers.append(lambda commit, outcome: measurements.tick(commit, len(outcome.run_ids)))
        self.intake.observers.append(measurements.taken)
        self.monitor.observers.append(lambda _, status: measurements.run_ended(status))
        if tracing is not None:
            self.intake.observers.append(lambda _, events: tracing.note(events))
            self.monitor.observers.append(lambda run_id, _: tracing.note_end(run_id))

    async def _watch(self) -> None:
        """The watchdog looks only once everything has had the time to begin."""
        await self._ready.wait()
        await self.watchdog.run()

    async def measure(self) -> bytes:
        """All measurements as of now, in Prometheus' text format."""
        unfinished = await self.database.read(self.database.ledger.get_unfinished_summary)
        self.measurements.look(
            await self.control.health(),
            unfinished,
            self.book.failures(),
            max_runs=self.options.limits.max_concurrent_runs,
            overdue_s=self.watchdog.overdue_s(),
            failed_duties=len(self.failed_duties),
        )
        return self.measurements.text()

    # -- peers ----------------------------------------------------------------------------------------------------

    def _on_hello(self, peer: Peer, hello: Hello) -> None:
        if hello.role == "location":
            self.locations.location_hello(peer)
        elif hello.role == "evaluator":
            self.locations.evaluator_hello(peer)
        elif hello.role == "worker" and hello.run_id is not None:
            wanted = self.workers.connected(hello.run_id, hello.epoch, hello.pid, peer, self._clock())
            if not wanted:
                peer.send(Retire())
            self.signals.raise_topic(Topic.WORKERS)
        elif hello.role == "watcher":
            self.feed.add_watcher(peer)

    def _on_message(self, peer: Peer, message: Message) -> None:
        match message:
            case EventBatch(batch=batch):
                self.intake.add(peer, batch)
            case Call():
                self._calls.take(peer, message)
            case ChildStarted(pid=pid, run_id=run_id, epoch=epoch):
                self.workers.started(run_id, epoch, pid)
                self._note_worker(run_id, epoch, pid)
            case ChildExited(run_id=run_id, epoch=epoch, code=code) if run_id is not None:
                self.workers.exited(run_id, epoch, self._clock(), code)
                self.signals.raise_topic(Topic.WORKERS)
            case _:
                self.locations.take(peer, message)

    def _on_close(self, peer: Peer) -> None:
        hello = peer.hello
        if hello is None:
            return
        if hello.role in ("location", "evaluator"):
            self.locations.peer_closed(peer)
        elif hello.role == "worker" and hello.run_id is not None:
            self.workers.disconnected(hello.run_id, peer, self._clock())
            self.signals.raise_topic(Topic.WORKERS)
        elif hello.role == "watcher":
            self.feed.remove_watcher(peer)

    def _note_worker(self, run_id: str, epoch: int, pid: int) -> None:
        task = asyncio.create_task(
            self.database.write(self.database.ledger.note_worker, run_id, epoch, pid=pid, now=self._clock())
        )
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
