"""A server behind its login, and people with each role."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.graphql.serving import GraphQLServer
from tidewheel.api.http import create_app
from tidewheel.runtime.settings import Settings
from tidewheel.services.access import accounts
from tidewheel.values.access import Grant, Role

CODE = Path(__file__).with_name("code.py")
PASSWORD = "correct horse battery"


class MovableClock:
    """The time of day, which tests can put forward."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class GuardedServer(GraphQLServer):
    """The whole application. Users and tokens are made directly in its ledger."""

    def __init__(self, home: Path, *, settings: Settings | None = None, **options: Any) -> None:
        self.clock = MovableClock()
        super().__init__(
            home, CODE, app_for=lambda server: create_app(server, settings), clock=self.clock, **options
        )

    @property
    def ledger(self):
        return self.server.database.ledger

    def add_user(self, name: str, *grants: Grant, password: str | None = None) -> None:
        accounts.add_user(self.ledger.access, name, grants, password=password, now=self.clock())
        self.server.identity._set_up_read_at = None

    def token(self, user: str, limits: tuple[Grant, ...] | None = None, days: float | None = 1.0) -> str:
        _, token = accounts.create_token(
            self.ledger.access, user, "test", limits=limits, expires_in_days=days, now=self.clock()
        )
        return token

    def person(self, *grants: Grant) -> str:
        """The token of a new user."""
        name = f"user{len(self.ledger.access.get_users())}"
        self.add_user(name, *grants)
        return self.token(name)

    def rest(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """A REST request: (status, decoded body)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        status, _, answer = self.request(method, f"/api/v1{path}", data, sent)
        return status, json.loads(answer) if answer else None

    def graphql(self, query: str, token: str | None = None, **variables: Any) -> tuple[int, dict[str, Any]]:
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        status, _, answer = self.request("POST", "/graphql", body, headers)
        return status, json.loads(answer)

    def audit(self, **filters: Any) -> list[Any]:
        return self.ledger.audit.get(**filters)


def served(**options: Any) -> Iterator[GuardedServer]:
    folder = Path(tempfile.mkdtemp(prefix="tw-access-"))
    server = GuardedServer(folder, **options)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def open_server() -> Iterator[GuardedServer]:
    """Nobody has been added: no login is needed."""
    yield from served()


@pytest.fixture(scope="module")
def server() -> Iterator[GuardedServer]:
    """A server with users."""
    for one in served():
        one.add_user("root", Grant(role=Role.ADMIN), password=PASSWORD)
        yield one


@pytest.fixture(scope="module")
def tokens(server: GuardedServer) -> dict[str, str]:
    """By role, the token of somebody who has it for everything."""
    return {role.value: server.person(Grant(role=role)) for role in Role}
