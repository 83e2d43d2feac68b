"""Every query of the schema, with all fields below it that fit, asked for by somebody with a grant for a part: no answer
names what is in other parts. The queries are made from the schema, so that a new field is asked for too."""

from __future__ import annotations

import json

import pytest
from graphql import (
    GraphQLNamedType,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from tests.api.access.conftest import GuardedServer
from tidewheel.api.graphql.schema import build_schema
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-roles")

DEPTH = 3
ONE_PAGE = 2
HIDDEN_ALWAYS = ("report", "greet", "yearly", "pushed", "hello")
OTHERS = ("orders", "daily", "skips")
TEXTS = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "code.py",
    "pipelineName": "gree",
    "jobName": "gree",
    "scheduleName": "yearl",
    "sensorName": "push",
    "name": "repor",
    "partitionSetName": "gree_partition_set",
    "groupName": "mar",
    "repositoryID": "code.py",
    "target": "repor",
    "checkName": "repo",
}
"""Values of required arguments: nearly the names of what is hidden, so that a suggestion would give it away."""


def literal(name: str, kind) -> str:
    if is_non_null_type(kind):
        return literal(name, kind.of_type)
    if is_list_type(kind):
        return f"[{literal(name, kind.of_type)}]"
    if is_enum_type(kind):
        return next(iter(kind.values))
    if is_input_object_type(kind):
        fields = ", ".join(
            f"{inner}: {literal(inner, field.type)}"
            for inner, field in kind.fields.items()
            if is_non_null_type(field.type)
        )
        return f"{{{fields}}}"
    if kind.name in ("Int", "Float"):
        return str(ONE_PAGE)
    return "true" if kind.name == "Boolean" else json.dumps(TEXTS.get(name, "repor"))


def arguments(field) -> str:
    given = [
        f"{name}: {literal(name, arg.type)}"
        for name, arg in field.args.items()
        if is_non_null_type(arg.type) or name == "limit"
    ]
    return f"({', '.join(given)})" if given else ""


def selection(kind: GraphQLNamedType, depth: int, seen: tuple[str, ...]) -> str | None:
    """Everything below a type that can be asked for; None when nothing can."""
    schema = build_schema()
    if is_leaf_type(kind):
        return ""
    if depth == 0 or kind.name in seen:
        return None
    if is_abstract_type(kind):
        parts = ["__typename"]
        for member in schema.get_possible_types(kind):
            inner = selection(member, depth, seen)
            if inner is not None:
                parts.append(f"... on {member.name} {inner}")
        return "{ " + " ".join(parts) + " }"
    parts = ["__typename"]
    for name, field in kind.fields.items():
        below = selection(get_named_type(field.type), depth - 1, (*seen, kind.name))
        if below is not None:
            parts.append(f"{kind.name}_{name}: {name}{arguments(field)} {below}")
    return "{ " + " ".join(parts) + " }"


def query_of(name: str, depth: int) -> str:
    field = build_schema().query_type.fields[name]
    return f"{{ {name}{arguments(field)} {selection(get_named_type(field.type), depth, ()) or ''} }}"


def answer_of(server: GuardedServer, name: str, token: str, most: int = DEPTH) -> str:
    """The answer to the deepest query that the limits of cost let through."""
    for depth in range(most, 0, -1):
        status, body = server.graphql(query_of(name, depth), token)
        text = json.dumps(body)
        if status == 200:
            assert "INTERNAL_ERROR" not in text, (name, text)
            return text.replace("report_runless_asset_events", "")
        assert status == 400 and ("of cost at most" in text or "selections" in text), (name, text)
    raise AssertionError(f"{name} cannot be asked for at all")


def answers(server: GuardedServer, token: str, most: int = DEPTH) -> dict[str, str]:
    return {name: answer_of(server, name, token, most) for name in sorted(build_schema().query_type.fields)}


@pytest.fixture(scope="module")
def something_happened(server: GuardedServer, tokens: dict[str, str]) -> None:
    admin = tokens["admin"]
    for path, body in (
        ("/launch", {"job_name": "greet"}),
        ("/materialize", {"selection": "+report"}),
        ("/backfills", {"selection": "daily"}),
    ):
        made = server.rest("POST", path, body, token=admin)[1]
        if made.get("run_id"):
            server.rest("GET", f"/runs/{made['run_id']}/wait", token=admin)


def test_no_query_tells_of_other_parts(server: GuardedServer, tokens, something_happened) -> None:
    whole = answers(server, tokens["admin"], 2)
    telling = {
        name for name, text in whole.items() if any(hidden in text for hidden in (*HIDDEN_ALWAYS, *OTHERS))
    }
    assert len(telling) >= 15, sorted(telling)
    group = answers(server, server.person(Grant(role=Role.VIEWER, groups=("raw",))))
    wrong = {name: [h for h in HIDDEN_ALWAYS if h in text] for name, text in group.items()}
    assert not {name: found for name, found in wrong.items() if found}
    nothing = answers(server, server.person(Grant(role=Role.ADMIN, locations=("elsewhere",))))
    wrong = {name: [h for h in (*HIDDEN_ALWAYS, *OTHERS) if h in text] for name, text in nothing.items()}
    assert not {name: found for name, found in wrong.items() if found}
