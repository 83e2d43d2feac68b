"""Reading messages and logs that an external process leaves as numbered chunks in a store of blobs."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tidewheel.definitions.pipes.message_handler import PipesMessageHandler
from tidewheel.definitions.pipes.message_readers import PipesMessageReader, take_lines
from tidewheel.definitions.pipes.wire import PipesLaunchedData

FIRST_CHUNK = 1
PATIENCE_S = 30.0
"""How long to wait, once the session is over, for the last messages of a process that has not closed its side."""


class PipesLogReader(ABC):
    """Reads the logs of an external process from somewhere and passes them on, usually to standard output."""

    @abstractmethod
    def start(self, params: Mapping[str, Any], is_session_closed: threading.Event) -> None:
        """Begin to read in the background. ``is_session_closed`` is set when there will be no more."""

    @abstractmethod
    def stop(self) -> None:
        """Read what is left and end."""

    @abstractmethod
    def is_running(self) -> bool:
        """Whether it reads."""

    @abstractmethod
    def target_is_readable(self, params: Mapping[str, Any]) -> bool:
        """Whether there is something to read yet; ``params`` are those of the message reader and of the process."""

    @property
    def name(self) -> str:
        """For messages."""
        return type(self).__name__

    @property
    def debug_info(self) -> str | None:
        """Where it reads from, for messages."""
        return None

    def with_debug_info(self, message: str) -> str:
        """A message with what is known of where it reads from."""
        return f"{message}\n{self.debug_info}" if self.debug_info else message


class PipesBlobStoreMessageReader(PipesMessageReader):
    """Fetches messages chunk by chunk: implement ``get_params`` and ``download_messages_chunk``.

    ``interval``: seconds between two looks.
    """

    def __init__(self, interval: float = 10, log_readers: Sequence[PipesLogReader] | None = None) -> None:
        self.interval = interval
        self.log_readers: list[PipesLogReader] = list(log_readers or [])
        self._payload: dict[str, Any] = {}
        self._wake = threading.Event()

    @abstractmethod
    def get_params(self) -> AbstractContextManager[Mapping[str, Any]]:
        """A context manager with the parameters by which the other side finds where to write."""

    @abstractmethod
    def download_messages_chunk(self, index: int, params: Mapping[str, Any]) -> str | None:
        """The lines of one chunk, counted from 1; None when it is not there yet."""

    def messages_are_readable(self, params: Mapping[str, Any]) -> bool:
        """Whether looking makes sense yet."""
        return True

    def download_messages(self, cursor: int | None, params: Mapping[str, Any]) -> tuple[int, str] | None:
        """The next lines after a cursor, with the new cursor; None when there are none yet."""
        index = FIRST_CHUNK if cursor is None else cursor
        chunk = self.download_messages_chunk(index, params)
        return None if chunk is None else (index + 1, chunk)

    def add_log_reader(self, log_reader: PipesLogReader) -> None:
        """Read these logs too."""
        self.log_readers.append(log_reader)

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Remember what the launcher told; log readers find it among their parameters."""
        self._payload.update(launched_payload)

    def on_opened(self, opened_payload: Mapping[str, Any]) -> None:
        """Remember what the process told; log readers find it among their parameters."""
        self._payload.update(opened_payload)

    @contextlib.contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Generator[Mapping[str, Any], None, None]:
        """Look for chunks until the ``with`` is left and none is missing."""
        with self.get_params() as params:
            self._payload = {}
            self._wake = threading.Event()
            closed = threading.Event()
            fetcher = threading.Thread(
                target=self._fetch, args=(handler, params, closed), name="pipes-messages", daemon=True
            )
            fetcher.start()
            try:
                yield params
            finally:
                closed.set()
                self._wake.set()
                fetcher.join()
                self._stop_log_readers(handler)

    def _fetch(
        self, handler: PipesMessageHandler, params: Mapping[str, Any], closed: threading.Event
    ) -> None:
        cursor: int | None = None
        waited_s = 0.0
        try:
            while True:
                is_last = closed.is_set()
                self._start_log_readers(handler, params, closed)
                cursor, is_found = self._fetch_available(handler, params, cursor)
                if is_last and (handler.received_closed_message or waited_s >= PATIENCE_S):
                    break
                if is_last and not is_found and not handler.received_opened_message:
                    break  # the process has never used the protocol
                if is_last:
                    pause_s = min(self.interval, PATIENCE_S)
                    time.sleep(pause_s)
                    waited_s += max(pause_s, 0.001)
                else:
                    self._wake.wait(self.interval)
        except Exception:  # noqa: BLE001 - the end of a background thread
            handler.report_pipes_framework_exception("the thread that fetches messages", sys.exc_info())

    def _fetch_available(
        self, handler: PipesMessageHandler, params: Mapping[str, Any], cursor: int | None
    ) -> tuple[int | None, bool]:
        is_found = False
        while self.messages_are_readable(params):
            found = self.download_messages(cursor, params)
            if found is None:
                break
            cursor, text = found
            is_found = True
            take_lines(text.splitlines(keepends=True), handler)
        return cursor, is_found

    def _start_log_readers(
        self, handler: PipesMessageHandler, params: Mapping[str, Any], closed: threading.Event
    ) -> None:
        for reader in self.log_readers:
            known = {**self._payload, **params}
            if not reader.is_running() and not closed.is_set() and reader.target_is_readable(known):
                reader.start(known, closed)

    def _stop_log_readers(self, handler: PipesMessageHandler) -> None:
        for reader in self.log_readers:
            if reader.is_running():
                reader.stop()
            else:
                handler.warn(reader.with_debug_info(f"found no logs to read with {reader.name}"))

    def no_messages_debug_text(self) -> str:
        """How messages were to come."""
        return f"messages were to be fetched by {type(self).__name__} every {self.interval:g} s"
