"""Where a component stands while it makes its definitions: the project, its folder, and the tree it belongs to."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from tidewheel.dagster.components.component_file import component_file
from tidewheel.dagster.components.folder_walk import (
    Placed,
    build_folder,
    components_below,
    components_in,
    components_of_file,
)
from tidewheel.dagster.components.project import imported, is_in_project, project_of
from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.errors import CheckError, InvalidDefinitionError

C = TypeVar("C")


@dataclass(frozen=True)
class ComponentLoadContext:
    """Where a component stands while it makes its definitions.

    ``path`` is its folder; ``defs_module_path`` and ``defs_module_name`` are the package of all definitions.
    """

    path: Path
    project_root: Path
    defs_module_name: str = "defs"
    resolution_context: ResolutionContext = field(default_factory=ResolutionContext)
    component_tree: ComponentTree | None = None
    defs_module_path: Path = Path()

    @staticmethod
    def for_test(path: Path | None = None) -> ComponentLoadContext:
        """A context in a folder (the current one by default)."""
        return ComponentTree.for_test(path).load_context

    @property
    def component_path(self) -> Path:
        """Its folder."""
        return self.path

    def for_path(self, path: Path) -> ComponentLoadContext:
        """A context in another folder of the same project."""
        return replace(self, path=path)

    def with_resolution(self, resolution_context: ResolutionContext) -> ComponentLoadContext:
        """A context with other names, or in another file; its expressions may name the context itself."""
        made = replace(self, resolution_context=resolution_context)
        named = resolution_context.with_scope(
            context=made,
            project_root=made.project_root,
            load_component_at_path=made.load_component,
            build_defs_at_path=made.build_defs,
        )
        return replace(made, resolution_context=named)

    def with_rendering_scope(self, rendering_scope: Mapping[str, Any]) -> ComponentLoadContext:
        """A context that knows more names."""
        return replace(self, resolution_context=self.resolution_context.with_scope(**rendering_scope))

    # -- modules --------------------------------------------------------------------------------------------

    def defs_relative_module_name(self, path: Path) -> str:
        """The name of the module of a file or folder below the definitions."""
        parts = list(self._absolute(path).with_suffix("").relative_to(self.defs_module_path).parts)
        if parts and parts[-1] == "__init__":
            parts.pop()
        return ".".join([self.defs_module_name, *parts])

    def load_defs_relative_python_module(self, path: Path) -> ModuleType:
        """The module of a file or folder below the definitions."""
        return importlib.import_module(self.defs_relative_module_name(path))

    def absolute_module_name(self, name: str) -> str:
        """A module's name; one that starts with a dot is beside the context's file."""
        return f"{self.defs_relative_module_name(self.path)}{name}" if name.startswith(".") else name

    def normalize_component_type_str(self, type_str: str) -> str:
        """The whole name of a class of components; one that starts with a dot is beside the context's file."""
        return self.absolute_module_name(type_str)

    def _absolute(self, path: Path) -> Path:
        return path if path.is_absolute() else self.path / path

    # -- others ---------------------------------------------------------------------------------------------

    def load_component(self, defs_path: Any, expected_type: type[C] | None = None) -> Any:
        """The component of another folder; see ``ComponentTree.load_component``."""
        return self._tree().load_component(defs_path, expected_type)

    def load_structural_component_at_path(self, defs_path: Any) -> Any:
        """The component of another folder."""
        return self._tree().load_component(defs_path)

    def build_defs(self, loc: Any) -> Definitions:
        """The definitions of another folder."""
        return self._tree().build_defs(loc)

    def _tree(self) -> ComponentTree:
        return self.component_tree or ComponentTree(self.project_root)


class ComponentTree:
    """The definitions of a project that keeps them in a folder, as one whole."""

    def __init__(
        self,
        project_root: Path,
        defs_module: ModuleType | None = None,
        *,
        stops_at_keyword: bool = False,
    ) -> None:
        self.project_root = project_root
        self.defs_module = defs_module
        self._stops_at_keyword = stops_at_keyword
        self._components: dict[Path, list[Placed]] = {}

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
        """The tree of the project that a path belongs to.

        Raises:
            TidewheelError: when it belongs to none.
        """
        root, name = project_of(Path(path_within_project).absolute())
        return ComponentTree(root, imported(name, root))

    @property
    def defs_module_name(self) -> str:
        """The name of the package of all definitions."""
        return self.defs_module.__name__ if self.defs_module is not None else "test"

    @property
    def defs_module_path(self) -> Path:
        """The folder of the package of all definitions."""
        return (
            Path(next(iter(self.defs_module.__path__))) if self.defs_module is not None else self.project_root
        )

    @property
    def load_context(self) -> ComponentLoadContext:
        """The context at the tree's root."""
        folder = self.defs_module_path
        made = ComponentLoadContext(
            folder, self.project_root, self.defs_module_name, component_tree=self, defs_module_path=folder
        )
        return made.with_resolution(made.resolution_context)

    def build_defs(self, loc: Any = None) -> Definitions:
        """The definitions of the tree, or of one of its folders; none for a tree outside of any project."""
        if loc is not None:
            return self._build(self._path(loc))
        if self.defs_module is not None:
            return Definitions.merge(Definitions(component_tree=self), self._build(self.defs_module_path))
        if is_in_project(self.project_root):
            return ComponentTree.for_project(self.project_root).build_defs()
        return Definitions()

    def build_defs_at_path(self, loc: Any) -> Definitions:
        """The definitions of one of its folders."""
        return self.build_defs(loc)

    def load_component(self, defs_path: Any, expected_type: type[C] | None = None) -> Any:
        """The component of a folder, by its path (from the folder of all definitions).

        Raises:
            CheckError: when the folder has not one component, or one of another class.
        """
        path = self._path(defs_path)
        found = self.components_at(path)
        if len(found) != 1:
            raise CheckError(f"{path}: expected one component, got {len(found)}")
        component = found[0].component
        if expected_type is not None and not isinstance(component, expected_type):
            raise CheckError(
                f"{path}: expected a component of class {expected_type.__name__}, got {type(component).__name__}"
            )
        return component

    def get_all_components(self, of_type: type[C]) -> list[C]:
        """All components of a class."""
        found = (one.component for one in components_below(self.load_context))
        return [one for one in found if isinstance(one, of_type)]

    def components_at(self, loc: Any) -> list[Placed]:
        """The components that a folder's file names, or that the functions of a Python file give.

        Raises:
            InvalidDefinitionError: when the folder has no such file.
        """
        path = self._path(loc)
        if path not in self._components:
            self._components[path] = self._placed(path)
        return self._components[path]

    def _build(self, path: Path) -> Definitions:
        if path.suffix == ".py" or component_file(path) is not None:
            parts = [one.build() for one in self.components_at(path)]
            return Definitions.merge(*parts) if len(parts) != 1 else parts[0]
        return build_folder(self.load_context.for_path(path), stops_at_keyword=self._stops_at_keyword)

    def _placed(self, path: Path) -> list[Placed]:
        context = self.load_context.for_path(path if path.suffix != ".py" else path.parent)
        if path.suffix == ".py":
            return components_in(context, context.load_defs_relative_python_module(path))
        file = component_file(path)
        if file is None:
            raise InvalidDefinitionError(f"{path}: expected a folder with a component, got one without")
        return components_of_file(context, file)

    def _path(self, loc: Any) -> Path:
        path = Path(loc)
        return path if path.is_absolute() else self.defs_module_path / path


def load_from_defs_folder(*, path_within_project: Any = None, project_root: Any = None) -> Definitions:
    """The definitions of every Python file and component below the ``defs`` folder of a project, joined.

    The project is the nearest folder upwards with a ``pyproject.toml`` with a table ``tool.dg``, or with a ``dg.toml``.

    Raises:
        TidewheelError: when there is no such project.
        InvalidDefinitionError: when a file cannot be understood.
    """
    given = path_within_project if path_within_project is not None else project_root
    if given is None:
        raise CheckError(
            "load_from_defs_folder: expected path_within_project, got none; pass Path(__file__).parent"
        )
    return ComponentTree.for_project(Path(given)).build_defs()


def load_defs(
    defs_root: ModuleType,
    project_root: Path | None = None,
    terminate_autoloading_on_keyword_files: bool = False,
) -> Definitions:
    """The definitions of every Python file and component below a package, joined.

    ``terminate_autoloading_on_keyword_files``: of a folder that has a ``definitions.py``, only that file counts.
    """
    if not isinstance(defs_root, ModuleType):
        raise CheckError(
            f"load_defs: expected the package that holds definitions, got {defs_root!r}; import it"
        )
    root = project_root if project_root is not None else Path(next(iter(defs_root.__path__))).parent
    return ComponentTree(
        root, defs_root, stops_at_keyword=terminate_autoloading_on_keyword_files
    ).build_defs()
