"""Subscriptions over both web socket protocols: live logs, ticks, events, changes; bad manners of clients."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer
from tests.api.graphql.sockets import NEW, OLD, Client, client

pytestmark = pytest.mark.xdist_group("graphql")

LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { ... on LaunchRunSuccess { run { id } } } }"""
LOGS = """subscription($r: ID!, $c: String) { pipelineRunLogs(runId: $r, cursor: $c) { __typename
  ... on PipelineRunLogsSubscriptionSuccess { run { id status } hasMorePastEvents cursor
    messages { __typename ... on MessageEvent { eventType message stepKey } } }
  ... on PipelineRunLogsSubscriptionFailure { message missingRunId } } }"""


def launch(server: GraphQLServer, job: str) -> str:
    return server.ask(LAUNCH, p={"selector": SELECTOR | {"jobName": job}})["launchRun"]["run"]["id"]


def kinds_of(results: list[dict[str, Any]]) -> list[str | None]:
    return [one["eventType"] for result in results for one in result["data"]["pipelineRunLogs"]["messages"]]


@pytest.mark.parametrize("protocol", [NEW, OLD])
def test_a_log_is_followed_to_its_end(server: GraphQLServer, protocol: str) -> None:
    with client(server, protocol) as socket:
        run_id = launch(server, "orders_job")
        socket.start(LOGS, r=run_id)
        results = socket.results_to_end()
        kinds = kinds_of(results)
        assert kinds[0] in ("RUN_ENQUEUED", "ASSET_MATERIALIZATION_PLANNED") and "RUN_SUCCESS" in kinds
        assert kinds.count("ASSET_MATERIALIZATION") == 2
        assert results[-1]["data"]["pipelineRunLogs"]["run"] == {"id": run_id, "status": "SUCCESS"}
        whole = server.ask(
            """query($r: ID!) { logsForRun(runId: $r) { ... on EventConnection { cursor events {
                 ... on MessageEvent { eventType } } } } }""",
            r=run_id,
        )["logsForRun"]
        assert kinds == [event["eventType"] for event in whole["events"]]
        last = results[-1]["data"]["pipelineRunLogs"]["cursor"]
        assert last == whole["cursor"]
        first = results[0]["data"]["pipelineRunLogs"]["cursor"]
        socket.start(LOGS, identity="2", r=run_id, c=first)
        again = kinds_of(socket.results_to_end("2"))
        assert again == kinds[len(results[0]["data"]["pipelineRunLogs"]["messages"]) :]
        socket.start(LOGS, identity="3", r="none")
        missing = socket.results_to_end("3")[0]["data"]["pipelineRunLogs"]
        assert missing["missingRunId"] == "none"


@pytest.mark.parametrize("protocol", [NEW, OLD])
def test_a_followed_log_grows_while_the_run_runs(server: GraphQLServer, protocol: str) -> None:
    with client(server, protocol) as socket:
        run_id = launch(server, "endless")
        server.wait_for_run(run_id, "STARTED")
        socket.start(LOGS, r=run_id)
        seen: list[str | None] = []
        while "STEP_START" not in seen:
            seen += kinds_of([socket.result()])
        assert "RUN_CANCELED" not in seen
        server.ask("mutation($r: String!) { terminateRun(runId: $r) { __typename } }", r=run_id)
        seen += kinds_of(socket.results_to_end())
        assert seen[-1] == "RUN_CANCELED" or "RUN_CANCELED" in seen


def test_stopped_operations_send_no_more(server: GraphQLServer) -> None:
    run_id = launch(server, "endless")
    server.wait_for_run(run_id, "STARTED")
    for protocol in (NEW, OLD):
        with client(server, protocol) as socket:
            socket.start(LOGS, r=run_id)
            socket.result()
            socket.stop()
            socket.start("query { version }", identity="2")
            while (message := socket.receive())["id"] == "1":
                pass
            assert message["payload"] == {"data": {"version": "0.0-test"}}
            assert socket.receive() == {"type": "complete", "id": "2"}
    server.ask("mutation($r: String!) { terminateRun(runId: $r) { __typename } }", r=run_id)


def test_new_ticks(server: GraphQLServer) -> None:
    query = """subscription($s: InstigationSelector) { newTicks(instigationSelector: $s) { status skipReason
      instigationState { name } } }"""
    sensor = {**SELECTOR, "sensorName": "skips"}
    start = "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { ... on Sensor { id } } }"
    with client(server) as socket, client(server) as other:
        socket.start(query, s=SELECTOR | {"name": "skips"})
        other.start(query, s=SELECTOR | {"name": "none"})
        refused = other.results_to_end()
        assert "expected a schedule or sensor" in refused[0]["errors"][0]["message"]
        identity = server.ask(start, s=sensor)["startSensor"]["id"]
        tick = socket.result()["data"]["newTicks"]
        assert tick == {
            "status": "SKIPPED",
            "skipReason": "nothing to do",
            "instigationState": {"name": "skips"},
        }
        server.ask("mutation($i: String) { stopSensor(id: $i) { __typename } }", i=identity)


def test_new_asset_events_and_run_changes(server: GraphQLServer) -> None:
    events = """subscription($k: [AssetKeyInput!]) { newAssetEvents(assetKeys: $k) { __typename
      ... on MaterializationEvent { runId assetKey { path } } } }"""
    changes = """subscription { runChanges(pipelineName: "orders_job") { id status } }"""
    with client(server) as socket:
        socket.start(events, identity="events", k=[{"path": ["shop", "sums"]}])
        socket.start(changes, identity="changes")
        socket.send(type="ping")
        assert socket.receive() == {"type": "pong"}
        run_id = launch(server, "orders_job")
        statuses: list[str] = []
        made: list[dict] = []
        while not made or "SUCCESS" not in statuses:
            message = socket.receive()
            if message["id"] == "changes":
                run = message["payload"]["data"]["runChanges"]
                statuses += [run["status"]] if run["id"] == run_id else []
            elif message["payload"]["data"]["newAssetEvents"]["__typename"] == "MaterializationEvent":
                made.append(message["payload"]["data"]["newAssetEvents"])
        assert made == [
            {"__typename": "MaterializationEvent", "runId": run_id, "assetKey": {"path": ["shop", "sums"]}}
        ]
        order = ["QUEUED", "STARTING", "STARTED", "SUCCESS"]
        assert statuses == [status for status in order if status in statuses]


def test_location_changes(server: GraphQLServer) -> None:
    with client(server) as socket:
        socket.start("subscription { locationStateChangeEvents { event { eventType locationName } } }")
        socket.send(type="ping")
        assert socket.receive() == {"type": "pong"}
        server.ask('mutation { reloadRepositoryLocation(repositoryLocationName: "code.py") { __typename } }')
        event = socket.result()["data"]["locationStateChangeEvents"]["event"]
        assert event == {"eventType": "LOCATION_UPDATED", "locationName": "code.py"}


def test_captured_logs_are_followed(server: GraphQLServer) -> None:
    run_id = launch(server, "quick")
    server.wait_for_run(run_id)
    events = server.ask(
        """query($r: ID!) { logsForRun(runId: $r) { ... on EventConnection { events {
             ... on LogsCapturedEvent { fileKey } } } } }""",
        r=run_id,
    )["logsForRun"]["events"]
    keys = [event["fileKey"] for event in events if event]
    assert keys, "the run tells where its output is"
    with client(server) as socket:
        query = "subscription($k: [String!]!) { capturedLogs(logKey: $k) { stdout } }"
        socket.start(query, k=[run_id, "compute_logs", keys[0]])
        results = socket.results_to_end()
        text = "".join(result["data"]["capturedLogs"]["stdout"] or "" for result in results)
        assert "to standard output" in text


@pytest.mark.parametrize("protocol", [NEW, OLD])
def test_queries_are_answered_and_mutations_refused(server: GraphQLServer, protocol: str) -> None:
    with client(server, protocol) as socket:
        socket.start("query($l: Int) { runsOrError(limit: $l) { __typename } }", l=1)
        assert socket.results_to_end() == [{"data": {"runsOrError": {"__typename": "Runs"}}}]
        socket.start("mutation { reloadWorkspace { __typename } }", identity="2")
        error = socket.receive()
        assert error["type"] == "error" and error["id"] == "2" and "POST" in str(error["payload"])
        socket.start("{ nothing }", identity="3")
        error = socket.receive()
        assert error["type"] == "error" and isinstance(error["payload"], list if protocol == NEW else dict)
        socket.start("{ version }", identity="4")
        assert socket.results_to_end("4") == [{"data": {"version": "0.0-test"}}]


def closed_with(server: GraphQLServer, *messages: Any, init: bool = True, protocol: str = NEW) -> int:
    """Send messages (bytes and texts as they are); the code that the server closes with."""
    with connect(f"ws://127.0.0.1:{server.port}/graphql", subprotocols=[protocol]) as socket:
        if init:
            socket.send(json.dumps({"type": "connection_init"}))
            socket.recv(5)
        for message in messages:
            socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
        try:
            while True:
                socket.recv(5)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert "Traceback" not in closed.rcvd.reason
            return closed.rcvd.code


def test_bad_manners_close_the_socket(server: GraphQLServer) -> None:
    subscribe = {"id": "1", "type": "subscribe", "payload": {"query": "subscription { runChanges { id } }"}}
    assert closed_with(server, subscribe, init=False) == 4401
    assert closed_with(server, {"type": "connection_init"}) == 4429
    assert closed_with(server, subscribe, subscribe) == 4409
    for wrong in ("{", "[]", "5", b"\x00", {"type": 5}, {"type": "other"}, {"type": "subscribe", "id": 5}):
        assert closed_with(server, wrong) == 4400
    assert closed_with(server, {"id": "1", "type": "subscribe", "payload": []}) == 4400
    assert closed_with(server, "x" * (1024 * 1024 + 10)) == 1009
    assert closed_with(server, {"type": "connection_terminate"}, protocol=OLD) == 1000


def test_the_old_protocol_ignores_what_it_does_not_know(server: GraphQLServer) -> None:
    with client(server, OLD) as socket:
        socket.send(type="subscribe", id="1", payload={"query": "{version}"})
        socket.send(type="start", id="2", payload={"query": "query A {version}", "operation_name": "A"})
        assert socket.results_to_end("2") == [{"data": {"version": "0.0-test"}}]


def test_only_known_protocols_and_our_own_pages(server: GraphQLServer) -> None:
    address = f"ws://127.0.0.1:{server.port}/graphql"
    with pytest.raises((InvalidHandshake, ConnectionClosed)):
        connect(address, subprotocols=["other"])
    with pytest.raises((InvalidHandshake, ConnectionClosed)):
        connect(address, subprotocols=[NEW], origin="http://evil.example")
    own = f"http://127.0.0.1:{server.port}"
    with connect(address, subprotocols=[NEW], origin=own) as socket:
        assert socket.subprotocol == NEW
    with connect(address, subprotocols=["other", OLD, NEW]) as socket:
        assert socket.subprotocol == NEW
    with connect(address) as socket:
        speaking = Client(socket, OLD)
        speaking.send(type="connection_init")
        assert speaking.receive() == {"type": "connection_ack"}


def test_nothing_is_left_when_clients_go(server: GraphQLServer) -> None:
    for _ in range(3):
        with client(server) as socket:
            for number in range(5):
                socket.start("subscription { runChanges { id } }", identity=str(number))
            socket.send(type="ping")
            while socket.receive()["type"] != "pong":
                pass
    launch(server, "quick")

    async def subscribers() -> int:
        watching = server.watching()
        return sum(len(waiters) for waiters in watching._waiters.values())

    for _ in range(100):
        if server.call(subscribers) == 0:
            return
    raise AssertionError("subscriptions of clients that have gone are still waiting")
