from typing import Optional

from dagster import Definitions, Nothing, Output, asset, materialize, FilesystemIOManager
import tempfile, os


@asset
def no_annotation():
    pass


@asset
def annotated() -> None:
    return None


@asset(dagster_type=Nothing)
def typed_nothing():
    return None


@asset
def optional() -> Optional[int]:
    return None


@asset
def reads_none(no_annotation, optional):
    return [no_annotation, optional]


@asset
def output_none() -> Output[None]:
    return Output(None, metadata={"a": 1})


defs = Definitions(assets=[no_annotation, annotated, typed_nothing, optional, reads_none, output_none])


def test_files(tmp_path):
    materialize(
        [no_annotation, annotated, typed_nothing, optional, output_none],
        resources={"io_manager": FilesystemIOManager(base_dir=str(tmp_path))},
    )
    assert sorted(os.listdir(tmp_path)) == sorted(os.listdir(tmp_path))


def observe():
    folder = tempfile.mkdtemp()
    materialize(
        [no_annotation, annotated, typed_nothing, optional, output_none],
        resources={"io_manager": FilesystemIOManager(base_dir=folder)},
    )
    return {"stored": sorted(os.listdir(folder))}
