"""Runs: stopping, deleting, filters and pages, statistics, the log, captured output, tags."""

from __future__ import annotations

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { ... on LaunchRunSuccess { run { id } } } }"""
TERMINATE = """
mutation($r: String!, $p: TerminateRunPolicy) { terminateRun(runId: $r, terminatePolicy: $p) { __typename
  ... on TerminateRunSuccess { run { id status } } ... on TerminateRunFailure { message run { id } }
  ... on RunNotFoundError { runId message } } }
"""


def launch(server: GraphQLServer, job: str, **tags: str) -> str:
    metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    params = {"selector": SELECTOR | {"jobName": job}, "executionMetadata": metadata}
    return server.ask(LAUNCH, p=params)["launchRun"]["run"]["id"]


def done(server: GraphQLServer, job: str, **tags: str) -> str:
    run_id = launch(server, job, **tags)
    server.wait_for_run(run_id)
    return run_id


def test_a_running_run_is_asked_to_stop(server: GraphQLServer) -> None:
    run_id = launch(server, "endless")
    server.wait_for_run(run_id, "STARTED")
    stopped = server.ask(TERMINATE, r=run_id)["terminateRun"]
    assert stopped["__typename"] == "TerminateRunSuccess" and stopped["run"]["id"] == run_id
    assert server.wait_for_run(run_id) == "CANCELED"


def test_a_run_is_ended_at_once_by_policy(server: GraphQLServer) -> None:
    run_id = launch(server, "endless")
    server.wait_for_run(run_id, "STARTED")
    stopped = server.ask(TERMINATE, r=run_id, p="MARK_AS_CANCELED_IMMEDIATELY")["terminateRun"]
    assert stopped == {"__typename": "TerminateRunSuccess", "run": {"id": run_id, "status": "CANCELED"}}


def test_a_run_that_has_ended_cannot_be_stopped(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    refused = server.ask(TERMINATE, r=run_id)["terminateRun"]
    assert refused["__typename"] == "TerminateRunFailure" and refused["run"]["id"] == run_id
    assert "SUCCESS" in refused["message"]


def test_an_unknown_run_cannot_be_stopped(server: GraphQLServer) -> None:
    assert server.ask(TERMINATE, r="none")["terminateRun"] == {
        "__typename": "RunNotFoundError",
        "runId": "none",
        "message": "expected the id of a run, got 'none'",
    }


def test_stopping_several_has_a_result_each(server: GraphQLServer) -> None:
    ended = done(server, "quick")
    query = """mutation($r: [String!]!) { terminateRuns(runIds: $r) { ... on TerminateRunsResult {
      terminateRunResults { __typename } } } }"""
    results = server.ask(query, r=[ended, "none"])["terminateRuns"]["terminateRunResults"]
    assert [result["__typename"] for result in results] == ["TerminateRunFailure", "RunNotFoundError"]


def test_a_run_is_deleted(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    query = """mutation($r: String!) { deleteRun(runId: $r) { __typename
      ... on DeletePipelineRunSuccess { runId } ... on RunNotFoundError { runId } } }"""
    gone = {"__typename": "DeletePipelineRunSuccess", "runId": run_id}
    assert server.ask(query, r=run_id)["deleteRun"] == gone
    assert server.ask(query, r=run_id)["deleteRun"] == {"__typename": "RunNotFoundError", "runId": run_id}


RUNS = """
query($f: RunsFilter, $c: String, $l: Int) { runsOrError(filter: $f, cursor: $c, limit: $l) { __typename
  ... on Runs { count results { id } } ... on InvalidPipelineRunsFilterError { message } } }
"""


def found(server: GraphQLServer, **filters: object) -> list[str]:
    return [run["id"] for run in server.ask(RUNS, f=filters)["runsOrError"]["results"]]


def test_runs_by_filter(server: GraphQLServer) -> None:
    good, bad = done(server, "quick", mark="f1", side="a"), done(server, "broken", mark="f1", side="b")
    mark = {"key": "mark", "value": "f1"}
    assert found(server, tags=[mark]) == [bad, good]
    assert found(server, tags=[mark, {"key": "side", "value": "a"}]) == [good]
    assert found(server, tags=[mark], statuses=["FAILURE"]) == [bad]
    assert found(server, tags=[mark], pipelineName="quick") == [good]
    assert found(server, runIds=[good, "none", None]) == [good]
    assert found(server, runIds=[]) == []
    times = server.ask(
        "query($r: ID!) { runOrError(runId: $r) { ... on Run { creationTime updateTime } } }", r=good
    )["runOrError"]
    assert found(server, tags=[mark], createdAfter=times["creationTime"]) == [bad]
    assert found(server, tags=[mark], createdBefore=times["creationTime"] + 1e-3) == [good]
    assert found(server, tags=[mark], updatedAfter=times["updateTime"]) == [bad]
    too_many = server.ask(RUNS, f={"runIds": ["x"] * 1_001})["runsOrError"]
    assert too_many["__typename"] == "InvalidPipelineRunsFilterError"


def test_runs_by_page(server: GraphQLServer) -> None:
    made = [done(server, "quick", mark="p1") for _ in range(5)][::-1]
    filters, cursor, seen = {"tags": [{"key": "mark", "value": "p1"}]}, None, []
    while True:
        page = server.ask(RUNS, f=filters, c=cursor, l=2)["runsOrError"]
        assert page["count"] == 5
        if not page["results"]:
            break
        seen += [run["id"] for run in page["results"]]
        cursor = seen[-1]
    assert seen == made
    query = """query($f: RunsFilter, $c: String) { runsFeedOrError(limit: 3, view: RUNS, filter: $f, cursor: $c) {
      ... on RunsFeedConnection { hasMore cursor results { id } } }
      runsFeedCountOrError(view: RUNS, filter: $f) { ... on RunsFeedCount { count } }
      runIdsOrError(filter: $f) { ... on RunIds { results } } }"""
    first = server.ask(query, f=filters)
    assert [run["id"] for run in first["runsFeedOrError"]["results"]] == made[:3]
    assert first["runsFeedOrError"]["hasMore"] and first["runsFeedCountOrError"] == {"count": 5}
    assert first["runIdsOrError"]["results"] == made
    second = server.ask(query, f=filters, c=first["runsFeedOrError"]["cursor"])["runsFeedOrError"]
    assert [run["id"] for run in second["results"]] == made[3:] and not second["hasMore"]


def test_statistics_of_a_run(server: GraphQLServer) -> None:
    query = """query($r: ID!) { runOrError(runId: $r) { ... on Run { startTime endTime canTerminate
      stats { ... on RunStatsSnapshot { runId stepsSucceeded stepsFailed materializations enqueuedTime launchTime
        startTime endTime } }
      stepStats { stepKey status startTime endTime attempts { startTime } } } } }"""
    run = server.ask(query, r=done(server, "broken"))["runOrError"]
    assert (run["stats"]["stepsSucceeded"], run["stats"]["stepsFailed"]) == (1, 1)
    assert run["stats"]["enqueuedTime"] <= run["stats"]["launchTime"] <= run["startTime"] <= run["endTime"]
    assert {step["stepKey"]: step["status"] for step in run["stepStats"]} == {
        "first": "SUCCESS",
        "breaks": "FAILURE",
    }
    assert all(len(step["attempts"]) == 1 for step in run["stepStats"]) and not run["canTerminate"]


LOG = """
query($r: ID!, $c: String, $l: Int) { logsForRun(runId: $r, afterCursor: $c, limit: $l) { __typename
  ... on EventConnection { cursor hasMore events { __typename
    ... on MessageEvent { runId message timestamp level stepKey eventType }
    ... on RunEvent { pipelineName }
    ... on DisplayableEvent { label metadataEntries { label } }
    ... on ErrorEvent { error { className message stack causes { className message }
      errorChain { isExplicitLink error { className } } } }
    ... on MaterializationEvent { assetKey { path } partition tags { key value } runOrError { ... on Run { id } } } } } } }
"""


def log(server: GraphQLServer, run_id: str) -> list[dict]:
    connection = server.ask(LOG, r=run_id)["logsForRun"]
    assert not connection["hasMore"]
    return connection["events"]


def test_the_log_of_a_failed_run(server: GraphQLServer) -> None:
    run_id = done(server, "broken")
    events = log(server, run_id)
    kinds = [event["eventType"] for event in events]
    for kind in ("RUN_ENQUEUED", "RUN_START", "STEP_START", "STEP_SUCCESS", "STEP_FAILURE", "RUN_FAILURE"):
        assert kind in kinds
    assert kinds.index("RUN_ENQUEUED") < kinds.index("RUN_START") < kinds.index("RUN_FAILURE")
    failure = next(event for event in events if event["__typename"] == "ExecutionStepFailureEvent")
    assert failure["stepKey"] == "breaks" and failure["level"] == "ERROR" and failure["runId"] == run_id
    errors = [failure["error"], *failure["error"]["causes"]]
    assert any("this op always fails" in error["message"] for error in errors)
    assert failure["timestamp"].isdecimal() and len(failure["timestamp"]) == 13
    enqueued = next(event for event in events if event["__typename"] == "RunEnqueuedEvent")
    assert enqueued["pipelineName"] == "broken"


def test_the_log_of_a_materialisation(server: GraphQLServer) -> None:
    run_id = done(server, "orders_job")
    events = log(server, run_id)
    made = [event for event in events if event["__typename"] == "MaterializationEvent"]
    assert [event["assetKey"]["path"] for event in made] == [["orders"], ["shop", "sums"]]
    assert made[0]["label"] == "orders" and made[1]["label"] == "shop/sums"
    assert [entry["label"] for entry in made[0]["metadataEntries"]] == ["rows", "link"]
    assert made[0]["runOrError"] == {"id": run_id}
    said = next(event for event in events if event["__typename"] == "LogMessageEvent")
    assert said["message"] == "adding up" and said["level"] == "INFO" and said["eventType"] is None


def test_the_log_by_page(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    whole = [event["timestamp"] for event in log(server, run_id)]
    cursor, seen = None, []
    while True:
        page = server.ask(LOG, r=run_id, c=cursor, l=2)["logsForRun"]
        seen += [event["timestamp"] for event in page["events"]]
        cursor = page["cursor"]
        if not page["hasMore"]:
            break
    assert seen == whole
    assert server.ask(LOG, r="none")["logsForRun"]["__typename"] == "RunNotFoundError"


def test_captured_output(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    captured = [
        event
        for event in server.ask(
            """query($r: ID!) { logsForRun(runId: $r) { ... on EventConnection { events {
                 ... on LogsCapturedEvent { fileKey stepKeys } } } } }""",
            r=run_id,
        )["logsForRun"]["events"]
        if event
    ]
    assert captured, "the run tells where its output is"
    query = (
        "query($k: [String!]!, $c: String) { capturedLogs(logKey: $k, cursor: $c) { stdout stderr cursor } }"
    )
    key = [run_id, "compute_logs", captured[0]["fileKey"]]
    logs = server.ask(query, k=key)["capturedLogs"]
    assert "to standard output" in logs["stdout"]
    assert server.ask(query, k=key, c=logs["cursor"])["capturedLogs"]["stdout"] == ""


def test_output_of_files_that_no_run_named_is_not_shown(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    query = "query($k: [String!]!) { capturedLogs(logKey: $k) { stdout stderr cursor } }"
    nothing = {"stdout": None, "stderr": None, "cursor": "0:0"}
    for key in ([run_id, "compute_logs", "../ledger.db"], ["..", "ledger"], ["none", "x"], ["only"], []):
        assert server.ask(query, k=key)["capturedLogs"] == nothing


def test_tags_of_runs(server: GraphQLServer) -> None:
    done(server, "quick", colour="red")
    done(server, "quick", colour="rose")
    done(server, "quick", colour="blue")
    query = """query($p: String) { runTagKeysOrError { ... on RunTagKeys { keys } }
      runTagsOrError(tagKeys: ["colour"], valuePrefix: $p) { ... on RunTags { tags { key values } } } }"""
    data = server.ask(query)
    assert "colour" in data["runTagKeysOrError"]["keys"]
    assert data["runTagsOrError"]["tags"] == [{"key": "colour", "values": ["blue", "red", "rose"]}]
    tags = server.ask(query, p="r")["runTagsOrError"]["tags"]
    assert tags == [{"key": "colour", "values": ["red", "rose"]}]


def test_older_names_of_runs(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    query = """query($r: ID!, $n: ID!) {
      pipelineRunOrError(runId: $r) { __typename ... on PipelineRun { status pipelineName } }
      missing: pipelineRunOrError(runId: $n) { __typename ... on PipelineRunNotFoundError { message } }
      pipelineRunsOrError(filter: {runIds: [$r2]}) { ... on PipelineRuns { results { id } } } }"""
    query = query.replace("$n: ID!)", "$n: ID!, $r2: String)")
    data = server.ask(query, r=run_id, n="none", r2=run_id)
    assert data["pipelineRunOrError"] == {"__typename": "Run", "status": "SUCCESS", "pipelineName": "quick"}
    assert data["missing"]["__typename"] == "RunNotFoundError"
    assert data["pipelineRunsOrError"]["results"] == [{"id": run_id}]


def test_cursors_that_are_none_of_ours_are_told(server: GraphQLServer) -> None:
    run_id = done(server, "quick")
    status, body = server.post(LOG, {"r": run_id, "c": "'; drop table run"})
    assert status == 200 and body["data"] is None
    assert "expected a cursor" in body["errors"][0]["message"]
    assert "Traceback" not in str(body)


def test_what_a_step_said_of_its_data(server: GraphQLServer) -> None:
    run_id = launch(server, "quick")
    server.wait_for_run(run_id)
    said = "label description success metadataEntries { label ... on IntMetadataEntry { intValue } }"
    found = server.ask(
        """query($r: ID!) { runOrError(runId: $r) { ... on Run {
             stats { ... on RunStatsSnapshot { expectations } }
             stepStats { stepKey expectationResults { SAID } }
             eventConnection { events { __typename ... on StepExpectationResultEvent { stepKey expectationResult { SAID } }
               ... on AlertStartEvent { message } ... on ObjectStoreOperationEvent { message } } } } } }""".replace(
            "SAID", said
        ),
        r=run_id,
    )["runOrError"]
    result = {
        "label": "enough",
        "description": "too few",
        "success": False,
        "metadataEntries": [{"label": "rows", "intValue": 2}],
    }
    assert found["stats"] == {"expectations": 1}
    assert found["stepStats"] == [{"stepKey": "does", "expectationResults": [result]}]
    events = [
        one for one in found["eventConnection"]["events"] if one["__typename"] == "StepExpectationResultEvent"
    ]
    assert events == [
        {"__typename": "StepExpectationResultEvent", "stepKey": "does", "expectationResult": result}
    ]
