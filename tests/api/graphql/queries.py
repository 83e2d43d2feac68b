"""Carries out operations on a server that was never started: a real ledger and a catalog put there by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.execution import Engine, shown_result
from tidewheel.api.graphql.limits import Limits
from tidewheel.api.graphql.permissions import FullAccess
from tidewheel.api.graphql.requests import GraphQLRequest
from tidewheel.api.graphql.schema import build_schema
from tidewheel.api.graphql.watching import Watching
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.services.access.guard import Caller
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.server import Server, ServerOptions
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.access import LOCAL

NOW = 1_710_000_000.0


class Still:
    """Answers operations; nothing else happens in it."""

    def __init__(self, folder: Path, *snapshots: LocationSnapshot, limits: Limits | None = None) -> None:
        self.ledger = open_ledger(str(folder / "ledger.db"))
        options = ServerOptions(home=folder, socket=folder / "s", storage_dir=folder, targets={}, version="x")
        self._snapshots = snapshots
        self._options = options
        self._engine = Engine(build_schema(), limits or Limits())
        self.statements = 0

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must succeed; ``statements`` says how many SQL statements it took."""

        async def carry_out() -> dict[str, Any]:
            server = Server(self.ledger, self._options, clock=lambda: NOW)
            server.locations.catalog = Catalog({one.name: one for one in self._snapshots})
            await server.book.sync(server.locations.catalog)
            request = GraphQLRequest(query=query, variables=variables)
            caller = Caller(principal=LOCAL, surface="graphql")
            context = RequestContext(server, FullAccess(), Watching(server), caller)
            with counted_statements() as counted:
                result = await self._engine.run(self._engine.prepare(request), request, context)
            self.statements = len(counted)
            return shown_result(result)

        shown = asyncio.run(carry_out())
        assert "errors" not in shown, shown["errors"]
        return shown["data"]


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The SQL statements of all engines while it is open."""
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement != "BEGIN" and not statement.startswith("PRAGMA"):  # a new connection's
            seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
