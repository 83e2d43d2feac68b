"""A client of both web socket protocols, as thin as it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.api.graphql.serving import GraphQLServer

NEW, OLD = "graphql-transport-ws", "graphql-ws"
NAMES = {NEW: ("subscribe", "next", "complete"), OLD: ("start", "data", "stop")}


class Client:
    """One socket, speaking one of the protocols."""

    def __init__(self, socket: ClientConnection, protocol: str) -> None:
        self.socket = socket
        self.start_name, self.result_name, self.stop_name = NAMES[protocol]

    def send(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def receive(self, timeout_s: float = 60.0) -> dict[str, Any]:
        return json.loads(self.socket.recv(timeout_s))

    def start(self, query: str, identity: str = "1", **variables: Any) -> None:
        self.send(id=identity, type=self.start_name, payload={"query": query, "variables": variables})

    def stop(self, identity: str = "1") -> None:
        self.send(id=identity, type=self.stop_name)

    def result(self, identity: str = "1") -> dict[str, Any]:
        message = self.receive()
        assert message["type"] == self.result_name and message["id"] == identity, message
        return message["payload"]

    def results_to_end(self, identity: str = "1") -> list[dict[str, Any]]:
        results = []
        while (message := self.receive())["type"] == self.result_name:
            assert message["id"] == identity
            results.append(message["payload"])
        assert message == {"type": "complete", "id": identity}
        return results


@contextmanager
def client(server: GraphQLServer, protocol: str = NEW, token: str | None = None) -> Iterator[Client]:
    """A socket that the server has acknowledged."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    address = f"ws://127.0.0.1:{server.port}/graphql"
    with connect(address, subprotocols=[protocol], additional_headers=headers) as socket:
        speaking = Client(socket, protocol)
        speaking.send(type="connection_init", payload={})
        assert speaking.receive() == {"type": "connection_ack"}
        yield speaking
