"""Bodies that are too large or never come to their end: refused, and nothing waits for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tidewheel.api.body_limit import BodyLimit
from tidewheel.api.connections import PatientProtocol


async def echo(request: Request) -> Response:
    return Response(await request.body())


async def slow_answer(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.15)
        yield b"late"

    await request.body()
    return StreamingResponse(parts())


UNLIMITED = Starlette(
    routes=[
        Route(path, endpoint, methods=["POST"])
        for path, endpoint in (("/a", echo), ("/large/a", echo), ("/slow", slow_answer))
    ]
)
APP = BodyLimit(
    UNLIMITED,
    max_bytes=10,
    max_bytes_under={"/large/": 20},
    timeout_s=0.05,
)


def ask(
    path: str, chunks: list[bytes], *, is_whole: bool = True, length: bytes | None = None
) -> tuple[int, bytes]:
    """(status, body) of the answer; a body that is not whole never gets its end."""
    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": not is_whole or number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("nobody sends more")

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(asyncio.wait_for(APP(scope, receive, send), 5.0))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/a", 10, 200), ("/a", 11, 413), ("/large/a", 20, 200), ("/large/a", 21, 413)],
)
@pytest.mark.parametrize("says_so", [True, False])
def test_each_path_has_its_limit(path: str, size: int, status: int, says_so: bool) -> None:
    body = b"x" * size
    assert ask(path, [body[:5], body[5:]], length=str(size).encode() if says_so else None)[0] == status


def test_a_length_of_many_digits_is_refused() -> None:
    assert ask("/a", [b"x"], length=b"9" * 5_000)[0] == 413


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    assert ask("/a", [b"x"], is_whole=False, length=b"5")[0] == 408


def test_an_answer_may_take_longer_than_a_body() -> None:
    assert ask("/slow", [b"x"]) == (200, b"late")


# -- over real connections ------------------------------------------------------------------------------------

LARGE = 8_000_000
"""More than the buffers between a sender and a server hold."""


def sent_before_reading(app: BodyLimit, path: str) -> bytes:
    """The answer to a sender that reads only when all of its large body is sent, until the connection ends."""

    async def main() -> bytes:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            config = uvicorn.Config(app, http=PatientProtocol, log_level="critical", lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            async with asyncio.timeout(20):
                bound.listen()
                reader, writer = await asyncio.open_connection(*bound.getsockname())
                head = (
                    f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {LARGE}\r\n\r\n"
                )
                writer.write(head.encode() + b"x" * LARGE)
                await writer.drain()
                answer = await reader.read()
                writer.close()
                server.should_exit = True
                await serving
        return answer

    return asyncio.run(main())


def test_a_sender_gets_the_refusal_though_it_sends_everything_first() -> None:
    answer = sent_before_reading(BodyLimit(UNLIMITED, max_bytes=10), "/a")
    assert answer.startswith(b"HTTP/1.1 413 ") and b"at most 10 bytes" in answer


def test_so_does_one_whose_body_nobody_read() -> None:
    assert sent_before_reading(BodyLimit(UNLIMITED, max_bytes=2 * LARGE), "/no").startswith(b"HTTP/1.1 404 ")


def test_what_has_no_end_is_not_thrown_away_for_ever() -> None:
    assert ask("/large/a", [b"x" * 21], is_whole=False, length=b"30")[0] == 413
