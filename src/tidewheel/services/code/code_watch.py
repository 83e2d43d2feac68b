"""Reloads a code location when one of its source files changes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from watchfiles import Change, awatch

from tidewheel.services.code.locations import Locations
from tidewheel.services.signals import Signals, Topic

logger = logging.getLogger("tidewheel.reload")

DEBOUNCE_MS = 150
SETTLE_S = 0.3


class CodeWatch:
    """Watches the folders of all source files that user code was loaded from."""

    def __init__(self, locations: Locations, signals: Signals) -> None:
        self._locations = locations
        self._changed = signals.listen(Topic.CATALOG)

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            folders = self._folders()
            if not folders:
                await asyncio.sleep(0.2)
                continue
            stop = asyncio.Event()
            watcher = asyncio.create_task(self._watch(folders, stop))
            try:
                # a file saved after its load began and before the watch stood would go unseen
                await asyncio.sleep(SETTLE_S)
                for name in self._locations.changed_since_load():
                    await self._locations.reload(name)
                while self._folders() == folders:
                    await self._changed.wait()
                    self._changed.clear()
            finally:
                stop.set()
                await asyncio.gather(watcher, return_exceptions=True)

    async def _watch(self, folders: frozenset[str], stop: asyncio.Event) -> None:
        async for changes in awatch(
            *folders,
            watch_filter=self._may_be_source,
            stop_event=stop,
            debounce=DEBOUNCE_MS,
            recursive=False,
            raise_interrupt=False,
        ):
            touched = {str(Path(path).resolve()) for _, path in changes}
            for name, files in self._locations.watched_files().items():
                if touched & {str(Path(file).resolve()) for file in files}:
                    logger.info("source of %s changed; loading it again", name)
                    await self._locations.reload(name)

    def _may_be_source(self, _: Change, path: str) -> bool:
        """Whether a source file has this name. Others, such as a log or a home beside the sources, change all the time."""
        name = Path(path).name
        return any(
            Path(file).name == name for files in self._locations.watched_files().values() for file in files
        )

    def _folders(self) -> frozenset[str]:
        files = [file for files in self._locations.watched_files().values() for file in files]
        return frozenset(str(Path(file).parent) for file in files if Path(file).parent.is_dir())
