"""A blocking connection to the server, for processes that are not the server."""

from __future__ import annotations

import os
import selectors
import socket
import time
from pathlib import Path

from tidewheel.errors import ServerUnreachableError
from tidewheel.runtime.protocol import FrameBuffer, Hello, Message, Role, frame

RECEIVE_BYTES = 1 << 20


class Connection:
    """One stream of messages. Not thread-safe: one thread sends, one receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = FrameBuffer()
        self._inbox: list[Message] = []

    def fileno(self) -> int:
        """The socket's descriptor, for selectors."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send one message whole.

        Raises:
            OSError: when the connection is broken.
        """
        self._socket.sendall(frame(message))

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """The next message, or None after ``timeout_s`` seconds.

        Raises:
            ConnectionError: when the other side has closed.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._inbox:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._wait_readable(remaining):
                return None
            self._inbox.extend(self._read_some())
        return self._inbox.pop(0)

    def receive_available(self) -> list[Message]:
        """Messages that can be had after one read; call when the descriptor is readable.

        Raises:
            ConnectionError: when the other side has closed.
        """
        messages = self._inbox + self._read_some()
        self._inbox = []
        return messages

    def close(self) -> None:
        """Close the socket; never raises."""
        try:
            self._socket.close()
        except OSError:
            pass

    def _read_some(self) -> list[Message]:
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server closed the connection")
        return self._buffer.feed(data)

    def _wait_readable(self, timeout_s: float | None) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(timeout_s))


def connect(
    socket_path: str | Path,
    role: Role,
    *,
    location: str | None = None,
    generation: int = 0,
    run_id: str | None = None,
    epoch: int = 0,
    patience_s: float = 0.0,
) -> Connection:
    """Connect to the server's socket and say hello; tries again for ``patience_s`` seconds.

    Raises:
        ServerUnreachableError: when nobody listens there.
    """
    deadline = time.monotonic() + patience_s
    pause_s = 0.01
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(socket_path))
            connection = Connection(sock)
            connection.send(
                Hello(
                    role=role,
                    pid=os.getpid(),
                    location=location,
                    generation=generation,
                    run_id=run_id,
                    epoch=epoch,
                )
            )
            return connection
        except OSError as exc:
            sock.close()
            if time.monotonic() >= deadline:
                raise ServerUnreachableError(
                    f"expected a server to listen on {socket_path}, got: {exc}; start one with 'tidewheel dev'"
                ) from exc
        time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
        pause_s = min(pause_s * 2, 0.5)
