"""The schema: what it holds, that all of it can be resolved, that clients of Dagster's schema find their types in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ariadne import is_default_resolver
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_enum_type,
    print_schema,
    validate_schema,
)

from tidewheel.api.graphql import schema as area
from tidewheel.api.graphql.event_fields import TYPENAMES
from tidewheel.api.graphql.permissions import ALL, NEEDED
from tidewheel.values.events import EventType

SNAPSHOT = Path(__file__).with_name("schema_snapshot.txt")
NEVER_WRITTEN = {
    "AlertFailureEvent",
    "AlertStartEvent",
    "AlertSuccessEvent",
    "HealthChangedEvent",
    "ObjectStoreOperationEvent",
    "RunResumedEvent",
    "RunSuspendedEvent",
}
"""Events whose types are there for clients' queries."""
INTERPRETER = "TIDEWHEEL_CONFORMANCE_PYTHON"


def outline(schema: GraphQLSchema) -> str:
    """Every type on a line, every field, argument and value below it, in order: what clients can rely on."""
    lines = []
    for name, kind in sorted(schema.type_map.items()):
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLUnionType):
            lines.append(f"union {name} = " + " ".join(sorted(one.name for one in kind.types)))
        elif is_enum_type(kind):
            lines.append(f"enum {name} = " + " ".join(kind.values))
        elif isinstance(kind, GraphQLInputObjectType):
            lines.append(f"input {name}")
            lines += [f"  {field}: {value.type}" for field, value in kind.fields.items()]
        elif isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            word = "type" if isinstance(kind, GraphQLObjectType) else "interface"
            lines.append(f"{word} {name} " + " ".join(sorted(one.name for one in kind.interfaces)))
            for field, value in kind.fields.items():
                arguments = ", ".join(f"{arg}: {one.type}" for arg, one in value.args.items())
                lines.append(
                    f"  {field}({arguments}): {value.type}" if arguments else f"  {field}: {value.type}"
                )
        else:
            lines.append(f"scalar {name}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def test_the_schema_is_as_it_was() -> None:
    """After a wanted change: ``python -m tests.api.graphql.test_schema`` writes the new outline."""
    assert outline(area.build_schema()) == SNAPSHOT.read_text()


def test_the_schema_is_valid_and_prints() -> None:
    schema = area.build_schema()
    assert validate_schema(schema) == [] and "type Query" in print_schema(schema)


def test_every_root_field_has_a_resolver() -> None:
    schema = area.build_schema()
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        missing = [
            name
            for name, field in root.fields.items()
            if field.resolve is None or is_default_resolver(field.resolve)
        ]
        assert missing == []
    assert schema.subscription_type is not None
    assert [name for name, field in schema.subscription_type.fields.items() if field.subscribe is None] == []


def test_every_mutation_needs_a_known_permission() -> None:
    mutations = area.build_schema().mutation_type
    assert mutations is not None and set(NEEDED) == set(mutations.fields)
    assert set(NEEDED.values()) == set(ALL)


def test_every_event_has_a_type() -> None:
    schema = area.build_schema()
    union = schema.type_map["DagsterRunEvent"]
    assert isinstance(union, GraphQLUnionType)
    names = {kind.name for kind in union.types}
    assert set(TYPENAMES.values()) == names - {"EngineEvent"} - NEVER_WRITTEN
    shown = schema.type_map["DagsterEventType"].values
    assert {EventType(kind.value).name for kind in EventType} - {"LOG_MESSAGE"} <= set(shown)


def test_importing_the_package_does_not_load_the_graphql_library() -> None:
    code = (
        "import sys, tidewheel; print([m for m in ('graphql', 'ariadne', 'starlette') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.skipif(INTERPRETER not in os.environ, reason=f"no interpreter with the peer: {INTERPRETER}")
def test_what_the_peer_has_under_the_same_name_is_the_same() -> None:
    """Every field, argument, value and member here that the peer's schema names too is of the same type there."""
    code = "from dagster_graphql.schema import create_schema; print(str(create_schema()))"
    printed = subprocess.run(
        [os.environ[INTERPRETER], "-c", code], capture_output=True, text=True, check=True, timeout=250
    ).stdout
    theirs = build_schema(printed[printed.index("schema {") if "schema {" in printed else 0 :])
    ours = area.build_schema()
    different = []
    for name, kind in ours.type_map.items():
        other = theirs.type_map.get(name)
        if other is None or name.startswith("__"):
            continue
        if isinstance(kind, GraphQLUnionType):
            extra = {one.name for one in kind.types} - {one.name for one in other.types}
            different += [f"{name} has member {one}" for one in extra]
        elif is_enum_type(kind):
            if set(kind.values) != set(other.values):
                different.append(f"{name}: {set(kind.values) ^ set(other.values)}")
        elif hasattr(kind, "fields"):
            for field, value in kind.fields.items():
                known = other.fields.get(field)
                if known is None:
                    continue
                if str(value.type) != str(known.type):
                    different.append(f"{name}.{field}: {value.type} for {known.type}")
                if hasattr(value, "args"):
                    mine = {arg: str(one.type) for arg, one in value.args.items()}
                    if mine != {arg: str(one.type) for arg, one in known.args.items()}:
                        different.append(f"{name}.{field}: other arguments")
            if isinstance(kind, GraphQLInputObjectType):
                different += [f"{name} lacks {field}" for field in other.fields if field not in kind.fields]
    assert different == []


if __name__ == "__main__":
    SNAPSHOT.write_text(outline(area.build_schema()))
