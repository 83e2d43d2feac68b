from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tidewheel.errors import HomeNotSetError, InvalidConfigError, InvariantViolationError, NotSupportedError
from tidewheel.runtime.home import ServerAddress, write_address
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.unsupported import UNSUPPORTED
from tidewheel.storage.ledger import open_ledger
from tidewheel.testing.instance_for_test import instance_for_test
from tidewheel.values.asset_events import AssetMaterialization
from tidewheel.values.keys import AssetKey

A = AssetKey("a")


def test_a_home_keeps_what_was_written(tmp_path: Path) -> None:
    with Instance.from_home(tmp_path) as instance:
        instance.report_runless_asset_event(AssetMaterialization(A))
        assert (instance.is_persistent, instance.is_ephemeral) == (True, False)
        assert (instance.home, instance.root_directory) == (tmp_path, str(tmp_path))
        assert instance.storage_directory() == str(tmp_path / "storage")
    with Instance.from_home(tmp_path) as instance:
        assert instance.has_asset_key(A)


def test_another_process_sees_it(tmp_path: Path) -> None:
    program = (
        "from tidewheel.runtime.instance.facade import Instance\n"
        "with Instance.get() as instance: instance.add_dynamic_partitions('d', ['x'])\n"
    )
    with Instance.from_home(tmp_path) as instance:
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"TIDEWHEEL_HOME": str(tmp_path)}, check=True
        )
        assert list(instance.get_dynamic_partitions("d")) == ["x"]


def test_get_needs_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIDEWHEEL_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(HomeNotSetError, match="TIDEWHEEL_HOME"):
        Instance.get()
    monkeypatch.setenv("TIDEWHEEL_HOME", str(tmp_path))
    with Instance.get() as instance:
        assert instance.home == tmp_path


def test_settings_of_the_home(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text(
        'max_concurrent_runs = 3\n[[tag_limits]]\nkey = "db"\nlimit = 1\n'
    )
    with Instance.from_home(tmp_path) as instance:
        config = instance.get_concurrency_config().run_queue_config
        assert (config.max_concurrent_runs, config.tag_concurrency_limits[0].key) == (3, "db")
        assert instance.get_settings("max_concurrent_runs") == 3
        assert instance.info_dict()["home"] == str(tmp_path)
    (tmp_path / "tidewheel.toml").write_text("max_concurrent_run = 3")
    with pytest.raises(InvalidConfigError, match="max_concurrent_runs"):
        Instance.from_home(tmp_path)


def test_settings_are_read_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "tidewheel.toml").write_text("max_concurrent_runs = 3")
    with Instance(open_ledger(":memory:"), home=tmp_path) as instance:
        assert instance.settings.max_concurrent_runs == 3


def test_ephemeral_instances_share_nothing_and_leave_nothing() -> None:
    with Instance.ephemeral() as one, Instance.ephemeral() as two:
        one.report_runless_asset_event(AssetMaterialization(A))
        assert not two.has_asset_key(A)
        folders = [Path(instance.storage_directory()) for instance in (one, two)]
        assert one.storage_directory() == str(folders[0])
        assert all(folder.is_dir() for folder in folders)
        assert folders[0] != folders[1]
        assert (one.is_ephemeral, one.is_persistent, one.home) == (True, False, None)
    assert not any(folder.exists() for folder in folders)


def test_an_ephemeral_folder_of_ones_own_is_kept(tmp_path: Path) -> None:
    with Instance.ephemeral(tempdir=str(tmp_path)) as instance:
        assert instance.storage_directory() == str(tmp_path / "storage")
    assert (tmp_path / "storage").is_dir()


def test_a_forgotten_ephemeral_instance_leaves_nothing() -> None:
    instance = Instance.ephemeral()
    folder = Path(instance.storage_directory())
    del instance
    assert not folder.exists()


def test_a_forked_child_leaves_the_parents_folder_alone() -> None:
    with Instance.ephemeral() as instance:
        folder = Path(instance.storage_directory())
        pid = os.fork()
        if pid == 0:
            instance._clean()  # type: ignore[misc]
            os._exit(0)
        os.waitpid(pid, 0)
        assert folder.is_dir()


def test_local_temp(tmp_path: Path) -> None:
    with Instance.local_temp() as instance:
        home = Path(instance.root_directory)
        assert instance.is_persistent
        assert home.is_dir()
    assert not home.exists()
    with Instance.local_temp(tmp_path, overrides={"port": 5}) as instance:
        assert instance.settings.port == 5
    assert tmp_path.is_dir()


def test_urls(tmp_path: Path) -> None:
    with Instance.from_home(tmp_path) as instance:
        assert instance.get_run_url("r") == "http://127.0.0.1:3000/runs/r"
        write_address(tmp_path, ServerAddress(pid=1, socket="s", port=4321))
        assert instance.get_run_url("r") == "http://127.0.0.1:4321/runs/r"
    with Instance.ephemeral(settings={"public_url": "https://x.example/"}) as instance:
        assert instance.get_run_url("r") == "https://x.example/runs/r"


def test_instance_for_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEWHEEL_HOME", "before")
    with instance_for_test({"max_concurrent_runs": 2}) as instance:
        home = Path(instance.root_directory)
        assert os.environ["TIDEWHEEL_HOME"] == str(home)
        assert instance.settings.max_concurrent_runs == 2
        assert instance.is_persistent
        instance.report_runless_asset_event(AssetMaterialization(A))
        with Instance.get() as same:
            assert same.has_asset_key(A)
    assert os.environ["TIDEWHEEL_HOME"] == "before"
    assert not home.exists()
    with instance_for_test(set_dagster_home=False, temp_dir=tmp_path) as instance:
        assert os.environ["TIDEWHEEL_HOME"] == "before"
        assert instance.root_directory == str(tmp_path)
    assert tmp_path.is_dir()


def test_instance_for_test_cleans_up_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIDEWHEEL_HOME", raising=False)
    with pytest.raises(ZeroDivisionError), instance_for_test() as instance:
        home = Path(instance.root_directory)
        raise ZeroDivisionError
    assert not home.exists()
    assert "TIDEWHEEL_HOME" not in os.environ


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_what_is_not_supported_names_itself_and_the_way_out(name: str) -> None:
    with (
        Instance.ephemeral() as instance,
        pytest.raises(NotSupportedError, match=f"instance.{name} is not supported: "),
    ):
        getattr(instance, name)(1, 2)


def test_nothing_supported_is_in_the_list_of_what_is_not() -> None:
    assert not [name for name in UNSUPPORTED if hasattr(Instance, name)]


def test_an_instance_stays_in_its_process() -> None:
    with Instance.ephemeral() as instance:
        with pytest.raises(InvariantViolationError, match="from_home"):
            pickle.dumps(instance)
        with pytest.raises(InvariantViolationError):
            copy.copy(instance)
