"""How messages of an external process are read: from a file that both sides reach, from several writers at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from tidewheel.definitions.pipes.message_handler import PipesMessageHandler
from tidewheel.definitions.pipes.wire import (
    PATH_KEY,
    STDIO_KEY,
    WRITERS_KEY,
    PipesLaunchedData,
    parse_message,
)
from tidewheel.errors import ParameterCheckError

POLL_S = 0.05
"""How often a message file is looked at while the process runs."""


class PipesMessageReader(ABC):
    """Reads messages from where the external process writes them."""

    @abstractmethod
    def read_messages(self, handler: PipesMessageHandler) -> AbstractContextManager[Mapping[str, Any]]:
        """A context manager that reads messages in the background and gives them to the handler.

        It gives the parameters by which the other side finds where to write; when it is left, all messages have been
        handled.
        """

    @property
    def expected_writer_count(self) -> int:
        """How many external processes write messages."""
        return 1

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:  # noqa: B027 - may be left as it is
        """Called when the launcher knows more of the started process."""

    def on_opened(self, opened_payload: Mapping[str, Any]) -> None:  # noqa: B027 - may be left as it is
        """Called when the external process has opened its side."""

    def no_messages_debug_text(self) -> str:
        """How messages were to come, for the warning that none came."""
        return f"messages were to be read by {type(self).__name__}"


class PipesFileMessageReader(PipesMessageReader):
    """Follows a file at a given path, which the external process must be able to write.

    ``include_stdio_in_messages``: the process shall send its standard output and error as messages too.
    """

    def __init__(self, path: str, include_stdio_in_messages: bool = False, cleanup_file: bool = True) -> None:
        self._path = path
        self._include_stdio = _flag(include_stdio_in_messages, "include_stdio_in_messages")
        self._cleanup = _flag(cleanup_file, "cleanup_file")

    @contextlib.contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Generator[Mapping[str, Any], None, None]:
        """Follow the file until the ``with`` is left and everything in it has been handled."""
        with open(self._path, "w"):
            pass
        done = threading.Event()
        follower = threading.Thread(
            target=_follow, args=(self._path, handler, done), name="pipes-messages", daemon=True
        )
        follower.start()
        try:
            yield {PATH_KEY: self._path, STDIO_KEY: self._include_stdio}
        finally:
            done.set()
            follower.join()
            if self._cleanup:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(self._path)

    def no_messages_debug_text(self) -> str:
        """How messages were to come."""
        return f"messages were to come through the file {self._path} ({type(self).__name__})"


class PipesTempFileMessageReader(PipesMessageReader):
    """Follows a temporary file."""

    def __init__(self, include_stdio_in_messages: bool = False) -> None:
        self._include_stdio = _flag(include_stdio_in_messages, "include_stdio_in_messages")

    @contextlib.contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Generator[Mapping[str, Any], None, None]:
        """Follow a temporary file; it is removed afterwards."""
        folder = tempfile.mkdtemp(prefix="tidewheel-pipes-")
        try:
            inner = PipesFileMessageReader(os.path.join(folder, "messages"), self._include_stdio)
            with inner.read_messages(handler) as params:
                yield params
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def no_messages_debug_text(self) -> str:
        """How messages were to come."""
        return f"messages were to come through a temporary file ({type(self).__name__})"


class PipesCompositeMessageReader(PipesMessageReader):
    """Several readers, one for each of several external processes of one session."""

    def __init__(self, readers: Sequence[PipesMessageReader]) -> None:
        if not readers:
            raise ParameterCheckError(
                "expected at least one message reader, got none; pass one for each process"
            )
        self._readers = list(readers)

    @property
    def expected_writer_count(self) -> int:
        """The writers of all readers together."""
        return sum(reader.expected_writer_count for reader in self._readers)

    @contextlib.contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Generator[Mapping[str, Any], None, None]:
        """All readers at once; the parameters are those of each."""
        with contextlib.ExitStack() as stack:
            yield {WRITERS_KEY: [stack.enter_context(one.read_messages(handler)) for one in self._readers]}

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Tell every reader."""
        for reader in self._readers:
            reader.on_launched(launched_payload)

    def on_opened(self, opened_payload: Mapping[str, Any]) -> None:
        """Tell every reader."""
        for reader in self._readers:
            reader.on_opened(opened_payload)

    def no_messages_debug_text(self) -> str:
        """How messages were to come."""
        return "; ".join(reader.no_messages_debug_text() for reader in self._readers)


def take_lines(lines: Sequence[str], handler: PipesMessageHandler) -> None:
    """Handle lines of a message file; lines that are no messages are passed on to standard output."""
    for line in lines:
        if not line.strip():
            continue
        try:
            message = parse_message(line)
        except ValueError as exc:
            handler.warn(f"left out a line that is no message: {exc}")
            continue
        if message is not None:
            handler.handle_message(message)
        elif line.lstrip().startswith("{"):
            handler.warn(f"left out a line that is no message: {line.strip()[:200]!r}")
        else:
            sys.stdout.write(line if line.endswith("\n") else f"{line}\n")


def _follow(path: str, handler: PipesMessageHandler, done: threading.Event) -> None:
    """Handle a growing file's lines until ``done`` is set and its end is reached."""
    rest = b""
    try:
        with open(path, "rb") as source:
            while True:
                is_last = done.is_set()  # asked before reading, so that nothing written before is missed
                rest = _take_available(source, rest, handler)
                if is_last:
                    break
                done.wait(POLL_S)
        if rest:
            take_lines([rest.decode(errors="replace")], handler)
    except Exception:  # noqa: BLE001 - the end of a background thread
        handler.report_pipes_framework_exception("the thread that reads messages", sys.exc_info())


def _take_available(source: BinaryIO, rest: bytes, handler: PipesMessageHandler) -> bytes:
    """Handle the whole lines that can be read now; gives the start of the next one."""
    while chunk := source.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        take_lines([line.decode(errors="replace") for line in whole], handler)
    return rest


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ParameterCheckError(f"expected {name} to be True or False, got {value!r}")
    return value
