"""A real server (ledger, location processes, workers) with ``/graphql`` on a real port, in a thread of the tests."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette

from tidewheel.api.graphql.http import AccessFor, graphql_routes
from tidewheel.api.graphql.limits import Limits
from tidewheel.api.graphql.watching import Watching
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.services.server import Server, ServerOptions
from tidewheel.storage.ledger import open_ledger

T = TypeVar("T")
START_S = 60.0


class GraphQLServer:
    """Started by the constructor; ``stop`` ends everything."""

    def __init__(
        self,
        home: Path,
        file: Path,
        *,
        name: str = "code.py",
        access_for: AccessFor | None = None,
        limits: Limits | None = None,
        introspection: bool = True,
        app_for: Callable[[Server], Any] | None = None,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        self.home = home
        self._app_for = app_for
        self._clock = clock
        self._arguments = {"access_for": access_for, "limits": limits, "introspection": introspection}
        self._options = ServerOptions(
            home=home,
            socket=home / "server.sock",
            storage_dir=home / "storage",
            targets={name: CodeTarget(file=str(file))},
            watch_code=False,
            version="0.0-test",
            **options,
        )
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(START_S), "the server did not start"
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._main())
        except BaseException as error:  # told to the constructor
            self._failed = error
            self._ready.set()

    async def _main(self) -> None:
        self.server = Server(open_ledger(str(self.home / "ledger.db")), self._options, clock=self._clock)
        await self.server.start()
        self._routes = graphql_routes(self.server, **self._arguments)
        app = self._app_for(self.server) if self._app_for is not None else Starlette(routes=self._routes)
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
        web = uvicorn.Server(config)
        serving = asyncio.create_task(web.serve())
        while not web.started:
            await asyncio.sleep(0.01)
        self.port = web.servers[0].sockets[0].getsockname()[1]
        await self.server.wait_ready()
        self._ready.set()
        await self._ending.wait()
        web.should_exit = True
        web.force_exit = True
        await serving
        await self.server.stop(grace_s=0.5)

    def stop(self) -> None:
        """End the server and all its processes."""
        self.loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(20)

    def call(self, what: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Carry out something in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(what(), self.loop).result(30)

    def watching(self) -> Watching:
        """What the subscriptions of this server wait with."""
        return self._routes[0].endpoint.__self__._watching

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One plain HTTP request: (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def post(self, query: str, variables: Any = None, **more: Any) -> tuple[int, dict[str, Any]]:
        """One operation as JSON: (status, body)."""
        body = json.dumps({"query": query, "variables": variables, **more}).encode()
        status, _, answer = self.request("POST", "/graphql", body, {"content-type": "application/json"})
        return status, json.loads(answer)

    def get(self, **parameters: str) -> tuple[int, dict[str, Any]]:
        """One operation in the address: (status, body)."""
        status, _, answer = self.request("GET", f"/graphql?{urlencode(parameters)}")
        return status, json.loads(answer)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must succeed without errors."""
        status, body = self.post(query, variables)
        assert status == 200 and "errors" not in body, (status, body)
        return body["data"]

    def wait_for_run(self, run_id: str, *statuses: str, timeout_s: float = 90.0) -> str:
        """Wait until a run has one of the statuses (or has ended, if none is given)."""
        wanted = statuses or ("SUCCESS", "FAILURE", "CANCELED")
        deadline = time.monotonic() + timeout_s
        while True:
            data = self.ask("query($r: ID!) { runOrError(runId: $r) { ... on Run { status } } }", r=run_id)
            status = data["runOrError"]["status"]
            if status in wanted:
                return status
            assert time.monotonic() < deadline, f"run {run_id} is {status}, not {wanted}"
            time.sleep(0.05)
