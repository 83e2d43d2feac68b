"""The HTTP side: methods, content types, malformed bodies, limits, and that nothing of our insides is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.graphql.conftest import CODE, SELECTOR
from tests.api.graphql.serving import GraphQLServer
from tidewheel.api.graphql.permissions import GuardedAccess
from tidewheel.services.access.guard import Caller, Guard
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.access import LOCAL

pytestmark = pytest.mark.xdist_group("graphql")

JSON = {"content-type": "application/json"}
LAUNCH = """mutation { launchRun(executionParams: {selector: {jobName: "quick", repositoryName: "__repository__",
  repositoryLocationName: "code.py"}}) { __typename } }"""


def test_a_query_in_every_accepted_form(server: GraphQLServer) -> None:
    query = "query($l: Int) { runsOrError(limit: $l) { __typename } version }"
    expected = {"data": {"runsOrError": {"__typename": "Runs"}, "version": "0.0-test"}}
    assert server.post(query, {"l": 1}) == (200, expected)
    assert server.post(query, '{"l": 1}') == (200, expected)
    assert server.post(query, None) == (200, expected)
    assert server.post(query, "") == (200, expected)
    assert server.get(query=query, variables='{"l": 1}') == (200, expected)
    status, headers, body = server.request(
        "POST", "/graphql", query.encode(), {"content-type": "application/graphql"}
    )
    assert (status, json.loads(body)) == (200, expected) and headers["content-type"] == "application/json"
    named = "query A { version } query B { canBulkTerminate }"
    assert server.post(named, operationName="B") == (200, {"data": {"canBulkTerminate": True}})
    charset = {"content-type": "Application/JSON; charset=utf-8"}
    assert server.request("POST", "/graphql", b'{"query": "{version}"}', charset)[0] == 200


def test_a_browser_is_told_what_this_is(server: GraphQLServer) -> None:
    status, headers, body = server.request("GET", "/graphql", headers={"accept": "text/html,*/*"})
    assert status == 200 and headers["content-type"].startswith("text/html") and b"POST" in body


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "expected JSON"),
        (b"{", "expected JSON"),
        (b"\xff\xfe", "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b"[]", "got a list"),
        (b"[{}]", "got a list"),
        (b"null", "got nothing"),
        (b"5", "got a number"),
        (b'"{ version }"', "got a text"),
        (b"{}", "'query'"),
        (b'{"query": null}', "'query'"),
        (b'{"query": 5}', "'query'"),
        (b'{"query": ["{version}"]}', "'query'"),
        (b'{"query": "{version}", "variables": []}', "'variables'"),
        (b'{"query": "{version}", "variables": "x"}', "JSON"),
        (b'{"query": "{version}", "variables": 5}', "'variables'"),
        (b'{"query": "{version}", "operationName": {}}', "'operationName'"),
        (b'{"query": ""}', "Syntax Error"),
        (b'{"query": "{"}', "Syntax Error"),
        (b'{"query": "{ nothing }"}', "Cannot query field"),
        (b'{"query": "{version} {version}"}', "anonymous"),
        (b'{"query": "query A {version} query B {version}"}', "operationName"),
        (b'{"query": "query A {version}", "operationName": "B"}', "'B'"),
        (b'{"query": "fragment F on Query {version}"}', ""),
        (b'{"query": "subscription { newTicks { id } }"}', "web socket"),
        (b'{"query": "query($r: ID!) { runOrError(runId: $r) { __typename } }"}', "$r"),
        (
            b'{"query": "query($l: Int) { runsOrError(limit: $l) { __typename } }", "variables": {"l": "x"}}',
            "$l",
        ),
    ],
)
def test_malformed_requests_are_refused_without_a_trace(
    server: GraphQLServer, body: bytes, says: str
) -> None:
    status, headers, answer = server.request("POST", "/graphql", body, JSON)
    assert status == 400 and headers["content-type"] == "application/json"
    shown = json.loads(answer)
    assert shown["data"] is None and says in shown["errors"][0]["message"]
    assert b"Traceback" not in answer and b".py" not in answer and len(answer) < 10_000


def test_get_without_a_query(server: GraphQLServer) -> None:
    assert server.get()[0] == 400
    assert server.get(query="{version}", variables="x")[0] == 400


def test_mutations_come_by_post_only(server: GraphQLServer) -> None:
    before = server.ask("{ runsOrError(limit: 0) { ... on Runs { count } } }")
    status, headers, body = server.request(
        "GET", "/graphql?query=" + LAUNCH.replace("\n", " ").replace(" ", "%20")
    )
    assert status == 405 and headers["allow"] == "POST" and "POST" in json.loads(body)["errors"][0]["message"]
    assert server.ask("{ runsOrError(limit: 0) { ... on Runs { count } } }") == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_types_that_any_page_may_send_are_refused(server: GraphQLServer, kind: str) -> None:
    body = json.dumps({"query": LAUNCH}).encode()
    headers = {"content-type": kind} if kind else {}
    status, _, answer = server.request("POST", "/graphql?query={version}", body, headers)
    assert status == 415 and "application/json" in json.loads(answer)["errors"][0]["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(server: GraphQLServer, method: str) -> None:
    assert server.request(method, "/graphql")[0] == 405


def test_a_body_that_is_too_large(server: GraphQLServer) -> None:
    body = json.dumps({"query": "{version}", "variables": {"x": "y" * (5 * 1024 * 1024)}}).encode()
    status, _, answer = server.request("POST", "/graphql", body, JSON)
    assert status == 413 and len(answer) < 1_000


@pytest.mark.parametrize(
    "query",
    [
        "{ a" * 10_000 + "}" * 10_000,
        "{" * 10_000,
        "query($x: " + "[" * 5_000 + "Int" + "]" * 5_000 + ") { version }",
        "{ runsOrError(filter: " + "{tags: [" * 3_000 + "]}" * 3_000 + ") { __typename } }",
        "{" + " version" * 50_000 + "}",
        "{" + " ".join(f"v{i}: version" for i in range(500)) + "}",
        "{ repositoriesOrError { ... on RepositoryConnection { nodes { "
        + "location { repositories { " * 15
        + "name"
        + "} }" * 15
        + "} } } }",
        """query { ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A }""",
        "{" + " instance { id }" * 1_000 + "}",
        "{ instance {" + "".join(f" a{i}: id" for i in range(5_000)) + "} }",
        "{"
        + "".join(f" ...F{i}" for i in range(300))
        + "}"
        + "".join(f" fragment F{i} on Query {{ instance {{ id }} }}" for i in range(300)),
    ],
    ids=[
        "deep",
        "unbalanced",
        "types",
        "values",
        "long",
        "aliases",
        "circle",
        "fragments",
        "repeated",
        "many",
        "spread",
    ],
)
def test_queries_that_ask_for_too_much(server: GraphQLServer, query: str) -> None:
    status, body = server.post(query)
    assert status == 400 and body["data"] is None and len(str(body)) < 20_000


def test_the_cost_of_pages_counts(server: GraphQLServer) -> None:
    query = """query($l: Int) { runsOrError(limit: $l) { ... on Runs { results { eventConnection(limit: 1000) {
      events { __typename } } } } } }"""
    assert server.post(query, {"l": 10})[0] == 200
    status, body = server.post(query, {"l": 1000})
    assert status == 400 and body["errors"][0]["extensions"]["maximumCost"] == 250_000
    growing = "query { ...A0 } fragment A30 on Query { version }" + "".join(
        f" fragment A{i} on Query {{ ...A{i + 1} a{i}: runsOrError(limit: 10) {{ __typename }} ...A{i + 1} }}"
        for i in range(30)
    )
    assert server.post(growing)[0] == 400


def test_strings_and_comments_are_no_brackets(server: GraphQLServer) -> None:
    deep = "{" * 500
    assert server.post(f'{{ runOrError(runId: "{deep}") {{ __typename }} }}')[0] == 200
    assert server.post(f'{{ runOrError(runId: """{deep} \\""" """) {{ __typename }} }}')[0] == 200
    assert server.post(f"# {deep}\n{{ version }}")[0] == 200


def test_unexpected_errors_are_told_by_a_reference(server: GraphQLServer, monkeypatch, caplog) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret of the database")

    monkeypatch.setattr(server.server.database.ledger, "count_runs", fail)
    status, body = server.post("{ runsOrError { ... on Runs { count } } version }")
    assert status == 200 and "secret" not in str(body) and "Traceback" not in str(body)
    reference = body["errors"][0]["extensions"]["reference"]
    assert reference in body["errors"][0]["message"]
    assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)


def test_introspection(server: GraphQLServer) -> None:
    data = server.ask(
        "{ __schema { queryType { name } types { name fields { name type { name ofType { name } } } } } }"
    )
    assert data["__schema"]["queryType"] == {"name": "Query"}


READ_ONLY = GuardedAccess(
    Guard(None, catalog=lambda: Catalog({}), clock=lambda: 0.0, read_only=True),
    Caller(principal=LOCAL, surface="graphql"),
)


def test_read_only_access_and_no_introspection(tmp_path: Path) -> None:
    server = GraphQLServer(tmp_path, CODE, access_for=lambda connection: READ_ONLY, introspection=False)
    try:
        assert server.ask(LAUNCH)["launchRun"] == {"__typename": "UnauthorizedError"}
        assert server.ask("{ runsOrError { ... on Runs { count } } }")["runsOrError"] == {"count": 0}
        status, body = server.post('mutation { setConcurrencyLimit(concurrencyKey: "a", limit: 1) }')
        assert status == 200 and body["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}
        permissions = server.ask("{ permissions { value disabledReason } canBulkTerminate }")
        assert not permissions["canBulkTerminate"]
        assert {(one["value"], one["disabledReason"]) for one in permissions["permissions"]} == {
            (False, "this server is read-only")
        }
        node = server.ask(
            """query($k: AssetKeyInput!) { assetNodeOrError(assetKey: $k) { ... on AssetNode {
                 hasMaterializePermission } } }""",
            k={"path": ["orders"]},
        )["assetNodeOrError"]
        assert node == {"hasMaterializePermission": False}
        assert server.post("{ __schema { queryType { name } } }")[0] == 400
        assert server.post('{ __type(name: "Run") { name } }')[0] == 400
    finally:
        server.stop()
