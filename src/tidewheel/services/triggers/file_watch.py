"""Watches the files of file sensors: what has changed since the stored listing goes into the inbox.

Local files are listed here when the operating system says that something has changed (and from time to time, since it may
forget to). Everything else is listed by the code location, which has the libraries and the credentials for it; the server
only compares. Of a sensor that does not run nothing is listed; what happened meanwhile shows when it runs again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import watchfiles

from tidewheel.errors import TidewheelError, UserCodeUnreachableError
from tidewheel.logic.files.changes import Unsettled, compare
from tidewheel.logic.graph.specs import FileSource, SensorNode
from tidewheel.logic.planning.requests import build_tick_commit
from tidewheel.logic.planning.sensor_tick import failure_interval_s
from tidewheel.runtime.local_files import folders_to_watch, list_local
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.signals import Signals, Topic, wait_until
from tidewheel.services.triggers.tick_writer import TickWriter
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running
from tidewheel.values.error_info import error_info
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.inbox import FileStat, ListingCommit
from tidewheel.values.status import TriggerKind

logger = logging.getLogger("tidewheel.files")

LISTING_TIMEOUT_S = 300.0
UNREACHABLE_PAUSE_S = 1.0
GATHER_MS = 50
"""Notifications of the operating system within this time are one."""


class ListingFailedError(TidewheelError):
    """The files of a sensor could not be listed."""


class FileWatching:
    """The duty: one task for each file sensor that runs."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        book: TriggerBook,
        writer: TickWriter,
        signals: Signals,
        *,
        clock: Callable[[], float],
        home: Path,
    ) -> None:
        self._database = database
        self._locations = locations
        self._book = book
        self._writer = writer
        self._signals = signals
        self._clock = clock
        self._home = str(home.resolve())
        self._wake = signals.listen(Topic.CATALOG, Topic.TRIGGERS)
        self._watched: dict[str, tuple[SensorNode, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                self._sync()
                await wait_until(self._wake, None, self._clock())
        finally:
            for _, task in self._watched.values():
                task.cancel()

    def _sync(self) -> None:
        """Begin, end or begin anew, by what is defined and runs now."""
        wanted = {}
        for trigger_id, location, sensor in self._locations.catalog.sensors():
            record = self._book.get(trigger_id)
            if sensor.files is not None and record is not None and is_running(record, sensor.default_running):
                wanted[trigger_id] = (location, sensor)
        for trigger_id, (sensor, task) in list(self._watched.items()):
            if trigger_id not in wanted or wanted[trigger_id][1] != sensor:
                task.cancel()
                del self._watched[trigger_id]
        for trigger_id, (location, sensor) in wanted.items():
            if trigger_id not in self._watched:
                assert sensor.files is not None
                task = asyncio.create_task(self._watch(trigger_id, location, sensor.name, sensor.files))
                self._watched[trigger_id] = (sensor, task)

    async def _watch(self, trigger_id: str, location: str, name: str, source: FileSource) -> None:
        """Look, wait until there may be something new, look again; until cancelled."""
        unsettled: dict[str, Unsettled] = {}
        failures = 0
        async with _Notifier(source, self._home) as notifier:
            while True:
                pause_s = source.poll_s
                try:
                    unsettled, wake_at = await self._look(trigger_id, location, name, source, unsettled)
                    failures = 0
                    if wake_at is not None:
                        pause_s = min(pause_s, max(0.01, wake_at - self._clock()))
                except UserCodeUnreachableError:
                    pause_s = UNREACHABLE_PAUSE_S
                except Exception as exc:  # noqa: BLE001 - whatever a listing raises: it is tried again
                    failures += 1
                    logger.warning(
                        "sensor %s: its files could not be listed: %s",
                        trigger_id,
                        exc,
                        extra={"trigger_id": trigger_id},
                    )
                    await self._tell(trigger_id, name, exc)
                    pause_s = failure_interval_s(source.poll_s, failures)
                await notifier.wait(pause_s)

    async def _look(
        self,
        trigger_id: str,
        location: str,
        name: str,
        source: FileSource,
        unsettled: dict[str, Unsettled],
    ) -> tuple[dict[str, Unsettled], float | None]:
        listed = await self._list(location, name, source)
        stored = await self._database.read(self._database.ledger.inbox.get_listing, trigger_id)
        now = self._clock()
        found = compare(
            source,
            {stat.path: stat for stat in stored or ()},
            listed,
            unsettled,
            now=now,
            is_first=stored is None,
        )
        if found.changes or found.present or found.gone or stored is None:
            commit = ListingCommit(
                trigger_id=trigger_id,
                now=now,
                changes=found.changes,
                present=found.present,
                gone=found.gone,
            )
            await self._database.write(self._database.ledger.inbox.commit_listing, commit)
            if found.changes:
                self._signals.raise_topic(Topic.INBOX)
        return found.unsettled, found.wake_at

    async def _list(self, location: str, name: str, source: FileSource) -> Sequence[FileStat]:
        if source.is_local:
            return await asyncio.to_thread(list_local, source.patterns)
        request = EvaluationRequest(kind=TriggerKind.SENSOR, name=name, now=self._clock(), wants_listing=True)
        result = await self._locations.evaluate(location, request, LISTING_TIMEOUT_S)
        if result.listing is None:
            raise ListingFailedError(result.error.headline if result.error is not None else "no listing")
        return result.listing

    async def _tell(self, trigger_id: str, name: str, exc: Exception) -> None:
        """Record the failure as a tick of the sensor, where people look for it."""
        record = self._book.get(trigger_id)
        if record is None:
            return
        now = self._clock()
        result = EvaluationResult(error=error_info(exc))
        commit = build_tick_commit(
            record, result, tick_identity=f"v{record.version}", started_at=now, ended_at=now
        )
        # it was not evaluated: what is in the inbox already must not wait for the listing to work again
        await self._writer.write(msgspec.structs.replace(commit, is_unasked=True), name)


class _Notifier:
    """Says when the operating system has seen a change below a source's folders; without any there is only the time."""

    def __init__(self, source: FileSource, home: str) -> None:
        self._source = source
        self._home = home
        self._changed = asyncio.Event()
        self._folders: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> _Notifier:
        self._follow()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def wait(self, seconds: float) -> None:
        """Wait for a change, or for the time to pass."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        self._changed.clear()
        if self._source.is_local and folders_to_watch(self._source.patterns) != self._folders:
            await self._end()
            self._follow()
            self._changed.set()  # what was made between the two would not be seen

    def _follow(self) -> None:
        if self._source.is_local:
            self._folders = folders_to_watch(self._source.patterns)
            if self._folders:
                self._task = asyncio.create_task(self._listen(self._folders))

    async def _listen(self, folders: tuple[str, ...]) -> None:
        try:
            async for _ in _changes_in(folders, self._home):
                self._changed.set()
        except OSError as exc:
            logger.warning("the operating system does not watch %s (%s): only polling", folders, exc)

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


def concerns(path: str, folders: Sequence[str], home: str) -> bool:
    """Whether a change may be one of a sensor's files: those of the server's own home change with all that it does.

    Folders inside the home are watched if a sensor names them.
    """
    inside = home + os.sep
    return not path.startswith(inside) or any(
        (folder + os.sep).startswith(inside) and path.startswith(folder) for folder in folders
    )


def _changes_in(folders: tuple[str, ...], home: str) -> AsyncIterator[object]:
    return watchfiles.awatch(
        *folders,
        watch_filter=lambda _, path: concerns(path, folders, home),
        debounce=GATHER_MS,
        step=GATHER_MS,
        ignore_permission_denied=True,
    )
