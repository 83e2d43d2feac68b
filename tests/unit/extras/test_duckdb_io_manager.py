from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.worker.runs.in_process import materialize

duckdb = pytest.importorskip("duckdb", reason="the package duckdb is not installed")
pd = pytest.importorskip("pandas", reason="the package pandas is not installed")
pa = pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")
pl = pytest.importorskip("polars", reason="the package polars is not installed")

from tidewheel.extras.duckdb import (  # noqa: E402
    DuckDBIOManager,
    DuckDBPandasIOManager,
    DuckDBPolarsIOManager,
    DuckDBResource,
    connection_to,
    quoted,
)

DAILY = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")


class Database:
    def __init__(self, path: Path, instance: tw.Instance) -> None:
        self.path = str(path)
        self.instance = instance
        self.manager: Any = DuckDBPandasIOManager(database=self.path)

    def run(self, *assets: Any, **kwargs: Any) -> Any:
        return materialize(assets, resources={"io_manager": self.manager}, instance=self.instance, **kwargs)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def db(tmp_path: Path) -> Generator[Database, None, None]:
    with tw.Instance.ephemeral() as instance:
        yield Database(tmp_path / "data.duckdb", instance)


@tw.asset(key_prefix=["warehouse", "shop"])
def orders() -> pd.DataFrame:
    return pd.DataFrame({"id": [1, 2], "total": [1.5, 2.5]})


ORDERS = tw.AssetKey(["warehouse", "shop", "orders"])
VERSION = {"n": 1}


@tw.asset(partitions_def=DAILY, metadata={"partition_expr": "day"})
def visits(context: tw.AssetExecutionContext) -> pd.DataFrame:
    day = pd.Timestamp(context.partition_key)
    return pd.DataFrame({"day": [day, day + pd.Timedelta(hours=23)], "n": [VERSION["n"]] * 2})


# -- tables -----------------------------------------------------------------------------------------------------------


def test_an_asset_is_a_table(db: Database) -> None:
    result = db.run(orders)
    assert db.rows("SELECT * FROM shop.orders ORDER BY id") == [(1, 1.5), (2, 2.5)]
    metadata = result.get_asset_materialization_events()[0].step_materialization_data.materialization.metadata
    assert metadata["dagster/row_count"].value == 2
    assert metadata["dagster/table_name"].value == "shop.orders"
    assert [(c.name, c.type) for c in metadata["dagster/column_schema"].value.columns] == [
        ("id", "BIGINT"),
        ("total", "DOUBLE"),
    ]
    db.run(orders)
    assert db.rows("SELECT count(*) FROM shop.orders") == [(2,)]


def test_a_table_may_change_its_columns(db: Database) -> None:
    @tw.asset(key=ORDERS)
    def other() -> pd.DataFrame:
        return pd.DataFrame({"name": ["x"]})

    db.run(orders)
    db.run(other)
    assert db.rows("SELECT * FROM shop.orders") == [("x",)]


@pytest.mark.parametrize(
    ("key", "metadata", "default", "table"),
    [
        (["a"], {}, None, "public.a"),
        (["a"], {}, "chosen", "chosen.a"),
        (["s", "a"], {}, "chosen", "chosen.a"),
        (["s", "a"], {}, None, "s.a"),
        (["s", "a"], {"schema": "meta"}, "chosen", "meta.a"),
        (["a"], {"schema": 'my "odd" schema'}, None, '"my ""odd"" schema".a'),
    ],
)
def test_where_tables_are(db: Database, key: Any, metadata: Any, default: Any, table: str) -> None:
    got: list[Any] = []

    @tw.asset(key=key, metadata=metadata)
    def a() -> pd.DataFrame:
        return pd.DataFrame({"n": [7]})

    @tw.asset(ins={"a": tw.AssetIn(key)})
    def taker(a: pd.DataFrame) -> None:
        got.append(list(a["n"]))

    given = {"schema": default} if default else {}
    db.manager = DuckDBPandasIOManager(database=db.path, **given)
    db.run(a, taker)
    assert db.rows(f"SELECT n FROM {table}") == [(7,)]
    assert got == [[7]]


def test_outputs_of_ops(db: Database) -> None:
    got: list[Any] = []

    @tw.op(out=tw.Out(metadata={"schema": "ops"}))
    def first() -> pd.DataFrame:
        return pd.DataFrame({"n": [7]})

    @tw.op
    def second(frame: pd.DataFrame) -> None:
        got.append(list(frame["n"]))

    @tw.job(resource_defs={"io_manager": db.manager})
    def j() -> None:
        second(first())

    j.execute_in_process()
    assert got == [[7]]
    assert db.rows("SELECT n FROM ops.result") == [(7,)]


def test_names_are_quoted() -> None:
    assert quoted('a"b') == '"a""b"'


# -- frames -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.Table])
def test_frames_of_each_kind(db: Database, kind: Any) -> None:
    got: list[Any] = []
    value = {"n": [1, 2], "t": ["a", None]}

    @tw.asset
    def frame() -> Any:
        return pa.table(value) if kind is pa.Table else kind(value)

    def take(frame: Any) -> None:
        got.append(frame)

    take.__annotations__ = {"frame": kind, "return": None}
    db.run(frame, tw.asset(take))
    assert isinstance(got[0], kind)
    assert db.rows("SELECT n, t FROM public.frame ORDER BY n") == [(1, "a"), (2, None)]
    plain = got[0].collect() if kind is pl.LazyFrame else got[0]
    assert list(plain["n"].to_pylist() if kind is pa.Table else plain["n"]) == [1, 2]


@pytest.mark.parametrize(
    ("manager", "kind"), [(DuckDBIOManager, pd.DataFrame), (DuckDBPolarsIOManager, pl.DataFrame)]
)
def test_frames_without_annotation(db: Database, manager: Any, kind: Any) -> None:
    got: list[Any] = []

    @tw.asset(ins={"orders": tw.AssetIn(ORDERS)})
    def taker(orders):  # type: ignore[no-untyped-def]
        got.append(type(orders))
        return pd.DataFrame({"n": [1]})

    db.manager = manager(database=db.path)
    db.run(orders, taker)
    assert got == [kind]


def test_columns_can_be_chosen(db: Database) -> None:
    got: list[Any] = []

    @tw.asset(ins={"orders": tw.AssetIn(ORDERS, metadata={"columns": ["total"]})})
    def taker(orders: pd.DataFrame) -> None:
        got.append(list(orders.columns))

    db.run(orders, taker)
    assert got == [["total"]]


def test_other_values_are_refused(db: Database) -> None:
    @tw.asset
    def wrong() -> Any:
        return [1]

    result = db.run(wrong, raise_on_error=False)
    text = result.get_step_failure_events()[0].event_specific_data.error.to_string()
    assert "expected the value of 'wrong' to be a frame of Pandas, Polars or PyArrow, got list" in text


def test_a_missing_table_is_explained(db: Database) -> None:
    @tw.asset(ins={"orders": tw.AssetIn(ORDERS)})
    def taker(orders: pd.DataFrame) -> None: ...

    with pytest.raises(duckdb.CatalogException) as caught:
        db.run(orders, taker, selection=[taker])
    assert any("materialize it first" in note for note in caught.value.__notes__)


# -- partitions -------------------------------------------------------------------------------------------------------


def test_partitions_replace_their_rows(db: Database) -> None:
    for key in ("2024-01-01", "2024-01-02"):
        VERSION["n"] = 1
        db.run(visits, partition_key=key)
    VERSION["n"] = 2
    db.run(visits, partition_key="2024-01-02")
    assert db.rows("SELECT CAST(day AS DATE)::TEXT, n FROM public.visits ORDER BY day") == [
        ("2024-01-01", 1),
        ("2024-01-01", 1),
        ("2024-01-02", 2),
        ("2024-01-02", 2),
    ]


def test_partitions_are_loaded_by_their_rows(db: Database) -> None:
    got: dict[str, Any] = {}

    @tw.asset
    def everything(visits: pd.DataFrame) -> None:
        got["everything"] = len(visits)

    @tw.asset(partitions_def=DAILY)
    def same(visits: pd.DataFrame) -> None:
        got["same"] = sorted({str(day.date()) for day in visits["day"]})

    for key in ("2024-01-01", "2024-01-02"):
        db.run(visits, partition_key=key)
    db.run(visits, everything, selection=[everything])
    db.run(visits, same, selection=[same], partition_key="2024-01-02")
    assert got == {"everything": 4, "same": ["2024-01-02"]}


def test_dimensions(db: Database) -> None:
    multi = tw.MultiPartitionsDefinition({"day": DAILY, "shop": tw.StaticPartitionsDefinition(["a", "b"])})
    got: list[Any] = []

    @tw.asset(partitions_def=multi, metadata={"partition_expr": {"day": "d", "shop": "s"}})
    def sales(context: tw.AssetExecutionContext) -> pd.DataFrame:
        keys = context.multi_partition_key.keys_by_dimension
        return pd.DataFrame({"d": [keys["day"]], "s": [keys["shop"]], "n": [1]})

    @tw.asset(partitions_def=multi)
    def same(sales: pd.DataFrame) -> None:
        got.append(sales.to_dict("records"))

    for day in ("2024-01-01", "2024-01-02"):
        for shop in ("a", "b"):
            for _ in range(2):
                db.run(sales, partition_key=tw.MultiPartitionKey({"day": day, "shop": shop}))
    assert db.rows("SELECT count(*) FROM public.sales") == [(4,)]
    db.run(
        sales, same, selection=[same], partition_key=tw.MultiPartitionKey({"day": "2024-01-02", "shop": "b"})
    )
    assert got == [[{"d": "2024-01-02", "s": "b", "n": 1}]]


def test_a_range_of_partitions(db: Database) -> None:
    @tw.asset(
        partitions_def=DAILY,
        metadata={"partition_expr": "day"},
        backfill_policy=tw.BackfillPolicy.single_run(),
    )
    def many(context: tw.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"day": list(context.partition_keys)})

    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-04",
    }
    for _ in range(2):
        db.run(many, tags=tags)
    assert db.rows("SELECT day FROM public.many ORDER BY day") == [(f"2024-01-0{n}",) for n in (2, 3, 4)]


def test_the_partition_expression_is_needed(db: Database) -> None:
    @tw.asset(partitions_def=DAILY)
    def without() -> pd.DataFrame:
        return pd.DataFrame({"n": [1]})

    result = db.run(without, partition_key="2024-01-01", raise_on_error=False)
    text = result.get_step_failure_events()[0].event_specific_data.error.to_string()
    assert "asset 'without': expected the metadata 'partition_expr'" in text


def test_new_columns_of_a_partition_are_added(db: Database) -> None:
    @tw.asset(partitions_def=DAILY, metadata={"partition_expr": "day"})
    def growing(context: tw.AssetExecutionContext) -> pd.DataFrame:
        more = {"extra": [5]} if context.partition_key == "2024-01-02" else {}
        return pd.DataFrame({**more, "day": [context.partition_key]})

    for key in ("2024-01-01", "2024-01-02", "2024-01-03"):
        db.run(growing, partition_key=key)
    assert db.rows("SELECT day, extra FROM public.growing ORDER BY day") == [
        ("2024-01-01", None),
        ("2024-01-02", 5),
        ("2024-01-03", None),
    ]


def test_rows_outside_of_the_partition_are_warned_of(db: Database) -> None:
    @tw.asset(partitions_def=DAILY, metadata={"partition_expr": "day"})
    def astray() -> pd.DataFrame:
        return pd.DataFrame({"day": ["2024-01-01", "2024-01-03", None]})

    result = db.run(astray, partition_key="2024-01-01")
    logs = [e.user_message for e in db.instance.all_logs(result.run_id) if not e.is_dagster_event]
    assert any(text.startswith("2 rows of 'astray' lie outside") for text in logs)


def test_a_failed_write_leaves_everything_as_it_was(db: Database) -> None:
    again = tw.asset(name="visits", partitions_def=DAILY, metadata={"partition_expr": "day"})(
        lambda: pd.DataFrame({"day": ["2024-01-01"], "n": ["no number"]})
    )
    db.run(visits, partition_key="2024-01-01")
    before = db.rows("SELECT * FROM public.visits ORDER BY ALL")
    assert not db.run(again, partition_key="2024-01-01", raise_on_error=False).success
    assert db.rows("SELECT * FROM public.visits ORDER BY ALL") == before


# -- connections ------------------------------------------------------------------------------------------------------


def test_the_resource(db: Database) -> None:
    @tw.asset
    def by_hand(duck: DuckDBResource) -> None:
        with duck.get_connection() as connection:
            connection.execute("CREATE TABLE t AS SELECT 42 AS n")

    materialize([by_hand], resources={"duck": DuckDBResource(database=db.path)})
    assert db.rows("SELECT n FROM t") == [(42,)]


def test_settings_reach_the_connection(db: Database) -> None:
    with connection_to(db.path, {"threads": 1}) as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(1,)]


HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
connection.close()
"""


def test_a_file_that_another_process_has_open_is_waited_for(db: Database) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, db.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(duckdb.IOException):
        duckdb.connect(db.path)
    holder.stdin.write("\n")
    holder.stdin.flush()
    with connection_to(db.path) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    assert holder.wait(30) == 0
    holder.stdin.close()
    holder.stdout.close()


def test_other_problems_are_not_waited_for(tmp_path: Path) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_text("this is no database" * 100)
    with pytest.raises(duckdb.Error), connection_to(str(broken)):
        pass
