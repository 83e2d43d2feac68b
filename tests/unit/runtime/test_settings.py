from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tidewheel.errors import HomeNotSetError, InvalidConfigError
from tidewheel.logic.planning.admission import TagLimit
from tidewheel.runtime.settings import FIELDS, Settings, find_home, load_settings


def in_home(home: Path, text: str) -> Path:
    (home / "tidewheel.toml").write_text(text)
    return home


def test_defaults_need_no_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}) == Settings()
    assert load_settings(None, {}) == Settings()
    assert (
        Settings().max_concurrent_runs,
        Settings().evaluation_timeout_s,
        Settings().lost_worker_retries,
    ) == (10, 60, 1)
    assert Settings().chatter_retention_days == 30


def test_file(tmp_path: Path) -> None:
    home = in_home(
        tmp_path,
        """
        max_concurrent_runs = -1
        storage_url = "postgresql://u@h/d"
        start_method = "spare"
        evaluation_timeout_s = 5
        [[tag_limits]]
        key = "db"
        limit = 1
        per_value = true
        """,
    )
    settings = load_settings(home, {})
    assert settings.max_concurrent_runs == -1
    assert settings.storage_url == "postgresql://u@h/d"
    assert settings.evaluation_timeout_s == 5.0
    assert settings.tag_limits == (TagLimit(key="db", limit=1, per_value=True),)


def test_the_environment_wins_over_the_file_and_overrides_over_both(tmp_path: Path) -> None:
    home = in_home(tmp_path, "max_concurrent_runs = 1\nport = 1\nspare_stock = 1")
    environ = {"TIDEWHEEL_PORT": "2", "TIDEWHEEL_SPARE_STOCK": "2", "TIDEWHEEL_HOME": "x", "PORT": "9"}
    settings = load_settings(home, environ, {"spare_stock": 3})
    assert (settings.max_concurrent_runs, settings.port, settings.spare_stock) == (1, 2, 3)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("7", "max_concurrent_runs", 7),
        ("0.5", "event_batch_wait_s", 0.5),
        ("false", "run_retries_enabled", False),
        ("null", "chatter_retention_days", None),
        ('[{"key": "a", "limit": 2}]', "tag_limits", (TagLimit(key="a", limit=2),)),
        ("fork", "start_method", "fork"),
    ],
)
def test_texts_of_the_environment(text: str, name: str, expected: Any) -> None:
    settings = load_settings(None, {f"TIDEWHEEL_{name.upper()}": text})
    assert getattr(settings, name) == expected


def test_a_value_can_stand_in_a_variable() -> None:
    given = {"storage_url": {"env": "PG_URL"}}
    assert (
        load_settings(None, {"PG_URL": "postgresql://secret@h/d"}, given).storage_url
        == "postgresql://secret@h/d"
    )
    with pytest.raises(InvalidConfigError, match="PG_URL"):
        load_settings(None, {}, given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"max_concurent_runs": 1}, "did you mean 'max_concurrent_runs'"),
        ({"queue": {}}, "unknown setting 'queue'; "),
        ({"max_concurrent_runs": -2}, "-2"),
        ({"max_concurrent_runs": "many"}, "many"),
        ({"start_method": "forc"}, "expected 'auto' or 'fork' or 'spare', got 'forc'"),
        ({"tag_limits": [{"key": "a"}]}, "limit"),
        ({"tag_limits": [{"key": "a", "limit": 1, "per_valu": True}]}, "did you mean 'per_value'"),
        ({"evaluation_timeout_s": 0}, "evaluation_timeout_s"),
        ({"port": 70_000}, "70000"),
        ({"storage_url": "mysql://h"}, "postgresql://"),
    ],
)
def test_wrong_settings(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load_settings(None, {}, given)
    assert says in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load_settings(None, {}, {"port": -1, "host": 5, "nothing": 1})
    assert len(caught.value.errors) == 3


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        load_settings(None, {}, {"storage_url": "mysql://u:hunter2@h"})
    assert "hunter2" not in str(caught.value)


def test_a_broken_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"tidewheel\.toml"):
        load_settings(in_home(tmp_path, "max_concurrent_runs ="), {})


def test_durations_carry_their_unit() -> None:
    for name in FIELDS:
        if "timeout" in name or "wait" in name or "runtime" in name:
            assert name.endswith("_s")
        if "retention" in name:
            assert name.endswith("_days")


def test_find_home(tmp_path: Path) -> None:
    assert find_home(tmp_path, {}) == tmp_path
    assert find_home(None, {"TIDEWHEEL_HOME": str(tmp_path)}) == tmp_path
    with pytest.raises(HomeNotSetError, match="export TIDEWHEEL_HOME"):
        find_home(None, {"DAGSTER_HOME": str(tmp_path)})
    with pytest.raises(HomeNotSetError, match="mkdir"):
        find_home(tmp_path / "no", {})
