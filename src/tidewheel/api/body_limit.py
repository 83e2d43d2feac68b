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
    """An ASGI application around another. Answers 413 or 408, and reads no further.

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
        if said.isdigit() and (len(said) > 15 or int(said) > limit):
            await _refuse(scope, receive, send, limit)
            return
        seen, has_begun, is_whole = 0, False, False
        deadline = asyncio.get_running_loop().time() + self._timeout_s

        async def counting() -> Message:
            nonlocal seen, is_whole
            if is_whole:
                return await receive()  # what comes now is only the news that the sender has gone
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _TooSlowError(self._timeout_s) from None
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLargeError(limit)
            is_whole = not message.get("more_body", False)
            return message

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, counting, noting)
        except (_TooLargeError, _TooSlowError) as refused:
            if not has_begun:
                answer = problem(
                    refused.status_code, _KINDS[refused.status_code], refused.detail, headers=refused.headers
                )
                await answer(scope, receive, send)

    def _limit(self, path: str) -> int:
        found = (size for start, size in self._max_bytes_under.items() if path.startswith(start))
        return next(found, self._max_bytes)


_KINDS = {408: "too_slow", 413: "too_large"}


async def _refuse(scope: Scope, receive: Receive, send: Send, max_bytes: int) -> None:
    answer = problem(
        413,
        "too_large",
        f"expected a body of at most {max_bytes} bytes",
        headers={"connection": "close"},
    )
    await answer(scope, receive, send)
