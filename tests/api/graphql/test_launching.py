"""Launching runs: the documented mutations, every kind of refusal, several at once, again."""

from __future__ import annotations

import asyncio
import json
import types
import urllib.request

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { id runId status pipelineName jobName mode tags { key value } runConfig runConfigYaml
      stepKeysToExecute assetSelection { path } assetCheckSelection { name } parentRunId rootRunId
      repositoryOrigin { repositoryLocationName repositoryName } pipeline { __typename name } } }
    ... on RunConfigValidationInvalid { pipelineName errors { __typename message reason path
      stack { entries { ... on EvaluationStackPathEntry { fieldName } } } } }
    ... on PythonError { message className stack }
    ... on PipelineNotFoundError { message pipelineName repositoryName repositoryLocationName }
    ... on InvalidSubsetError { message pipeline { name } }
    ... on ConflictingExecutionParamsError { message }
  }
}
"""

# Word for word from the document "Automating pipelines", save for the address and what it asks to be replaced.
JOB_SNIPPET = '''
import requests


graphql_endpoint = "http://localhost:3000/graphql"

query = """
mutation LaunchRunMutation(
  $repositoryLocationName: String!
  $repositoryName: String!
  $jobName: String!
  $runConfigData: RunConfigData!
) {
  launchRun(
    executionParams: {
      selector: {
        repositoryLocationName: $repositoryLocationName
        repositoryName: $repositoryName
        jobName: $jobName
      }
      runConfigData: $runConfigData
    }
  ) {
    __typename
    ... on LaunchRunSuccess {
      run {
        runId
      }
    }
    ... on RunConfigValidationInvalid {
      errors {
        message
        reason
      }
    }
    ... on PythonError {
      message
    }
  }
}
"""

response = requests.post(
    graphql_endpoint,
    json={
        "query": query,
        "variables": {
            "repositoryLocationName": "<replace-with-code-location-name>",
            "repositoryName": "__repository__",  # default if using `Definitions`
            "jobName": "<replace-with-job-name>",
            "runConfigData": {},
        },
    },
)
'''

ASSET_SNIPPET = '''
import requests


graphql_endpoint = "http://localhost:3000/graphql"

query = """
mutation LaunchPipelineExecution(
    $executionParams: ExecutionParams!
) {
  launchPipelineExecution(executionParams: $executionParams) {
    ... on LaunchRunSuccess {
      run {
        id
        pipelineName
        __typename
      }
      __typename
    }
    ... on PipelineNotFoundError {
      message
      __typename
    }
    ... on InvalidSubsetError {
      message
      __typename
    }
    ... on RunConfigValidationInvalid {
      errors {
        message
        __typename
      }
      __typename
    }
  }
}
"""

response = requests.post(
    graphql_endpoint,
    json={
        "query": query,
        "variables": {
            "executionParams": {
                "mode": "default",
                "runConfigData": "{}",
                "selector": {
                    "assetCheckSelection": [],
                    "assetSelection": [{"path": ["<replace-with-asset-key>"]}],
                    "pipelineName": "__ASSET_JOB",
                    "repositoryLocationName": "<replace-with-code-location-name>",
                    "repositoryName": "__repository__",
                },
            }
        },
    },
)
'''


class RequestsPost:
    """What the snippets need of the package ``requests``: ``post`` with a JSON body."""

    @staticmethod
    def post(url: str, json: dict) -> types.SimpleNamespace:
        data = globals()["json"].dumps(json).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            body = globals()["json"].loads(response.read())
            return types.SimpleNamespace(status_code=response.status, json=lambda: body)


def run_snippet(monkeypatch: pytest.MonkeyPatch, snippet: str, port: int, **replaced: str) -> dict:
    monkeypatch.setitem(__import__("sys").modules, "requests", RequestsPost)
    text = snippet.replace("localhost:3000", f"localhost:{port}")
    for name, value in replaced.items():
        text = text.replace(f"<replace-with-{name.replace('_', '-')}>", value)
    assert "<replace" not in text
    names: dict = {}
    exec(text, names)
    assert names["response"].status_code == 200
    return names["response"].json()["data"]


def launch(server: GraphQLServer, job: str | None = None, **more: object) -> dict:
    selector = SELECTOR | {"jobName": job} | more.pop("selector", {})
    return server.ask(LAUNCH, params={"selector": selector, **more})["launchRun"]


def test_the_documented_job_snippet_launches_a_run(server: GraphQLServer, monkeypatch) -> None:
    data = run_snippet(monkeypatch, JOB_SNIPPET, server.port, code_location_name="code.py", job_name="quick")
    assert data["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert server.wait_for_run(data["launchRun"]["run"]["runId"]) == "SUCCESS"


def test_the_documented_job_snippet_shows_invalid_config(server: GraphQLServer, monkeypatch) -> None:
    data = run_snippet(
        monkeypatch, JOB_SNIPPET, server.port, code_location_name="code.py", job_name="configured"
    )
    assert data["launchRun"]["__typename"] == "RunConfigValidationInvalid"
    assert data["launchRun"]["errors"][0]["reason"] == "MISSING_REQUIRED_FIELD"


def test_the_documented_asset_snippet_materialises(server: GraphQLServer, monkeypatch) -> None:
    data = run_snippet(
        monkeypatch, ASSET_SNIPPET, server.port, code_location_name="code.py", asset_key="orders"
    )
    launched = data["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess"
    assert launched["run"]["pipelineName"] == "__ASSET_JOB" and launched["run"]["__typename"] == "Run"
    assert server.wait_for_run(launched["run"]["id"]) == "SUCCESS"
    made = server.ask(
        """query($k: AssetKeyInput!) { assetOrError(assetKey: $k) { ... on Asset {
             assetMaterializations(limit: 1) { runId metadataEntries { label __typename } } } } }""",
        k={"path": ["orders"]},
    )["assetOrError"]["assetMaterializations"]
    assert made == [
        {
            "runId": launched["run"]["id"],
            "metadataEntries": [
                {"label": "rows", "__typename": "IntMetadataEntry"},
                {"label": "link", "__typename": "UrlMetadataEntry"},
            ],
        }
    ]


def test_the_documented_asset_snippet_names_unknown_assets(server: GraphQLServer, monkeypatch) -> None:
    data = run_snippet(
        monkeypatch, ASSET_SNIPPET, server.port, code_location_name="code.py", asset_key="nowhere"
    )
    assert data["launchPipelineExecution"]["__typename"] == "InvalidSubsetError"
    assert "nowhere" in data["launchPipelineExecution"]["message"]


def test_a_new_run_is_queued_with_its_tags(server: GraphQLServer) -> None:
    run = launch(server, "quick", executionMetadata={"tags": [{"key": "k", "value": "v"}]})["run"]
    assert run["id"] == run["runId"]
    assert run["status"] in ("QUEUED", "STARTING", "STARTED")  # it may have begun before it was read
    assert run["pipelineName"] == run["jobName"] == "quick" and run["mode"] == "default"
    assert {"key": "dagster/code_location", "value": "code.py"} in run["tags"]
    assert {"key": "k", "value": "v"} in run["tags"] and {"key": "team", "value": "x"} in run["tags"]
    assert run["stepKeysToExecute"] == ["does"]
    assert run["repositoryOrigin"] == {
        "repositoryLocationName": "code.py",
        "repositoryName": "__repository__",
    }
    assert run["pipeline"] == {"__typename": "PipelineSnapshot", "name": "quick"}


@pytest.mark.parametrize(
    "config",
    [
        {"ops": {"takes": {"config": {"n": 3}}}},
        '{"ops": {"takes": {"config": {"n": 3}}}}',
        "ops:\n  takes:\n    config:\n      n: 3\n",
    ],
    ids=["object", "json", "yaml"],
)
def test_run_config_as_object_json_or_yaml(server: GraphQLServer, config: object) -> None:
    run = launch(server, "configured", runConfigData=config)["run"]
    assert run["runConfig"] == {"ops": {"takes": {"config": {"n": 3}}}}
    assert run["runConfigYaml"] == "ops:\n  takes:\n    config:\n      n: 3\n"
    assert server.wait_for_run(run["id"]) == "SUCCESS"


@pytest.mark.parametrize("config", ["a: [1", "[1]", 5, [1], '"text"'])
def test_unreadable_run_config_is_an_error_in_a_good_answer(server: GraphQLServer, config: object) -> None:
    refused = launch(server, "configured", runConfigData=config)
    assert refused["__typename"] == "PythonError" and "run config" in refused["message"]
    assert refused["stack"] == []


def test_yaml_that_grows_without_end_is_refused(server: GraphQLServer) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    refused = launch(server, "quick", runConfigData=bomb)
    assert refused["__typename"] == "PythonError" and "at most" in refused["message"]
    assert launch(server, "quick", runConfigData="a: &a [*a]")["__typename"] == "PythonError"


def test_invalid_config_says_where_and_why(server: GraphQLServer) -> None:
    refused = launch(
        server, "configured", runConfigData={"ops": {"takes": {"config": {"n": "x", "m": 1}}}, "oops": 1}
    )
    assert refused["__typename"] == "RunConfigValidationInvalid" and refused["pipelineName"] == "configured"
    found = {(error["reason"], error["__typename"]) for error in refused["errors"]}
    assert ("RUNTIME_TYPE_MISMATCH", "RuntimeMismatchConfigError") in found
    assert ("FIELD_NOT_DEFINED", "FieldNotDefinedConfigError") in found
    mismatch = next(error for error in refused["errors"] if error["reason"] == "RUNTIME_TYPE_MISMATCH")
    assert mismatch["path"][:3] == ["ops", "takes", "config"]
    assert [entry["fieldName"] for entry in mismatch["stack"]["entries"]] == mismatch["path"]


@pytest.mark.parametrize(
    ("selector", "job"),
    [
        ({}, "nowhere"),
        ({"repositoryLocationName": "other.py"}, "quick"),
        ({"repositoryName": "other"}, "quick"),
    ],
)
def test_unknown_jobs_locations_and_repositories(server: GraphQLServer, selector: dict, job: str) -> None:
    refused = launch(server, job, selector=selector)
    assert refused["__typename"] == "PipelineNotFoundError"
    assert refused["pipelineName"] == job
    assert refused["repositoryLocationName"] == (SELECTOR | selector)["repositoryLocationName"]


def test_unknown_jobs_with_a_selection_are_not_found_either(server: GraphQLServer) -> None:
    refused = launch(server, "nowhere", selector={"assetSelection": [{"path": ["orders"]}]})
    assert refused["__typename"] == "PipelineNotFoundError"


def test_two_different_names_conflict(server: GraphQLServer) -> None:
    refused = launch(server, "quick", selector={"pipelineName": "broken"})
    assert refused["__typename"] == "ConflictingExecutionParamsError"
    assert launch(server, "quick", selector={"pipelineName": "quick"})["__typename"] == "LaunchRunSuccess"


def test_a_selection_of_assets_needs_no_job(server: GraphQLServer) -> None:
    run = launch(server, selector={"assetSelection": [{"path": ["shop", "sums"]}]})["run"]
    assert run["assetSelection"] == [{"path": ["shop", "sums"]}] and run["jobName"] == "__ASSET_JOB"
    refused = launch(server)
    assert refused["__typename"] == "PythonError" and "jobName" in refused["message"]


def test_a_partition_is_chosen_by_tag(server: GraphQLServer) -> None:
    tags = {"tags": [{"key": "dagster/partition", "value": "2024-01-02"}]}
    run = launch(server, "daily_job", executionMetadata=tags)["run"]
    assert {"key": "dagster/partition", "value": "2024-01-02"} in run["tags"]
    assert server.wait_for_run(run["id"]) == "SUCCESS"
    tags = {"tags": [{"key": "dagster/partition", "value": "1999-01-01"}]}
    refused = launch(server, "daily_job", executionMetadata=tags)
    assert refused["__typename"] == "PythonError" and "1999-01-01" in refused["message"]


def test_an_unknown_op_is_an_invalid_subset(server: GraphQLServer) -> None:
    refused = launch(server, "broken", selector={"solidSelection": ["nowhere"]})
    assert refused["__typename"] == "InvalidSubsetError" and refused["pipeline"] == {"name": "broken"}


def test_some_ops_of_a_job(server: GraphQLServer) -> None:
    run = launch(server, "broken", selector={"solidSelection": ["first"]})["run"]
    assert server.wait_for_run(run["id"]) == "SUCCESS"


def test_several_runs_have_a_result_each(server: GraphQLServer) -> None:
    query = """
    mutation($list: [ExecutionParams!]!) { launchMultipleRuns(executionParamsList: $list) { __typename
      ... on LaunchMultipleRunsResult { launchMultipleRunsResult { __typename
        ... on LaunchRunSuccess { run { jobName } } ... on PipelineNotFoundError { pipelineName } } } } }
    """
    jobs = [{"selector": SELECTOR | {"jobName": name}} for name in ("quick", "nowhere", "quick")]
    data = server.ask(query, list=jobs)["launchMultipleRuns"]
    assert data["launchMultipleRunsResult"] == [
        {"__typename": "LaunchRunSuccess", "run": {"jobName": "quick"}},
        {"__typename": "PipelineNotFoundError", "pipelineName": "nowhere"},
        {"__typename": "LaunchRunSuccess", "run": {"jobName": "quick"}},
    ]


RELAUNCH = """
mutation($p: ReexecutionParams, $e: ExecutionParams) { launchRunReexecution(reexecutionParams: $p, executionParams: $e) {
  __typename
  ... on LaunchRunSuccess { run { id parentRunId rootRunId tags { key value } runConfig } }
  ... on PythonError { className message stack } } }
"""


def test_the_whole_run_again(server: GraphQLServer) -> None:
    config = {"ops": {"takes": {"config": {"n": 8}}}}
    tags = {"tags": [{"key": "mine", "value": "1"}]}
    parent = launch(server, "configured", runConfigData=config, executionMetadata=tags)["run"]["id"]
    server.wait_for_run(parent)
    params = {"parentRunId": parent, "strategy": "ALL_STEPS", "extraTags": [{"key": "x", "value": "y"}]}
    again = server.ask(RELAUNCH, p=params)["launchRunReexecution"]["run"]
    tags = {tag["key"]: tag["value"] for tag in again["tags"]}
    assert again["parentRunId"] == again["rootRunId"] == parent and again["runConfig"] == config
    assert tags["dagster/parent_run_id"] == tags["dagster/root_run_id"] == parent
    assert tags["x"] == "y" and "mine" not in tags and "dagster/is_resume_retry" not in tags
    assert server.wait_for_run(again["id"]) == "SUCCESS"
    params = {"parentRunId": again["id"], "strategy": "ALL_STEPS", "useParentRunTags": True}
    third = server.ask(RELAUNCH, p=params)["launchRunReexecution"]["run"]
    assert third["parentRunId"] == again["id"] and third["rootRunId"] == parent
    assert {"key": "x", "value": "y"} in third["tags"]
    group = server.ask(
        "query($r: ID!) { runGroupOrError(runId: $r) { ... on RunGroup { rootRunId runs { id } } } }",
        r=third["id"],
    )["runGroupOrError"]
    assert group == {"rootRunId": parent, "runs": [{"id": parent}, {"id": again["id"]}, {"id": third["id"]}]}


def test_from_where_it_failed(server: GraphQLServer) -> None:
    parent = launch(server, "broken")["run"]["id"]
    assert server.wait_for_run(parent) == "FAILURE"
    params = {"parentRunId": parent, "strategy": "FROM_FAILURE"}
    again = server.ask(RELAUNCH, p=params)["launchRunReexecution"]["run"]
    assert {"key": "dagster/is_resume_retry", "value": "true"} in again["tags"]
    assert server.wait_for_run(again["id"]) == "FAILURE"


@pytest.mark.parametrize("strategy", ["FROM_FAILURE", "FROM_ASSET_FAILURE"])
def test_a_run_that_succeeded_cannot_be_resumed(server: GraphQLServer, strategy: str) -> None:
    parent = launch(server, "quick")["run"]["id"]
    server.wait_for_run(parent)
    refused = server.ask(RELAUNCH, p={"parentRunId": parent, "strategy": strategy})["launchRunReexecution"]
    assert refused["__typename"] == "PythonError" and "SUCCESS" in refused["message"]


def test_re_execution_of_nothing(server: GraphQLServer) -> None:
    refused = server.ask(RELAUNCH, p={"parentRunId": "none", "strategy": "ALL_STEPS"})["launchRunReexecution"]
    assert refused == {
        "__typename": "PythonError",
        "className": "RunNotFoundError",
        "message": "RunNotFoundError: expected the id of a run, got 'none'",
        "stack": [],
    }
    assert server.ask(RELAUNCH)["launchRunReexecution"]["__typename"] == "PythonError"


def test_config_is_checked_without_a_launch(server: GraphQLServer) -> None:
    query = """query($s: PipelineSelector!, $c: RunConfigData) {
      isPipelineConfigValid(pipeline: $s, mode: "default", runConfigData: $c) { __typename } }"""
    before = server.ask("{ runsOrError(limit: 0) { ... on Runs { count } } }")
    selector = SELECTOR | {"pipelineName": "configured"}
    good = server.ask(query, s=selector, c={"ops": {"takes": {"config": {"n": 1}}}})
    bad = server.ask(query, s=selector, c=json.dumps({}))
    assert good["isPipelineConfigValid"]["__typename"] == "PipelineConfigValidationValid"
    assert bad["isPipelineConfigValid"]["__typename"] == "RunConfigValidationInvalid"
    assert server.ask("{ runsOrError(limit: 0) { ... on Runs { count } } }") == before


def test_runs_start_again_after_the_connection_to_the_code_broke(server: GraphQLServer) -> None:
    async def cut() -> None:
        locations = server.server.locations
        (location,) = locations._by_name.values()
        process, peer = location.process, location.peer
        peer.close()
        async with asyncio.timeout(60):
            while location.peer is peer or not location.serves:
                await asyncio.sleep(0.02)
        assert location.process is process  # the same one, which still knows its code

    server.call(cut)
    launched = launch(server, "quick")
    assert launched["__typename"] == "LaunchRunSuccess", launched
    assert server.wait_for_run(launched["run"]["runId"]) == "SUCCESS"
