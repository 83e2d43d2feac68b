"""``defs.yaml``: components of a project's folder, made of the attributes that the file gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tidewheel as tw
from tidewheel.dagster.components import (
    ComponentTree,
    get_all_components_defs_within_project,
    get_component_defs_within_project,
    load_from_defs_folder,
)
from tidewheel.definitions.assets.code_references import code_references_of
from tidewheel.errors import CheckError, InvalidDefinitionError

CLASSES = """
from dataclasses import dataclass
from typing import Annotated, Any, Literal
import tidewheel as tw
from pydantic import Field
from tidewheel.dagster import (
    Component, Model, Resolvable, ResolvedAssetKey, ResolvedAssetSpec, Resolver, template_var,
)

class Step(Model, Resolvable):
    name: str
    times: int = 1

class Specs(Component, Model, Resolvable):
    assets: list[ResolvedAssetSpec]
    steps: list[Step] = Field(alias="doing", default=[])
    by_name: dict[str, Step] = {}
    mode: Literal["slow", "fast"] = "slow"
    either: int | list[str] | Step | None = None

    @classmethod
    def get_additional_scope(cls):
        return {"days": tw.DailyPartitionsDefinition("2024-01-01"), "shout": str.upper}

    @staticmethod
    @template_var
    def folder(context):
        return context.path.name

    def build_defs(self, context):
        told = {"steps": [(one.name, one.times) for one in (*self.steps, *self.by_name.values())],
                "mode": self.mode, "either": repr(self.either)}
        return tw.Definitions(assets=[one.merge_attributes(metadata=told) for one in self.assets])

class Plain(Component, Resolvable):
    def __init__(self, key: str, upstream: list[str] | None = None, count: int = 1):
        self.key, self.upstream, self.count = key, upstream or [], count

    def build_defs(self, context):
        return tw.Definitions(assets=[tw.AssetSpec(self.key, deps=self.upstream, metadata={"count": self.count})])

@dataclass
class Data(Component, Resolvable):
    key: ResolvedAssetKey
    said: Annotated[str, Resolver(lambda context, value: context.resolve_value(value).upper(), model_field_type=str)]

    def build_defs(self, context):
        return tw.Definitions(assets=[tw.AssetSpec(self.key, description=self.said)])

class Bare(Component):
    def build_defs(self, context):
        return tw.Definitions(assets=[tw.AssetSpec(context.path.name)])
"""
TYPE = "reef_files.components.classes"

Write = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    package = tmp_path / "src" / "reef_files"
    (package / "components").mkdir(parents=True)
    (package / "defs").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "reef_files"\n')
    for folder in (package, package / "components", package / "defs"):
        (folder / "__init__.py").touch()
    (package / "components" / "classes.py").write_text(CLASSES)
    yield tmp_path
    sys.path[:] = [one for one in sys.path if one != str(tmp_path / "src")]
    for name in [one for one in sys.modules if one.partition(".")[0] == "reef_files"]:
        del sys.modules[name]


@pytest.fixture
def write(root: Path) -> Write:
    def to(path: str, text: str) -> None:
        file = root / "src" / "reef_files" / "defs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return to


def said_of(spec: tw.AssetSpec) -> dict:
    return {key: value for key, value in spec.metadata.items() if not key.startswith("dagster/")}


def specs_of(root: Path) -> dict[str, tw.AssetSpec]:
    defs = load_from_defs_folder(path_within_project=root)
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_attributes_mean_what_the_fields_are_annotated_with(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REEF_OWNER", "team:reef")
    write(
        "some/defs.yaml",
        f"""
type: {TYPE}.Specs
attributes:
  mode: fast
  either: [a, "{{{{ folder }}}}"]
  doing:
    - name: "{{{{ shout('one') }}}}"
      times: "{{{{ 1 + 2 }}}}"
  by_name:
    x: {{name: two}}
  assets:
    - key: sea/fish
      deps: [sea/water]
      kinds: [sql]
      tags: {{depth: 3}}
      owners: ["{{{{ env.REEF_OWNER }}}}"]
      group_name: animals
      code_version: "1"
      automation_condition: "{{{{ automation_condition.eager() }}}}"
      partitions_def: "{{{{ days }}}}"
    - key: crab
      partitions_def: {{type: static, partition_keys: [a, b]}}
""",
    )
    found = specs_of(root)
    fish, crab = found["sea/fish"], found["crab"]
    assert [dep.asset_key.path for dep in fish.deps] == [["sea", "water"]]
    assert (fish.kinds, fish.owners, fish.group_name, fish.code_version) == (
        {"sql"},
        ["team:reef"],
        "animals",
        "1",
    )
    assert fish.tags["depth"] == "3"
    assert fish.automation_condition == tw.AutomationCondition.eager()
    assert fish.partitions_def == tw.DailyPartitionsDefinition("2024-01-01")
    assert crab.partitions_def == tw.StaticPartitionsDefinition(["a", "b"])
    assert said_of(crab) == {
        "steps": [("ONE", 3), ("two", 1)],
        "mode": "fast",
        "either": "['a', 'some']",
    }


def test_a_file_names_several_components_of_any_kind_of_class(root: Path, write: Write) -> None:
    write(
        "all/defs.yaml",
        f"""
type: {TYPE}.Plain
attributes: {{key: plain, upstream: [bare], count: 3}}
---
type: {TYPE}.Data
attributes: {{key: a/b, said: quiet}}
---
type: {TYPE}.Bare
""",
    )
    found = specs_of(root)
    assert said_of(found["plain"]) == {"count": 3}
    assert found["a/b"].description == "QUIET"
    assert "all" in found
    lines = [code_references_of(found[key].metadata)[0].source for key in ("plain", "a/b", "all")]
    file = root / "src" / "reef_files" / "defs" / "all" / "defs.yaml"
    assert lines == [f"{file}:2", f"{file}:5", f"{file}:8"]
    pairs = get_all_components_defs_within_project(project_root=root, component_path="all")
    assert [type(component).__name__ for component, _ in pairs] == ["Plain", "Data", "Bare"]
    _, defs = get_component_defs_within_project(project_root=root, component_path="all", instance_key=1)
    assert [spec.key.to_user_string() for spec in defs.resolve_all_asset_specs()] == ["a/b"]


def test_names_and_classes_beside_the_file(root: Path, write: Write) -> None:
    write(
        "inner/deep/names.py",
        "from tidewheel.dagster import template_var\n\n@template_var\ndef the_key():\n    return 'given'\n\n"
        "@template_var\ndef times(context):\n    return lambda number: number * 10\n",
    )
    write(
        "inner/deep/local.py",
        "from reef_files.components.classes import Plain\n\nclass Local(Plain):\n    ...\n",
    )
    write(
        "inner/deep/defs.yaml",
        'type: .local.Local\ntemplate_vars_module: .names\nattributes: {key: "{{ the_key }}", count: "{{ times(4) }}"}\n',
    )
    assert said_of(specs_of(root)["given"]) == {"count": 40}


def test_what_a_component_makes_is_changed(root: Path, write: Write) -> None:
    write(
        "some/defs.yaml",
        f"""
type: {TYPE}.Specs
attributes:
  assets:
    - {{key: one, tags: {{a: b}}, owners: ["team:a"], kinds: [x]}}
    - {{key: two, tags: {{a: b}}, owners: ["team:a"]}}
post_processing:
  assets:
    - attributes: {{group_name: all, kinds: [y]}}
    - target: "key:one"
      attributes: {{tags: {{c: d}}, owners: ["team:b"], deps: [zero]}}
    - target: "key:two"
      operation: replace
      attributes: {{tags: {{c: d}}, owners: ["team:b"]}}
""",
    )
    found = specs_of(root)
    one, two = found["one"], found["two"]
    assert (one.group_name, one.kinds, one.owners) == ("all", {"x", "y"}, ["team:a", "team:b"])
    assert {key: value for key, value in one.tags.items() if "kind" not in key} == {"a": "b", "c": "d"}
    assert [dep.asset_key.to_user_string() for dep in one.deps] == ["zero"]
    assert (two.owners, two.tags.get("a"), two.tags["c"]) == (["team:b"], None, "d")


SCRIPT = """
from dagster_pipes import open_dagster_pipes
import sys
with open_dagster_pipes() as pipes:
    pipes.report_asset_materialization(metadata={"said": sys.argv[1]})
"""


def test_ready_components(root: Path, write: Write) -> None:
    write(
        "fold/defs.yaml",
        "type: dagster.DefsFolderComponent\npost_processing: {assets: [{attributes: {group_name: g}}]}\n",
    )
    write("fold/in/side.py", "import tidewheel as tw\n\n@tw.asset\ndef folded(): ...\n")
    write("file/defs.yaml", "type: dagster.DefinitionsComponent\nattributes: {path: these.py}\n")
    write("file/these.py", "import tidewheel as tw\n\n@tw.asset\ndef of_file(): ...\n")
    write(
        "function/defs.yaml",
        "type: dagster.FunctionComponent\nattributes:\n  execution: {name: called, fn: .functions.make}\n"
        "  assets: [{key: of_function}]\n",
    )
    write(
        "function/functions.py",
        "import tidewheel as tw\n\ndef make(context):\n    return tw.MaterializeResult(metadata={'n': 1})\n",
    )
    write(
        "script/defs.yaml",
        "type: dagster.PythonScriptComponent\nattributes:\n  execution: {path: run_it.py, args: hello}\n"
        "  assets: [{key: of_script, kinds: [python]}]\n",
    )
    write("script/run_it.py", SCRIPT)
    found = specs_of(root)
    assert set(found) == {"folded", "of_file", "of_function", "of_script"}
    assert found["folded"].group_name == "g"
    defs = load_from_defs_folder(path_within_project=root)
    assert {one.op.name for one in defs.assets or () if isinstance(one, tw.AssetsDefinition)} >= {
        "called",
        "run_it",
    }


def test_other_components_of_the_tree(root: Path, write: Write) -> None:
    write("a/defs.yaml", f"type: {TYPE}.Plain\nattributes: {{key: first, count: 7}}\n")
    write(
        "b/defs.yaml",
        f"type: {TYPE}.Plain\nattributes:\n  key: second\n  count: \"{{{{ load_component_at_path('a').count + 1 }}}}\"\n",
    )
    assert said_of(specs_of(root)["second"]) == {"count": 8}
    tree = ComponentTree.for_project(root)
    plain = type(tree.load_component("a"))
    assert sorted(one.key for one in tree.get_all_components(plain)) == ["first", "second"]
    assert [spec.key.to_user_string() for spec in tree.build_defs("a").resolve_all_asset_specs()] == ["first"]
    with pytest.raises(CheckError, match="str"):
        tree.load_component("a", str)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type: [", "valid YAML"),
        ("attributes: {}", "type"),
        ("type: x.y.Z", "x.y.Z"),
        (f"type: {TYPE}.Step", "class of components"),
        (f"type: {TYPE}.Nothing", "class of components"),
        (f"type: {TYPE}.Plain\nattributes: {{key: a, cuont: 1}}", "cuont.*count"),
        (f"type: {TYPE}.Plain", "key"),
        (f"type: {TYPE}.Plain\nattributes: {{key: a, count: many}}", "attributes.count.*int"),
        (f"type: {TYPE}.Plain\nattributes: {{key: '{{{{ nothing }}}}'}}", "nothing"),
        (f"type: {TYPE}.Bare\nattributes: {{key: a}}", "no attributes"),
        (f"type: {TYPE}.Specs\nattributes: {{assets: [{{key: a, kind: b}}]}}", "kind.*kinds"),
        (f"type: {TYPE}.Specs\nattributes: {{assets: [{{group_name: a}}]}}", "key of an asset"),
        (f"type: {TYPE}.Specs\nattributes: {{assets: [], either: {{name: 1, x: 2}}}}", "one of the kinds"),
        (
            f"type: {TYPE}.Specs\nattributes: {{assets: [{{key: a, partitions_def: {{type: yearly}}}}]}}",
            "yearly",
        ),
        (
            f"type: {TYPE}.Bare\npost_processing: {{assets: [{{attributes: {{key: a}}}}]}}",
            "attributes that can change",
        ),
        (
            f"type: {TYPE}.Bare\npost_processing: {{assets: [{{operation: mix, attributes: {{}}}}]}}",
            "mix",
        ),
        ("type: dagster.PythonScriptComponent\nattributes: {execution: {path: x.py}}", "assets or checks"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(root: Path, write: Write, text: str, said: str) -> None:
    write("wrong/defs.yaml", text)
    with pytest.raises(InvalidDefinitionError, match=said):
        load_from_defs_folder(path_within_project=root)
