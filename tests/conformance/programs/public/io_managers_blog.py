import os
import tempfile
from typing import Any, Union

import pandas as pd
import pytest
from dagster import (
    AssetIn,
    AssetKey,
    AssetOut,
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    DailyPartitionsDefinition,
    Definitions,
    EnvVar,
    IOManager,
    IOManagerDefinition,
    InputContext,
    OutputContext,
    SourceAsset,
    StaticPartitionsDefinition,
    MultiPartitionsDefinition,
    MultiPartitionKey,
    UPathIOManager,
    asset,
    build_input_context,
    build_output_context,
    io_manager,
    materialize,
    materialize_to_memory,
    job,
    op,
    Out,
    In,
    TimeWindowPartitionMapping,
    graph_asset,
    Output,
    multi_asset,
    with_resources,
    load_assets_from_current_module,
    InMemoryIOManager,
    FilesystemIOManager,
    AllPartitionMapping,
    LastPartitionMapping,
    SpecificPartitionsPartitionMapping,
)

BASE = tempfile.mkdtemp()


class CsvIOManager(ConfigurableIOManager):
    root: str = BASE
    sep: str = ","

    def _path(self, context: Union[InputContext, OutputContext]) -> str:
        parts = list(context.asset_key.path)
        if context.has_asset_partitions:
            parts.append(context.asset_partition_key)
        return os.path.join(self.root, "__".join(parts) + ".csv")

    def handle_output(self, context: OutputContext, obj: pd.DataFrame):
        obj.to_csv(self._path(context), index=False, sep=self.sep)
        context.add_output_metadata(
            {
                "rows": len(obj),
                "step": context.step_key,
                "name": context.name,
                "out_meta": str(context.definition_metadata.get("tbl")),
            }
        )
        context.log.info(f"wrote {context.get_asset_identifier()}")

    def load_input(self, context: InputContext) -> pd.DataFrame:
        context.log.debug(
            f"{context.upstream_output.asset_key} {context.dagster_type.display_name} {context.name}"
        )
        if context.has_asset_partitions and len(context.asset_partition_keys) > 1:
            return pd.concat(
                [
                    pd.read_csv(os.path.join(self.root, "__".join([*context.asset_key.path, k]) + ".csv"))
                    for k in context.asset_partition_keys
                ]
            )
        return pd.read_csv(self._path(context), sep=self.sep)


class MyIO(IOManager):
    def __init__(self):
        self.values = {}

    def handle_output(self, context, obj):
        self.values[tuple(context.get_identifier())[1:]] = obj

    def load_input(self, context):
        return self.values[tuple(context.upstream_output.get_identifier())[1:]]


@io_manager(config_schema={"x": int}, required_resource_keys={"r"})
def my_io(init_context):
    assert init_context.resource_config["x"] == 1
    return MyIO()


days = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-05")


@asset(metadata={"tbl": "orders"}, partitions_def=days, io_manager_key="csv")
def orders(context) -> pd.DataFrame:
    return pd.DataFrame({"day": [context.partition_key, context.partition_time_window.start.strftime("%d")]})


@asset(
    partitions_def=days,
    io_manager_key="csv",
    ins={
        "orders": AssetIn(
            partition_mapping=TimeWindowPartitionMapping(start_offset=-1),
            input_manager_key="csv",
            metadata={"q": 1},
        )
    },
)
def two_days(context, orders: pd.DataFrame) -> pd.DataFrame:
    rng = context.asset_partition_key_range_for_input("orders")
    return orders.assign(span=f"{rng.start}..{rng.end}")


@asset(io_manager_key="csv")
def small() -> pd.DataFrame:
    return pd.DataFrame({"a": [1]})


@asset(key_prefix=["core", "v1"], ins={"s": AssetIn(key="small")})
def upper(s: pd.DataFrame) -> int:
    return int(s["a"].sum())


@op(out=Out(io_manager_key="mine", metadata={"a": 1}))
def one():
    return 1


@op(ins={"x": In(int)}, out=Out(io_manager_key="mine"))
def two(x):
    return x + 1


@job(
    resource_defs={"mine": my_io, "r": IOManagerDefinition.hardcoded_io_manager(MyIO())},
    config={"resources": {"mine": {"config": {"x": 1}}}},
)
def old_io():
    two(one())


defs = Definitions(
    assets=[orders, two_days, small, upper], jobs=[old_io], resources={"csv": CsvIOManager(sep=",")}
)


def test_csv_round():
    manager = CsvIOManager(root=tempfile.mkdtemp())
    out = build_output_context(
        asset_key=AssetKey(["a", "b"]), name="result", step_key="s", definition_metadata={"tbl": 1}
    )
    manager.handle_output(out, pd.DataFrame({"x": [1, 2]}))
    assert out.get_logged_metadata()["rows"] == 2 if hasattr(out, "get_logged_metadata") else True
    got = manager.load_input(
        build_input_context(
            asset_key=AssetKey(["a", "b"]), upstream_output=out, name="inp", dagster_type=None
        )
        if False
        else build_input_context(asset_key=AssetKey(["a", "b"]), upstream_output=out)
    )
    assert list(got["x"]) == [1, 2]


def test_old_io():
    assert old_io.execute_in_process().output_for_node("two") == 2


def test_materialize_with_env(monkeypatch=None):
    os.environ["CSV_ROOT"] = tempfile.mkdtemp()
    result = materialize(
        [small, upper],
        resources={"csv": CsvIOManager(root=EnvVar("CSV_ROOT")), "io_manager": InMemoryIOManager()},
    )
    assert result.success and result.output_for_node("core__v1__upper") == 1
    assert os.listdir(os.environ["CSV_ROOT"]) == ["small.csv"]


def test_partitioned_pair():
    res = {"csv": CsvIOManager(root=tempfile.mkdtemp())}
    assert materialize([orders], partition_key="2024-01-01", resources=res).success
    r = materialize([orders, two_days], partition_key="2024-01-02", resources=res)
    assert list(r.output_for_node("two_days")["span"])[0] == "2024-01-01..2024-01-02"


def test_source_asset():
    src = SourceAsset(key="src", io_manager_key="mem")

    @asset
    def down(src):
        return src + 1

    class Fixed(IOManager):
        def handle_output(self, context, obj): ...
        def load_input(self, context):
            return 41

    r = (
        materialize_to_memory([down, src], resources={"mem": Fixed()})
        if False
        else materialize([down, src], resources={"mem": Fixed(), "io_manager": InMemoryIOManager()})
    )
    assert r.output_for_node("down") == 42
