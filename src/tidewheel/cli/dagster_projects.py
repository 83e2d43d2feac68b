"""Which code a Dagster project's own files name: ``workspace.yaml``, ``pyproject.toml`` and ``dg.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tidewheel.errors import CodeLocationLoadError
from tidewheel.runtime.location_args import CodeTarget

Named = tuple[str, CodeTarget]
"""The name of a location, which need not be free, and its code."""


def project_targets(folder: Path) -> list[Named]:
    """The code that a folder's files name for Dagster; nothing where it has none. It is loaded as Dagster's.

    ``workspace.yaml`` counts before ``[tool.dagster]``, and that before ``[tool.dg]`` (or ``dg.toml``).

    Raises:
        CodeLocationLoadError: when a file cannot be read, or names code in a form that is not known.
    """
    workspace = folder / "workspace.yaml"
    if workspace.is_file():
        return list(_of_workspace(workspace))
    tools = _toml(folder / "pyproject.toml").get("tool", {})
    return list(_of_tool(tools.get("dagster", {}), folder)) or list(
        _of_dg(_toml(folder / "dg.toml") or tools.get("dg", {}), folder)
    )


def env_file_of(folder: Path) -> str | None:
    """The file with environment variables that Dagster reads for code in a folder, if there is one."""
    file = folder / ".env"
    return str(file.resolve()) if file.is_file() else None


def _toml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as exc:
        raise CodeLocationLoadError(f"expected valid TOML in {file}, got: {exc}") from exc


def _of_tool(table: Mapping[str, Any], folder: Path) -> Iterator[Named]:
    """``[tool.dagster]``: one module, or several."""
    named = [{"name": table["module_name"]}] if "module_name" in table else table.get("modules", [])
    for one in named:
        if one.get("type", "module") != "module" or "name" not in one:
            raise CodeLocationLoadError(
                f"expected modules with a name in [tool.dagster] of {folder / 'pyproject.toml'}, got {one!r}"
            )
        name = table.get("code_location_name", one["name"]) if len(named) == 1 else one["name"]
        yield name, _module(one["name"], folder)


def _of_dg(table: Mapping[str, Any], folder: Path) -> Iterator[Named]:
    """``[tool.dg]``: a project, or a workspace of projects in other folders."""
    for one in table.get("workspace", {}).get("projects", []):
        yield from project_targets((folder / one["path"]).resolve())
    project = table.get("project", {})
    root = project.get("root_module")
    if root is None:
        return
    name = project.get("code_location_name", folder.name)
    if project.get("autoload_defs"):
        yield name, _module(project.get("defs_module", f"{root}.defs"), folder, is_defs_folder=True)
    else:
        yield name, _module(project.get("code_location_target_module", f"{root}.definitions"), folder)


def _of_workspace(file: Path) -> Iterator[Named]:
    """``workspace.yaml``: files, modules and packages, each by its path or name, or with more said of it."""
    try:
        content = yaml.safe_load(file.read_text())
    except yaml.YAMLError as exc:
        raise CodeLocationLoadError(f"expected valid YAML in {file}, got: {exc}") from exc
    env_file = env_file_of(file.parent)
    entries = content.get("load_from") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise CodeLocationLoadError(f"expected a list under load_from in {file}, got {entries!r}")
    for entry in entries:
        kind, said = next(iter(entry.items())) if isinstance(entry, dict) and entry else (None, None)
        if kind not in _NAMED_BY:
            raise CodeLocationLoadError(
                f"expected {', '.join(_NAMED_BY)} in load_from of {file}, got {entry!r}; servers of code are started here"
            )
        details = said if isinstance(said, dict) else {_NAMED_BY[kind]: said}
        name, target = _of_entry(kind, details, file.parent)
        yield name, msgspec.structs.replace(target, env_file=env_file)


_NAMED_BY = {
    "python_file": "relative_path",
    "python_module": "module_name",
    "python_package": "package_name",
}


def _of_entry(kind: str, details: Mapping[str, Any], folder: Path) -> Named:
    what = str(details[_NAMED_BY[kind]])
    attribute = details.get("attribute")
    given = details.get("working_directory")
    where = (folder / given).resolve() if given is not None else folder
    if kind == "python_file":
        target = CodeTarget(
            file=str((folder / what).resolve()),
            attribute=attribute,
            working_dir=str(where),
            as_dagster=True,
        )
        return str(details.get("location_name", Path(what).name)), target
    return str(details.get("location_name", what)), _module(what, where, attribute)


def _module(
    name: str, folder: Path, attribute: str | None = None, *, is_defs_folder: bool = False
) -> CodeTarget:
    source = folder / "src"
    where = source if (source / name.partition(".")[0]).is_dir() else folder
    return CodeTarget(
        module=name,
        attribute=attribute,
        working_dir=str(where),
        as_dagster=True,
        is_defs_folder=is_defs_folder,
        env_file=env_file_of(folder),
    )
