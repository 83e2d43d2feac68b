"""Which code a command works on: options, the table ``[tool.tidewheel]`` of pyproject.toml, or what it says to Dagster."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from tidewheel.cli.dagster_projects import env_file_of, project_targets
from tidewheel.errors import CodeLocationLoadError, did_you_mean
from tidewheel.runtime.location_args import CodeTarget

PROJECT_KEYS = ("file", "files", "module", "modules", "attribute", "working_dir", "as_dagster")


def resolve_targets(
    files: tuple[str, ...],
    modules: tuple[str, ...],
    attribute: str | None,
    working_dir: str | None,
    as_dagster: bool,
    *,
    folder: Path,
) -> dict[str, CodeTarget]:
    """By location name, the code that the options name, or the project's files where they name none; may be empty.

    Raises:
        CodeLocationLoadError: when a file is missing or the project's table is wrong.
    """
    if not files and not modules:
        found: dict[str, CodeTarget] = {}
        for name, target in () if (own := _project_targets(folder, as_dagster)) else project_targets(folder):
            found[_free_name(name, found)] = target
        return own or found
    if attribute is not None and len(files) + len(modules) > 1:
        raise CodeLocationLoadError("expected one file or module together with --attribute, got several")
    where = os.path.abspath(working_dir or folder)
    env_file = env_file_of(folder) if as_dagster else None
    targets: dict[str, CodeTarget] = {}
    for file in files:
        path = Path(file)
        if not path.is_file():
            nearby = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
            raise CodeLocationLoadError(
                f"expected a Python file at {file!r}, got nothing there; {did_you_mean(path.name, nearby)}"
            )
        target = CodeTarget(
            file=str(path.resolve()),
            attribute=attribute,
            working_dir=where,
            as_dagster=as_dagster,
            env_file=env_file,
        )
        targets[_free_name(path.name, targets)] = target
    for module in modules:
        target = CodeTarget(
            module=module,
            attribute=attribute,
            working_dir=where,
            as_dagster=as_dagster,
            env_file=env_file,
        )
        targets[_free_name(module, targets)] = target
    return targets


def _project_targets(folder: Path, as_dagster: bool) -> dict[str, CodeTarget]:
    path = folder / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text()).get("tool", {}).get("tidewheel")
    except tomllib.TOMLDecodeError as exc:
        raise CodeLocationLoadError(f"expected valid TOML in {path}, got: {exc}") from exc
    if not table:
        return {}
    for key in table:
        if key not in PROJECT_KEYS:
            raise CodeLocationLoadError(
                f"expected known keys in [tool.tidewheel] of {path}, got {key!r}; {did_you_mean(key, PROJECT_KEYS)}"
            )
    return resolve_targets(
        tuple(str(folder / name) for name in _names(table, "file", "files")),
        _names(table, "module", "modules"),
        table.get("attribute"),
        str(folder / table.get("working_dir", ".")),
        bool(table.get("as_dagster", as_dagster)),
        folder=folder,
    )


def _names(table: dict[str, Any], single: str, several: str) -> tuple[str, ...]:
    one = table.get(single)
    return (*([one] if one else []), *table.get(several, []))


def _free_name(name: str, taken: dict[str, CodeTarget]) -> str:
    if name not in taken:
        return name
    return next(candidate for n in range(2, 1000) if (candidate := f"{name}-{n}") not in taken)
