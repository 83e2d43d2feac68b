"""For tests of components: a project in a temporary folder, with components written into it."""

from __future__ import annotations

import random
import string
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from tidewheel.dagster.components.bases import Component
from tidewheel.dagster.components.load_context import ComponentTree
from tidewheel.dagster.components.scaffolders import ScaffoldRequest, scaffold_component
from tidewheel.definitions.loading.collection import Definitions


def random_importable_name(length: int = 8) -> str:
    """A new name that a module can have."""
    return "sandbox_module_" + "".join(random.choices(string.ascii_letters + string.digits, k=length))


@dataclass(frozen=True)
class DefsFolderSandbox:
    """A project in a temporary folder."""

    project_root: Path
    defs_folder_path: Path
    project_name: str

    @contextmanager
    def build_component_tree(self, code_location_name: str | None = None) -> Iterator[ComponentTree]:
        """The tree of the project as it is now; its modules are forgotten afterwards."""
        source = str(self.defs_folder_path.parents[1])
        sys.path.insert(0, source)
        try:
            yield ComponentTree.for_project(self.project_root)
        finally:
            sys.path.remove(source)
            for name in [one for one in sys.modules if one.partition(".")[0] == self.project_name]:
                del sys.modules[name]

    @contextmanager
    def build_all_defs(self) -> Iterator[Definitions]:
        """Everything that the project defines."""
        with self.build_component_tree() as tree:
            yield tree.build_defs()

    @contextmanager
    def load_component_and_build_defs(self, defs_path: Path) -> Iterator[tuple[Component, Definitions]]:
        """The component of a folder, and its definitions."""
        with self.build_component_tree() as tree:
            yield tree.load_component(defs_path), tree.build_defs(defs_path)

    def scaffold_component(
        self,
        component_cls: Any,
        defs_path: Path | str | None = None,
        scaffold_params: Mapping[str, Any] | None = None,
        scaffold_format: Literal["yaml", "python"] = "yaml",
        defs_yaml_contents: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a component's first files into a folder, as its scaffolder does or with a given ``defs.yaml``."""
        folder = self.defs_folder_path / (defs_path or random_importable_name())
        folder.mkdir(parents=True, exist_ok=True)
        scaffolder = getattr(component_cls, "scaffolder", None)
        params: Any = dict(scaffold_params or {})
        if scaffolder is not None:
            model = scaffolder.get_scaffold_params()
            params = model(**params) if isinstance(model, type) and model is not BaseModel else params
        request: ScaffoldRequest[Any] = ScaffoldRequest(
            type_name=f"{component_cls.__module__}.{component_cls.__name__}",
            target_path=folder,
            scaffold_format=scaffold_format,
            project_root=self.project_root,
            params=params,
        )
        if scaffolder is not None:
            scaffolder().scaffold(request)
        else:
            scaffold_component(request, scaffold_params)
        if defs_yaml_contents is not None:
            self.write(folder, defs_yaml_contents)
        return folder

    def write(self, folder: Path, contents: Mapping[str, Any]) -> None:
        """Write a folder's ``defs.yaml``."""
        (folder / "defs.yaml").write_text(yaml.safe_dump(dict(contents)))

    @contextmanager
    def swap_defs_file(self, defs_path: Path, defs_yaml_contents: Mapping[str, Any] | None) -> Iterator[None]:
        """A folder's ``defs.yaml`` with other contents (or without the file) for a while."""
        file = defs_path / "defs.yaml"
        known = file.read_text() if file.exists() else None
        try:
            file.unlink(missing_ok=True)
            if defs_yaml_contents is not None:
                self.write(defs_path, defs_yaml_contents)
            yield
        finally:
            file.unlink(missing_ok=True)
            if known is not None:
                file.write_text(known)


@contextmanager
def create_defs_folder_sandbox(*, project_name: str | None = None) -> Iterator[DefsFolderSandbox]:
    """A project without definitions in a temporary folder."""
    name = project_name or random_importable_name()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        defs = root / "src" / name / "defs"
        defs.mkdir(parents=True)
        (root / "dg.toml").write_text(
            f'directory_type = "project"\n\n[project]\nroot_module = "{name}"\ndefs_module = "{name}.defs"\n'
        )
        yield DefsFolderSandbox(project_root=root, defs_folder_path=defs, project_name=name)
