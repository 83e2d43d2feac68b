"""A code location that is a folder of definitions: everything below it is loaded, and every file is watched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewheel.runtime.location_args import CodeTarget
from tidewheel.worker.location.loaded_code import LoadFailure, load_code


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "reef_location" / "defs"
    (folder / "inner").mkdir(parents=True)
    (folder / "assets.py").write_text("import tidewheel as tw\n\n@tw.asset\ndef one(): ...\n")
    (folder / "inner" / "two.py").write_text("import tidewheel as tw\n\n@tw.asset\ndef two(): ...\n")
    (folder / "inner" / "defs.yaml").write_text(
        "type: dagster.DefinitionsComponent\nattributes: {path: two.py}\n"
    )
    yield folder
    sys.path[:] = [one for one in sys.path if one != str(tmp_path)]
    for name in [one for one in sys.modules if one.partition(".")[0] == "reef_location"]:
        del sys.modules[name]


def test_everything_is_loaded_and_watched(package: Path) -> None:
    target = CodeTarget(module="reef_location.defs", working_dir=str(package.parents[1]), is_defs_folder=True)
    loaded = load_code(target, "reef")
    assert {node.key for node in loaded.snapshot.assets} == {"one", "two"}
    files = {str(package / name) for name in ("assets.py", "inner/two.py", "inner/defs.yaml")}
    assert files <= set(loaded.snapshot.files)


def test_a_component_file_that_is_wrong_is_watched_for_its_mend(package: Path) -> None:
    file = package / "inner" / "defs.yaml"
    file.write_text("type: nothing.Here\n")
    target = CodeTarget(module="reef_location.defs", working_dir=str(package.parents[1]), is_defs_folder=True)
    with pytest.raises(LoadFailure, match=r"nothing\.Here") as caught:
        load_code(target, "reef")
    assert str(file) in caught.value.files


def test_variables_of_a_file_come_before_those_that_are_there(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = package.parents[1] / ".env"
    file.write_text('REEF_ONE=from file\nREEF_TWO="${REEF_ONE} too"\n')
    monkeypatch.setenv("REEF_ONE", "there")
    monkeypatch.setenv("REEF_TWO", "there")
    (package / "assets.py").write_text(
        "import os\nimport tidewheel as tw\n\none = tw.AssetSpec('one', description=os.environ['REEF_TWO'])\n"
    )
    target = CodeTarget(
        module="reef_location.defs",
        working_dir=str(package.parents[1]),
        is_defs_folder=True,
        env_file=str(file),
    )
    loaded = load_code(target, "reef")
    assert {node.key: node.description for node in loaded.snapshot.assets}["one"] == "from file too"
    assert str(file) in loaded.snapshot.files
