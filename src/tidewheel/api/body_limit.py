"""Refuses bodies that are too large before they are read into memory, and those that never come to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidewheel.api.problems import problem

MAX_BODY_BYTES = 4 * 1024 * 1024
BODY_TIMEOUT_S = 30.0
"""How long a whole body may take: senders that dawdle would otherwise hold connections for ever."""
LINGER_S = 2.0
LINGER_BYTES = 64 * 1024 * 1024
"""For how long, and how much of, a body that nobody wants is thrown away after the answer. Most clients read the answer
only after they have sent everything; a connection closed before that is all they would get to see."""


class _TooLargeError(HTTPException):
    """More arrived than is allowed."""

    def __init__(self, max_bytes: int) -> None:
        text = f"expected a body of at most {max_bytes} bytes"
        super().__init__(413, text, headers={"connection": "close"})


class _TooSlowError(HTTPException):
    """The body did not come to its end in time."""

    def __init__(self, timeout_s: float) -> None:
        text = f"expected the whole body within {timeout_s:g} s"
        super().__init__(408, text, headers={"connection": "close"})


class BodyLimit:
    """An ASGI application around another. Answers 413 or 408, and keeps nothing of what still comes.

    ``max_bytes_under``: other limits for the paths that begin with a text, such as those of routes that know better.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int = MAX_BODY_BYTES,
        max_bytes_under: Mapping[str, int] | None = None,
        timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_bytes_under = max_bytes_under or {}
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        seen, has_begun, is_whole, is_slow = 0, False, False, False
        deadline = asyncio.get_running_loop().time() + self._timeout_s

        async def counting() -> Message:
            nonlocal seen, is_whole, is_slow
            if is_whole:
                return await receive()  # what comes now is only the news that the sender has gone
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                is_slow = True
                raise _TooSlowError(self._timeout_s) from None
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLargeError(limit)
            is_whole = not message.get("more_body", False)
            return message

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not is_last or is_whole or is_slow or not _has_body(scope):
                await send(message)
                return
            await send({**message, "more_body": True})
            await _throw_away(receive, min(LINGER_S, self._timeout_s))
            await send({"type": "http.response.body"})

        try:
            if said.isdigit() and (len(said) > 15 or int(said) > limit):
                raise _TooLargeError(limit)
            await self._app(scope, counting, noting)
        except (_TooLargeError, _TooSlowError) as refused:
            if not has_begun:
                answer = problem(
                    refused.status_code, _KINDS[refused.status_code], refused.detail, headers=refused.headers
                )
                await answer(scope, receive, noting)

    def _limit(self, path: str) -> int:
        found = (size for start, size in self._max_bytes_under.items() if path.startswith(start))
        return next(found, self._max_bytes)


_KINDS = {408: "too_slow", 413: "too_large"}


def _has_body(scope: Scope) -> bool:
    named = dict(scope["headers"])
    return b"transfer-encoding" in named or named.get(b"content-length", b"0") != b"0"


async def _throw_away(receive: Receive, time_s: float) -> None:
    """Read what is still sent, until its end, the sender's leaving, or a limit."""
    thrown = 0
    try:
        async with asyncio.timeout(time_s):
            while thrown <= LINGER_BYTES:
                message = await receive()
                thrown += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
