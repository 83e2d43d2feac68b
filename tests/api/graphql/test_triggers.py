"""Schedules and sensors: definitions, state, start, stop, reset, cursor, trying, ticks."""

from __future__ import annotations

import time

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

STATE = "id selectorId name instigationType status repositoryName repositoryLocationName runsCount runningCount failuresInARow"


def sensor(name: str) -> dict:
    return SELECTOR | {"sensorName": name}


def schedule(name: str) -> dict:
    return SELECTOR | {"scheduleName": name}


def test_a_sensor(server: GraphQLServer) -> None:
    query = """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { __typename
      ... on Sensor { id name targets { pipelineName mode solidSelection } defaultStatus minIntervalSeconds sensorType
        description hasCursorUpdatePermissions metadata { assetKeys { path } } nextTick { timestamp }
        sensorState { STATE hasStartPermission typeSpecificData { ... on SensorData { lastCursor lastRunKey } } } }
      ... on SensorNotFoundError { sensorName message } } }""".replace("STATE", STATE)
    found = server.ask(query, s=sensor("skips"))["sensorOrError"]
    assert found["targets"] == [{"pipelineName": "quick", "mode": "default", "solidSelection": None}]
    assert found["defaultStatus"] == "STOPPED" and found["minIntervalSeconds"] == 600
    assert found["sensorType"] == "STANDARD" and found["nextTick"] is None
    state = found["sensorState"]
    assert (
        state["id"] == found["id"] and state["instigationType"] == "SENSOR" and state["status"] == "STOPPED"
    )
    assert state["repositoryName"] == "__repository__" and state["repositoryLocationName"] == "code.py"
    missing = server.ask(query, s=sensor("skip"))["sensorOrError"]
    assert missing["sensorName"] == "skip" and "'skips'" in missing["message"]


def test_a_schedule_and_its_times(server: GraphQLServer) -> None:
    query = """query($s: ScheduleSelector!) { scheduleOrError(scheduleSelector: $s) { __typename
      ... on Schedule { name cronSchedule pipelineName mode executionTimezone defaultStatus partitionSet { name }
        futureTicks(cursor: 1700000000, limit: 2) { cursor results { timestamp } }
        until: futureTicks(cursor: 1700000000, until: 1700100000) { results { timestamp } }
        futureTick(tickTimestamp: 1700028000) { timestamp evaluationResult { runRequests { runKey tags { key value } } } }
        potentialTickTimestamps(startTimestamp: 1700000000, upperLimit: 2, lowerLimit: 2)
        scheduleState { status typeSpecificData { ... on ScheduleData { cronSchedule startTimestamp } } } }
      ... on ScheduleNotFoundError { scheduleName } } }"""
    found = server.ask(query, s=schedule("mornings"))["scheduleOrError"]
    assert found["cronSchedule"] == "0 6 * * *" and found["pipelineName"] == "quick"
    assert [one["timestamp"] for one in found["futureTicks"]["results"]] == [1700028000, 1700114400]
    assert found["futureTicks"]["cursor"] == 1700114401
    assert [one["timestamp"] for one in found["until"]["results"]] == [1700028000]
    assert found["potentialTickTimestamps"] == [1699855200, 1699941600, 1700028000, 1700114400]
    request = found["futureTick"]["evaluationResult"]["runRequests"][0]
    assert request["runKey"] == "once" and {"key": "why", "value": "morning"} in request["tags"]
    missing = server.ask(query, s=schedule("evenings"))["scheduleOrError"]
    assert missing == {"__typename": "ScheduleNotFoundError", "scheduleName": "evenings"}


def test_a_schedule_starts_stops_and_resets(server: GraphQLServer) -> None:
    answer = """{ __typename ... on ScheduleStateResult { scheduleState { id status nextTick { timestamp } } }
      ... on PythonError { message } ... on ScheduleNotFoundError { message } }"""
    start = "mutation($s: ScheduleSelector!) { startSchedule(scheduleSelector: $s) " + answer + " }"
    stop = "mutation($i: String) { stopRunningSchedule(id: $i) " + answer + " }"
    reset = "mutation($s: ScheduleSelector!) { resetSchedule(scheduleSelector: $s) " + answer + " }"
    listed = """query($s: RepositorySelector!, $on: InstigationStatus) {
      schedulesOrError(repositorySelector: $s, scheduleStatus: $on) { ... on Schedules { results { name canReset } } } }"""
    state = server.ask(start, s=schedule("mornings"))["startSchedule"]["scheduleState"]
    assert state["status"] == "RUNNING"
    running = server.ask(listed, s=SELECTOR, on="RUNNING")["schedulesOrError"]["results"]
    assert running == [{"name": "mornings", "canReset": True}]
    stopped = server.ask(stop, i=state["id"])["stopRunningSchedule"]["scheduleState"]
    assert stopped == {"id": state["id"], "status": "STOPPED", "nextTick": None}
    server.ask(reset, s=schedule("mornings"))
    results = server.ask(listed, s=SELECTOR)["schedulesOrError"]["results"]
    assert results == [{"name": "mornings", "canReset": False}]
    assert server.ask(start, s=schedule("none"))["startSchedule"]["__typename"] == "ScheduleNotFoundError"
    assert server.ask(stop, i="none")["stopRunningSchedule"]["__typename"] == "PythonError"


def test_a_sensor_starts_ticks_and_stops(server: GraphQLServer) -> None:
    cursor = """mutation($s: SensorSelector!, $c: String) { setSensorCursor(sensorSelector: $s, cursor: $c) { __typename
      ... on Sensor { sensorState { typeSpecificData { ... on SensorData { lastCursor } } } } } }"""
    start = "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { ... on Sensor { sensorState { id status } } } }"
    stop = """mutation($i: String) { stopSensor(id: $i) { __typename
      ... on StopSensorMutationResult { instigationState { status } } ... on PythonError { message } } }"""
    ticks = """query($s: InstigationSelector!) { instigationStateOrError(instigationSelector: $s) { ... on InstigationState {
      runs(limit: 5) { id jobName trigger { name } } runsCount ticks(limit: 5) { id tickId status timestamp endTimestamp
        runIds runKeys skipReason cursor instigationType requestedJobRunCount requestedRunsForJobs { jobName }
        error { message } logEvents { events { message } hasMore } runs { id } instigationState { name } } } } }"""
    changed = server.ask(cursor, s=sensor("asks"), c="here")["setSensorCursor"]
    assert changed["sensorState"]["typeSpecificData"] == {"lastCursor": "here"}
    state = server.ask(start, s=sensor("asks"))["startSensor"]["sensorState"]
    assert state["status"] == "RUNNING"
    deadline = time.monotonic() + 30
    while not (found := server.ask(ticks, s=SELECTOR | {"name": "asks"})["instigationStateOrError"])["ticks"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    tick = found["ticks"][0]
    assert tick["status"] == "SUCCESS" and tick["runKeys"] == ["1"] and tick["cursor"] == "after here"
    assert tick["instigationType"] == "SENSOR" and tick["instigationState"] == {"name": "asks"}
    assert tick["requestedRunsForJobs"] == [{"jobName": "configured"}] and tick["requestedJobRunCount"] == 1
    assert [run["id"] for run in found["runs"]] == tick["runIds"] and found["runsCount"] == 1
    assert found["runs"][0] == {
        "id": tick["runIds"][0],
        "jobName": "configured",
        "trigger": {"name": "asks"},
    }
    assert server.wait_for_run(tick["runIds"][0]) == "SUCCESS"
    stopped = server.ask(stop, i=state["id"])["stopSensor"]
    assert stopped["instigationState"] == {"status": "STOPPED"}
    assert server.ask(stop, i="none")["stopSensor"]["__typename"] == "PythonError"
    cleared = server.ask(cursor, s=sensor("asks"))["setSensorCursor"]
    assert cleared["sensorState"]["typeSpecificData"] == {"lastCursor": None}
    one = """query($s: InstigationSelector!, $i: ID!) { instigationStateOrError(instigationSelector: $s) {
      ... on InstigationState { tick(tickId: $i) { tickId } } } }"""
    again = server.ask(one, s=SELECTOR | {"name": "asks"}, i=tick["tickId"])["instigationStateOrError"]
    assert again["tick"] == {"tickId": tick["tickId"]}
    status, body = server.post(one, {"s": SELECTOR | {"name": "skips"}, "i": tick["tickId"]})
    assert status == 200 and "expected the id of a tick of 'skips'" in body["errors"][0]["message"]


TICK = """{ __typename ... on DryRunInstigationTick { timestamp evaluationResult { cursor skipReason error { message }
  dynamicPartitionsRequests { partitionKeys partitionsDefName type }
  runRequests { runKey jobName runConfigYaml tags { key value } assetSelection { path } } } }
  ... on %s }"""


def test_trying_a_sensor_leaves_nothing(server: GraphQLServer) -> None:
    query = "mutation($s: SensorSelector!, $c: String) { sensorDryRun(selectorData: $s, cursor: $c) %s }" % (
        TICK % "SensorNotFoundError { sensorName }"
    )
    before = server.ask("{ runsOrError(limit: 0) { ... on Runs { count } } }")
    evaluated = server.ask(query, s=sensor("asks"), c="there")["sensorDryRun"]["evaluationResult"]
    assert evaluated["cursor"] == "after there" and evaluated["error"] is None
    assert evaluated["runRequests"][0]["runConfigYaml"] == "ops:\n  takes:\n    config:\n      n: 5\n"
    assert {"key": "a", "value": "b"} in evaluated["runRequests"][0]["tags"]
    assert evaluated["dynamicPartitionsRequests"] == [
        {"partitionKeys": ["acme"], "partitionsDefName": "customers", "type": "ADD_PARTITIONS"}
    ]
    skipped = server.ask(query, s=sensor("skips"))["sensorDryRun"]["evaluationResult"]
    assert skipped["skipReason"] == "nothing to do" and skipped["runRequests"] == []
    missing = server.ask(query, s=sensor("none"))["sensorDryRun"]
    assert missing == {"__typename": "SensorNotFoundError", "sensorName": "none"}
    assert server.ask("{ runsOrError(limit: 0) { ... on Runs { count } } }") == before


def test_trying_a_schedule(server: GraphQLServer) -> None:
    query = (
        "mutation($s: ScheduleSelector!, $t: Float) { scheduleDryRun(selectorData: $s, timestamp: $t) %s }"
        % (TICK % "ScheduleNotFoundError { scheduleName }")
    )
    tried = server.ask(query, s=schedule("mornings"), t=1700028000.0)["scheduleDryRun"]
    assert tried["timestamp"] == 1700028000.0
    assert tried["evaluationResult"]["runRequests"][0]["runKey"] == "once"
    assert server.ask(query, s=schedule("mornings"))["scheduleDryRun"]["timestamp"] > 1_700_000_000
    missing = server.ask(query, s=schedule("none"))["scheduleDryRun"]
    assert missing == {"__typename": "ScheduleNotFoundError", "scheduleName": "none"}


def test_states_of_a_repository(server: GraphQLServer) -> None:
    repository = server.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { id } } } }")
    query = """query($r: String!) { instigationStatesOrError(repositoryID: $r) { __typename
      ... on InstigationStates { results { name instigationType } } } }"""
    identity = repository["repositoriesOrError"]["nodes"][0]["id"]
    results = server.ask(query, r=identity)["instigationStatesOrError"]["results"]
    assert {(one["name"], one["instigationType"]) for one in results} == {
        ("mornings", "SCHEDULE"),
        ("asks", "SENSOR"),
        ("skips", "SENSOR"),
    }
    assert server.ask(query, r="other")["instigationStatesOrError"]["__typename"] == "PythonError"
    none = """query($s: InstigationSelector!) { instigationStateOrError(instigationSelector: $s) { __typename } }"""
    missing = server.ask(none, s=SELECTOR | {"name": "none"})["instigationStateOrError"]
    assert missing == {"__typename": "InstigationStateNotFoundError"}
