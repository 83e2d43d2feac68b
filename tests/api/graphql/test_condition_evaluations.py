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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    home: Path = tmp_path_factory.mktemp("conditions")
    file = home / "chain.py"
    file.write_text(automated.CHAIN)
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
