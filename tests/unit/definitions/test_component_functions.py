"""Functions in a folder of definitions that give components: their definitions are taken, beside the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tidewheel as tw
from tidewheel.dagster.components import (
    AssetSpecKeyUpdateKwargs,
    AssetSpecUpdateKwargs,
    load_from_defs_folder,
)
from tidewheel.dagster.state_loaders import StateBackedDefinitionsLoader

COMPONENTS = """
import tidewheel as tw
from tidewheel.dagster.components import Component, component_instance

class Named(Component):
    def __init__(self, *names):
        self.names = names

    def build_defs(self, context):
        metadata = {"project": context.project_root.name}
        return tw.Definitions(assets=[tw.AssetSpec(name, metadata=metadata) for name in self.names])

@component_instance
def first(context):
    return Named("a", "b")

@component_instance
def second(context):
    return Named("c")
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    defs = tmp_path / "src" / "reef_project" / "defs"
    (defs / "inner").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "reef_project"\n')
    (defs.parent / "__init__.py").touch()
    (defs / "__init__.py").touch()
    (defs / "inner" / "component.py").write_text(COMPONENTS)
    (defs / "plain.py").write_text("import tidewheel as tw\n\n@tw.asset\ndef d(): ...\n")
    yield tmp_path
    sys.path.remove(str(tmp_path / "src"))
    for name in [one for one in sys.modules if one.partition(".")[0] == "reef_project"]:
        del sys.modules[name]


def test_components_of_functions_are_loaded(project: Path) -> None:
    defs = load_from_defs_folder(path_within_project=project)
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert set(specs) == {"a", "b", "c", "d"}
    assert specs["a"].metadata["project"] == project.name
    assert specs["a"].metadata["dagster/component_origin"].value == "Named"
    assert isinstance(defs, tw.Definitions)


def test_definitions_of_a_state_are_made_of_what_is_fetched() -> None:
    class Loader(StateBackedDefinitionsLoader[list[str]]):
        @property
        def defs_key(self) -> str:
            return "names"

        def fetch_state(self) -> list[str]:
            return ["a", "b"]

        def defs_from_state(self, state: list[str]) -> tw.Definitions:
            return tw.Definitions(assets=[tw.AssetSpec(name) for name in state])

    keys = Loader().build_defs().resolve_all_asset_keys()
    assert [key.to_user_string() for key in keys] == ["a", "b"]


def test_what_changes_a_spec_has_a_model() -> None:
    assert {"key", "key_prefix"} == set(AssetSpecKeyUpdateKwargs.model().model_fields)
    assert AssetSpecUpdateKwargs.model()(group_name="g").group_name == "g"
