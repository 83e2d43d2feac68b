"""Assets: definitions, events, partitions and their statuses, checks, events from outside, dynamic partitions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.queries import NOW, Still
from tests.api.graphql.serving import GraphQLServer
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.values.events import Event, EventType, Materialization

pytestmark = pytest.mark.xdist_group("graphql")

LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename
  ... on LaunchRunSuccess { run { id } } ... on PythonError { message } } }"""
REPORT = """mutation($p: ReportRunlessAssetEventsParams!) { reportRunlessAssetEvents(eventParams: $p) { __typename
  ... on ReportRunlessAssetEventsSuccess { assetKey { path } } } }"""
NODE = (
    """query($k: AssetKeyInput!) { assetNodeOrError(assetKey: $k) { __typename ... on AssetNode { %s } } }"""
)


def make(server: GraphQLServer, *path: str, partition: str | None = None) -> str:
    tags = [{"key": "dagster/partition", "value": partition}] if partition else []
    params = {
        "selector": SELECTOR | {"jobName": "__ASSET_JOB", "assetSelection": [{"path": list(path)}]},
        "executionMetadata": {"tags": tags},
    }
    launched = server.ask(LAUNCH, p=params)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    server.wait_for_run(launched["run"]["id"])
    return launched["run"]["id"]


def report(server: GraphQLServer, *path: str, **more: object) -> None:
    params = {"eventType": "ASSET_MATERIALIZATION", "assetKey": {"path": list(path)}, **more}
    assert server.ask(REPORT, p=params)["reportRunlessAssetEvents"] == {
        "__typename": "ReportRunlessAssetEventsSuccess",
        "assetKey": {"path": list(path)},
    }


def node(server: GraphQLServer, fields: str, *path: str) -> dict:
    return server.ask(NODE % fields, k={"path": list(path)})["assetNodeOrError"]


def test_a_definition(server: GraphQLServer) -> None:
    orders = node(
        server,
        """id groupName kinds computeKind opName opNames opVersion isMaterializable isExecutable isObservable
        isPartitioned hasMaterializePermission hasAssetChecks owners { __typename ... on TeamAssetOwner { team }
        ... on UserAssetOwner { email } } jobNames repository { name } dependedByKeys { path } dependencyKeys { path }
        dependedBy { asset { assetKey { path } } } targetingInstigators { __typename }""",
        "orders",
    )
    assert orders["groupName"] == "raw" and orders["kinds"] == ["table"] and orders["opVersion"] == "1"
    assert orders["isMaterializable"] and orders["isExecutable"] and not orders["isPartitioned"]
    assert orders["owners"] == [
        {"__typename": "TeamAssetOwner", "team": "data"},
        {"__typename": "UserAssetOwner", "email": "me@example.com"},
    ]
    assert orders["jobNames"] == ["__ASSET_JOB", "orders_job"] and orders["hasAssetChecks"]
    assert orders["dependedByKeys"] == [{"path": ["shop", "sums"]}] and orders["dependencyKeys"] == []
    assert orders["dependedBy"] == [{"asset": {"assetKey": {"path": ["shop", "sums"]}}}]
    sums = node(server, "description(characterLimit: 4) dependencies { asset { id } } opName", "shop", "sums")
    assert sums["description"] == "Sums" and sums["dependencies"] == [{"asset": {"id": orders["id"]}}]


def test_unknown_assets(server: GraphQLServer) -> None:
    assert node(server, "id", "ordres")["__typename"] == "AssetNotFoundError"
    query = """query($k: AssetKeyInput!) { assetOrError(assetKey: $k) { __typename
      ... on AssetNotFoundError { message } } }"""
    missing = server.ask(query, k={"path": ["ordres"]})["assetOrError"]
    assert missing["__typename"] == "AssetNotFoundError" and "'orders'" in missing["message"]


def test_asset_nodes_by_group_job_and_key(server: GraphQLServer) -> None:
    query = """query($g: AssetGroupSelector, $p: PipelineSelector, $k: [AssetKeyInput!]) {
      assetNodes(group: $g, pipeline: $p, assetKeys: $k) { assetKey { path } } }"""

    def paths(**arguments: object) -> list[list[str]]:
        return [one["assetKey"]["path"] for one in server.ask(query, **arguments)["assetNodes"]]

    assert len(paths()) == 6
    assert paths(g=SELECTOR | {"groupName": "raw"}) == [["orders"]]
    assert paths(p=SELECTOR | {"pipelineName": "daily_job"}) == [["daily"]]
    assert paths(k=[{"path": ["shop", "sums"]}, {"path": ["none"]}]) == [["shop", "sums"]]


def test_the_newest_events_of_an_asset(server: GraphQLServer) -> None:
    runs = [make(server, "orders") for _ in range(3)][::-1]
    query = """query($k: AssetKeyInput!, $c: String) { assetOrError(assetKey: $k) { ... on Asset { id key { path }
      latestMaterializationTimestamp latestEventSortKey hasDefinitionOrRecord definition { groupName }
      one: assetMaterializations(limit: 1) { runId timestamp storageId stepStats { status } tags { key } }
      three: assetMaterializations(limit: 3) { runId }
      assetEventHistory(limit: 2, cursor: $c, eventTypeSelectors: [MATERIALIZATION, OBSERVATION]) { cursor
        results { ... on MaterializationEvent { runId } } } } } }"""
    found = server.ask(query, k={"path": ["orders"]})["assetOrError"]
    newest = found["one"][0]
    assert found["id"] == '["orders"]' and found["definition"] == {"groupName": "raw"}
    assert newest["runId"] == runs[0] and newest["storageId"] == found["latestEventSortKey"]
    assert int(newest["timestamp"]) == int(found["latestMaterializationTimestamp"])
    assert newest["stepStats"] == {"status": "SUCCESS"}
    assert "dagster/data_version" in {tag["key"] for tag in newest["tags"]}
    assert [event["runId"] for event in found["three"]] == runs
    history = found["assetEventHistory"]
    assert [event["runId"] for event in history["results"]] == runs[:2]
    more = server.ask(query, k={"path": ["orders"]}, c=history["cursor"])["assetOrError"]["assetEventHistory"]
    assert more["results"][0]["runId"] == runs[2]


def test_assets_by_page_and_prefix(server: GraphQLServer) -> None:
    report(server, "zoo", "only", "events")
    query = """query($p: [String!], $c: String, $l: Int) { assetsOrError(prefix: $p, cursor: $c, limit: $l) {
      ... on AssetConnection { cursor nodes { id key { path } definition { id } } } } }"""
    zoo = server.ask(query, p=["zoo"])["assetsOrError"]["nodes"]
    assert zoo == [
        {"id": '["zoo", "only", "events"]', "key": {"path": ["zoo", "only", "events"]}, "definition": None}
    ]
    seen, cursor = [], None
    while True:
        page = server.ask(query, c=cursor, l=3)["assetsOrError"]
        if not page["nodes"]:
            break
        seen += [one["key"]["path"] for one in page["nodes"]]
        cursor = page["cursor"]
    assert seen == sorted(seen) and ["daily"] in seen and ["zoo", "only", "events"] in seen
    records = server.ask(
        "{ assetRecordsOrError(limit: 2) { ... on AssetRecordConnection { cursor assets { id } } } }"
    )
    assert records["assetRecordsOrError"]["cursor"] == records["assetRecordsOrError"]["assets"][-1]["id"]


def test_the_newest_facts(server: GraphQLServer) -> None:
    run_id = make(server, "orders")
    query = """query($k: [AssetKeyInput!]!) { assetsLatestInfo(assetKeys: $k) { assetKey { path }
      latestMaterialization { runId } latestRun { id status } unstartedRunIds inProgressRunIds } }"""
    found = server.ask(query, k=[{"path": ["orders"]}, {"path": ["by_customer"]}])["assetsLatestInfo"]
    assert found[0]["latestMaterialization"] == {"runId": run_id}
    assert found[0]["latestRun"] == {"id": run_id, "status": "SUCCESS"}
    assert found[0]["unstartedRunIds"] == found[0]["inProgressRunIds"] == []
    assert found[1]["latestMaterialization"] is None or found[1]["assetKey"] == {"path": ["by_customer"]}


def test_partitions_of_time(server: GraphQLServer) -> None:
    for day in ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05"):
        make(server, "daily", partition=day)
    daily = node(
        server,
        """partitionStats { numMaterialized numPartitions numFailed numMaterializing }
        partitionDefinition { type name fmt dimensionTypes { name type isPrimaryDimension } }
        assetPartitionStatuses { __typename ... on TimePartitionStatuses { ranges { startTime endTime startKey endKey
          status } } }
        latestMaterializationByPartition(partitions: ["2024-01-02", "2024-01-03"]) { partition }
        latestRunForPartition(partition: "2024-01-02") { status }
        partitionKeyConnection(limit: 2, ascending: true) { results cursor hasMore }""",
        "daily",
    )
    assert daily["partitionStats"] == {
        "numMaterialized": 3,
        "numPartitions": 60,
        "numFailed": 1,
        "numMaterializing": 0,
    }
    assert daily["partitionDefinition"]["type"] == "TIME_WINDOW"
    assert daily["partitionDefinition"]["fmt"] == "%Y-%m-%d"
    ranges = daily["assetPartitionStatuses"]["ranges"]
    assert [(one["startKey"], one["endKey"], one["status"]) for one in ranges] == [
        ("2024-01-01", "2024-01-02", "MATERIALIZED"),
        ("2024-01-03", "2024-01-03", "FAILED"),
        ("2024-01-05", "2024-01-05", "MATERIALIZED"),
    ]
    assert (ranges[0]["startTime"], ranges[0]["endTime"]) == (1704067200.0, 1704240000.0)
    assert daily["latestMaterializationByPartition"] == [{"partition": "2024-01-02"}, None]
    assert daily["latestRunForPartition"] == {"status": "SUCCESS"}
    assert daily["partitionKeyConnection"] == {
        "results": ["2024-01-01", "2024-01-02"],
        "cursor": "2024-01-02",
        "hasMore": True,
    }


def test_partition_keys_by_page(server: GraphQLServer) -> None:
    def page(ascending: bool, cursor: str | None) -> dict:
        return server.ask(
            NODE.replace("$k: AssetKeyInput!", "$k: AssetKeyInput!, $a: Boolean!, $c: String")
            % "partitionKeyConnection(limit: 25, ascending: $a, cursor: $c) { results cursor hasMore }",
            k={"path": ["daily"]},
            a=ascending,
            c=cursor,
        )["assetNodeOrError"]["partitionKeyConnection"]

    for ascending in (True, False):
        seen: list[str] = []
        cursor, has_more = None, True
        while has_more:
            found = page(ascending, cursor)
            seen, cursor, has_more = seen + found["results"], found["cursor"], found["hasMore"]
        assert len(seen) == 60 and seen == sorted(seen, reverse=not ascending)


def test_partitions_by_key(server: GraphQLServer) -> None:
    make(server, "by_colour", partition="green")
    found = node(
        server,
        """partitionKeys partitionDefinition { type } assetPartitionStatuses { ... on DefaultPartitionStatuses {
        materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions } }""",
        "by_colour",
    )
    assert found["partitionKeys"] == ["blue", "green", "red"]
    assert found["assetPartitionStatuses"] == {
        "materializedPartitions": ["green"],
        "failedPartitions": [],
        "unmaterializedPartitions": ["blue", "red"],
        "materializingPartitions": [],
    }


def test_partitions_of_two_dimensions(server: GraphQLServer) -> None:
    for key in ("red|2024-01-01", "red|2024-01-02", "blue|2024-01-02", "blue|2024-01-03", "red|2024-01-03"):
        report(server, "by_both", partitionKeys=[key])
    found = node(
        server,
        """partitionDefinition { type dimensionTypes { name isPrimaryDimension } }
        partitionStats { numMaterialized numPartitions }
        partitionKeysByDimension(startIdx: 0, endIdx: 2) { name partitionKeys type }
        assetPartitionStatuses { ... on MultiPartitionStatuses { primaryDimensionName ranges {
          primaryDimStartKey primaryDimEndKey primaryDimStartTime secondaryDim { ... on DefaultPartitionStatuses {
            materializedPartitions unmaterializedPartitions } } } } }""",
        "by_both",
    )
    dimensions = found["partitionDefinition"]["dimensionTypes"]
    assert dimensions == [
        {"name": "colour", "isPrimaryDimension": False},
        {"name": "day", "isPrimaryDimension": True},
    ]
    assert found["partitionStats"] == {"numMaterialized": 5, "numPartitions": 180}
    assert found["partitionKeysByDimension"] == [
        {"name": "colour", "partitionKeys": ["blue", "green", "red"], "type": "STATIC"},
        {"name": "day", "partitionKeys": ["2024-01-01", "2024-01-02"], "type": "TIME_WINDOW"},
    ]
    statuses = found["assetPartitionStatuses"]
    assert statuses["primaryDimensionName"] == "day"
    shown = [
        (one["primaryDimStartKey"], one["primaryDimEndKey"], one["secondaryDim"]["materializedPartitions"])
        for one in statuses["ranges"]
    ]
    assert shown == [
        ("2024-01-01", "2024-01-01", ["red"]),
        ("2024-01-02", "2024-01-03", ["blue", "red"]),
    ]
    assert statuses["ranges"][0]["primaryDimStartTime"] == 1704067200.0


ADD = """mutation($s: RepositorySelector!, $n: String!, $k: String!) {
  addDynamicPartition(repositorySelector: $s, partitionsDefName: $n, partitionKey: $k) { __typename
    ... on AddDynamicPartitionSuccess { partitionsDefName partitionKey }
    ... on DuplicateDynamicPartitionError { partitionsDefName partitionName } ... on UnauthorizedError { message } } }"""
DELETE = """mutation($s: RepositorySelector!, $n: String!, $k: [String!]!, $w: Boolean) {
  deleteDynamicPartitions(repositorySelector: $s, partitionsDefName: $n, partitionKeys: $k, wipeMaterializations: $w) {
    __typename } }"""


def test_dynamic_partitions(server: GraphQLServer) -> None:
    def add(key: str, name: str = "customers") -> dict:
        return server.ask(ADD, s=SELECTOR, n=name, k=key)["addDynamicPartition"]

    assert add("ann") == {
        "__typename": "AddDynamicPartitionSuccess",
        "partitionsDefName": "customers",
        "partitionKey": "ann",
    }
    assert add("bob")["__typename"] == "AddDynamicPartitionSuccess"
    assert add("ann")["__typename"] == "DuplicateDynamicPartitionError"
    assert add("x", "costumers") == {
        "__typename": "UnauthorizedError",
        "message": "expected dynamic partitions that 'code.py' uses, got 'costumers'; did you mean 'customers'?",
    }
    assert add("")["__typename"] == "PythonError"
    make(server, "by_customer", partition="bob")
    fields = (
        "partitionKeys partitionStats { numMaterialized numPartitions } partitionDefinition { name type }"
    )
    found = node(server, fields, "by_customer")
    assert found["partitionKeys"] == ["ann", "bob"]
    assert found["partitionStats"] == {"numMaterialized": 1, "numPartitions": 2}
    assert found["partitionDefinition"] == {"name": "customers", "type": "DYNAMIC"}
    gone = server.ask(DELETE, s=SELECTOR, n="customers", k=["bob", "none"], w=True)
    assert gone["deleteDynamicPartitions"]["__typename"] == "DeleteDynamicPartitionsSuccess"
    assert node(server, fields, "by_customer")["partitionKeys"] == ["ann"]
    add("bob")
    assert node(server, fields, "by_customer")["partitionStats"]["numMaterialized"] == 0


def test_events_from_outside(server: GraphQLServer) -> None:
    report(server, "outside", description="by hand")
    report(server, "outside", eventType="ASSET_OBSERVATION")
    query = """query($k: AssetKeyInput!) { assetOrError(assetKey: $k) { ... on Asset { definition { id }
      latestObservationTimestamp assetMaterializations { runId description partition runOrError { __typename } }
      assetObservations { runId } } } }"""
    found = server.ask(query, k={"path": ["outside"]})["assetOrError"]
    assert found["definition"] is None and found["latestObservationTimestamp"] is not None
    assert found["assetMaterializations"] == [
        {
            "runId": "",
            "description": "by hand",
            "partition": None,
            "runOrError": {"__typename": "RunNotFoundError"},
        }
    ]
    assert found["assetObservations"] == [{"runId": ""}]


def test_checks(server: GraphQLServer) -> None:
    run_id = make(server, "orders")
    fields = """assetChecksOrError { ... on AssetChecks { checks { name blocking jobNames canExecuteIndividually
        executionForLatestMaterialization { runId status evaluation { success severity
          metadataEntries { label ... on IntMetadataEntry { intValue } } } run { id } } } } }
      good: assetCheckOrError(checkName: "not_empty") { __typename }
      bad: assetCheckOrError(checkName: "not_emtpy") { __typename ... on AssetCheckNotFoundError { message } }"""
    found = node(server, fields, "orders")
    check = found["assetChecksOrError"]["checks"][0]
    assert check["name"] == "not_empty" and check["canExecuteIndividually"] == "CAN_EXECUTE"
    latest = check["executionForLatestMaterialization"]
    if latest is None:  # the selection of the launch left the check out
        params = {
            "selector": SELECTOR
            | {
                "jobName": "__ASSET_JOB",
                "assetSelection": [{"path": ["orders"]}],
                "assetCheckSelection": [{"assetKey": {"path": ["orders"]}, "name": "not_empty"}],
            }
        }
        run_id = server.ask(LAUNCH, p=params)["launchRun"]["run"]["id"]
        server.wait_for_run(run_id)
        check = node(server, fields, "orders")["assetChecksOrError"]["checks"][0]
        latest = check["executionForLatestMaterialization"]
    assert latest["status"] == "SUCCEEDED" and latest["run"] == {"id": run_id}
    assert latest["evaluation"]["metadataEntries"] == [{"label": "rows", "intValue": 3}]
    assert found["good"]["__typename"] == "AssetCheck" and "not_empty" in found["bad"]["message"]
    report_check = """mutation($p: ReportAssetCheckEvaluationsParams!) { reportAssetCheckEvaluations(eventParams: $p) {
      __typename ... on PythonError { message } } }"""
    params = {
        "assetKey": {"path": ["orders"]},
        "checkName": "from_outside",
        "passed": False,
        "severity": "WARN",
        "serializedMetadata": json.dumps({"why": "old"}),
    }
    done = server.ask(report_check, p=params)["reportAssetCheckEvaluations"]
    assert done["__typename"] == "ReportAssetCheckEvaluationsSuccess"
    bad = server.ask(report_check, p=params | {"serializedMetadata": "["})["reportAssetCheckEvaluations"]
    assert bad["__typename"] == "PythonError"
    query = """query($k: AssetKeyInput!) { assetCheckExecutions(assetKey: $k, checkName: "from_outside", limit: 5) {
      status evaluation { success severity metadataEntries { label } } runId } }"""
    executions = server.ask(query, k={"path": ["orders"]})["assetCheckExecutions"]
    assert executions == [
        {
            "status": "FAILED",
            "evaluation": {"success": False, "severity": "WARN", "metadataEntries": [{"label": "why"}]},
            "runId": "",
        }
    ]


def test_wiping(server: GraphQLServer) -> None:
    report(server, "to_wipe")
    query = """mutation($r: [PartitionsByAssetSelector!]!) { wipeAssets(assetPartitionRanges: $r) { __typename
      ... on AssetWipeSuccess { assetPartitionRanges { assetKey { path } partitionRange { start end } } }
      ... on UnsupportedOperationError { message } } }"""
    wiped = server.ask(query, r=[{"assetKey": {"path": ["to_wipe"]}}])["wipeAssets"]
    assert wiped["assetPartitionRanges"] == [{"assetKey": {"path": ["to_wipe"]}, "partitionRange": None}]
    gone = server.ask(query, r=[{"assetKey": {"path": ["never"]}}])["wipeAssets"]
    assert gone["__typename"] == "AssetNotFoundError"
    report(server, "daily", partitionKeys=["2024-02-10", "2024-02-11", "2024-02-12"])
    some = {"range": {"start": "2024-02-10", "end": "2024-02-11"}}
    assert server.ask(query, r=[{"assetKey": {"path": ["daily"]}, "partitions": some}])["wipeAssets"][
        "assetPartitionRanges"
    ] == [{"assetKey": {"path": ["daily"]}, "partitionRange": some["range"]}]
    latest = node(
        server,
        'latestMaterializationByPartition(partitions: ["2024-02-11", "2024-02-12"]) { partition }',
        "daily",
    )
    assert latest["latestMaterializationByPartition"] == [None, {"partition": "2024-02-12"}]
    wrong = {"range": {"start": "x", "end": "y"}}
    for path in ("daily", "orders"):
        refused = server.ask(query, r=[{"assetKey": {"path": [path]}, "partitions": wrong}])["wipeAssets"]
        assert refused["__typename"] == "UnsupportedOperationError"


def test_partition_sets(server: GraphQLServer) -> None:
    params = {
        "selector": SELECTOR | {"jobName": "daily_job"},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2024-02-20"}]},
    }
    run_id = server.ask(LAUNCH, p=params)["launchRun"]["run"]["id"]
    server.wait_for_run(run_id)
    query = """query($s: RepositorySelector!) {
      partitionSetOrError(repositorySelector: $s, partitionSetName: "daily_job_partition_set") { __typename
        ... on PartitionSet { name pipelineName mode
          partitionsOrError(limit: 2, reverse: true) { ... on Partitions { results { name status } } }
          partition(partitionName: "2024-02-20") { name status runs(limit: 5) { id } }
          none: partition(partitionName: "x") { name }
          partitionStatusesOrError { ... on PartitionStatuses { results { partitionName runId runStatus runDuration } } } } }
      missing: partitionSetOrError(repositorySelector: $s, partitionSetName: "x") { __typename } }"""
    data = server.ask(query, s=SELECTOR)
    found = data["partitionSetOrError"]
    assert [one["name"] for one in found["partitionsOrError"]["results"]] == ["2024-02-29", "2024-02-28"]
    assert found["partition"] == {"name": "2024-02-20", "status": "SUCCESS", "runs": [{"id": run_id}]}
    assert found["none"] is None and data["missing"]["__typename"] == "PartitionSetNotFoundError"
    statuses = {one["partitionName"]: one for one in found["partitionStatusesOrError"]["results"]}
    assert len(statuses) == 60 and statuses["2024-02-20"]["runId"] == run_id
    assert statuses["2024-02-20"]["runDuration"] > 0 and statuses["2024-02-21"]["runStatus"] is None


def test_what_a_materialisation_was_made_of(server: GraphQLServer) -> None:
    fields = "assetMaterializations(limit: 1) { timestamp runId }"
    used = """assetMaterializationUsedData(timestampMillis: "%s") { assetKey { path } downstreamAssetKey { path } timestamp }"""

    def newest(*path: str) -> str:
        return node(server, fields, *path)["assetMaterializations"][0]["timestamp"]

    def used_by(at: str) -> list[dict]:
        return node(server, used % at, "shop", "sums")["assetMaterializationUsedData"]

    make(server, "orders")
    first = newest("orders")
    make(server, "shop", "sums")
    edge = {"assetKey": {"path": ["orders"]}, "downstreamAssetKey": {"path": ["shop", "sums"]}}
    of_another_run = newest("shop", "sums")
    assert used_by(of_another_run) == [{**edge, "timestamp": first}]
    run_id = server.ask(LAUNCH, p={"selector": SELECTOR | {"jobName": "orders_job"}})["launchRun"]["run"][
        "id"
    ]
    server.wait_for_run(run_id)
    assert newest("orders") != first
    assert used_by(newest("shop", "sums")) == [
        {**edge, "timestamp": newest("orders")}
    ]  # made by the same run
    assert used_by(of_another_run) == [{**edge, "timestamp": first}]
    assert used_by("1000") == []


def test_what_it_was_made_of_is_followed_to_the_top(tmp_path: Path) -> None:
    """d is made of b and c, both of a; b of an older a than c."""
    above = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d", "lost")}
    nodes = tuple(
        AssetNode(key=key, step=key, deps=tuple(DepSpec(asset=one) for one in deps))
        for key, deps in above.items()
    )
    still = Still(tmp_path, LocationSnapshot(name="code", assets=nodes))

    def made(key: str, at: float, run: str, **used: int) -> int:
        tags = {f"dagster/input_event_pointer/{name}": str(event) for name, event in used.items()}
        event = Event(
            type=EventType.ASSET_MATERIALIZATION, timestamp=NOW + at, run_id=run * 36, asset=key,
            payload=Materialization(tags=tags),
        )  # fmt: skip
        return still.ledger.record_events([event])[0]

    older = made("a", 1.0, "1")
    b = made("b", 2.0, "2", a=older)
    newer = made("a", 3.0, "3")
    c = made("c", 4.0, "4", a=newer)
    made("d", 5.0, "5", b=b, c=c)
    made("e", 6.0, "5")  # in the same run, which has no ids yet for what it makes
    query = """query($k: String!, $t: String!) { assetNodeOrError(assetKey: {path: [$k]}) { ... on AssetNode {
      assetMaterializationUsedData(timestampMillis: $t) { assetKey { path } downstreamAssetKey { path } timestamp } } } }"""
    for key, at in (("d", 5.0), ("e", 6.0)):
        found = still.ask(query, k=key, t=str(int((NOW + at) * 1_000)))["assetNodeOrError"]
        assert found["assetMaterializationUsedData"] == [
            {
                "assetKey": {"path": ["a"]},
                "downstreamAssetKey": {"path": [key]},
                "timestamp": str(int((NOW + 1) * 1_000)),
            }
        ]
