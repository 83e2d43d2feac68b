"""Every place of the server outside of REST's description, and who gets what there: each role, and nobody."""

from __future__ import annotations

import json

import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from tests.api.access.conftest import GuardedServer
from tests.api.access.test_remote_commands import ROWS as COMMANDS
from tests.api.access.test_remote_commands import SHORT_OF_A_SERVER, leaves
from tests.api.access.test_roles import ROUTES as REST_ROUTES
from tidewheel.api.graphql.permissions import NEEDED
from tidewheel.api.graphql.schema import build_schema
from tidewheel.api.http import app_routes
from tidewheel.cli.main import cli
from tidewheel.logic.access.operations import OPERATIONS
from tidewheel.runtime.settings import Settings
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-roles")

PLACES = """
POST  /hooks/{name}                                  signature
GET   /                                              viewer
GET   /healthz                                       public
GET   /readyz                                        public
GET   /metrics                                       viewer
GET   /login                                         public
POST  /login                                         public
POST  /logout                                        public
GET   /login/oidc                                    public
GET   /login/oidc/callback                           public
GET   /graphql                                       viewer
POST  /graphql                                       viewer
WS    /graphql                                       viewer
POST  /report_asset_materialization/{asset_key:path} launcher
POST  /report_asset_observation/{asset_key:path}     launcher
POST  /report_asset_check/{asset_key:path}           launcher
*     /api/v1                                        table
"""
"""``signature``: whoever signs as the hook demands, whatever their role. ``table``: the table of REST says it."""
ROWS = {tuple(line.split()[:2]): line.split()[2] for line in PLACES.strip().splitlines()}
WITHOUT_A_SERVER = {"login"}
"""Commands that are about the machine they are called on."""
PRIVATE = {
    ("GET", "/"): ("/", None),
    ("GET", "/metrics"): ("/metrics", None),
    ("GET", "/graphql"): ("/graphql?query={version}", None),
    ("POST", "/graphql"): ("/graphql", {"query": "{ version }"}),
    ("POST", "/report_asset_materialization/{asset_key:path}"): ("/report_asset_materialization/orders", {}),
    ("POST", "/report_asset_observation/{asset_key:path}"): ("/report_asset_observation/orders", {}),
    ("POST", "/report_asset_check/{asset_key:path}"): (
        "/report_asset_check/orders",
        {"check_name": "c", "passed": True},
    ),
}


def methods_of(route) -> list[str]:
    if isinstance(route, WebSocketRoute):
        return ["WS"]
    return ["*"] if isinstance(route, Mount) else sorted(set(route.methods) - {"HEAD"})


def test_every_place_has_a_row(server: GuardedServer) -> None:
    with_provider = Settings(oidc_issuer="http://127.0.0.1:1", oidc_client_id="x", oidc_client_secret="y")
    routes = [
        *app_routes(server.server, Settings()),
        *app_routes(server.server, with_provider),
    ]
    assert all(isinstance(route, (Route, WebSocketRoute, Mount)) for route in routes)
    found = {(method, route.path) for route in routes for method in methods_of(route)}
    assert found == set(ROWS)
    assert {place for place, who in ROWS.items() if who in {role.value for role in Role}} - {
        ("WS", "/graphql")
    } == set(PRIVATE)


def test_every_mutation_route_and_command_has_a_row() -> None:
    assert set(NEEDED) == set(build_schema().mutation_type.fields) and set(NEEDED.values()) <= set(OPERATIONS)
    assert set(REST_ROUTES.values()) <= {role.value for role in Role} | {"public"}
    known = {name for name, _ in leaves(cli)}
    named = {next(name for name in known if f"{row} ".startswith(f"{name} ")) for row in COMMANDS}
    assert known == named | SHORT_OF_A_SERVER | WITHOUT_A_SERVER


@pytest.mark.parametrize("place", sorted(PRIVATE), ids=" ".join)
def test_each_role_may_use_exactly_its_places(server: GuardedServer, tokens, place) -> None:
    target, body = PRIVATE[place]
    data = None if body is None else json.dumps(body).encode()

    def status(token: str | None) -> int:
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return server.request(place[0], target, data, headers)[0]

    assert status(None) == 401
    allowed = {role: status(tokens[role.value]) not in (401, 403) for role in Role}
    assert allowed == {role: role.rank >= Role(ROWS[place]).rank for role in Role}


def test_a_hook_asks_for_a_signature_and_for_no_role(server: GuardedServer, tokens, monkeypatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "the secret of the hook")

    def status(hook: str, number: int, token: str | None, **headers: str) -> int:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return server.request("POST", f"/hooks/{hook}", b"%d" % number, headers)[0]

    everybody = [None, *tokens.values()]
    assert {status("pushed", number, token) for number, token in enumerate(everybody)} == {202}
    assert {status("signed", number, token) for number, token in enumerate(everybody)} == {401}
    secret = {"x-secret": "the secret of the hook"}
    assert {status("signed", number, token, **secret) for number, token in enumerate(everybody)} == {202}
    expired = server.token("root", days=-1.0)
    assert status("pushed", 90, expired) == 401  # who brings a token must bring a valid one


def test_measurements_and_the_page_tell_of_no_other_parts(server: GuardedServer, tokens) -> None:
    def get(path: str, token: str) -> tuple[int, str]:
        status, _, answer = server.request("GET", path, None, {"authorization": f"Bearer {token}"})
        return status, answer.decode()

    whole = get("/", tokens["viewer"])[1]
    assert "yearly" in whole and "code.py" in whole
    raw = server.person(Grant(role=Role.VIEWER, groups=("raw",)))
    elsewhere = server.person(Grant(role=Role.ADMIN, locations=("elsewhere",)))
    for token in (raw, elsewhere):
        assert get("/metrics", token)[0] == 403
        status, page = get("/", token)
        assert status == 200 and not any(name in page for name in ("yearly", "skips", "greet", "report"))
    assert "code.py" in get("/", raw)[1] and "code.py" not in get("/", elsewhere)[1]


def test_why_of_what_is_hidden_is_answered_like_why_of_nothing(server: GuardedServer) -> None:
    token = server.person(Grant(role=Role.VIEWER, groups=("raw",)))
    for target in ("report", "repor", "greet", "report:check"):
        status, problem = server.rest("GET", f"/why/{target}", token=token)
        assert status == 404 and problem["detail"] == f"expected an asset, check or job, got {target!r}"
    assert server.rest("GET", "/why/orders", token=token)[0] == 200
