"""Many clients at once on one server: each keeps a connection and sends one request after the other."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Sequence

LAUNCH_RUN = (
    "mutation($s: JobOrPipelineSelector!) { launchRun(executionParams: {selector: $s, runConfigData: {}})"
    " { __typename ... on LaunchRunSuccess { run { runId } } } }"
)
SELECTOR = {
    "repositoryLocationName": "pipeline.py",
    "repositoryName": "__repository__",
    "jobName": "one",
}
RUNS = "{ runsOrError(limit: 10) { ... on Runs { results { runId status jobName } } } }"

Request = tuple[str, str, object]
"""Method, path, JSON body."""
MIX: Sequence[Request] = (
    ("GET", "/api/v1/runs?limit=10", None),
    ("POST", "/graphql", {"query": RUNS}),
    ("GET", "/api/v1/assets", None),
    ("GET", "/healthz", None),
)
LAUNCH: Request = ("POST", "/graphql", {"query": LAUNCH_RUN, "variables": {"s": SELECTOR}})
LAUNCH_EVERY = 100


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def send(self, request: Request) -> tuple[int, bytes]:
        """(status, body) of one request."""
        method, path, body = request
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(data)}\r\n"
        self._writer.write(head.encode() + b"content-type: application/json\r\n\r\n" + data)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(b" ", 2)[1])
        fields = dict(line.split(b": ", 1) for line in answer.lower().split(b"\r\n")[1:-2])
        return status, await self._reader.readexactly(int(fields[b"content-length"]))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def launch_answer_ms(port: int, rounds: int) -> float:
    """How long ``launchRun`` takes to be answered, the median in ms; runs are not waited for."""

    async def measure() -> float:
        client = Client(port)
        await client.open()
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            status, body = await client.send(LAUNCH)
            taken.append((time.perf_counter() - began) * 1000)
            assert status == 200 and b"LaunchRunSuccess" in body, body
        client.close()
        return statistics.median(taken)

    return asyncio.run(measure())


def many_clients(
    port: int, clients: int, seconds: float, launch: Request = LAUNCH
) -> tuple[list[float], int]:
    """(latencies in ms, number of errors) of that many clients that ask and launch for that long."""
    taken: list[float] = []
    errors = 0

    async def ask(number: int, until: float) -> None:
        nonlocal errors
        client = Client(port)
        await client.open()
        turn = number
        while time.perf_counter() < until:
            turn += 1
            request = launch if turn % LAUNCH_EVERY == 0 else MIX[turn % len(MIX)]
            began = time.perf_counter()
            try:
                status, body = await client.send(request)
            except (OSError, asyncio.IncompleteReadError):
                errors += 1
                await client.open()
                continue
            taken.append((time.perf_counter() - began) * 1000)
            errors += status != 200 or b'"errors"' in body
        client.close()

    async def together() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(ask(number, until) for number in range(clients)))

    asyncio.run(together())
    return taken, errors
