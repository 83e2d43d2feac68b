"""Requests made from our own OpenAPI and GraphQL descriptions: no crash, no trace, nothing for the anonymous."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.access.conftest import GuardedServer
from tidewheel.api.graphql.schema import SCHEMA_FILE
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-made")

QUICK = settings(
    max_examples=6,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(QUICK, max_examples=4)
"""Of GraphQL, whose queries each hold many fields."""
CHECKS = (content_type_conformance, response_schema_conformance, status_code_conformance)
SLOW = {("GET", "/runs/{run_id}/wait"), ("POST", "/reload")}
"""Routes that wait, or load code: their own tests call them."""


def carry_out(operation, check, how_many: settings = QUICK) -> int:
    """Make requests for an operation of a description; how many were made."""
    made = 0

    @how_many
    @schemathesis_given(operation)
    def each(case) -> None:
        nonlocal made
        made += 1
        check(case)

    each()
    return made


def schemathesis_given(operation):
    from hypothesis import given

    return given(case=operation.as_strategy())


def operations(schema):
    return [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]


@pytest.fixture(scope="module")
def rest_schema(server: GuardedServer):
    admin = server.person(Grant(role=Role.ADMIN))
    _, description = server.rest("GET", "/openapi.json", token=admin)
    schema = schemathesis.openapi.from_dict(description)
    return schema, {"authorization": f"Bearer {admin}"}, f"http://127.0.0.1:{server.port}/api/v1"


def test_rest_never_fails_and_answers_as_described(rest_schema) -> None:
    schema, headers, base = rest_schema
    seen = set()
    for operation in operations(schema):
        if (operation.method.upper(), operation.path) in SLOW:
            continue

        def check(case) -> None:
            response = case.call(base_url=base, headers=headers, timeout=90)
            case.validate_response(response, checks=CHECKS)
            assert response.status_code < 500 or response.status_code in (501, 503), response.text
            assert "Traceback" not in response.text

        assert carry_out(operation, check) > 0
        seen.add(operation.path)
    assert len(seen) > 25


def test_rest_tells_the_anonymous_nothing(rest_schema) -> None:
    schema, _, base = rest_schema
    for operation in operations(schema):
        if operation.path == "/login":
            continue

        def check(case) -> None:
            response = case.call(base_url=base, timeout=90)
            assert response.status_code in (401, 400, 404, 405, 413), (response.status_code, response.text)
            assert "Traceback" not in response.text

        carry_out(operation, check)


def test_graphql_never_fails(server: GuardedServer) -> None:
    schema = schemathesis.graphql.from_file(SCHEMA_FILE.read_text())
    address = f"http://127.0.0.1:{server.port}/graphql"
    headers = {"authorization": f"Bearer {server.person(Grant(role=Role.VIEWER))}"}
    made = 0
    for operation in operations(schema):

        def check(case) -> None:
            response = case.call(base_url=address, headers=headers, timeout=90)
            assert response.status_code in (200, 400), response.text
            assert "Traceback" not in response.text and "INTERNAL_ERROR" not in response.text, (
                case.body,
                response.text,
            )

        made += carry_out(operation, check, FEWER)
    assert made > 200
