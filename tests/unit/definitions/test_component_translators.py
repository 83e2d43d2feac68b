"""Attributes in a component's file that are put on the specs which an integration makes."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

import tidewheel as tw
from tidewheel.dagster import Model, Resolvable
from tidewheel.dagster.components import TranslationFn, TranslationFnResolver

Translation = Annotated[
    TranslationFn[Any], TranslationFnResolver(template_vars_for_translation_fn=lambda data: {"node": data})
]


class Reads(Model, Resolvable):
    translation: Translation


SPEC = tw.AssetSpec("a", tags={"q": "r"}, owners=["team:a"], metadata={"m": 1}, description="it")


@pytest.mark.parametrize(
    ("attributes", "name", "value"),
    [
        ({"group_name": "{{ node.group }}"}, "group_name", "fish"),
        ({"tags": {"x": "y"}}, "tags", {"q": "r", "x": "y"}),
        ({"metadata": {"n": 2}}, "metadata", {"m": 1, "n": 2}),
        ({"owners": ["team:b"]}, "owners", ["team:b"]),
        ({"description": "{{ spec.description }}!"}, "description", "it!"),
        ({"key_prefix": "sea"}, "key", tw.AssetKey(["sea", "a"])),
        ({"key": "sea/{{ data.group }}"}, "key", tw.AssetKey(["sea", "fish"])),
    ],
)
def test_attributes_are_put_on_specs(attributes: dict[str, Any], name: str, value: Any) -> None:
    read = Reads.resolve_from_dict({"translation": attributes})
    assert getattr(read.translation(SPEC, {"group": "fish"}), name) == value


def test_a_function_translates_itself() -> None:
    read = Reads.resolve_from_dict({"translation": lambda spec, data: spec.replace_attributes(key=data)})
    assert read.translation(SPEC, "b").key == tw.AssetKey("b")
