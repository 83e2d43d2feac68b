"""The official Python client against our server: its very queries here, and itself from another interpreter.

Set ``TIDEWHEEL_CONFORMANCE_PYTHON`` to an interpreter that has ``dagster-graphql`` (and ``dagster``, which it imports).
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

INTERPRETER = "TIDEWHEEL_CONFORMANCE_PYTHON"

SCRIPT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from dagster_graphql import (
    DagsterGraphQLClient, DagsterGraphQLClientError, ReloadRepositoryLocationStatus, ShutdownRepositoryLocationStatus,
)

client = DagsterGraphQLClient("127.0.0.1", port_number=int(sys.argv[1]))
found = {}

def failing(name, call):
    try:
        found[name] = f"no error: {call()!r}"
    except DagsterGraphQLClientError as error:
        found[name] = str(error.args[0])

def wait(run_id, *wanted):
    for _ in range(600):
        status = client.get_run_status(run_id).value
        if status in wanted:
            return status
        time.sleep(0.05)
    return status

run_id = client.submit_job_execution("configured", run_config={"ops": {"takes": {"config": {"n": 4}}}}, tags={"by": "client"})
found["inferred"] = wait(run_id, "SUCCESS", "FAILURE")
run_id = client.submit_job_execution("quick", repository_location_name="code.py", repository_name="__repository__")
found["given"] = wait(run_id, "SUCCESS", "FAILURE")
run_id = client.submit_job_execution("__ASSET_JOB", repository_location_name="code.py",
    repository_name="__repository__", asset_selection=[["orders"]])
found["asset"] = wait(run_id, "SUCCESS", "FAILURE")
failing("invalid config", lambda: client.submit_job_execution("configured", run_config={"ops": {"takes": {"config": {"n": "x"}}}}))
failing("no such job", lambda: client.submit_job_execution("nowhere"))
failing("no such job there", lambda: client.submit_job_execution("nowhere", repository_location_name="code.py", repository_name="__repository__"))
failing("no such run", lambda: client.get_run_status("none"))
run_id = client.submit_job_execution("endless")
wait(run_id, "STARTED")
found["terminate"] = client.terminate_run(run_id)
found["terminated"] = wait(run_id, "CANCELED")
failing("terminate again", lambda: client.terminate_run(run_id))
failing("terminate none", lambda: client.terminate_run("none"))
runs = [client.submit_job_execution("endless") for _ in range(2)]
for one in runs:
    wait(one, "STARTED")
found["terminate several"] = client.terminate_runs(runs)
found["all terminated"] = [wait(one, "CANCELED") for one in runs]
failing("terminate several again", lambda: client.terminate_runs(runs))
info = client.reload_repository_location("code.py")
found["reload"] = [info.status == ReloadRepositoryLocationStatus.SUCCESS, info.failure_type]
info = client.reload_repository_location("other.py")
found["reload other"] = [info.status == ReloadRepositoryLocationStatus.SUCCESS, info.failure_type]
info = client.shutdown_repository_location("code.py")
found["shutdown"] = [info.status == ShutdownRepositoryLocationStatus.SUCCESS, bool(info.message)]
info = client.shutdown_repository_location("other.py")
found["shutdown other"] = [info.status == ShutdownRepositoryLocationStatus.SUCCESS, bool(info.message)]
print(json.dumps(found))
"""


@pytest.mark.skipif(INTERPRETER not in os.environ, reason=f"no interpreter with the client: {INTERPRETER}")
def test_the_client_itself(server: GraphQLServer) -> None:
    python = os.environ[INTERPRETER]
    ended = subprocess.run(
        [python, "-c", SCRIPT, str(server.port)], capture_output=True, text=True, timeout=250, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert json.loads(ended.stdout.splitlines()[-1]) == {
        "inferred": "SUCCESS",
        "given": "SUCCESS",
        "asset": "SUCCESS",
        "invalid config": "RunConfigValidationInvalid",
        "no such job": "JobNotFoundError",
        "no such job there": "PipelineNotFoundError",
        "no such run": "RunNotFoundError",
        "terminate": None,
        "terminated": "CANCELED",
        "terminate again": "TerminateRunFailure",
        "terminate none": "RunNotFoundError",
        "terminate several": None,
        "all terminated": ["CANCELED", "CANCELED"],
        "terminate several again": "TerminateRunsError",
        "reload": [True, None],
        "reload other": [False, "RepositoryLocationNotFound"],
        "shutdown": [False, True],
        "shutdown other": [False, True],
    }


# What the client sends, so that a change here is noticed without it. Facts about its requests: fields and types.

SUBMIT = """
mutation GraphQLClientSubmitRun($executionParams: ExecutionParams!) {
  launchPipelineExecution(executionParams: $executionParams) {
    __typename
    ... on InvalidStepError { invalidStepKey }
    ... on InvalidOutputError { stepKey invalidOutputName }
    ... on LaunchPipelineRunSuccess { run { runId } }
    ... on ConflictingExecutionParamsError { message }
    ... on PresetNotFoundError { message }
    ... on PipelineRunConflict { message }
    ... on PipelineConfigValidationInvalid { errors { __typename message path reason } }
    ... on PipelineNotFoundError { message }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""
JOB_NAMES = """
query GraphQLClientGetJobNames { repositoriesOrError { __typename
    ... on RepositoryConnection { nodes { name location { name } pipelines { name } } }
    ... on PythonError { message } } }
"""
STATUS = """
query GraphQLClientGetRunStatus($runId: ID!) { pipelineRunOrError(runId: $runId) { __typename
    ... on PipelineRun { status } ... on PipelineRunNotFoundError { message } ... on PythonError { message } } }
"""
RELOAD = """
mutation GraphQLClientReloadCodeLocation($repositoryLocationName: String!) {
   reloadRepositoryLocation(repositoryLocationName: $repositoryLocationName) { __typename
      ... on WorkspaceLocationEntry { name locationOrLoadError { __typename
          ... on RepositoryLocation { isReloadSupported repositories { name } } ... on PythonError { message } } }
      ... on ReloadNotSupported { message } ... on RepositoryLocationNotFound { message } } }
"""
SHUTDOWN = """
mutation GraphQLClientShutdownCodeLocation($repositoryLocationName: String!) {
   shutdownRepositoryLocation(repositoryLocationName: $repositoryLocationName) { __typename
      ... on PythonError { message } ... on RepositoryLocationNotFound { message } } }
"""
TERMINATE = """
mutation GraphQLClientTerminateRuns($runIds: [String!]!) { terminateRuns(runIds: $runIds) { __typename
    ... on TerminateRunsResult { terminateRunResults { __typename
        ... on TerminateRunSuccess { run { runId } } ... on TerminateRunFailure { message }
        ... on RunNotFoundError { runId message } ... on UnauthorizedError { message }
        ... on PythonError { message stack } } } } }
"""


def test_the_requests_that_it_sends(server: GraphQLServer) -> None:
    nodes = server.ask(JOB_NAMES)["repositoriesOrError"]["nodes"]
    assert nodes[0]["name"] == "__repository__" and nodes[0]["location"] == {"name": "code.py"}
    assert {"name": "quick"} in nodes[0]["pipelines"]
    params = {
        "selector": SELECTOR | {"pipelineName": "quick", "solidSelection": None, "assetSelection": None},
        "runConfigData": {},
        "mode": "default",
        "executionMetadata": {"tags": []},
    }
    launched = server.ask(SUBMIT, executionParams=params)["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess"
    run_id = launched["run"]["runId"]
    server.wait_for_run(run_id)
    status = server.ask(STATUS, runId=run_id)["pipelineRunOrError"]
    assert status == {"__typename": "Run", "status": "SUCCESS"}
    results = server.ask(TERMINATE, runIds=[run_id])["terminateRuns"]["terminateRunResults"]
    assert results[0]["__typename"] == "TerminateRunFailure"


def test_reload_and_shutdown_of_locations(server: GraphQLServer) -> None:
    reloaded = server.ask(RELOAD, repositoryLocationName="code.py")["reloadRepositoryLocation"]
    assert reloaded == {
        "__typename": "WorkspaceLocationEntry",
        "name": "code.py",
        "locationOrLoadError": {
            "__typename": "RepositoryLocation",
            "isReloadSupported": True,
            "repositories": [{"name": "__repository__"}],
        },
    }
    unknown = server.ask(RELOAD, repositoryLocationName="code")["reloadRepositoryLocation"]
    assert unknown["__typename"] == "RepositoryLocationNotFound" and "code.py" in unknown["message"]
    refused = server.ask(SHUTDOWN, repositoryLocationName="code.py")["shutdownRepositoryLocation"]
    assert refused["__typename"] == "PythonError" and "reloadRepositoryLocation" in refused["message"]
    unknown = server.ask(SHUTDOWN, repositoryLocationName="none")["shutdownRepositoryLocation"]
    assert unknown["__typename"] == "RepositoryLocationNotFound"
