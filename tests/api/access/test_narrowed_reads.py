"""What somebody with a grant for a part sees over GraphQL and REST: that part, and nothing of the others."""

from __future__ import annotations

import json
import os
from operator import attrgetter

import pytest
from click.testing import CliRunner

from tests.api.access.conftest import GuardedServer, served
from tidewheel.cli.main import cli
from tidewheel.runtime.remote.socket_client import Channel, RemoteLedger
from tidewheel.values.access import Grant, Role
from tidewheel.values.events import Event, EventType
from tidewheel.values.records import PartitionChange

pytestmark = pytest.mark.xdist_group("access-roles")

EVERYTHING = """{
  assetNodes { assetKey { path } dependencyKeys { path } }
  assetsOrError { ... on AssetConnection { nodes { key { path } } } }
  runsOrError { ... on Runs { results { runId pipelineName } count } }
  repositoriesOrError { ... on RepositoryConnection { nodes {
    name pipelines { name } schedules { name } sensors { name } assetNodes { assetKey { path } } } } }
  workspaceOrError { ... on Workspace { locationEntries { name } } }
  locationStatusesOrError { ... on WorkspaceLocationStatusEntries { entries { name } } }
  partitionBackfillsOrError { ... on PartitionBackfills { results { id } } }
}"""
RUN = "query($id: ID!) { runOrError(runId: $id) { __typename } logsForRun(runId: $id) { __typename } }"


@pytest.fixture(scope="module")
def runs(server: GuardedServer, tokens: dict[str, str]) -> dict[str, str]:
    """By what they make, the ids of runs that have ended."""
    made = {}
    for name, path, body in (
        ("greet", "/launch", {"job_name": "greet"}),
        ("orders", "/materialize", {"selection": "orders"}),
        ("report", "/materialize", {"selection": "+report"}),
    ):
        made[name] = server.rest("POST", path, body, token=tokens["admin"])[1]["run_id"]
        server.rest("GET", f"/runs/{made[name]}/wait", token=tokens["admin"])
    return made


def everything(server: GuardedServer, token: str) -> dict:
    status, answer = server.graphql(EVERYTHING, token)
    assert status == 200 and "errors" not in answer, answer
    return answer["data"]


def test_who_may_see_all_sees_all(server: GuardedServer, tokens, runs) -> None:
    found = everything(server, tokens["viewer"])
    assert {node["assetKey"]["path"][0] for node in found["assetNodes"]} == {"orders", "report", "daily"}
    assert {run["runId"] for run in found["runsOrError"]["results"]} >= set(runs.values())


def test_a_grant_for_a_group_shows_its_assets_and_their_runs(server: GuardedServer, runs) -> None:
    token = server.person(Grant(role=Role.VIEWER, groups=("raw",)))
    found = everything(server, token)
    assert {node["assetKey"]["path"][0] for node in found["assetNodes"]} == {"orders", "daily"}
    assert {node["key"]["path"][0] for node in found["assetsOrError"]["nodes"]} <= {"orders", "daily"}
    seen = {run["runId"] for run in found["runsOrError"]["results"]}
    assert runs["orders"] in seen and not seen & {runs["greet"], runs["report"]}
    assert found["runsOrError"]["count"] == len(seen)
    [repository] = found["repositoriesOrError"]["nodes"]
    assert repository["schedules"] == repository["sensors"] == []
    for text in ("report", "greet", "yearly", "skips"):
        assert text not in json.dumps(found), text
    assert server.graphql(RUN, token, id=runs["orders"])[1]["data"]["runOrError"]["__typename"] == "Run"
    for hidden in ("greet", "report"):
        answer = server.graphql(RUN, token, id=runs[hidden])[1]["data"]
        assert {one["__typename"] for one in answer.values()} == {"RunNotFoundError"}


@pytest.mark.parametrize("locations", [None, ("code.py",)])
def test_commands_show_the_assets_of_a_granted_group_and_no_others(
    server: GuardedServer, tmp_path, locations
) -> None:
    token = server.person(Grant(role=Role.LAUNCHER, locations=locations, groups=("raw",)))
    variables = {
        "TIDEWHEEL_SERVER": f"http://127.0.0.1:{server.port}",
        "TIDEWHEEL_TOKEN": token,
        "TIDEWHEEL_PROFILES": str(tmp_path / "profiles.json"),
    }

    def call(*words: str):
        return CliRunner().invoke(cli, words, env={**os.environ, **variables})

    listed = call("asset", "list", "--json")
    assert [row["key"] for row in json.loads(listed.output)] == ["daily", "orders"]
    assert call("asset", "show", "orders").exit_code == 0
    hidden, missing = call("asset", "show", "report"), call("asset", "show", "reporx")
    assert hidden.exit_code != 0
    assert hidden.output.replace("report", "reporx") == missing.output
    assert call("materialize", "orders", "--no-wait").exit_code == 0
    assert call("materialize", "report", "--no-wait").exit_code != 0
    seen = server.rest("GET", "/assets", token=token)[1]["items"]
    assert [item["asset"]["key"] for item in seen] == ["daily", "orders"]
    nodes = everything(server, token)["assetNodes"]
    assert {node["assetKey"]["path"][0] for node in nodes} == {"daily", "orders"}
    [definitions] = server.rest("GET", "/definitions", token=token)[1].values()
    for text in ("report", "greet", "yearly", "skips"):
        assert text not in json.dumps(definitions), text


def test_a_grant_for_another_location_shows_nothing(server: GuardedServer, runs) -> None:
    token = server.person(Grant(role=Role.ADMIN, locations=("elsewhere",)))
    found = everything(server, token)
    assert "code.py" not in json.dumps(found)
    assert found["assetNodes"] == [] and found["runsOrError"] == {"results": [], "count": 0}
    health = server.rest("GET", "/health", token=token)[1]
    assert health.get("locations", []) == [] and health.get("waiting", []) == []


def test_a_token_with_limits_sees_what_its_limits_allow(server: GuardedServer, runs) -> None:
    limits = (Grant(role=Role.VIEWER, groups=("mart",)),)
    token = server.token("root", limits=limits)
    found = everything(server, token)
    assert {node["assetKey"]["path"][0] for node in found["assetNodes"]} == {"report"}
    assert [entry["name"] for entry in found["workspaceOrError"]["locationEntries"]] == ["code.py"]


PLAN = """query($p: PipelineSelector!) { executionPlanOrError(pipeline: $p, mode: "default") { __typename
  ... on Error { message } ... on ExecutionPlan { assetKeys { path } steps { key } } }
  runConfigSchemaOrError(selector: $p) { ... on RunConfigSchema { allConfigTypes { key
    ... on CompositeConfigType { fields { name } } } } } }"""


def test_a_plan_tells_of_ones_own_part(server: GuardedServer) -> None:
    token = server.person(Grant(role=Role.VIEWER, groups=("raw",)))
    where = {"repositoryName": "__repository__", "repositoryLocationName": "code.py"}

    def plan(**more: object) -> dict:
        return server.graphql(PLAN, token, p={**where, "pipelineName": "__ASSET_JOB", **more})[1]["data"]

    found = plan()
    assert "report" not in json.dumps(found) and "orders" in json.dumps(found["runConfigSchemaOrError"])
    assert {step["key"] for step in found["executionPlanOrError"]["steps"]} == {"orders", "daily"}
    for hidden in ("report", "nothing"):
        refused = plan(assetSelection=[{"path": [hidden]}])["executionPlanOrError"]
        assert (
            refused["message"] == f"expected assets of '__ASSET_JOB', got {hidden!r}, which is none of them"
        )
    assert plan(pipelineName="greet")["executionPlanOrError"]["__typename"] == "PipelineNotFoundError"


# -- the local socket ---------------------------------------------------------------------------------------------


def socket_call(server: GuardedServer, method: str, *args, **kwargs):
    ledger = RemoteLedger(Channel(server.server.options.socket))
    return attrgetter(method)(ledger)(*args, **kwargs)


def test_changes_over_the_socket_are_audited(server: GuardedServer) -> None:
    change = PartitionChange(name="cities", add=("rome",))
    socket_call(server, "change_dynamic_partitions", change, now=1.0)
    socket_call(server, "pools.set_slots", "lane", 2, now=1.0)
    for operation in ("edit_dynamic_partitions", "edit_concurrency_limit"):
        [entry] = server.audit(operation=operation)[:1]
        assert (entry.surface, entry.outcome) == ("cli", "done")


def test_a_read_only_server_refuses_changes_over_the_socket() -> None:
    for server in served(read_only=True):
        with pytest.raises(Exception, match="read-only"):
            socket_call(server, "pools.set_slots", "lane", 2, now=1.0)
        assert server.ledger.pools.get_slots() == {}
        assert [entry.outcome for entry in server.audit()] == ["refused"]
        event = Event(type=EventType.ASSET_OBSERVATION, timestamp=1.0, asset="orders")
        socket_call(server, "record_events", [event])
        assert server.ledger.last_event_id() > 0
