"""Serves ``/graphql`` over a web socket, in the protocol ``graphql-transport-ws`` or its predecessor ``graphql-ws``.

Both carry operations as JSON messages with an id and differ in names and manners. Ariadne's handlers are not used: they
end a connection with an unhandled error when a message is malformed, know no limits, and do not share our pipeline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from graphql import GraphQLError, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect

from tidewheel.api.auth.origins import is_same_origin
from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.execution import (
    Engine,
    Prepared,
    RefusedRequestError,
    shown_error,
    shown_result,
)
from tidewheel.api.graphql.requests import (
    GraphQLRequest,
    UnreadableRequestError,
    decode_json,
    read_request,
)

logger = logging.getLogger("tidewheel.graphql")

MAX_OPERATIONS = 100
"""Operations at the same time on one socket."""
MAX_MESSAGE_LENGTH = 1024 * 1024
INIT_TIMEOUT_S = 30.0
RECHECK_S = 10.0
"""How long a socket may outlive the login that it was opened with."""
LOGIN_OVER = (4401, "the login that this was opened with has ended or changed")


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """The names that one protocol has for its messages."""

    subprotocol: str
    start: str
    stop: str
    result: str
    is_strict: bool
    """Whether ids and order are checked as the newer protocol demands, with its close codes."""


NEW = Dialect(
    subprotocol="graphql-transport-ws", start="subscribe", stop="complete", result="next", is_strict=True
)
OLD = Dialect(subprotocol="graphql-ws", start="start", stop="stop", result="data", is_strict=False)


class _CloseSocketError(Exception):
    """The client broke the protocol; the socket is closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Session:
    """One socket and its operations."""

    def __init__(
        self,
        websocket: WebSocket,
        engine: Engine,
        new_context: Callable[[], RequestContext],
        *,
        is_still: Callable[[], Awaitable[bool]],
    ) -> None:
        self._is_still = is_still
        self._socket = websocket
        self._engine = engine
        self._new_context = new_context
        self._dialect = OLD
        self._is_acknowledged = False
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Until the client goes away or breaks the protocol."""
        offered = self._socket.scope.get("subprotocols", [])
        if not is_same_origin(self._socket):
            await self._socket.close(4403, "expected a page of this server")
            return
        if NEW.subprotocol in offered:
            self._dialect = NEW
        elif offered and OLD.subprotocol not in offered:
            await self._socket.close(4406, "expected the subprotocol graphql-transport-ws or graphql-ws")
            return
        await self._socket.accept(self._dialect.subprotocol if offered else None)
        rechecking = asyncio.create_task(self._recheck())
        try:
            while True:
                await self._take(await self._receive())
        except _CloseSocketError as closing:
            await self._close(closing.code, str(closing))
        except (WebSocketDisconnect, RuntimeError):
            pass  # gone, also while something was being sent
        finally:
            tasks = [rechecking, *self._operations.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _recheck(self) -> None:
        """Close the socket when the login that it was opened with does not hold any more."""
        try:
            while await self._is_still():
                await asyncio.sleep(RECHECK_S)
        except Exception:  # whoever cannot be recognised any more is not let in either
            logger.warning("a web socket's login could not be looked at again", exc_info=True)
        for task in self._operations.values():
            task.cancel()
        await self._close(*LOGIN_OVER)

    async def _receive(self) -> dict[str, Any]:
        waits = None if self._is_acknowledged or not self._dialect.is_strict else INIT_TIMEOUT_S
        try:
            text = await asyncio.wait_for(self._socket.receive_text(), waits)
        except TimeoutError:
            raise _CloseSocketError(4408, "expected connection_init") from None
        except KeyError:
            raise _CloseSocketError(4400, "expected messages as text, got bytes") from None
        if len(text) > MAX_MESSAGE_LENGTH:
            raise _CloseSocketError(1009, f"expected messages of at most {MAX_MESSAGE_LENGTH} characters")
        try:
            message = decode_json(text)
        except UnreadableRequestError:
            raise _CloseSocketError(4400, "expected messages as JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _CloseSocketError(4400, "expected messages as objects with a type")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            if self._is_acknowledged and self._dialect.is_strict:
                raise _CloseSocketError(4429, "expected connection_init once")
            self._is_acknowledged = True
            await self._send({"type": "connection_ack"})
        elif kind == "ping" and self._dialect.is_strict:
            await self._send({"type": "pong"})
        elif kind == self._dialect.start:
            await self._start(message)
        elif kind == self._dialect.stop:
            task = self._operations.pop(str(message.get("id")), None)
            if task is not None:
                task.cancel()
        elif kind == "connection_terminate" and not self._dialect.is_strict:
            raise _CloseSocketError(1000, "")
        elif self._dialect.is_strict and kind != "pong":
            raise _CloseSocketError(4400, f"unknown type of message: {kind[:40]}")

    async def _start(self, message: dict[str, Any]) -> None:
        identity = message.get("id")
        if not isinstance(identity, str):
            raise _CloseSocketError(4400, "expected an operation with an id that is a text")
        if not self._is_acknowledged and self._dialect.is_strict:
            raise _CloseSocketError(4401, "expected connection_init first")
        if identity in self._operations:
            if self._dialect.is_strict:
                raise _CloseSocketError(4409, f"an operation with id {identity[:80]} exists already")
            return
        if len(self._operations) >= MAX_OPERATIONS:
            await self._send_errors(identity, [GraphQLError(f"expected at most {MAX_OPERATIONS} operations")])
            return
        if not await self._is_still():
            raise _CloseSocketError(*LOGIN_OVER)
        try:
            request = read_request(message.get("payload"))
            prepared = self._engine.prepare(request)
        except UnreadableRequestError as unreadable:
            if self._dialect.is_strict:
                raise _CloseSocketError(4400, str(unreadable)[:120]) from None
            await self._send_errors(identity, [GraphQLError(str(unreadable))])
        except RefusedRequestError as refused:
            await self._send_errors(identity, refused.errors)
        else:
            task = asyncio.create_task(self._carry_out(identity, request, prepared))
            self._operations[identity] = task

    async def _carry_out(self, identity: str, request: GraphQLRequest, prepared: Prepared) -> None:
        try:
            if prepared.kind is OperationType.MUTATION:
                text = "expected a query or subscription, got a mutation; send mutations by HTTP POST"
                raise RefusedRequestError([GraphQLError(text)])
            if prepared.kind is OperationType.QUERY:
                result = await self._engine.run(prepared, request, self._new_context())
                await self._send_result(identity, shown_result(result))
            else:
                await self._stream(identity, request, prepared)
        except RefusedRequestError as refused:
            await self._send_errors(identity, refused.errors)
            self._operations.pop(identity, None)
            return
        except (WebSocketDisconnect, RuntimeError):
            return  # the client has gone
        except Exception as error:
            logger.debug("a subscription failed", exc_info=True)
            wrapped = GraphQLError(str(error), original_error=error)
            await self._send_result(identity, {"data": None, "errors": [shown_error(wrapped)]})
        if self._operations.pop(identity, None) is not None:
            await self._send({"type": "complete", "id": identity})

    async def _stream(self, identity: str, request: GraphQLRequest, prepared: Prepared) -> None:
        results = await self._engine.stream(prepared, request, self._new_context())
        try:
            async for result in results:
                await self._send_result(identity, shown_result(result))
        finally:
            await results.aclose()  # type: ignore[attr-defined]  # an async generator behind the iterator's type

    async def _send_result(self, identity: str, result: dict[str, Any]) -> None:
        await self._send({"type": self._dialect.result, "id": identity, "payload": result})

    async def _send_errors(self, identity: str, errors: list[GraphQLError]) -> None:
        shown = [shown_error(error) for error in errors]
        payload = shown if self._dialect.is_strict else shown[0]
        await self._send({"type": "error", "id": identity, "payload": payload})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(msgspec.json.encode(message).decode())

    async def _close(self, code: int, reason: str) -> None:
        try:
            await self._socket.close(code, reason)
        except RuntimeError:
            pass  # closed already
