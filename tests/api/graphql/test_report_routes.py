"""The routes that outside systems report events of assets to."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

ASSET = """query($k: AssetKeyInput!) { assetOrError(assetKey: $k) { ... on Asset {
  assetMaterializations(limit: 1) { description partition runId tags { key value } metadataEntries { label
    ... on IntMetadataEntry { intValue } } }
  assetObservations(limit: 1) { description } } } }"""


def post(
    server: GraphQLServer, target: str, body: Any = None, headers: dict[str, str] | None = None, **given: str
) -> tuple[int, dict]:
    path = f"/{target}" + (f"?{urlencode(given)}" if given else "")
    sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if body is None else {"content-type": "application/json"}
    status, _, answer = server.request("POST", path, sent, kind | (headers or {}))
    return status, json.loads(answer)


def made(server: GraphQLServer, *path: str) -> dict:
    return server.ask(ASSET, k={"path": list(path)})["assetOrError"]


def test_a_materialisation_by_body_and_by_address(server: GraphQLServer) -> None:
    body = {
        "metadata": {"rows": 7},
        "description": "loaded",
        "data_version": "v1",
        "partition": "p",
        "other": 1,
    }
    assert post(server, "report_asset_materialization/out/a", body, partition="q") == (200, {})
    found = made(server, "out", "a")["assetMaterializations"][0]
    assert found["description"] == "loaded" and found["partition"] == "p" and found["runId"] == ""
    assert {"key": "dagster/data_version", "value": "v1"} in found["tags"]
    assert found["metadataEntries"] == [{"label": "rows", "intValue": 7}]
    given = {"metadata": '{"rows": 8}', "description": "by address"}
    assert post(server, "report_asset_materialization/out/a", **given) == (200, {})
    found = made(server, "out", "a")["assetMaterializations"][0]
    assert found["metadataEntries"] == [{"label": "rows", "intValue": 8}] and found["partition"] is None


@pytest.mark.parametrize(
    ("target", "body", "given"),
    [
        ("", {"asset_key": ["out", "key"]}, {}),
        ("", {"asset_key": "out/key"}, {}),
        ("", None, {"asset_key": '["out", "key"]'}),
        ("out/key", {"asset_key": ["not", "this"]}, {}),
    ],
)
def test_the_key_in_every_place(server: GraphQLServer, target: str, body: Any, given: dict) -> None:
    assert post(server, f"report_asset_observation/{target}", body, **given) == (200, {})
    assert len(made(server, "out", "key")["assetObservations"]) == 1


def test_a_check(server: GraphQLServer) -> None:
    body = {"check_name": "fresh", "passed": False, "severity": "WARN"}
    assert post(server, "report_asset_check/orders", body) == (200, {})
    assert post(server, "report_asset_check/orders", check_name="fresh", passed="true") == (200, {})
    found = server.ask(
        """{ assetCheckExecutions(assetKey: {path: ["orders"]}, checkName: "fresh", limit: 2) {
             status evaluation { severity } } }"""
    )["assetCheckExecutions"]
    assert found == [
        {"status": "SUCCEEDED", "evaluation": {"severity": "ERROR"}},
        {"status": "FAILED", "evaluation": {"severity": "WARN"}},
    ]


@pytest.mark.parametrize(
    ("target", "body", "headers"),
    [
        ("report_asset_materialization/", None, {}),
        ("report_asset_materialization/a//b", None, {}),
        ("report_asset_materialization/a", b"{", {}),
        ("report_asset_materialization/a", [], {}),
        ("report_asset_materialization/a", {"metadata": [1]}, {}),
        ("report_asset_materialization/a", {"metadata": "{"}, {}),
        ("report_asset_materialization/a", {"partition": 5}, {}),
        ("report_asset_materialization/a", {"asset": "x"}, {"content-type": "text/plain"}),
        ("report_asset_materialization/a", {"description": "x" * 2_000_000}, {}),
        ("report_asset_check/a", {"passed": True}, {}),
        ("report_asset_check/a", {"check_name": "c"}, {}),
        ("report_asset_check/a", {"check_name": "c", "passed": "perhaps"}, {}),
        ("report_asset_check/a", {"check_name": "c", "passed": True, "severity": "BAD"}, {}),
    ],
)
def test_wrong_reports(server: GraphQLServer, target: str, body: Any, headers: dict[str, str]) -> None:
    status, answer = post(server, target, body, headers)
    assert status == 400 and answer["error"].startswith("expected")


def test_pages_of_other_sites_cannot_report(server: GraphQLServer) -> None:
    origin = {"origin": "http://evil.example"}
    assert post(server, "report_asset_materialization/evil", headers=origin)[0] == 403
    assert server.request("GET", "/report_asset_materialization/x")[0] == 405
