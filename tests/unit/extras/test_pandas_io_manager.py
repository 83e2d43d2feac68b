from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.worker.runs.in_process import materialize

pd = pytest.importorskip("pandas", reason="the package pandas is not installed")
pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")

from tidewheel.extras.pandas import PandasParquetIOManager  # noqa: E402

DAILY = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")


@pytest.fixture
def instance() -> Generator[tw.Instance, None, None]:
    with tw.Instance.ephemeral() as made:
        yield made


@tw.asset(key_prefix="shop")
def orders() -> pd.DataFrame:
    return pd.DataFrame(
        {"id": [1, 2, 3], "total": [1.5, 2.5, 3.5], "day": pd.to_datetime(["2024-01-01"] * 3)}
    )


@tw.asset(partitions_def=DAILY)
def visits(context: tw.AssetExecutionContext) -> pd.DataFrame:
    return pd.DataFrame({"day": [context.partition_key] * 2, "n": [1, 2]})


class Run:
    def __init__(self, base: Path, instance: tw.Instance) -> None:
        self.base = base
        self.instance = instance
        self.manager = PandasParquetIOManager(base_path=str(base))

    def __call__(self, *assets: Any, **kwargs: Any) -> Any:
        return materialize(assets, resources={"io_manager": self.manager}, instance=self.instance, **kwargs)

    def days(self) -> None:
        for key in DAILY.get_partition_keys():
            self(visits, partition_key=key)


@pytest.fixture
def run(tmp_path: Path, instance: tw.Instance) -> Run:
    return Run(tmp_path / "data", instance)


def test_frames_are_parquet_files(run: Run) -> None:
    got: list[Any] = []

    @tw.asset(ins={"orders": tw.AssetIn(["shop", "orders"])})
    def report(orders: pd.DataFrame) -> None:
        got.append(orders)

    result = run(orders)
    (event,) = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["dagster/row_count"].value == 3
    assert {c.name: c.type for c in metadata["dagster/column_schema"].value.columns} == {
        "id": "int64",
        "total": "float64",
        "day": str(orders().dtypes["day"]),
    }
    assert Path(metadata["path"].value) == run.base / "shop/orders.parquet"
    assert [path.name for path in (run.base / "shop").iterdir()] == ["orders.parquet"], "no temporary files"
    pd.testing.assert_frame_equal(pd.read_parquet(run.base / "shop/orders.parquet"), orders())
    run(orders, report, selection=[report])
    pd.testing.assert_frame_equal(got[0], orders())


def test_columns_can_be_chosen(run: Run) -> None:
    got: list[Any] = []

    @tw.asset(ins={"orders": tw.AssetIn(["shop", "orders"], metadata={"columns": ["total"]})})
    def report(orders: pd.DataFrame) -> None:
        got.append(list(orders.columns))

    run(orders, report)
    assert got == [["total"]]


def test_partitions_as_one_frame_or_as_a_dict(run: Run) -> None:
    got: dict[str, Any] = {}

    @tw.asset
    def whole(visits: pd.DataFrame) -> None:
        got["whole"] = visits

    @tw.asset
    def each(visits: dict[str, pd.DataFrame]) -> None:
        got["each"] = visits

    @tw.asset
    def unsaid(visits: Any) -> None:
        got["unsaid"] = visits

    @tw.asset(partitions_def=DAILY)
    def same(visits: pd.DataFrame) -> None:
        got["same"] = visits

    run.days()
    run(visits, whole, each, unsaid, selection=[whole, each, unsaid])
    run(visits, same, selection=[same], partition_key="2024-01-02")
    assert list(got["whole"]["day"]) == [key for key in DAILY.get_partition_keys() for _ in range(2)]
    assert list(got["whole"].index) == list(range(6))
    assert list(got["each"]) == list(got["unsaid"]) == list(DAILY.get_partition_keys())
    assert set(got["same"]["day"]) == {"2024-01-02"}


def test_missing_partitions(run: Run) -> None:
    got: list[Any] = []
    tolerant_in = tw.AssetIn("visits", metadata={"allow_missing_partitions": True})

    @tw.asset(ins={"visits": tolerant_in})
    def tolerant(visits: pd.DataFrame) -> None:
        got.append(len(visits))

    result = run(visits, tolerant, selection=[tolerant], raise_on_error=False)
    assert "expected at least one stored partition of 'visits'" in (
        result.get_step_failure_events()[0].event_specific_data.error.to_string()
    )
    run(visits, partition_key="2024-01-03")
    run(visits, tolerant, selection=[tolerant])
    assert got == [2]


def test_a_meaningful_index_is_kept(run: Run) -> None:
    got: list[Any] = []

    @tw.asset(partitions_def=DAILY)
    def named(context: tw.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"n": [1]}, index=pd.Index([context.partition_key], name="day"))

    @tw.asset
    def whole(named: pd.DataFrame) -> None:
        got.append(list(named.index))

    for key in DAILY.get_partition_keys():
        run(named, partition_key=key)
    run(named, whole, selection=[whole])
    assert got == [list(DAILY.get_partition_keys())]


def test_several_partitions_in_one_run(run: Run) -> None:
    @tw.asset(partitions_def=DAILY, backfill_policy=tw.BackfillPolicy.single_run())
    def many(context: tw.AssetExecutionContext) -> Any:
        return {key: pd.DataFrame({"n": [1]}) for key in context.partition_keys}

    result = run(
        many,
        tags={
            "dagster/asset_partition_range_start": "2024-01-01",
            "dagster/asset_partition_range_end": "2024-01-03",
        },
    )
    assert sorted(path.name for path in (run.base / "many").iterdir()) == [
        f"2024-01-0{n}.parquet" for n in (1, 2, 3)
    ]
    metadata = result.get_asset_materialization_events()[0].step_materialization_data.materialization.metadata
    assert metadata["dagster/row_count"].value == 3


def test_other_values_are_refused(run: Run) -> None:
    @tw.asset
    def wrong() -> Any:
        return [1]

    result = run(wrong, raise_on_error=False)
    text = result.get_step_failure_events()[0].event_specific_data.error.to_string()
    assert "expected the value of 'wrong' to be a pandas.DataFrame, got list" in text
    assert not (run.base / "wrong.parquet").exists()


def test_the_instances_folder_is_the_default(instance: tw.Instance) -> None:
    result = materialize([orders], resources={"io_manager": PandasParquetIOManager()}, instance=instance)
    metadata = result.get_asset_materialization_events()[0].step_materialization_data.materialization.metadata
    assert metadata["path"].value.startswith(instance.storage_directory())


def test_files_elsewhere(instance: tw.Instance) -> None:
    pytest.importorskip("upath", reason="the package universal-pathlib is not installed")
    got: list[Any] = []

    @tw.asset(ins={"orders": tw.AssetIn(["shop", "orders"])})
    def report(orders: pd.DataFrame) -> None:
        got.append(len(orders))

    manager = PandasParquetIOManager(base_path="memory://pandas-of-this-test")
    materialize([orders, report], resources={"io_manager": manager}, instance=instance)
    assert got == [3]


def test_ready_made_checks_read_its_metadata(run: Run) -> None:
    from tidewheel.definitions.checks.metadata_checks import (
        build_column_schema_change_checks,
        build_metadata_bounds_checks,
    )

    checks = [
        *build_metadata_bounds_checks(assets=[orders], metadata_key="dagster/row_count", min_value=1),
        *build_column_schema_change_checks(assets=[orders]),
    ]
    run(orders)
    run(orders)
    result = run(orders, *checks, selection=tw.AssetSelection.checks(*checks))
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True, True]
