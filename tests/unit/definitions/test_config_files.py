from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.definitions.config.config_files import (
    config_from_files,
    config_from_pkg_resources,
    config_from_yaml_strings,
    overlaid,
)
from tidewheel.definitions.loading.file_paths import file_relative_path
from tidewheel.definitions.triggers.selectors import AssetJobKey
from tidewheel.errors import CheckError, InvariantViolationError, ParameterCheckError

TREES = st.recursive(
    st.integers(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
).filter(lambda tree: isinstance(tree, dict))


@given(TREES, TREES, TREES)
def test_laying_over_is_associative_and_keeps_what_is_on_top(one: Any, two: Any, three: Any) -> None:
    assert overlaid(overlaid(one, one), {}) == one
    assert overlaid({}, two) == two
    top = overlaid(one, two)
    assert set(top) == set(one) | set(two)
    assert overlaid(overlaid(one, two), two) == top
    if not any(isinstance(v, int) for tree in (one, two, three) for v in tree.values()):
        assert set(overlaid(top, three)) == set(one) | set(two) | set(three)


def test_files_are_merged_and_later_ones_win(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1\nn:\n  a: 1\n  l: [1]\n")
    (tmp_path / "b.yaml").write_text("n:\n  b: 2\n  l: [2]\nx: 3\n")
    (tmp_path / "empty.yaml").write_text("")
    expected = {"x": 3, "n": {"a": 1, "b": 2, "l": [2]}}
    assert config_from_files([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]) == expected
    assert config_from_files([str(tmp_path / "*.yaml")]) == expected
    assert config_from_files([str(tmp_path / "empty.yaml")]) == {}
    assert config_from_files([]) == config_from_files(None) == {}


def test_dates_stay_texts_and_variables_stay_as_they_are() -> None:
    assert config_from_yaml_strings(["d: 2024-01-01\ne: {env: HOME}\nn: 1.5\nb: yes"]) == {
        "d": "2024-01-01",
        "e": {"env": "HOME"},
        "n": 1.5,
        "b": True,
    }


@pytest.mark.parametrize(
    ("load", "error", "problem"),
    [
        (lambda p: config_from_files([f"{p}/none.yaml"]), InvariantViolationError, "none.yaml"),
        (lambda p: config_from_files(f"{p}/x"), ParameterCheckError, "as a list"),
        (lambda p: config_from_yaml_strings(["a: [1"]), InvariantViolationError, "text 1"),
        (lambda p: config_from_yaml_strings(["a: 1", "- 1"]), CheckError, "mapping in text 2"),
        (lambda p: config_from_yaml_strings([5]), CheckError, "as texts, got 5"),
        (
            lambda p: config_from_pkg_resources([("no_such_pkg", "a.yaml")]),
            InvariantViolationError,
            "no_such_pkg",
        ),
        (lambda p: config_from_pkg_resources([("tidewheel", "no.yaml")]), InvariantViolationError, "no.yaml"),
    ],
)
def test_what_cannot_be_read(load: Any, error: type[Exception], problem: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=problem):
        load(tmp_path)


def test_files_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "config_pkg_of_this_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.yaml").write_text("q: {r: 1}")
    (package / "b.yaml").write_text("q: {s: 2}")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        found = config_from_pkg_resources([(package.name, "a.yaml"), (package.name, "b.yaml")])
    finally:
        sys.modules.pop(package.name, None)
    assert found == {"q": {"r": 1, "s": 2}}


def test_relative_paths() -> None:
    assert file_relative_path("/x/y/z.py", "a/b.txt") == "/x/y/a/b.txt"
    assert file_relative_path("/x/y/z.py", "../a") == "/x/a"
    assert file_relative_path("/x/z.py", "/abs") == "/abs"
    with pytest.raises(ParameterCheckError):
        file_relative_path("/x", 1)  # type: ignore[arg-type]


def test_keys_of_jobs() -> None:
    key = AssetJobKey(job_name="j")
    assert (
        key
        == AssetJobKey.from_user_string(key.to_user_string())
        == AssetJobKey.from_db_string(key.to_db_string())
    )
    assert hash(key) == hash(AssetJobKey("j"))
    assert AssetJobKey.from_db_string("zz") is AssetJobKey.from_db_string('{"a": 1}') is None
    assert sorted([AssetJobKey("b"), AssetJobKey("a")]) == [AssetJobKey("a"), AssetJobKey("b")]
    assert AssetJobKey.from_graphql_input({"jobName": "j"}) == key
    with pytest.raises(ParameterCheckError):
        AssetJobKey(1)  # type: ignore[arg-type]
