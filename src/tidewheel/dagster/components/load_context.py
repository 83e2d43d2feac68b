"""Where a component stands while it makes its definitions: the project, its folder, and the tree it belongs to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.defs_folder import load_defs, load_from_defs_folder


@dataclass(frozen=True)
class ResolutionContext:
    """What names in a component's file stand for. Files are not read, so values stay as they are given."""

    scope: Mapping[str, Any] = field(default_factory=dict)
    path: tuple[str | int, ...] = ()

    @staticmethod
    def default(source_position_tree: Any = None) -> ResolutionContext:
        """A context without names."""
        return ResolutionContext()

    def with_scope(self, **additional_scope: Any) -> ResolutionContext:
        """A copy that knows more names."""
        return ResolutionContext({**self.scope, **additional_scope}, self.path)

    def at_path(self, path_part: str | int) -> ResolutionContext:
        """A copy for a part of the value."""
        return ResolutionContext(self.scope, (*self.path, path_part))

    def resolve_value(self, val: Any, as_type: type | None = None) -> Any:
        """The value as it is given."""
        return val

    def resolve_source_relative_path(self, value: str) -> Path:
        """A path from the current folder."""
        return Path(value).absolute()


@dataclass(frozen=True)
class ComponentLoadContext:
    """Where a component stands while it makes its definitions."""

    path: Path
    project_root: Path
    defs_module_name: str = "defs"
    resolution_context: ResolutionContext = field(default_factory=ResolutionContext)
    component_tree: ComponentTree | None = None

    @staticmethod
    def for_test(path: Path | None = None) -> ComponentLoadContext:
        """A context in a folder (the current one by default)."""
        return ComponentTree.for_test(path).load_context

    @property
    def defs_module_path(self) -> Path:
        """The folder of the definitions."""
        return self.path

    def for_path(self, path: Path) -> ComponentLoadContext:
        """A context in another folder of the same project."""
        return ComponentLoadContext(
            path, self.project_root, self.defs_module_name, self.resolution_context, self.component_tree
        )

    def with_rendering_scope(self, rendering_scope: Mapping[str, Any]) -> ComponentLoadContext:
        """A context that knows more names."""
        more = self.resolution_context.with_scope(**rendering_scope)
        return ComponentLoadContext(
            self.path, self.project_root, self.defs_module_name, more, self.component_tree
        )


@dataclass(frozen=True)
class ComponentTree:
    """The definitions of a project that keeps them in a folder, as one whole."""

    project_root: Path
    defs_module: ModuleType | None = None

    @staticmethod
    def for_test(path: Path | None = None) -> ComponentTree:
        """A tree without definitions, in a folder (the current one by default)."""
        return ComponentTree(path if path is not None else Path.cwd())

    @staticmethod
    def from_module(defs_module: ModuleType, project_root: Path) -> ComponentTree:
        """The tree below a package."""
        return ComponentTree(project_root, defs_module)

    @staticmethod
    def for_project(path_within_project: Path) -> ComponentTree:
        """The tree of the project that a path belongs to."""
        return ComponentTree(path_within_project)

    @property
    def load_context(self) -> ComponentLoadContext:
        """The context at the tree's root."""
        module = self.defs_module
        folder = Path(next(iter(module.__path__))) if module is not None else self.project_root
        name = module.__name__ if module is not None else "test"
        return ComponentLoadContext(folder, self.project_root, name, component_tree=self)

    def build_defs(self) -> Definitions:
        """All definitions of the tree; the empty ones for a tree without."""
        if self.defs_module is not None:
            return load_defs(sys.modules.get(self.defs_module.__name__, self.defs_module), self.project_root)
        if any(
            (folder / "pyproject.toml").exists() for folder in (self.project_root, *self.project_root.parents)
        ):
            return load_from_defs_folder(path_within_project=self.project_root)
        return Definitions()
