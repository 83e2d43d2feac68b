"""What is ours over GraphQL: pauses, policies, forecast, priorities, deliveries, failed events, the audit."""

from __future__ import annotations

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

PAUSE = """mutation($s: TriggerSelection!, $m: MissedWhilePaused) {
  pauseAutomation(selection: $s, reason: "too loud", missed: $m) { __typename
    ... on PauseAutomationSuccess { pause { id reason by name kind repositoryLocationName } }
    ... on PythonError { message } } }"""
RESUME = """mutation($id: Int!) { resumeAutomation(pauseId: $id) { __typename
  ... on ResumeAutomationSuccess { pauses { id endedTimestamp } } ... on PythonError { message } } }"""
STATE = """query($s: InstigationSelector!) { instigationStateOrError(instigationSelector: $s) {
  ... on InstigationState { policyJson pausedBy { id } heldRequestCount heldRequests { runId }
    breaker { state } } } }"""
FORECAST = "query($limit: Int, $c: Float) { forecast(limit: $limit, cursor: $c) { hasMore cursor ticks { timestamp schedule { name } } } }"


def test_a_pause_is_listed_seen_at_its_trigger_and_ended(server: GraphQLServer) -> None:
    selection = {"kind": "SENSOR", "name": "skips", "repositoryLocationName": "code.py"}
    made = server.ask(PAUSE, s=selection, m="skip")["pauseAutomation"]["pause"]
    assert (made["reason"], made["name"], made["kind"]) == (
        "too loud",
        "skips",
        "SENSOR",
    )
    assert {"id": made["id"]} in server.ask("{ automationPauses { id } }")["automationPauses"]
    found = server.ask(STATE, s=SELECTOR | {"name": "skips"})["instigationStateOrError"]
    assert found == {
        "policyJson": None,
        "pausedBy": {"id": made["id"]},
        "heldRequestCount": 0,
        "heldRequests": [],
        "breaker": None,
    }
    ended = server.ask(RESUME, id=made["id"])["resumeAutomation"]["pauses"]
    assert ended[0]["id"] == made["id"] and ended[0]["endedTimestamp"] is not None
    assert server.ask(RESUME, id=made["id"])["resumeAutomation"]["__typename"] == "PythonError"
    entries = server.ask(
        '{ auditEntries(operation: "pause_automation", limit: 1) { hasMore cursor results { user whatJson } } }'
    )
    (entry,) = entries["auditEntries"]["results"]
    assert entry["user"] == "" and "resumeAutomation" in entry["whatJson"]
    assert entries["auditEntries"]["hasMore"]


def test_a_pause_of_nothing_is_refused(server: GraphQLServer) -> None:
    refused = server.ask(PAUSE, s={"name": "skipz"})["pauseAutomation"]
    assert refused["__typename"] == "PythonError" and "skips" in refused["message"]


def test_the_forecast_has_running_schedules_that_are_not_paused(server: GraphQLServer) -> None:
    server.ask(
        "mutation($s: ScheduleSelector!) { startSchedule(scheduleSelector: $s) { __typename } }",
        s=SELECTOR | {"scheduleName": "mornings"},
    )
    day = server.ask(FORECAST)["forecast"]
    (tick,) = day["ticks"]
    assert tick["schedule"] == {"name": "mornings"} and tick["timestamp"] % 86_400 == 6 * 3_600
    assert not day["hasMore"]
    week = "query($u: Float, $c: Float) { forecast(until: $u, limit: 2, cursor: $c) { hasMore cursor ticks { timestamp } } }"
    until = tick["timestamp"] + 2 * 86_400 + 1
    first = server.ask(week, u=until)["forecast"]
    rest = server.ask(week, u=until, c=first["cursor"])["forecast"]
    moments = [one["timestamp"] - tick["timestamp"] for one in first["ticks"] + rest["ticks"]]
    assert (first["hasMore"], rest["hasMore"], moments) == (True, False, [0, 86_400, 172_800])
    paused = server.ask(PAUSE, s={"kind": "SCHEDULE"})["pauseAutomation"]["pause"]
    assert server.ask(FORECAST)["forecast"]["ticks"] == []
    server.ask(RESUME, id=paused["id"])


def test_the_priority_of_what_does_not_wait_is_not_changed(server: GraphQLServer) -> None:
    change = """mutation($r: String!) { setRunPriority(runId: $r, priority: 3) { __typename
      ... on PythonError { message } } }"""
    assert server.ask(change, r="none")["setRunPriority"]["__typename"] == "RunNotFoundError"
    params = {"selector": SELECTOR | {"jobName": "quick"}}
    launched = server.ask(
        "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { ... on LaunchRunSuccess { run { id } } } }",
        p=params,
    )["launchRun"]["run"]["id"]
    server.wait_for_run(launched)
    assert "SUCCESS" in server.ask(change, r=launched)["setRunPriority"]["message"]


def test_events_and_deliveries_that_are_not_there(server: GraphQLServer) -> None:
    assert server.ask("{ deliveries { results { id } hasMore cursor } }")["deliveries"] == {
        "results": [],
        "hasMore": False,
        "cursor": "",
    }
    replay = server.ask('mutation { replayDelivery(id: "5") { __typename ... on PythonError { message } } }')
    assert "got 5" in replay["replayDelivery"]["message"]
    retry = server.ask(
        'mutation { retryFailedEvent(instigationStateId: "x", eventId: "1") { ... on PythonError { message } } }'
    )
    assert "sensor's state" in retry["retryFailedEvent"]["message"]
