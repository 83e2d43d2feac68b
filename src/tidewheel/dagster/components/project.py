"""Where a project keeps its definitions: found by ``pyproject.toml`` or ``dg.toml`` in a folder or above it."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tidewheel.errors import CheckError, TidewheelError


def project_of(path: Path) -> tuple[Path, str]:
    """The root of the project that a path belongs to, and the name of the package with its definitions.

    The project is the nearest folder upwards with a ``pyproject.toml`` with a table ``tool.dg``, or with a ``dg.toml``.

    Raises:
        TidewheelError: when there is no such project.
        CheckError: when it does not say where its definitions are.
    """
    for folder in (path, *path.parents):
        settings = _settings(folder / "dg.toml", ()) or _settings(folder / "pyproject.toml", ("tool", "dg"))
        if settings is None:
            continue
        project = settings.get("project", {})
        name = project.get("defs_module") or (project.get("root_module") and f"{project['root_module']}.defs")
        if not name:
            raise CheckError(
                f"{folder}: expected root_module or defs_module in the project's table tool.dg.project, got neither"
            )
        return folder, str(name)
    raise TidewheelError(
        f"load_from_defs_folder: expected a pyproject.toml with a table tool.dg (or a dg.toml) in {path} or above, got "
        "none; add [tool.dg.project] with root_module"
    )


def is_in_project(path: Path) -> bool:
    """Whether a path belongs to a project."""
    try:
        project_of(path)
    except TidewheelError:
        return False
    return True


def imported(name: str, root: Path) -> ModuleType:
    """A package of a project, found below its ``src`` (or its root) when it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name != name.partition(".")[0]:
            raise
    source = root / "src" if (root / "src").is_dir() else root
    sys.path.insert(0, str(source))
    return importlib.import_module(name)


def _settings(file: Path, table: tuple[str, ...]) -> Mapping[str, Any] | None:
    if not file.is_file():
        return None
    found: Any = tomllib.loads(file.read_text())
    for name in table:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
