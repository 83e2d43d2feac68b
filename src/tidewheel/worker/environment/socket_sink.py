"""Sends a run's events to the server: in batches, in order, once, across restarts of the server.

``emit`` only appends; a helper thread sends what has gathered after a few milliseconds. Batches are kept until the server
has acknowledged them and are sent again over a new connection, where the server skips those it has. When the server
refuses a batch the run was given to somebody else (or has been ended), and this process must stop at once.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tidewheel.errors import ServerUnreachableError
from tidewheel.logic.runs.event_size import fitting
from tidewheel.runtime.connection import Connection, connect
from tidewheel.runtime.known_secrets import events_without_secrets
from tidewheel.runtime.protocol import BatchTaken, CancelRun, EventBatch, Message, PoolOpen, Shutdown
from tidewheel.values.events import Event, EventType
from tidewheel.values.records import IntakeBatch
from tidewheel.values.texts import with_storable_texts

HAND_OVER_S = 1.0
BATCH_WAIT_S = 0.015
BATCH_EVENTS = 1_000
MAX_HELD_EVENTS = 200_000
EXIT_REFUSED = 86


class SocketSink:
    """An ``EventSink`` over the protocol.

    ``on_cancel`` is called (in the helper thread, at most once) when the run shall stop; ``on_refused`` when this worker
    does not own the run any more. ``patience_s``: how long to look for a server that went away.
    """

    def __init__(
        self,
        socket_path: str | Path,
        *,
        location: str,
        run_id: str,
        epoch: int,
        on_cancel: Callable[[], None],
        on_refused: Callable[[], None],
        patience_s: float = 600.0,
    ) -> None:
        self._socket_path = str(socket_path)
        self._location = location
        self._run_id = run_id
        self._epoch = epoch
        self._on_cancel = on_cancel
        self._on_refused = on_refused
        self._patience_s = patience_s
        self.on_pool_open: Callable[[], None] = _nobody_waits
        """Called in the helper thread when a pool that a step waits for may have a free slot."""
        self._io_lock = threading.Lock()
        self._changed = threading.Condition()
        self._unsent: list[Event] = []
        self._unacked: deque[IntakeBatch] = deque()
        self._emitted = 0
        self._acked = 0
        self._oldest_at = 0.0
        self._flush_to = 0
        self._cancelled = False
        self._failed: BaseException | None = None
        self._closing = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._connection: Connection | None = self._connect(patience_s)
        self._thread = threading.Thread(target=self._work, name="tidewheel-events", daemon=True)
        self._thread.start()

    # -- called by the run's code --------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Take one event. The run's start is acknowledged before this returns: nothing may execute unowned."""
        with self._changed:
            while self._emitted - self._acked > MAX_HELD_EVENTS and self._failed is None:
                self._changed.wait(1.0)
            if not self._unsent:
                self._oldest_at = time.monotonic()
                self._wake()
            self._unsent.append(event)
            self._emitted += 1
            if len(self._unsent) >= BATCH_EVENTS:
                self._wake()
        if event.type is EventType.RUN_START:
            self.flush()

    def flush(self) -> None:
        """Wait until the server has stored everything emitted so far.

        Raises:
            ServerUnreachableError: when no server could be found for ``patience_s`` seconds.
        """
        with self._changed:
            target = self._emitted
            self._flush_to = max(self._flush_to, target)
            self._wake()
            while self._acked < target and self._failed is None:
                self._changed.wait(5.0)
            if self._acked < target and self._failed is not None:
                raise self._failed

    def hand_over(self) -> None:
        """Write what has gathered to the socket: the system keeps it for the server even if this process dies now."""
        if self._io_lock.acquire(timeout=HAND_OVER_S):  # the helper holds it for the time of one message
            try:
                self._send_ready(is_urgent=True)
            except OSError:
                pass  # the helper thread finds out as well, and looks for the server
            finally:
                self._io_lock.release()
        else:  # the server takes nothing now; a step is not held up by that: the helper sends when it is through
            with self._changed:
                self._flush_to = max(self._flush_to, self._emitted)
                self._wake()

    def pause_for_fork(self) -> None:
        """Hold the helper thread between two operations, so that no lock is held in the forked child."""
        self._io_lock.acquire()
        self._changed.acquire()

    def resume_after_fork(self) -> None:
        """Let the helper thread go on."""
        self._changed.release()
        self._io_lock.release()

    def close(self) -> None:
        """Send the rest, wait for it to be stored, and end the helper thread."""
        try:
            self.flush()
        finally:
            with self._changed:
                self._closing = True
                self._wake()
            self._thread.join(timeout=5.0)

    # -- the helper thread ----------------------------------------------------------------------------------------

    def _wake(self) -> None:
        try:
            self._wake_writer.send(b"x")
        except BlockingIOError:
            pass  # the buffer is full: the thread is awake anyway

    def _work(self) -> None:
        try:
            while not self._closing:
                try:
                    self._wait()
                    with self._io_lock:
                        self._send_ready()
                except (ConnectionError, OSError):
                    self._reconnect()
        except BaseException as exc:  # noqa: BLE001 - a boundary: the run's thread must hear of it
            with self._changed:
                self._failed = exc
                self._changed.notify_all()
        finally:
            if self._connection is not None:
                self._connection.close()

    def _wait(self) -> None:
        """Sleep until a message comes, somebody wakes us, or gathered events are old enough to be sent."""
        connection = self._require_connection()
        with self._changed:
            pause = None
            if self._unsent:
                pause = max(0.0, self._oldest_at + BATCH_WAIT_S - time.monotonic())
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(pause)}
        with self._io_lock:
            if self._wake_reader in ready:
                try:
                    self._wake_reader.recv(4096)
                except BlockingIOError:
                    pass
            if connection in ready:
                for message in connection.receive_available():
                    self._take(message)

    def _send_ready(self, *, is_urgent: bool = False) -> None:
        with self._changed:
            if not self._unsent:
                return
            due = (
                is_urgent
                or self._flush_to > self._emitted - len(self._unsent)
                or len(self._unsent) >= BATCH_EVENTS
                or time.monotonic() - self._oldest_at >= BATCH_WAIT_S
            )
            if not due:
                return
            batch = IntakeBatch(
                run_id=self._run_id,
                epoch=self._epoch,
                seq=self._emitted,
                events=events_without_secrets(tuple(map(fitting, self._unsent))),
            )
            self._unsent = []
            self._unacked.append(batch)
        try:
            self._require_connection().send(EventBatch(batch=batch))
        except UnicodeEncodeError:
            # a text of user code that cannot be sent as it is; nothing of the batch has been sent
            batch = with_storable_texts(batch)
            self._unacked[-1] = batch
            self._require_connection().send(EventBatch(batch=batch))

    def _take(self, message: Message) -> None:
        if isinstance(message, BatchTaken):
            outcome = message.outcome
            if outcome.refused:
                self._on_refused()
                raise ServerUnreachableError(
                    f"run {self._run_id} is not this worker's any more (epoch {self._epoch}); it stops"
                )
            with self._changed:
                while self._unacked and self._unacked[0].seq <= outcome.accepted_seq:
                    self._acked = self._unacked.popleft().seq
                self._changed.notify_all()
            if outcome.cancel_requested:
                self._cancel_once()
        elif isinstance(message, PoolOpen):
            self.on_pool_open()
        elif isinstance(message, CancelRun | Shutdown):
            self._cancel_once()

    def _cancel_once(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._on_cancel()

    def _connect(self, patience_s: float) -> Connection:
        return connect(
            self._socket_path,
            "worker",
            location=self._location,
            run_id=self._run_id,
            epoch=self._epoch,
            patience_s=patience_s,
        )

    def _reconnect(self) -> None:
        """A new connection, and everything unacknowledged once more."""
        if self._closing:
            return
        if self._connection is not None:
            self._connection.close()
        connection = self._connect(self._patience_s)
        with self._io_lock:
            self._connection = connection
            for batch in list(self._unacked):
                connection.send(EventBatch(batch=batch))
        self.on_pool_open()  # what was said meanwhile was not heard

    def _require_connection(self) -> Connection:
        if self._connection is None:
            raise ConnectionError("not connected")
        return self._connection


def exit_refused() -> None:
    """End this process at once: somebody else owns the run."""
    os._exit(EXIT_REFUSED)


def _nobody_waits() -> None:
    """No step waits for a slot."""
