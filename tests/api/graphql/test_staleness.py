"""Staleness over GraphQL, on a ledger with events put there by hand."""

from __future__ import annotations

from pathlib import Path

from tests.api.graphql.queries import NOW, Still
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.definitions import StaticPartitions
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.tags import DATA_VERSION

SPEC = StaticPartitions(keys=("x", "y", "z"))
SNAPSHOT = LocationSnapshot(
    name="code",
    assets=(
        AssetNode(key="a", step="a"),
        AssetNode(key="b", step="b", deps=(DepSpec(asset="a"),)),
        AssetNode(key="c", step="c", deps=(DepSpec(asset="b"),)),
        AssetNode(key="p", step="p", partitions=SPEC),
        AssetNode(key="q", step="q", partitions=SPEC, deps=(DepSpec(asset="p"),)),
    ),
)
ASK = "{ assetNodes { assetKey { path } staleStatus staleCauses { category reason dependency { path } } } }"
BY_PARTITION = """{ assetNodeOrError(assetKey: {path: ["q"]}) { ... on AssetNode {
  one: staleStatus(partition: "x") made: staleStatusByPartition
  staleStatusByPartition(partitions: ["z", "y", "x"])
  staleCausesByPartition(partitions: ["x"]) { partitionKey category dependency { path } }
  dataVersionByPartition(partitions: ["x", "z"]) } } }"""


def make(server: Still, *made: tuple[str, str | None]) -> None:
    catalog = Catalog({"code": SNAPSHOT})
    events = [
        Event(
            type=EventType.ASSET_MATERIALIZATION,
            timestamp=NOW,
            run_id="",
            asset=asset,
            partition=partition,
            payload=Materialization(metadata={}, tags={DATA_VERSION: f"{asset}-{place}"}),
        )
        for place, (asset, partition) in enumerate(made)
    ]
    server.ledger.record_events(events, resolve=catalog.resolver(NOW, {}))


def test_staleness_goes_downstream(tmp_path: Path) -> None:
    server = Still(tmp_path, SNAPSHOT)
    make(server, ("a", None), ("b", None), ("c", None), ("a", None))
    found = {node["assetKey"]["path"][0]: node for node in server.ask(ASK)["assetNodes"]}
    assert {name: node["staleStatus"] for name, node in found.items()} == {
        "a": "FRESH",
        "b": "STALE",
        "c": "STALE",
        "p": "MISSING",
        "q": "MISSING",
    }
    assert [cause["dependency"] for cause in found["c"]["staleCauses"]] == [{"path": ["b"]}]
    assert server.statements == 3
    server.ledger.close()


def test_partitions_compare_with_those_of_the_same_key(tmp_path: Path) -> None:
    server = Still(tmp_path, SNAPSHOT)
    make(server, ("p", "x"), ("p", "y"), ("q", "x"), ("q", "y"), ("p", "x"))
    found = server.ask(BY_PARTITION)["assetNodeOrError"]
    assert found["staleStatusByPartition"] == ["MISSING", "FRESH", "STALE"]
    assert (found["one"], found["made"]) == ("STALE", ["STALE", "FRESH"])
    assert found["staleCausesByPartition"] == [
        [{"partitionKey": "x", "category": "DATA", "dependency": {"path": ["p"]}}]
    ]
    assert found["dataVersionByPartition"] == ["q-2", None]
    server.ledger.close()
