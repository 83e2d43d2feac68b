"""What is said of code that cannot be loaded."""

import sys

import pytest

from tidewheel.runtime.location_args import CodeTarget
from tidewheel.worker.location.loaded_code import LoadFailure, load_code


def load(path):
    with pytest.raises(LoadFailure) as caught:
        load_code(CodeTarget(file=str(path)), "here")
    return caught.value.errors[0].message


def test_a_file_that_imports_dagster_is_told_of_the_option(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dagster", None)  # as where it is not installed
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "imports_dagster.py"
    path.write_text("import dagster\n")
    assert "add --as-dagster" in load(path)


def test_other_missing_modules_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "imports_something.py"
    path.write_text("import surely_not_installed_anywhere\n")
    said = load(path)
    assert "surely_not_installed_anywhere" in said
    assert "--as-dagster" not in said
