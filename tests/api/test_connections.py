"""Requests whose head never ends are refused, and nothing else is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tidewheel.api.connections import PatientProtocol


class Hasty(PatientProtocol):
    head_timeout_s = 0.3
    max_head_bytes = 2_000


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    config = uvicorn.Config(app, port=port, http=Hasty, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    async with asyncio.timeout(20):
        while not server.started:
            await asyncio.sleep(0.01)
        yield port
        server.should_exit = True
        await task


async def said(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """What the server answers until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause_s)
    answer = await reader.read()
    writer.close()
    return answer


def test_heads_that_do_not_end_are_refused_and_slow_bodies_are_not() -> None:
    async def main() -> None:
        async with served() as port:
            begun = b"GET / HTTP/1.1\r\nhost: x\r\n"
            silent, slow, late, long, body = await asyncio.gather(
                said(port),
                said(port, begun),
                said(port, begun + b"\r\n", begun, pause_s=0.1),
                said(port, begun, b"x: " + b"a" * 3_000),
                said(
                    port,
                    b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n",
                    b"a",
                    b"b",
                    pause_s=0.4,
                ),
            )
        assert silent.startswith(b"HTTP/1.1 408") and slow.startswith(b"HTTP/1.1 408")
        assert late.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 408" in late
        assert long.startswith(b"HTTP/1.1 431")
        assert body.startswith(b"HTTP/1.1 200") and body.endswith(b"2")

    asyncio.run(main())
