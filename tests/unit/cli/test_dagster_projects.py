"""Dagster projects name their code in files of their own; ``tidewheel dev`` in their folder finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewheel.cli.targets import resolve_targets
from tidewheel.errors import CodeLocationLoadError
from tidewheel.runtime.location_args import CodeTarget

DG = '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "reef"\n'


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_toml", ".toml").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(folder: Path) -> dict[str, CodeTarget]:
    return resolve_targets((), (), None, None, False, folder=folder)


def module(name: str, where: Path, **more: object) -> CodeTarget:
    return CodeTarget(module=name, working_dir=str(where), as_dagster=True, **more)  # type: ignore[arg-type]


def test_a_project_with_a_table_of_dagster(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml='[tool.dagster]\nmodule_name = "reef.defs"\ncode_location_name = "reef"\n')
    assert found(tmp_path) == {"reef": module("reef.defs", tmp_path)}
    write(
        tmp_path,
        pyproject_toml='[tool.dagster]\nmodules = [{type = "module", name = "a"}, {type = "module", name = "b"}]\n',
    )
    assert found(tmp_path) == {"a": module("a", tmp_path), "b": module("b", tmp_path)}


def test_a_project_of_components(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=DG)
    (tmp_path / "src" / "reef").mkdir(parents=True)
    source = tmp_path / "src"
    assert found(tmp_path) == {tmp_path.name: module("reef.definitions", source)}
    write(tmp_path, pyproject_toml=DG + 'code_location_name = "sea"\nautoload_defs = true\n')
    assert found(tmp_path) == {"sea": module("reef.defs", source, is_defs_folder=True)}


def test_a_workspace_of_projects(tmp_path: Path) -> None:
    write(
        tmp_path,
        dg_toml='directory_type = "workspace"\n[[workspace.projects]]\npath = "projects/one"\n'
        '[[workspace.projects]]\npath = "projects/two"\n',
        projects__one__pyproject_toml=DG,
        projects__two__dg_toml='directory_type = "project"\n[project]\nroot_module = "other"\n',
    )
    assert found(tmp_path) == {
        "one": module("reef.definitions", tmp_path / "projects" / "one"),
        "two": module("other.definitions", tmp_path / "projects" / "two"),
    }


def test_a_workspace_file_counts_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject_toml=DG,
        workspace_yaml="load_from:\n  - python_file: repo.py\n  - python_module:\n      module_name: reef\n"
        "      working_directory: code\n      location_name: sea\n      attribute: defs\n"
        "  - python_file:\n      relative_path: inner/repo.py\n",
    )
    files = {
        name: CodeTarget(file=str(tmp_path / path), working_dir=str(tmp_path), as_dagster=True)
        for name, path in (("repo.py", "repo.py"), ("repo.py-2", "inner/repo.py"))
    }
    assert found(tmp_path) == {"sea": module("reef", tmp_path / "code", attribute="defs"), **files}


def test_our_own_table_counts_before_all(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=DG + '[tool.tidewheel]\nmodule = "own"\n')
    assert found(tmp_path) == {"own": CodeTarget(module="own", working_dir=str(tmp_path))}


@pytest.mark.parametrize(
    "files",
    [
        {"workspace_yaml": "load_from:\n  - grpc_server:\n      port: 1\n"},
        {"workspace_yaml": "load_from: repo.py\n"},
        {"workspace_yaml": "load_from: ["},
        {"pyproject_toml": '[tool.dagster]\nmodules = [{type = "module"}]\n'},
        {"dg_toml": "= 1"},
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, **files)
    with pytest.raises(CodeLocationLoadError, match="expected"):
        found(tmp_path)


def test_variables_of_a_file_are_there_for_dagster_code_alone(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml=DG)
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / "code.py").touch()
    file = str(tmp_path / ".env")
    assert [target.env_file for target in found(tmp_path).values()] == [file]
    for as_dagster, told in ((True, file), (False, None)):
        targets = resolve_targets(
            (str(tmp_path / "code.py"),), ("m",), None, None, as_dagster, folder=tmp_path
        )
        assert [target.env_file for target in targets.values()] == [told, told]
