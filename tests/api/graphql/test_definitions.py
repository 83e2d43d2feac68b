"""Code locations, repositories and jobs; the server itself; what the caller may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")


def test_the_workspace(server: GraphQLServer) -> None:
    query = """{ workspaceOrError { ... on Workspace { id locationEntries { id name loadStatus updatedTimestamp versionKey
        displayMetadata { key value } permissions { permission value } featureFlags { name } servesOldCode
        locationOrLoadError { __typename ... on RepositoryLocation { id name isReloadSupported environmentPath serverId
          repositories { name } } } } } }
      locationStatusesOrError { ... on WorkspaceLocationStatusEntries { entries { name loadStatus updateTimestamp
        versionKey } } }
      one: workspaceLocationEntryOrError(name: "code.py") { ... on WorkspaceLocationEntry { name } }
      none: workspaceLocationEntryOrError(name: "other") { __typename } }"""
    data = server.ask(query)
    entry = data["workspaceOrError"]["locationEntries"][0]
    assert entry["name"] == "code.py" and entry["loadStatus"] == "LOADED" and not entry["servesOldCode"]
    assert entry["locationOrLoadError"]["repositories"] == [{"name": "__repository__"}]
    status = data["locationStatusesOrError"]["entries"][0]
    assert status["versionKey"] == entry["versionKey"]
    assert status["updateTimestamp"] == entry["updatedTimestamp"] > 1_600_000_000
    assert data["one"] == {"name": "code.py"} and data["none"] is None


def test_the_repository(server: GraphQLServer) -> None:
    query = """query($s: RepositorySelector!) { repositoryOrError(repositorySelector: $s) { __typename
      ... on Repository { id name location { name } origin { repositoryLocationName repositoryName }
        jobs { name isJob isAssetJob } schedules { name } sensors(sensorType: STANDARD) { name }
        assetGroups { groupName assetKeys { path } } partitionSets { name pipelineName } assetNodes { id } }
      ... on RepositoryNotFoundError { message repositoryName repositoryLocationName } } }"""
    found = server.ask(query, s=SELECTOR)["repositoryOrError"]
    kinds = {job["name"]: job["isAssetJob"] for job in found["jobs"]}
    assert kinds["quick"] is False and kinds["daily_job"] is True and kinds["__ASSET_JOB"] is True
    assert [one["name"] for one in found["schedules"]] == ["mornings"]
    assert {one["name"] for one in found["sensors"]} == {"asks", "skips"}
    assert {"groupName": "raw", "assetKeys": [{"path": ["orders"]}]} in found["assetGroups"]
    assert {"name": "daily_job_partition_set", "pipelineName": "daily_job"} in found["partitionSets"]
    assert len(found["assetNodes"]) == 6
    missing = server.ask(query, s=SELECTOR | {"repositoryLocationName": "other"})["repositoryOrError"]
    assert missing["__typename"] == "RepositoryNotFoundError" and "code.py" in missing["message"]


def test_asset_nodes_of_a_repository_by_page(server: GraphQLServer) -> None:
    query = """query($s: RepositorySelector!, $c: String) { repositoryOrError(repositorySelector: $s) { ... on Repository {
      assetNodesConnection(limit: 4, cursor: $c) { cursor hasMore nodes { assetKey { path } } } } } }"""
    first = server.ask(query, s=SELECTOR)["repositoryOrError"]["assetNodesConnection"]
    second = server.ask(query, s=SELECTOR, c=first["cursor"])["repositoryOrError"]["assetNodesConnection"]
    assert first["hasMore"] and not second["hasMore"]
    paths = [node["assetKey"]["path"] for page in (first, second) for node in page["nodes"]]
    assert paths == [["by_both"], ["by_colour"], ["by_customer"], ["daily"], ["orders"], ["shop", "sums"]]


def test_a_job(server: GraphQLServer) -> None:
    query = """query($s: PipelineSelector!) { pipelineOrError(params: $s) { __typename
      ... on Pipeline { id name description isJob isAssetJob graphName nodeNames modes { name } presets { name }
        tags { key value } repository { name } schedules { name } sensors { name } runs(limit: 1) { jobName }
        hasLaunchExecutionPermission partitionKeysOrError(limit: 2, reverse: true) { partitionKeys }
        automationCondition { label } }
      ... on PipelineNotFoundError { message } } }"""
    quick = server.ask(query, s=SELECTOR | {"pipelineName": "quick"})["pipelineOrError"]
    assert quick["nodeNames"] == ["does"] and quick["modes"] == [{"name": "default"}]
    assert quick["tags"] == [{"key": "team", "value": "x"}] and quick["hasLaunchExecutionPermission"]
    assert quick["schedules"] == [{"name": "mornings"}] and quick["sensors"] == [{"name": "skips"}]
    assert quick["partitionKeysOrError"] == {"partitionKeys": []}
    daily = server.ask(query, s=SELECTOR | {"pipelineName": "daily_job"})["pipelineOrError"]
    assert daily["partitionKeysOrError"]["partitionKeys"] == ["2024-02-29", "2024-02-28"]
    missing = server.ask(query, s=SELECTOR | {"pipelineName": "quikc"})["pipelineOrError"]
    assert missing["__typename"] == "PipelineNotFoundError" and "'quick'" in missing["message"]


def test_the_instance(server: GraphQLServer) -> None:
    query = """{ version canBulkTerminate permissions { permission value disabledReason }
      instance { id info runQueuingSupported runQueueConfig { maxConcurrentRuns tagConcurrencyLimitsYaml }
        runLauncher { name } supportsConcurrencyLimits concurrencyLimits { concurrencyKey } poolConfig { poolGranularity }
        daemonHealth { daemonStatus(daemonType: "SENSOR") { healthy }
          allDaemonStatuses { daemonType required healthy lastHeartbeatTime lastHeartbeatErrors { message } } }
        server { version queuedRuns runsInProgress workers now startedAt } } }"""
    data = server.ask(query)
    assert data["version"] == data["instance"]["server"]["version"] == "0.0-test" and data["canBulkTerminate"]
    assert all(one["value"] and one["disabledReason"] is None for one in data["permissions"])
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert {one["daemonType"] for one in statuses} >= {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR"}
    assert all(one["healthy"] and one["lastHeartbeatErrors"] == [] for one in statuses)
    assert data["instance"]["daemonHealth"]["daemonStatus"] == {"healthy": True}
    assert data["instance"]["runQueueConfig"]["maxConcurrentRuns"] == 10


def test_a_location_that_cannot_be_loaded(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("raise RuntimeError('the module does not load')\n")
    home = tmp_path / "h"
    home.mkdir()
    server = GraphQLServer(home, file, name="broken.py")
    try:
        data = server.ask(
            """{ workspaceOrError { ... on Workspace { locationEntries { name loadErrors { className }
                   locationOrLoadError { ... on PythonError { message stack } } } } } }"""
        )
        entry = data["workspaceOrError"]["locationEntries"][0]
        assert "the module does not load" in entry["locationOrLoadError"]["message"]
        assert entry["loadErrors"]
        refused = server.ask(
            """mutation { launchRun(executionParams: {selector: {jobName: "x", repositoryName: "__repository__",
                   repositoryLocationName: "broken.py"}}) { __typename ... on PythonError { message } } }"""
        )["launchRun"]
        assert refused["__typename"] == "PythonError" and "does not load" in refused["message"]
        reloaded = server.ask(
            """mutation { reloadRepositoryLocation(repositoryLocationName: "broken.py") { ... on WorkspaceLocationEntry {
                   locationOrLoadError { __typename } } } }"""
        )["reloadRepositoryLocation"]
        assert reloaded["locationOrLoadError"] == {"__typename": "PythonError"}
    finally:
        server.stop()
