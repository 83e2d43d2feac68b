"""Reads request bodies up to a limit: a declared length that is too large is refused before anything is read."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request


class BodyTooLargeError(Exception):
    """A body is larger than allowed. ``limit``: how many bytes are."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"expected a body of at most {limit} bytes")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        BodyTooLargeError: when it is, or says that it is, larger than ``limit`` bytes.
        ClientDisconnect: when the sender went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 15 or int(declared) > limit):
        raise BodyTooLargeError(limit)
    parts: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > limit:
            raise BodyTooLargeError(limit)
        parts.append(chunk)
    return b"".join(parts)


__all__ = ["BodyTooLargeError", "ClientDisconnect", "read_body"]
