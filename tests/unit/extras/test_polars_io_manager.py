from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.worker.runs.in_process import materialize

pl = pytest.importorskip("polars", reason="the package polars is not installed")

from tidewheel.extras.polars import PolarsParquetIOManager  # noqa: E402

DAILY = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")


@pytest.fixture
def instance() -> Generator[tw.Instance, None, None]:
    with tw.Instance.ephemeral() as made:
        yield made


@tw.asset
def eager() -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2], "name": ["a", "b"]})


@tw.asset
def lazy() -> pl.LazyFrame:
    return pl.LazyFrame({"id": [1, 2], "name": ["a", "b"]})


@tw.asset(partitions_def=DAILY)
def visits(context: tw.AssetExecutionContext) -> pl.DataFrame:
    day = context.partition_key
    return pl.DataFrame({"day": [day], "n": [1.5 if day.endswith("2") else 1]})


def run(base: Any, *assets: Any, **kwargs: Any) -> Any:
    return materialize(
        assets, resources={"io_manager": PolarsParquetIOManager(base_path=str(base))}, **kwargs
    )


def metadata_of(result: Any) -> dict[str, Any]:
    (event,) = result.get_asset_materialization_events()
    return {k: v.value for k, v in event.step_materialization_data.materialization.metadata.items()}


@pytest.mark.parametrize("asset", [eager, lazy])
def test_frames_are_parquet_files(asset: Any, tmp_path: Path) -> None:
    got: list[Any] = []
    name = asset.key.path[0]

    @tw.asset(ins={"upstream": tw.AssetIn(name)})
    def as_frame(upstream: pl.DataFrame) -> None:
        got.append(upstream)

    @tw.asset(ins={"upstream": tw.AssetIn(name)})
    def as_lazy(upstream: pl.LazyFrame) -> None:
        got.append(upstream)

    metadata = metadata_of(run(tmp_path, asset))
    assert metadata["path"] == str(tmp_path / f"{name}.parquet")
    assert [c.name for c in metadata["dagster/column_schema"].columns] == ["id", "name"]
    assert metadata.get("dagster/row_count") == (2 if asset is eager else None)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.parquet"]
    run(tmp_path, asset, as_frame, as_lazy, selection=[as_frame, as_lazy])
    assert {type(one) for one in got} == {pl.DataFrame, pl.LazyFrame}
    for one in got:
        assert one.lazy().collect().to_dict(as_series=False) == {"id": [1, 2], "name": ["a", "b"]}


@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame])
def test_partitions_as_one_frame(kind: Any, tmp_path: Path, instance: tw.Instance) -> None:
    got: list[Any] = []

    def whole(visits: Any) -> None:
        got.append(visits)

    whole.__annotations__ = {"visits": kind, "return": None}
    taker = tw.asset(ins={"visits": tw.AssetIn("visits", metadata={"columns": ["n"]})})(whole)
    for key in DAILY.get_partition_keys():
        run(tmp_path, visits, partition_key=key, instance=instance)
    run(tmp_path, visits, taker, selection=[taker], instance=instance)
    assert isinstance(got[0], kind)
    assert got[0].lazy().collect().to_dict(as_series=False) == {"n": [1.0, 1.5, 1.0]}


def test_partitions_as_a_dict(tmp_path: Path, instance: tw.Instance) -> None:
    got: list[Any] = []

    @tw.asset
    def each(visits: dict[str, pl.DataFrame]) -> None:
        got.append(visits)

    for key in DAILY.get_partition_keys():
        run(tmp_path, visits, partition_key=key, instance=instance)
    run(tmp_path, visits, each, selection=[each], instance=instance)
    assert list(got[0]) == list(DAILY.get_partition_keys())


def test_a_missing_file_is_told_at_once(tmp_path: Path) -> None:
    @tw.asset(ins={"upstream": tw.AssetIn("eager")})
    def taker(upstream: pl.LazyFrame) -> None: ...

    with pytest.raises(FileNotFoundError) as caught:
        run(tmp_path, eager, taker, selection=[taker])
    assert any("materialize it first" in note for note in caught.value.__notes__)


def test_other_values_are_refused(tmp_path: Path) -> None:
    @tw.asset
    def wrong() -> Any:
        return {"a": 1}

    result = run(tmp_path, wrong, raise_on_error=False)
    text = result.get_step_failure_events()[0].event_specific_data.error.to_string()
    assert "polars.DataFrame or polars.LazyFrame, got dict" in text


@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame])
def test_files_elsewhere(kind: Any) -> None:
    pytest.importorskip("upath", reason="the package universal-pathlib is not installed")
    got: list[Any] = []

    def taker(lazy: Any) -> None:
        got.append(lazy.lazy().collect().height)

    taker.__annotations__ = {"lazy": kind, "return": None}
    run("memory://polars-of-this-test", lazy, tw.asset(taker))
    assert got == [2]
