"""Collects the definitions of a project that keeps them in a folder, file by file: ``load_from_defs_folder``."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.loaders import LazyDefinitions, load_definitions_from_module
from tidewheel.definitions.loading.module_assets import members_of
from tidewheel.errors import CheckError, InvalidDefinitionError, NotSupportedError, TidewheelError

COMPONENT_FILES = ("defs.yaml", "component.yaml")


class DefsFolderContext(NamedTuple):
    """What a function decorated with ``@definitions`` in such a folder may ask for."""

    path: Path
    project_root: Path


def load_from_defs_folder(*, path_within_project: Any = None, project_root: Any = None) -> Definitions:
    """The definitions of every Python file below the ``defs`` folder of a project, joined.

    The project is the nearest folder upwards with a ``pyproject.toml`` with a table ``tool.dg``, or with a ``dg.toml``.

    Raises:
        TidewheelError: when there is no such project.
        NotSupportedError: when the folder holds components (``defs.yaml``).
    """
    given = path_within_project if path_within_project is not None else project_root
    if given is None:
        raise CheckError(
            "load_from_defs_folder: expected path_within_project, got none; pass Path(__file__).parent"
        )
    root, settings = _project_of(Path(given).absolute())
    name = settings.get("defs_module") or f"{_root_module(settings, root)}.defs"
    return load_defs(_imported(name, root), root)


def load_defs(
    defs_root: ModuleType,
    project_root: Path | None = None,
    terminate_autoloading_on_keyword_files: bool = False,
) -> Definitions:
    """The definitions of every Python file below a package, joined.

    ``terminate_autoloading_on_keyword_files``: of a folder that has a ``definitions.py``, only that file counts.
    """
    if not isinstance(defs_root, ModuleType):
        raise CheckError(
            f"load_defs: expected the package that holds definitions, got {defs_root!r}; import it"
        )
    folder = Path(next(iter(defs_root.__path__)))
    root = project_root if project_root is not None else folder.parent
    found = [
        _definitions_in(importlib.import_module(name), DefsFolderContext(path, root))
        for path, name in _files(folder, defs_root.__name__, terminate_autoloading_on_keyword_files)
    ]
    return Definitions.merge(*found) if found else Definitions()


def _project_of(path: Path) -> tuple[Path, Mapping[str, Any]]:
    for folder in (path, *path.parents):
        settings = _settings(folder / "dg.toml", ()) or _settings(folder / "pyproject.toml", ("tool", "dg"))
        if settings is not None:
            return folder, settings.get("project", {})
    raise TidewheelError(
        f"load_from_defs_folder: expected a pyproject.toml with a table tool.dg (or a dg.toml) in {path} or above, got "
        "none; add [tool.dg.project] with root_module"
    )


def _settings(file: Path, table: tuple[str, ...]) -> Mapping[str, Any] | None:
    if not file.is_file():
        return None
    found: Any = tomllib.loads(file.read_text())
    for name in table:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _root_module(settings: Mapping[str, Any], root: Path) -> str:
    name = settings.get("root_module")
    if not name:
        raise CheckError(
            f"{root}: expected root_module or defs_module in the project's table tool.dg.project, got neither"
        )
    return str(name)


def _imported(name: str, root: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name != name.partition(".")[0]:
            raise
    source = root / "src" if (root / "src").is_dir() else root
    sys.path.insert(0, str(source))
    return importlib.import_module(name)


def _files(folder: Path, package: str, stops_at_keyword: bool) -> Iterator[tuple[Path, str]]:
    for name in COMPONENT_FILES:
        if (folder / name).exists():
            raise NotSupportedError(
                f"expected Python files below the defs folder, got the component {folder / name}; write its definitions "
                "in Python"
            )
    if stops_at_keyword and (folder / "definitions.py").exists():
        yield folder / "definitions.py", f"{package}.definitions"
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _files(path, f"{package}.{path.name}", stops_at_keyword)
        elif path.suffix == ".py":
            yield path, package if path.stem == "__init__" else f"{package}.{path.stem}"


def _definitions_in(module: ModuleType, context: DefsFolderContext) -> Definitions:
    whole = list(dict(_by_identity(module, Definitions)).values())
    lazy = list(dict(_by_identity(module, LazyDefinitions)).values())
    if len(whole) > 1 or (whole and lazy):
        raise InvalidDefinitionError(
            f"{context.path}: expected one Definitions object or functions decorated with @definitions, got "
            f"{len(whole)} and {len(lazy)}; join them"
        )
    if whole:
        return whole[0]
    components = [one for one in vars(module).values() if getattr(one, "gives_component", None) is True]
    if components:
        return Definitions.merge(
            *(one(context).build_defs(context) for one in components), *(one(context) for one in lazy)
        )
    if lazy:
        return Definitions.merge(*(one(context) for one in lazy))
    return load_definitions_from_module(module)


def _by_identity(module: ModuleType, kind: type) -> Iterator[tuple[int, Any]]:
    return ((id(value), value) for _, value in members_of(module, (kind,)))
