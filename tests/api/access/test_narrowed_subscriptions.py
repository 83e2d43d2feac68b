"""What subscriptions send to somebody with a grant for a part: that part, and nothing of the others; and no longer than
the login that they were begun with holds."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed

from tests.api.access.conftest import GuardedServer
from tests.api.graphql.sockets import NEW, OLD, Client, client
from tidewheel.api.graphql import websockets
from tidewheel.api.graphql.schema import build_schema
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-roles")

SUBSCRIPTIONS = {
    "newAssetEvents": "subscription { newAssetEvents { ... on MaterializationEvent { assetKey { path } } } }",
    "runChanges": "subscription { runChanges { runId pipelineName status } }",
    "newTicks": "subscription { newTicks { instigationState { name } } }",
    "locationStateChangeEvents": "subscription { locationStateChangeEvents { event { locationName eventType } } }",
    "pipelineRunLogs": """subscription($r: ID!) { pipelineRunLogs(runId: $r) { __typename
      ... on PipelineRunLogsSubscriptionSuccess { messages { ... on MessageEvent { message } } } } }""",
    "capturedLogs": "subscription($k: [String!]!) { capturedLogs(logKey: $k) { stdout } }",
}
LIVE = ("newAssetEvents", "runChanges", "newTicks", "locationStateChangeEvents")
"""Those that tell of whatever happens; the others are about one run."""


def test_every_subscription_has_a_row() -> None:
    assert set(SUBSCRIPTIONS) == set(build_schema().subscription_type.fields)


def follow(socket: Client) -> None:
    for name in LIVE:
        socket.start(SUBSCRIPTIONS[name], identity=name)
    # the answer to a query comes after the operations before it have begun
    socket.start("{ version }", identity="begun")
    assert {socket.receive()["type"], socket.receive()["type"]} == {"next", "complete"}


def received(socket: Client, *until: str) -> list[tuple[str, str]]:
    """(subscription, data as text) of all messages until these texts were in some."""
    found: list[tuple[str, str]] = []
    while not all(any(text in data for _, data in found) for text in until):
        message = socket.receive()
        assert message["type"] == "next", message
        found.append((message["id"], json.dumps(message["payload"])))
    return found


def make(server: GuardedServer, token: str, path: str, **body: str) -> str:
    run_id = server.rest("POST", path, body, token=token)[1]["run_id"]
    assert server.rest("GET", f"/runs/{run_id}/wait?timeout_s=60", token=token)[1]["status"] == "SUCCESS"
    return run_id


def test_each_sees_what_happens_in_their_part(server: GuardedServer, tokens) -> None:
    admin = tokens["admin"]
    raw = server.person(Grant(role=Role.EDITOR, groups=("raw",)))
    elsewhere = server.person(Grant(role=Role.ADMIN, locations=("elsewhere",)))
    here = server.person(Grant(role=Role.VIEWER, locations=("code.py",)))
    with (
        client(server, token=here) as all_of_it,
        client(server, token=raw) as of_group,
        client(server, token=elsewhere) as of_nothing,
    ):
        for socket in (all_of_it, of_group, of_nothing):
            follow(socket)
        greet = make(server, admin, "/launch", job_name="greet")
        report = make(server, admin, "/materialize", selection="+report")
        assert server.rest("POST", "/triggers/code.py/skips/start", token=admin)[0] == 200
        whole = received(all_of_it, '"skips"', '["report"]', greet, report)
        assert server.rest("POST", "/triggers/code.py/skips/stop", token=admin)[0] == 200
        assert server.rest("POST", "/reload?location=code.py", token=admin)[0] == 200
        whole += received(all_of_it, "LOCATION_UPDATED")
        assert {name for name, _ in whole} == set(LIVE)

        orders = make(server, admin, "/materialize", selection="orders")
        part = received(of_group, '["orders"]', orders, "LOCATION_UPDATED")
        text = "".join(data for _, data in part)
        assert not any(hidden in text for hidden in ("report", "greet", "skips", greet, report)), text
        # nothing came before the answer to this
        of_nothing.start("{ version }", identity="last")
        message = of_nothing.receive()
        assert (message["id"], message["payload"]) == ("last", {"data": {"version": "0.0-test"}}), message


@pytest.mark.parametrize("protocol", [NEW, OLD])
def test_a_run_of_another_part_is_not_followed(server: GuardedServer, tokens, protocol: str) -> None:
    run_id = make(server, tokens["admin"], "/launch", job_name="greet")
    key = [run_id, "compute_logs", "hello"]
    raw = server.person(Grant(role=Role.EDITOR, groups=("raw",)))
    for token, is_seen in ((tokens["viewer"], True), (raw, False)):
        with client(server, protocol, token) as socket:
            socket.start(SUBSCRIPTIONS["pipelineRunLogs"], identity="1", r=run_id)
            kinds = {one["data"]["pipelineRunLogs"]["__typename"] for one in socket.results_to_end("1")}
            socket.start(SUBSCRIPTIONS["capturedLogs"], identity="2", k=key)
            texts = {one["data"]["capturedLogs"]["stdout"] for one in socket.results_to_end("2")}
        assert kinds == {f"PipelineRunLogsSubscription{'Success' if is_seen else 'Failure'}"}
        assert texts == ({"connecting to postgres://u:********@h/x\n"} if is_seen else {None})


def test_nobody_subscribes_without_a_login(server: GuardedServer) -> None:
    for token in (None, server.token("root", days=-1.0), "tw_000000000000_" + "x" * 43):
        with pytest.raises(Exception) as refused, client(server, token=token):
            pass
        assert "401" in str(refused.value) or "403" in str(refused.value), refused.value


# -- no longer than the login holds ---------------------------------------------------------------------------------


def closed_with(socket: Client) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.receive()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def end_by_revoking(server: GuardedServer, name: str, token: str) -> None:
    server.rest("POST", f"/tokens/{token.split('_')[1]}/revoke", token=token)


def end_by_disabling(server: GuardedServer, name: str, token: str) -> None:
    server.call(lambda: server.server.database.write(_disable, server.ledger.access, name))


def end_by_narrowing(server: GuardedServer, name: str, token: str) -> None:
    grants = (Grant(role=Role.VIEWER, groups=("mart",)),)
    server.call(lambda: server.server.database.write(_regrant, server.ledger.access, name, grants))


@pytest.mark.parametrize("end", [end_by_revoking, end_by_disabling, end_by_narrowing])
def test_a_socket_ends_with_the_login_that_it_was_opened_with(
    server: GuardedServer, monkeypatch, end
) -> None:
    monkeypatch.setattr(websockets, "RECHECK_S", 0.05)
    name = f"ends{len(server.ledger.access.get_users())}"
    server.add_user(name, Grant(role=Role.LAUNCHER))
    token = server.token(name)
    with client(server, token=token) as socket:
        follow(socket)
        end(server, name, token)
        assert closed_with(socket) == 4401


def test_an_operation_after_the_login_has_ended_is_refused(server: GuardedServer) -> None:
    token = server.person(Grant(role=Role.LAUNCHER))
    with client(server, token=token) as socket:
        end_by_revoking(server, "", token)
        socket.start("{ version }")
        assert closed_with(socket) == 4401


def _disable(access, name: str) -> None:
    user = access.get_user(name)
    access.put_user(replace(user, disabled_at=1.0))


def _regrant(access, name: str, grants: tuple[Grant, ...]) -> None:
    access.put_user(replace(access.get_user(name), grants=grants))
