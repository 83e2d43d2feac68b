"""A temporary project in which tests of components write, load and build them."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import BaseModel

import tidewheel as tw
from tidewheel.dagster import Component, Model, Resolvable
from tidewheel.dagster.components import (
    ComponentLoadContext,
    DefsFolderSandbox,
    Scaffolder,
    ScaffoldRequest,
    create_defs_folder_sandbox,
    scaffold_component,
    scaffold_with,
)


class Params(BaseModel):
    name: str


class Writes(Scaffolder[Params]):
    @classmethod
    def get_scaffold_params(cls) -> type[Params]:
        return Params

    def scaffold(self, request: ScaffoldRequest[Params]) -> None:
        scaffold_component(request, {"key": request.params.name})


@scaffold_with(Writes)
class Named(Component, Model, Resolvable):
    key: str

    def build_defs(self, context: ComponentLoadContext) -> tw.Definitions:
        return tw.Definitions(assets=[tw.AssetSpec(self.key)])


def keys_of(sandbox: DefsFolderSandbox) -> set[str]:
    with sandbox.build_all_defs() as defs:
        return {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()}


def test_components_are_written_loaded_and_built() -> None:
    contents = {"type": f"{__name__}.Named", "attributes": {"key": "given"}}
    with create_defs_folder_sandbox() as sandbox:
        first = sandbox.scaffold_component(Named, scaffold_params={"name": "written"})
        second = sandbox.scaffold_component(
            Named, "in/here", scaffold_params={"name": "x"}, defs_yaml_contents=contents
        )
        assert second == sandbox.defs_folder_path / "in" / "here"
        assert keys_of(sandbox) == {"written", "given"}
        with sandbox.load_component_and_build_defs(first) as (component, defs):
            assert isinstance(component, Named)
            assert [spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()] == ["written"]
        with sandbox.swap_defs_file(first, contents | {"attributes": {"key": "swapped"}}):
            assert keys_of(sandbox) == {"swapped", "given"}
        assert keys_of(sandbox) == {"written", "given"}
        source = str(Path(sandbox.project_root, "src"))
    assert source not in sys.path
