"""How resolvers of fields and expressions go together."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest

from tidewheel.dagster import Model, Resolvable, Resolver
from tidewheel.dagster.components import ScriptSpec

MOMENT = datetime(2021, 1, 1, tzinfo=UTC)
SCOPE = {"moment": MOMENT, "year": "2021", "numbers": [1, 2]}

Moment = Annotated[
    datetime,
    Resolver(
        lambda context, value: datetime.fromisoformat(context.resolve_value(value)), model_field_type=str
    ),
]


class Fields(Model, Resolvable):
    at: Moment = MOMENT
    raw: Annotated[str, Resolver.passthrough()] = "-"
    whole: Annotated[str, Resolver.from_model(lambda _context, model: f"{model.raw}:{model.whole}")] = "-"
    each: list[Annotated[str, Resolver(lambda _context, value: value.upper())]] = []
    numbers: list[int] = []


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("at: '2021-01-01T00:00:00+00:00'", "at", MOMENT),
        ("at: '{{ year }}-01-01T00:00:00+00:00'", "at", MOMENT),
        ("at: '{{ moment }}'", "at", MOMENT),
        ("raw: '{{ year }}'", "raw", "{{ year }}"),
        ("raw: one\nwhole: two", "whole", "one:two"),
        ("raw: one", "whole", "-"),
        ("each: [a, b]", "each", ["A", "B"]),
        ("numbers: '{{ numbers }}'", "numbers", [1, 2]),
        ("numbers: ['{{ numbers[1] }}']", "numbers", [2]),
    ],
)
def test_values_of_a_file(text: str, name: str, value: Any) -> None:
    assert getattr(Fields.resolve_from_yaml(text, scope=SCOPE), name) == value


def test_names_of_inner_modules_are_those_of_the_package() -> None:
    module = importlib.import_module("tidewheel.dagster.components.lib.executable_component.script_utils")
    assert module.ScriptSpec is ScriptSpec
