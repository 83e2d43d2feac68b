"""Refuses bodies that are too large before they are read into memory."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidewheel.api.problems import problem

MAX_BODY_BYTES = 4 * 1024 * 1024


class _TooLargeError(HTTPException):
    """More arrived than is allowed."""

    def __init__(self, max_bytes: int) -> None:
        text = f"expected a body of at most {max_bytes} bytes"
        super().__init__(413, text, headers={"connection": "close"})


class BodyLimit:
    """An ASGI application around another. Answers 413, and reads no further."""

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if said.isdigit() and int(said) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        seen, has_begun = 0, False

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise _TooLargeError(self._max_bytes)
            return message

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, counting, noting)
        except _TooLargeError:
            if not has_begun:
                await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(
            413,
            "too_large",
            f"expected a body of at most {self._max_bytes} bytes",
            headers={"connection": "close"},
        )
        await answer(scope, receive, send)
