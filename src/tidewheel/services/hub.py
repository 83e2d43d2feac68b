"""The server's end of the protocol: accepts peers on the socket and hands their messages to whoever serves them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from tidewheel.runtime.protocol import FrameBuffer, Hello, Message, ProtocolError, frame

logger = logging.getLogger("tidewheel.hub")


class Peer(asyncio.Protocol):
    """One connected process. Messages come in order; ``send`` never waits."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._buffer = FrameBuffer()
        self._transport: asyncio.Transport | None = None
        self.hello: Hello | None = None

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: Message) -> bool:
        """Send a message; False when the peer is gone."""
        if not self.is_open or self._transport is None:
            return False
        self._transport.write(frame(message))
        return True

    def send_all(self, messages: Sequence[Message]) -> bool:
        """Send several messages at once; False when the peer is gone."""
        if not self.is_open or self._transport is None:
            return False
        self._transport.write(b"".join(map(frame, messages)))
        return True

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._hub.peers.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._buffer.feed(data):
                self._take(message)
        except ProtocolError as exc:
            logger.warning("dropped a peer (%s): %s", self.hello.role if self.hello else "unknown", exc)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._hub.peers.discard(self)
        if self.hello is not None:
            self._hub.on_close(self)

    def _take(self, message: Message) -> None:
        if self.hello is None:
            if not isinstance(message, Hello):
                raise ProtocolError(f"expected Hello first, got {type(message).__name__}")
            self.hello = message
            self._hub.on_hello(self, message)
        else:
            self._hub.on_message(self, message)


class Hub:
    """All peers, and the three functions that are told of them (called in the event loop, must not block)."""

    def __init__(
        self,
        *,
        on_hello: Callable[[Peer, Hello], None],
        on_message: Callable[[Peer, Message], None],
        on_close: Callable[[Peer], None],
    ) -> None:
        self.on_hello = on_hello
        self.on_message = on_message
        self.on_close = on_close
        self.peers: set[Peer] = set()
        self._server: asyncio.AbstractServer | None = None
        self._path: Path | None = None

    async def listen(self, path: Path) -> None:
        """Accept peers on a socket that only this user may use."""
        path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: Peer(self), str(path), backlog=1024)
        path.chmod(0o600)
        self._path = path

    async def close(self) -> None:
        """Stop accepting, drop all peers, remove the socket."""
        if self._server is not None:
            self._server.close()
        for peer in list(self.peers):
            peer.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
