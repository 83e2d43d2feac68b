"""The kept evaluations of conditions, as the field names of the schema tell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.graphql.serving import GraphQLServer
from tests.processes import automated
from tests.processes.serving import wait_until

pytestmark = pytest.mark.xdist_group("graphql-conditions")

RECORDS = """query($path: [String!]!, $cursor: String) {
  assetConditionEvaluationRecordsOrError(assetKey: {path: $path}, limit: 5, cursor: $cursor) { __typename
    ... on AssetConditionEvaluationRecords { records { id evaluationId runIds timestamp assetKey { path } numRequested
      rootUniqueId isLegacy evaluationNodes { uniqueId userLabel expandedLabel numTrue numCandidates isPartitioned
        childUniqueIds operatorType } } } } }"""


PARTITIONED = """
abc = tw.StaticPartitionsDefinition(["a", "b", "c"])

@tw.asset(partitions_def=abc)
def days():
    return 1

@tw.asset(partitions_def=abc, deps=[days], automation_condition=tw.AutomationCondition.any_deps_updated())
def sums():
    return 1

"""
TREE = """rootUniqueId evaluationNodes { __typename
  ... on UnpartitionedAssetConditionEvaluationNode { uniqueId description status childUniqueIds
    entityKey { ... on AssetKey { path } } }
  ... on PartitionedAssetConditionEvaluationNode { uniqueId description numTrue numCandidates childUniqueIds }
  ... on SpecificPartitionAssetConditionEvaluationNode { uniqueId description status childUniqueIds } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    home: Path = tmp_path_factory.mktemp("conditions")
    file = home / "chain.py"
    file.write_text(
        automated.CHAIN.replace("defs = ", PARTITIONED + "defs = ").replace("[root,", "[root, days, sums,")
    )
    server = GraphQLServer(home, file, name="chain.py")
    yield server
    server.stop()


def test_a_request_is_told_with_its_tree(server: GraphQLServer) -> None:
    wait_until(
        lambda: server.call(server.server.control.get_automation)[0].last_evaluated_at, what="an evaluation"
    )
    report = """mutation { reportRunlessAssetEvents(eventParams: {eventType: ASSET_MATERIALIZATION,
      assetKey: {path: ["root"]}}) { __typename } }"""
    server.ask(report)

    def records(cursor=None):
        found = server.ask(RECORDS, path=["middle"], cursor=cursor)["assetConditionEvaluationRecordsOrError"]
        return found["records"]

    wait_until(records, what="an evaluation")
    (record,) = records()
    assert record["assetKey"] == {"path": ["middle"]} and record["numRequested"] == 1
    assert len(record["runIds"]) == 1 and record["isLegacy"] is False
    nodes = {one["uniqueId"]: one for one in record["evaluationNodes"]}
    top = nodes[record["rootUniqueId"]]
    assert top["userLabel"] == "eager" and top["operatorType"] == "and" and top["numTrue"] == 1
    assert all(child in nodes for one in nodes.values() for child in one["childUniqueIds"])
    assert records(record["evaluationId"]) == []
    same = server.ask(
        """query($id: ID!) { assetConditionEvaluationsForEvaluationId(evaluationId: $id) {
          ... on AssetConditionEvaluationRecords { records { assetKey { path } } } }
          truePartitionsForAutomationConditionEvaluationNode(assetKey: {path: ["middle"]}, evaluationId: $id) }""",
        id=record["evaluationId"],
    )
    paths = [one["assetKey"]["path"] for one in same["assetConditionEvaluationsForEvaluationId"]["records"]]
    assert sorted(paths) == [["leaf"], ["middle"]]
    assert same["truePartitionsForAutomationConditionEvaluationNode"] == []
    inner = next(child for child in top["childUniqueIds"])
    node = """query($id: ID!, $node: String) { truePartitionsForAutomationConditionEvaluationNode(
      assetKey: {path: ["middle"]}, evaluationId: $id, nodeUniqueId: $node) }"""
    told = server.ask(node, id=record["evaluationId"], node=inner)
    assert told["truePartitionsForAutomationConditionEvaluationNode"] == []


def newest_id(server: GraphQLServer, key: str) -> str | None:
    found = server.ask(RECORDS, path=[key])["assetConditionEvaluationRecordsOrError"]["records"]
    return found[0]["evaluationId"] if found else None


def newest(server: GraphQLServer, key: str, after: str | None) -> dict:
    """The newest record of an asset, in the current form and in the older ones, once there is another one than before."""
    wait_until(lambda: newest_id(server, key) != after, what="an evaluation")
    query = """query($path: [String!]!) {
      assetConditionEvaluationRecordsOrError(assetKey: {path: $path}, limit: 1) { ... on AssetConditionEvaluationRecords {
        records { evaluationId runIds numRequested entityKey { __typename ... on AssetKey { path } }
          evaluation { TREE } evaluationNodes { uniqueId operatorType entityKey { ... on AssetKey { path } }
            sinceMetadata { triggerTimestamp resetTimestamp triggerEvaluationId } } } } }
      autoMaterializeAssetEvaluationsOrError(assetKey: {path: $path}, limit: 1) {
        ... on AutoMaterializeAssetEvaluationRecords { records { evaluationId runIds numRequested numSkipped numDiscarded
          rules { className } rulesWithRuleEvaluations { __typename } assetKey { path } } } }
      assetNodeOrError(assetKey: {path: $path}) { ... on AssetNode { currentAutoMaterializeEvaluationId
        autoMaterializePolicy { policyType rules { description } maxMaterializationsPerMinute }
        lastAutoMaterializationEvaluationRecord { evaluationId }
        before: lastAutoMaterializationEvaluationRecord(asOfEvaluationId: "0") { evaluationId } } } }""".replace(
        "TREE", TREE
    )

    return server.ask(query, path=[key])


def report(server: GraphQLServer, key: str, partition: str | None = None) -> None:
    keys = f', partitionKeys: ["{partition}"]' if partition else ""
    server.ask(
        f"""mutation {{ reportRunlessAssetEvents(eventParams: {{eventType: ASSET_MATERIALIZATION,
          assetKey: {{path: ["{key}"]}}{keys}}}) {{ __typename }} }}"""
    )


def test_an_evaluation_is_told_in_the_older_forms_too(server: GraphQLServer) -> None:
    before = newest_id(server, "middle")
    report(server, "root")
    found = newest(server, "middle", before)
    record = found["assetConditionEvaluationRecordsOrError"]["records"][0]
    assert record["entityKey"] == {"__typename": "AssetKey", "path": ["middle"]}
    tree = record["evaluation"]
    nodes = {node["uniqueId"]: node for node in tree["evaluationNodes"]}
    assert nodes[tree["rootUniqueId"]]["status"] == "TRUE"
    assert {node["__typename"] for node in nodes.values()} == {"UnpartitionedAssetConditionEvaluationNode"}
    assert {node["status"] for node in nodes.values()} >= {"TRUE", "FALSE"}
    assert ["root"] in [node["entityKey"]["path"] for node in nodes.values()]  # below any_deps
    assert set(nodes) == {node["uniqueId"] for node in record["evaluationNodes"]}
    since = [node["sinceMetadata"] for node in record["evaluationNodes"] if node["sinceMetadata"]]
    assert any(one["triggerTimestamp"] for one in since)
    assert all(one["triggerEvaluationId"] is None for one in since)

    [older] = found["autoMaterializeAssetEvaluationsOrError"]["records"]
    assert older == {
        "evaluationId": record["evaluationId"], "runIds": record["runIds"], "numRequested": 1, "numSkipped": 0,
        "numDiscarded": 0, "rules": [], "rulesWithRuleEvaluations": [], "assetKey": {"path": ["middle"]},
    }  # fmt: skip
    node = found["assetNodeOrError"]
    assert node["autoMaterializePolicy"] == {
        "policyType": "LAZY", "rules": [], "maxMaterializationsPerMinute": None,
    }  # fmt: skip
    assert node["lastAutoMaterializationEvaluationRecord"] == {"evaluationId": record["evaluationId"]}
    assert node["before"] is None
    assert int(node["currentAutoMaterializeEvaluationId"]) >= int(record["evaluationId"])
    same = server.ask(
        """query($id: ID!) { autoMaterializeEvaluationsForEvaluationId(evaluationId: $id) {
          ... on AutoMaterializeAssetEvaluationRecords { records { assetKey { path } } } }
          assetNodeOrError(assetKey: {path: ["root"]}) { ... on AssetNode { autoMaterializePolicy { policyType }
            lastAutoMaterializationEvaluationRecord { id } } } }""",
        id=record["evaluationId"],
    )
    told = same["autoMaterializeEvaluationsForEvaluationId"]["records"]
    assert {one["assetKey"]["path"][0] for one in told} == {"leaf", "middle"}
    assert same["assetNodeOrError"] == {
        "autoMaterializePolicy": None,
        "lastAutoMaterializationEvaluationRecord": None,
    }


def test_what_was_true_for_one_partition(server: GraphQLServer) -> None:
    before = newest_id(server, "sums")
    report(server, "days", "b")
    [record] = newest(server, "sums", before)["assetConditionEvaluationRecordsOrError"]["records"]
    assert {node["__typename"] for node in record["evaluation"]["evaluationNodes"]} == {
        "PartitionedAssetConditionEvaluationNode"
    }
    query = """query($id: ID!, $key: String!, $p: String!) { assetConditionEvaluationForPartition(
      assetKey: {path: [$key]}, evaluationId: $id, partition: $p) { TREE } }""".replace("TREE", TREE)

    def statuses(partition: str, key: str = "sums") -> dict[str, str] | None:
        found = server.ask(query, id=record["evaluationId"], key=key, p=partition)
        tree = found["assetConditionEvaluationForPartition"]
        return tree and {node["uniqueId"]: node["status"] for node in tree["evaluationNodes"]}

    root = record["evaluation"]["rootUniqueId"]
    assert statuses("b")[root] == "TRUE" and statuses("a")[root] == "FALSE"
    assert statuses("b", "days") is None
