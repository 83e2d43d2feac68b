"""Loads a user's file as `--as-dagster` does: in it, `import dagster` means this system."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import tidewheel.dagster

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.setitem(sys.modules, "dagster", tidewheel.dagster)

    def loaded(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"seed_{name}", PROGRAMS / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_INBOX", str(tmp_path))
    return tmp_path


@pytest.fixture
def triggers(load: Callable[[str], ModuleType], inbox: Path) -> ModuleType:
    return load("triggers")
