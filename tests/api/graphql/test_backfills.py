"""Backfills over GraphQL: launch by assets, by ranges, of a job; follow, cancel, resume, repeat; what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer
from tests.processes.serving import wait_until

pytestmark = pytest.mark.xdist_group("graphql")

LAUNCH = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename
  ... on LaunchBackfillSuccess { backfillId }
  ... on PartitionSetNotFoundError { message partitionSetName: message }
  ... on PartitionKeysNotFoundError { message partitionKeys }
  ... on PythonError { className message } } }"""
SHOW = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on BackfillNotFoundError { message backfillId }
  ... on PartitionBackfill { id status runStatus title isAssetBackfill numPartitions partitionNames numCancelable
    jobName partitionSetName fromFailure hasCancelPermission hasResumePermission
    tags { key value } assetSelection { path } runs { id status tags { key value } } unfinishedRuns { id }
    partitionStatusCounts { runStatus count } error { message }
    assetBackfillStatuses { assetKey { path } numPartitionsTargeted numPartitionsMaterialized numPartitionsFailed } } } }"""


def key(name: str) -> dict[str, Any]:
    return {"path": [name]}


def launch(server: GraphQLServer, **params: Any) -> dict[str, Any]:
    return server.ask(LAUNCH, p=params)["launchPartitionBackfill"]


def show(server: GraphQLServer, backfill_id: str) -> dict[str, Any]:
    return server.ask(SHOW, id=backfill_id)["partitionBackfillOrError"]


def ended(server: GraphQLServer, backfill_id: str) -> dict[str, Any]:
    wait_until(lambda: show(server, backfill_id)["status"] not in ("REQUESTED", "CANCELING"))
    return show(server, backfill_id)


def test_a_backfill_of_assets(server: GraphQLServer) -> None:
    made = launch(
        server,
        assetSelection=[key("daily")],
        partitionNames=["2024-01-01", "2024-01-02", "2024-01-03"],
        title="three days",
        tags=[{"key": "team", "value": "a"}],
    )
    assert made["__typename"] == "LaunchBackfillSuccess", made
    found = ended(server, made["backfillId"])
    assert (found["status"], found["runStatus"], found["title"]) == (
        "COMPLETED_FAILED",
        "FAILURE",
        "three days",
    )
    assert found["partitionNames"] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert (found["numPartitions"], len(found["runs"]), found["unfinishedRuns"]) == (3, 3, [])
    assert found["assetSelection"] == [key("daily")]
    assert found["assetBackfillStatuses"] == [
        {
            "assetKey": key("daily"),
            "numPartitionsTargeted": 3,
            "numPartitionsMaterialized": 2,
            "numPartitionsFailed": 1,
        }
    ]
    assert {each["runStatus"]: each["count"] for each in found["partitionStatusCounts"]} == {
        "SUCCESS": 2,
        "FAILURE": 1,
    }
    assert {"key": "team", "value": "a"} in found["runs"][0]["tags"]
    assert {"key": "dagster/backfill", "value": made["backfillId"]} in found["runs"][0]["tags"]

    again = server.ask(
        """mutation($p: ReexecutionParams) { reexecutePartitionBackfill(reexecutionParams: $p) { __typename
             ... on LaunchBackfillSuccess { backfillId } } }""",
        p={"parentRunId": made["backfillId"], "strategy": "FROM_FAILURE"},
    )["reexecutePartitionBackfill"]
    repeated = ended(server, again["backfillId"])
    assert (repeated["partitionNames"], repeated["fromFailure"]) == (["2024-01-03"], True)
    assert {"key": "dagster/parent_backfill_id", "value": made["backfillId"]} in repeated["tags"]


def test_ranges_by_asset_and_the_lists(server: GraphQLServer) -> None:
    made = launch(
        server,
        partitionsByAssets=[
            {"assetKey": key("daily"), "partitions": {"range": {"start": "2024-01-01", "end": "2024-01-02"}}}
        ],
    )
    assert ended(server, made["backfillId"])["status"] == "COMPLETED_SUCCESS"
    data = server.ask(
        """{ partitionBackfillsOrError(status: COMPLETED_SUCCESS, limit: 5) {
               ... on PartitionBackfills { results { id } } }
             runsFeedOrError(limit: 5, view: BACKFILLS) { ... on RunsFeedConnection { results { id __typename } } }
             runsFeedCountOrError(view: BACKFILLS) { ... on RunsFeedCount { count } } }"""
    )
    assert made["backfillId"] in [each["id"] for each in data["partitionBackfillsOrError"]["results"]]
    assert {each["__typename"] for each in data["runsFeedOrError"]["results"]} == {"PartitionBackfill"}
    assert data["runsFeedCountOrError"]["count"] >= 1


def test_a_backfill_of_a_job_is_cancelled_and_resumed(server: GraphQLServer) -> None:
    selector = {"partitionSetName": "daily_job_partition_set", "repositorySelector": SELECTOR}
    made = launch(server, selector=selector, partitionNames=["2024-01-01", "2024-01-02"])
    assert made["__typename"] == "LaunchBackfillSuccess", made
    cancelled = server.ask(
        "mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }",
        id=made["backfillId"],
    )["cancelPartitionBackfill"]
    found = ended(server, made["backfillId"])
    assert (found["jobName"], found["partitionSetName"]) == ("daily_job", "daily_job_partition_set")
    if cancelled["__typename"] == "CancelBackfillSuccess":
        assert found["status"] == "CANCELED"
        resumed = server.ask(
            "mutation($id: String!) { resumePartitionBackfill(backfillId: $id) { __typename } }",
            id=made["backfillId"],
        )["resumePartitionBackfill"]
        assert resumed == {"__typename": "ResumeBackfillSuccess"}
        found = ended(server, made["backfillId"])
    assert {each["runStatus"]: each["count"] for each in found["partitionStatusCounts"]} == {"SUCCESS": 2}


def test_what_is_refused(server: GraphQLServer) -> None:
    unknown = {"partitionSetName": "nothing_partition_set", "repositorySelector": SELECTOR}
    assert launch(server, selector=unknown)["__typename"] == "PartitionSetNotFoundError"
    wrong_key = launch(server, assetSelection=[key("daily")], partitionNames=["1999-01-01"])
    assert (wrong_key["__typename"], wrong_key["partitionKeys"]) == (
        "PartitionKeysNotFoundError",
        ["1999-01-01"],
    )
    nobody = launch(server, assetSelection=[key("nobody")])
    assert nobody["__typename"] == "PythonError" and "nobody" in nobody["message"]
    assert show(server, "none")["__typename"] == "BackfillNotFoundError"
    for name in ("cancelPartitionBackfill", "resumePartitionBackfill"):
        data = server.ask(f'mutation {{ {name}(backfillId: "none") {{ __typename }} }}')
        assert data[name]["__typename"] == "PythonError"


PARTS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
  partitionsTargetedForAssetKey(assetKey: {path: ["daily"]}) { ranges { start end } partitionKeys }
  none: partitionsTargetedForAssetKey(assetKey: {path: ["orders"]}) { partitionKeys }
  assetBackfillData { rootTargetedPartitions { ranges { start end } } assetBackfillStatuses { __typename
    ... on AssetPartitionsStatusCounts { assetKey { path } numPartitionsMaterialized }
    ... on UnpartitionedAssetStatus { assetKey { path } materialized failed inProgress } } }
  partitionStatuses { results { id partitionName runId runStatus } }
  logEvents { cursor hasMore events { message level } } rest: logEvents(cursor: "1") { events { message } } } } }"""


def test_what_a_backfill_is_about_partition_by_partition(server: GraphQLServer) -> None:
    keys = ["2024-01-04", "2024-01-05", "2024-01-07"]
    made = launch(server, assetSelection=[key("daily")], partitionNames=keys)
    ended(server, made["backfillId"])
    found = server.ask(PARTS, id=made["backfillId"])["partitionBackfillOrError"]
    ranges = [{"start": keys[0], "end": keys[1]}, {"start": keys[2], "end": keys[2]}]
    assert found["partitionsTargetedForAssetKey"] == {"ranges": ranges, "partitionKeys": None}
    assert found["none"] is None and found["partitionStatuses"] is None
    assert found["assetBackfillData"] == {
        "rootTargetedPartitions": {"ranges": ranges},
        "assetBackfillStatuses": [
            {
                "__typename": "AssetPartitionsStatusCounts",
                "assetKey": key("daily"),
                "numPartitionsMaterialized": 3,
            }
        ],
    }
    messages = [line["message"] for line in found["logEvents"]["events"]]
    assert (messages[0], messages[-1]) == ("Asked for 3 partitions.", "Ended as COMPLETED_SUCCESS.")
    assert found["logEvents"]["cursor"] == str(len(messages)) and not found["logEvents"]["hasMore"]
    assert [line["message"] for line in found["rest"]["events"]] == messages[1:]


def test_an_unpartitioned_asset_has_one_status(server: GraphQLServer) -> None:
    made = launch(server, assetSelection=[key("orders")], allPartitions=True)
    ended(server, made["backfillId"])
    data = server.ask(PARTS, id=made["backfillId"])["partitionBackfillOrError"]["assetBackfillData"]
    assert data["rootTargetedPartitions"] is None
    assert data["assetBackfillStatuses"] == [
        {
            "__typename": "UnpartitionedAssetStatus",
            "assetKey": key("orders"),
            "materialized": True,
            "failed": False,
            "inProgress": False,
        }
    ]


def test_the_partitions_of_a_jobs_backfill_have_their_runs(server: GraphQLServer) -> None:
    selector = {"partitionSetName": "daily_job_partition_set", "repositorySelector": SELECTOR}
    made = launch(server, selector=selector, partitionNames=["2024-01-08"])
    ended(server, made["backfillId"])
    found = server.ask(PARTS, id=made["backfillId"])["partitionBackfillOrError"]
    (status,) = found["partitionStatuses"]["results"]
    assert (status["id"], status["runStatus"]) == ("daily_job_partition_set:2024-01-08", "SUCCESS")
    assert status["runId"] is not None and found["assetBackfillData"] is None


def test_a_preview_makes_nothing(server: GraphQLServer) -> None:
    preview = """query($p: AssetBackfillPreviewParams!) { assetBackfillPreview(params: $p) {
      assetKey { path } partitions { ranges { start end } partitionKeys } } }"""
    params = {"partitionNames": ["blue", "red"], "assetSelection": [key("by_colour")]}
    before = server.ask("{ partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }")
    assert server.ask(preview, p=params)["assetBackfillPreview"] == [
        {"assetKey": key("by_colour"), "partitions": {"ranges": None, "partitionKeys": ["blue", "red"]}}
    ]
    wrong = params | {"partitionNames": ["black"]}
    _, body = server.post(preview, {"p": wrong})
    assert "black" in body["errors"][0]["message"]
    after = server.ask("{ partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }")
    assert before == after
