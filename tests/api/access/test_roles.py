"""Each role × each operation over HTTP: every GraphQL mutation, every REST route; scopes; read-only; audit."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from graphql import (
    GraphQLNonNull,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_scalar_type,
)

from tests.api.access.conftest import GuardedServer, served
from tidewheel.api.graphql.permissions import NEEDED
from tidewheel.api.graphql.schema import build_schema
from tidewheel.logic.access.operations import OPERATIONS
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-roles")

REST = """
GET   /runs                                 viewer
GET   /runs/{run_id}                        viewer
GET   /runs/{run_id}/wait                   viewer
GET   /runs/{run_id}/logs                   viewer
GET   /runs/{run_id}/output                 viewer
GET   /runs/{run_id}/output/{key}           viewer
GET   /runs/{run_id}/logs/stream            viewer
GET   /assets                               viewer
GET   /assets/{key}                         viewer
GET   /assets/{key}/partitions              viewer
GET   /assets/{key}/events                  viewer
GET   /triggers                             viewer
GET   /ticks                                viewer
GET   /ticks/{tick_id}                      viewer
GET   /backfills                            viewer
GET   /backfills/{backfill_id}              viewer
GET   /queue/reasons                        viewer
GET   /pauses                               viewer
GET   /owed                                 viewer
GET   /held-requests                        viewer
GET   /pools                                viewer
GET   /failed-events                        viewer
POST  /runs/{run_id}/retry                  launcher
POST  /runs/{run_id}/priority               launcher
POST  /triggers/{location}/{name}/reset-keys editor
POST  /pauses                               editor
POST  /pauses/{pause_id}/resume             editor
POST  /owed/answer                          editor
POST  /held-requests/answer                 editor
PUT   /pools/{name}                         editor
POST  /pools/free                           editor
GET   /deliveries                           editor
GET   /deliveries/{delivery_id}             editor
POST  /deliveries/{delivery_id}/replay      editor
POST  /failed-events/answer                 editor
GET   /why/{target}                         viewer
GET   /automation                           viewer
GET   /automation/plan                      viewer
POST  /backfills                            launcher
POST  /backfills/{backfill_id}/cancel       launcher
POST  /backfills/{backfill_id}/resume       launcher
POST  /backfills/{backfill_id}/retry        launcher
GET   /health                               viewer
GET   /whoami                               viewer
GET   /definitions                          viewer
GET   /tokens                               viewer
POST  /launch                               launcher
POST  /materialize                          launcher
POST  /runs/{run_id}/cancel                 launcher
POST  /assets/{key}/events                  launcher
POST  /triggers/{location}/{name}/test      launcher
POST  /tokens                               launcher
POST  /tokens/{token_id}/revoke             launcher
POST  /triggers/{location}/{name}/{change}  editor
PUT   /triggers/{location}/{name}/cursor    editor
POST  /reload                               editor
GET   /audit                                admin
GET   /users                                admin
POST  /users                                admin
POST  /users/{name}/password                admin
POST  /users/{name}/disable                 admin
POST  /users/{name}/enable                  admin
POST  /login                                public
"""
ROUTES = {tuple(line.split()[:2]): line.split()[2] for line in REST.strip().splitlines()}
BODIES = {
    "/launch": {"job_name": "greet"},
    "/backfills": {"selection": "daily"},
    "/backfills/{backfill_id}/retry": {},
    "/materialize": {"selection": "orders"},
    "/assets/{key}/events": {"kind": "observed"},
    "/triggers/{location}/{name}/test": {},
    "/triggers/{location}/{name}/cursor": {"cursor": None},
    "/runs/{run_id}/retry": {"from_failure": False},
    "/runs/{run_id}/priority": {"priority": 1},
    "/triggers/{location}/{name}/reset-keys": {},
    "/pauses": {"selection": {"location": "code.py", "name": "nothing"}},
    "/owed/answer": {"name": "orders", "status": "WAIVED"},
    "/held-requests/answer": {"name": "orders", "status": "APPROVED"},
    "/pools/{name}": {"slots": None},
    "/pools/free": {"name": "nobody"},
    "/deliveries/{delivery_id}/replay": {},
    "/failed-events/answer": {"trigger_id": "code.py/skips", "event_id": 1},
    "/tokens": {"label": "x"},
    "/users": {"name": "root", "grants": [{"role": "viewer"}]},
    "/users/{name}/password": {"password": "another long one"},
}


@pytest.fixture(scope="module")
def run_id(server: GuardedServer, tokens: dict[str, str]) -> str:
    run_id = server.rest("POST", "/launch", {"job_name": "greet"}, token=tokens["admin"])[1]["run_id"]
    assert server.rest("GET", f"/runs/{run_id}/wait", token=tokens["admin"])[1]["status"] == "SUCCESS"
    return run_id


@pytest.fixture(scope="module")
def backfill_id(server: GuardedServer, tokens: dict[str, str]) -> str:
    status, made = server.rest("POST", "/backfills", {"selection": "daily"}, token=tokens["admin"])
    assert status == 201, made
    return made["backfill_id"]


@pytest.fixture(scope="module")
def pause_id(server: GuardedServer, tokens: dict[str, str]) -> int:
    body = {"selection": {"location": "code.py", "kind": "SENSOR"}}
    status, made = server.rest("POST", "/pauses", body, token=tokens["admin"])
    assert status == 201, made
    return made["pause_id"]


def test_every_route_has_a_row(server: GuardedServer, tokens: dict[str, str]) -> None:
    _, description = server.rest("GET", "/openapi.json", token=tokens["viewer"])
    found = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert found == set(ROUTES)


@pytest.mark.parametrize("role", [role.value for role in Role])
@pytest.mark.parametrize("route", sorted(ROUTES), ids=" ".join)
def test_each_role_may_use_exactly_its_routes(
    server: GuardedServer, tokens, run_id, backfill_id, pause_id, role: str, route
) -> None:
    method, path = route
    needed = ROUTES[route]
    own = (
        server.token(server.rest("GET", "/whoami", token=tokens[role])[1]["name"]) if "token" in path else ""
    )
    target = path.format(
        run_id=run_id,
        key="orders",
        location="code.py",
        name="skips" if "/triggers" in path else "nobody",
        change="stop",
        tick_id=1,
        pause_id=pause_id,
        delivery_id=1,
        backfill_id=backfill_id,
        target="orders",
        token_id=own.split("_")[1] if own else "",
    )
    body = BODIES.get(path, {"name": "x", "password": "y"} if path == "/login" else None)
    status, _, answer = server.request(
        method,
        f"/api/v1{target}",
        json.dumps(body).encode() if body is not None else None,
        {"authorization": f"Bearer {tokens[role]}", "content-type": "application/json"},
    )
    if needed == "public":
        assert status in (401, 429)
        return
    is_allowed = Role(role).rank >= Role(needed).rank
    assert (status != 403) is is_allowed, answer
    assert status < 500


def literal(kind) -> str:
    """A value of an input type: names of nothing, so that what is allowed changes nothing."""
    if is_non_null_type(kind):
        return literal(kind.of_type)
    if is_list_type(kind):
        return "[]"
    if is_enum_type(kind):
        return next(iter(kind.values))
    if is_input_object_type(kind):
        fields = [
            f"{name}: {literal(field.type)}"
            for name, field in kind.fields.items()
            if is_non_null_type(field.type)
        ]
        return "{" + ", ".join(fields) + "}"
    return {"Boolean": "true", "Int": "1", "Float": "1"}.get(kind.name, '"none"')


def mutation_text(name: str) -> str:
    field = build_schema().mutation_type.fields[name]
    given = [
        f"{arg}: {literal(a.type)}" for arg, a in field.args.items() if isinstance(a.type, GraphQLNonNull)
    ]
    return f"mutation {{ {name}{'(' + ', '.join(given) + ')' if given else ''}"


def is_refused(server: GuardedServer, name: str, token: str) -> bool:
    field = build_schema().mutation_type.fields[name]
    kind = field.type.of_type
    can_say = any(member.name == "UnauthorizedError" for member in getattr(kind, "types", ()))
    leaf = "" if is_scalar_type(kind) else " { __typename" + " ... on Error { message }" * can_say + " }"
    status, body = server.graphql(f"{mutation_text(name)}{leaf} }}", token)
    assert status == 200, body
    codes = [error.get("extensions", {}).get("code") for error in body.get("errors", [])]
    value = (body.get("data") or {}).get(name)
    message = value.get("message") or "" if isinstance(value, dict) else ""
    return "UNAUTHORIZED" in codes or "needs the permission" in message


@pytest.mark.parametrize("name", sorted(build_schema().mutation_type.fields))
def test_each_role_may_use_exactly_its_mutations(server: GuardedServer, tokens, name: str) -> None:
    needed = OPERATIONS[NEEDED[name]].needs
    refused = {role: is_refused(server, name, token) for role, token in tokens.items()}
    assert refused == {role.value: role.rank < needed.rank for role in Role}


# -- parts ----------------------------------------------------------------------------------------------------

LAUNCH = """mutation($s: JobOrPipelineSelector!) { launchRun(executionParams: {selector: $s}) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on Error { message } } }"""
WHERE = {"repositoryName": "__repository__", "repositoryLocationName": "code.py"}


def launch(server: GuardedServer, token: str, *assets: str, checks: Sequence[tuple[str, str]] = ()) -> str:
    selector = {
        **WHERE,
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]} for asset in assets],
        "assetCheckSelection": [{"assetKey": {"path": [asset]}, "name": name} for asset, name in checks],
    }
    return server.graphql(LAUNCH, token, s=selector)[1]["data"]["launchRun"]["__typename"]


def test_a_grant_for_a_group_covers_its_assets_only(server: GuardedServer) -> None:
    token = server.person(Grant(role=Role.EDITOR, groups=("raw",)))
    assert server.rest("POST", "/materialize", {"selection": "orders"}, token=token)[0] == 201
    for selection in ("report", "orders+", "+report"):
        assert server.rest("POST", "/materialize", {"selection": selection}, token=token)[0] == 403, selection
    assert server.rest("POST", "/launch", {"job_name": "greet"}, token=token)[0] == 403
    for foreign in ({"ops": ["report"]}, {"checks": ["report:is_positive"]}):
        asked = {"job_name": "both", "assets": ["orders"], **foreign}
        assert server.rest("POST", "/launch", asked, token=token)[0] == 403, foreign
    assert launch(server, token, "orders", checks=[("report", "is_positive")]) == "UnauthorizedError"
    assert launch(server, token, checks=[("report", "is_positive")]) == "UnauthorizedError"
    assert launch(server, token, "orders") == "LaunchRunSuccess"
    assert launch(server, token, "report") == "UnauthorizedError"
    assert server.rest("POST", "/assets/orders/events", {"kind": "succeeded"}, token=token)[0] == 201
    assert server.rest("POST", "/assets/report/events", {"kind": "succeeded"}, token=token)[0] == 403
    report = {"authorization": f"Bearer {token}"}
    assert server.request("POST", "/report_asset_materialization/orders", b"", report)[0] == 200
    assert server.request("POST", "/report_asset_materialization/report", b"", report)[0] == 401
    wipe = 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["%s"]}}]) { __typename } }'
    assert (
        server.graphql(wipe % "report", token)[1]["data"]["wipeAssets"]["__typename"] == "AssetNotFoundError"
    )
    assert server.rest("POST", "/triggers/code.py/yearly/start", token=token)[0] in (403, 404)
    assert server.rest("POST", "/reload", token=token)[0] == 403


def test_a_grant_for_another_location_shows_and_changes_nothing_here(
    server: GuardedServer, run_id: str
) -> None:
    token = server.person(Grant(role=Role.EDITOR, locations=("elsewhere",)))
    for path in ("/runs", "/assets", "/triggers", "/ticks"):
        assert server.rest("GET", path, token=token)[1]["items"] == [], path
    assert server.rest("GET", "/definitions", token=token)[1] == {}
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/logs", "/assets/orders", "/assets/orders/events"):
        assert server.rest("GET", path, token=token)[0] == 404, path
    assert server.rest("POST", f"/runs/{run_id}/cancel", token=token)[0] == 404
    assert server.rest("POST", "/launch", {"job_name": "greet"}, token=token)[0] == 403
    assert launch(server, token, "orders") == "UnauthorizedError"


def test_a_read_only_server_refuses_even_admins() -> None:
    for server in served(read_only=True):
        assert server.rest("POST", "/launch", {"job_name": "greet"})[0] == 403
        assert launch(server, None, "orders") == "UnauthorizedError"
        assert server.rest("GET", "/runs")[1]["items"] == []


# -- audit ----------------------------------------------------------------------------------------------------


def test_the_audit_tells_who_did_what_and_what_it_was_before_and_after(server: GuardedServer, tokens) -> None:
    editor = tokens["editor"]
    name = server.rest("GET", "/whoami", token=editor)[1]["name"]
    assert server.rest("POST", "/triggers/code.py/yearly/start", token=editor)[0] == 200
    [entry] = server.audit(limit=1)
    assert (entry.user, entry.via, entry.token_id) == (name, "token", editor.split("_")[1])
    assert (entry.operation, entry.surface, entry.outcome) == ("start_schedule", "rest", "done")
    assert entry.address == "127.0.0.1"
    before, after = entry.before["trigger code.py/yearly"], entry.after["trigger code.py/yearly"]
    assert (before["status"], after["status"]) == ("DECLARED_IN_CODE", "RUNNING")
    stop = 'mutation { stopRunningSchedule(id: "code.py/yearly") { __typename } }'
    assert (
        server.graphql(stop, editor)[1]["data"]["stopRunningSchedule"]["__typename"] == "ScheduleStateResult"
    )
    [entry] = server.audit(limit=1)
    assert (entry.surface, entry.operation) == ("graphql", "stop_running_schedule")
    assert entry.before["trigger code.py/yearly"]["status"] == "RUNNING"
    assert entry.after["trigger code.py/yearly"]["status"] == "STOPPED"


def test_refusals_and_failures_are_in_the_audit_and_secrets_are_not(server: GuardedServer, tokens) -> None:
    config = {"ops": {"hello": {"config": {"password": "hunter22", "url": "postgres://u:pw123@h/x"}}}}
    assert (
        server.rest("POST", "/launch", {"job_name": "greet", "run_config": config}, token=tokens["viewer"])[0]
        == 403
    )
    assert server.audit(limit=1)[0].outcome == "refused"
    assert (
        server.rest("POST", "/launch", {"job_name": "gret", "run_config": config}, token=tokens["admin"])[0]
        == 404
    )
    [failed] = server.audit(limit=1)
    assert failed.outcome == "failed" and "did you mean 'greet'" in failed.message
    everything = str(server.audit(limit=1000))
    assert "hunter22" not in everything and "pw123" not in everything
