"""Reads every source file once and checks what linters cannot: closed layers, clocks, names, leftovers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tidewheel"
TESTS = ROOT / "tests"

PURE_ALLOWED = frozenset(
    "__future__ abc bisect collections dataclasses datetime difflib enum functools graphlib hashlib hmac heapq itertools json math "
    "msgspec operator pyroaring re string textwrap traceback types typing typing_extensions uuid zoneinfo pathlib "
    "contextlib calendar copy array struct sys fnmatch inspect".split()
)
CLOCK_READERS = frozenset(
    {
        "runtime/clock.py",
        "definitions/clock.py",
        "runtime/connection.py",
        "worker/environment/socket_sink.py",
        "worker/location/location_process.py",
        "cli/runs.py",
        "cli/launching.py",
    }
)
VAGUE_NAMES = frozenset("core common util utils helper helpers misc base manager impl".split())
MARKERS = ("FIXME", "XXX")


@cache
def trees() -> dict[str, ast.Module]:
    """By path below the package, every source file parsed."""
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(), str(path))
        for path in sorted(SOURCE.rglob("*.py"))
    }


def imports_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node.lineno


def test_commands_show_things_in_one_place_where_secrets_are_masked() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if path.startswith("cli/") and path != "cli/output.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr in ("echo", "secho", "echo_via_pager"))
            or (isinstance(node.func, ast.Name) and node.func.id == "print")
        )
    ]
    assert not wrong, "say it with cli.output: " + ", ".join(wrong)


def test_values_and_logic_import_nothing_that_touches_the_world() -> None:
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in trees().items()
        if path.startswith(("values/", "logic/"))
        for name, line in imports_of(tree)
        if not name.startswith("tidewheel.") and name.split(".")[0] not in PURE_ALLOWED
    ]
    assert not wrong, "pass what you need as an argument instead:\n" + "\n".join(wrong)


def test_logic_is_synchronous_and_keeps_nothing_between_calls() -> None:
    wrong = []
    for path, tree in trees().items():
        if not path.startswith(("values/", "logic/")):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef):
                wrong.append(f"{path}:{node.lineno} is async")
            if isinstance(node, ast.Global):
                wrong.append(f"{path}:{node.lineno} changes a variable of its module")
    assert not wrong, "\n".join(wrong)


def test_only_named_modules_read_the_wall_clock() -> None:
    wrong = []
    for path, tree in trees().items():
        if path in CLOCK_READERS:
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and (node.func.value.id, node.func.attr) in {("time", "time"), ("datetime", "utcnow")}
            ):
                wrong.append(f"{path}:{node.lineno} reads the clock")
    assert not wrong, "take a clock as an argument (runtime.clock.now_s is the default):\n" + "\n".join(wrong)


def test_files_have_telling_names() -> None:
    wrong = [path for path in trees() if Path(path).stem in VAGUE_NAMES]
    assert not wrong, f"name them after what they hold: {wrong}"


def test_every_module_says_what_it_is_responsible_for() -> None:
    wrong = [path for path, tree in trees().items() if not ast.get_docstring(tree)]
    assert not wrong, wrong


def test_sql_lives_in_storage_alone() -> None:
    wrong = [
        f"{path}:{line}"
        for path, tree in trees().items()
        if not path.startswith("storage/")
        for name, line in imports_of(tree)
        if name.split(".")[0] in ("sqlalchemy", "sqlite3", "psycopg", "alembic")
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("folder", ["unit", "contract", "integration"])
def test_tests_wait_for_signals_instead_of_sleeping(folder: str) -> None:
    wrong = []
    for path in (TESTS / folder).rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong, wrong


def test_nothing_unfinished_is_marked_and_left() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in (SOURCE, ROOT / "docs")
        for path in folder.rglob("*")
        if path.suffix in (".py", ".md")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if any(marker in line for marker in MARKERS)
    ]
    assert not wrong, wrong
