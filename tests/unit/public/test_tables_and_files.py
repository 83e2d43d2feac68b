"""The IO manager of tables that packages for databases build on, metadata sets, and files that ops hand on."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError

import tidewheel as tw
from tidewheel import dagster as dg
from tidewheel.dagster.file_functions import (
    alter_sys_path,
    copy_directory,
    ensure_dir,
    find_free_port,
    get_temp_file_name,
    pushd,
    script_relative_path,
    touch_file,
)
from tidewheel.dagster.metadata_sets import NamespacedTagSet, TableMetadataSet, UriMetadataSet
from tidewheel.dagster.table_io_manager import (
    DbClient,
    DbIOManager,
    DbTypeHandler,
    TablePartitionDimension,
    TableSlice,
    static_where_clause,
)
from tidewheel.errors import CheckError

Rows = list
DAYS = tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
KINDS = tw.StaticPartitionsDefinition(["r", "s"])


class Client(DbClient):
    """Keeps slices as they are asked for."""

    asked: list[tuple[str, TableSlice]]

    def __init__(self) -> None:
        self.asked = []

    def delete_table_slice(self, context, table_slice, connection) -> None:
        self.asked.append(("delete", table_slice))

    def ensure_schema_exists(self, context, table_slice, connection) -> None:
        pass

    def get_select_statement(self, table_slice) -> str:
        return f"rows of {table_slice.table}"

    @contextmanager
    def connect(self, context, table_slice) -> Iterator[sqlite3.Connection]:
        yield sqlite3.connect(":memory:")


class Handler(DbTypeHandler[Rows]):
    def handle_output(self, context, table_slice, obj, connection) -> dict:
        return {**TableMetadataSet(row_count=len(obj))}

    def load_input(self, context, table_slice, connection) -> Rows:
        return [table_slice]

    @property
    def supported_types(self) -> list[type]:
        return [Rows]


def written(asset: tw.AssetsDefinition, schema: str | None = None, **run) -> tuple[TableSlice, dict]:
    client = Client()
    manager = DbIOManager(type_handlers=[Handler()], db_client=client, database="db", schema=schema)
    result = tw.materialize([asset], resources={"io_manager": manager}, **run)
    (event,) = result.get_asset_materialization_events()
    ((_, rows),) = client.asked
    return rows, {name: value.value for name, value in event.materialization.metadata.items()}


@tw.asset(key_prefix="sch")
def table() -> Rows:
    return [1, 2]


@tw.asset(partitions_def=DAYS, metadata={"partition_expr": "day"})
def by_day() -> Rows:
    return [1]


@tw.asset(
    partitions_def=tw.MultiPartitionsDefinition({"d": DAYS, "c": KINDS}),
    metadata={"partition_expr": {"d": "day", "c": "kind"}, "schema": "own"},
)
def by_both() -> Rows:
    return [1]


def test_a_table_is_named_by_the_key_and_its_metadata_kept() -> None:
    rows, metadata = written(table)
    assert (rows.database, rows.schema, rows.table, rows.partition_dimensions) == ("db", "sch", "table", [])
    assert metadata == {
        "dagster/row_count": 2,
        "Query": "rows of table",
        "dagster/table_name": "db.sch.table",
    }
    assert written(table, schema="given")[0].schema == "given"


def test_partitions_say_which_rows_are_meant() -> None:
    (day,) = written(by_day, partition_key="2024-01-02")[0].partition_dimensions or ()
    assert day.partition_expr == "day"
    assert [one.isoformat()[:10] for one in day.partitions] == ["2024-01-02", "2024-01-03"]
    key = tw.MultiPartitionKey({"d": "2024-01-02", "c": "s"})
    rows, _ = written(by_both, partition_key=key)
    assert [one.partition_expr for one in rows.partition_dimensions or ()] == ["kind", "day"]
    assert (rows.partition_dimensions or ())[0].partitions == ["s"]
    assert rows.schema == "own"


def test_a_value_without_handler_and_a_partition_without_expression_are_refused() -> None:
    @tw.asset
    def number() -> int:
        return 1

    @tw.asset(partitions_def=KINDS)
    def without() -> Rows:
        return []

    with pytest.raises(CheckError, match="got int"):
        written(number)
    with pytest.raises(ValueError, match="partition_expr"):
        written(without, partition_key="r")


def test_metadata_sets_are_read_back() -> None:
    given = TableMetadataSet(row_count=3, table_name="a.b")
    assert {**given} == {"dagster/row_count": 3, "dagster/table_name": "a.b"}
    assert TableMetadataSet.extract({"dagster/row_count": tw.MetadataValue.int(3), "other": 1}).row_count == 3


def test_ops_hand_on_files(tmp_path: Path) -> None:
    @tw.op(required_resource_keys={"files"})
    def write(context):
        return context.resources.files.write_data(b"abc", ext="txt")

    @tw.op(required_resource_keys={"files"})
    def read(context, handle):
        with context.resources.files.read(handle) as file:
            assert file.read() == b"abc"
        copy = Path(context.resources.files.copy_handle_to_local_temp(handle))
        assert copy.read_bytes() == context.resources.files.read_data(handle)
        context.resources.files.delete_local_temp()
        assert not copy.exists()
        return handle.path_desc

    @tw.job(resource_defs={"files": dg.local_file_manager.configured({"base_dir": str(tmp_path)})})
    def hand_on():
        read(write())

    path = Path(hand_on.execute_in_process().output_for_node("read"))
    assert path.parent == tmp_path
    assert path.suffix == ".txt"


class Named(tw.Config):
    schema_: str = Field(alias="schema")


def test_a_schema_names_fields_as_config_does() -> None:
    assert list(Named.to_config_schema().as_field().config_type.fields) == ["schema"]


def test_quotes_in_keys_of_partitions_stay_inside_their_text() -> None:
    dimension = TablePartitionDimension(partition_expr="kind", partitions=["it's", "plain"])
    assert static_where_clause(dimension) == "kind in ('it''s', 'plain')"


def test_functions_about_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pushd(ensure_dir(str(tmp_path / "a" / "b"))) as inside:
        assert Path.cwd() == Path(inside)
    assert Path.cwd() == tmp_path
    touch_file(str(tmp_path / "c" / "file"))
    with copy_directory(str(tmp_path / "c")) as copy, get_temp_file_name() as name:
        assert [one.name for one in Path(copy).iterdir()] == ["file"]
        assert Path(name).exists()
    assert not Path(copy).exists() and not Path(name).exists()
    before = list(sys.path)
    with alter_sys_path([str(tmp_path)], before[:1]):
        assert sys.path == [*(path for path in before if path != before[0]), str(tmp_path)]
    assert sys.path == before
    assert script_relative_path("x") == str(Path(__file__).resolve().parent / "x")
    assert find_free_port() > 0


class Tags(NamespacedTagSet):
    kind: Literal["a", "b"] | None = None
    name: str | None = None

    @classmethod
    def namespace(cls) -> str:
        return "mine"


class NoTags(Tags):
    number: int = 1


def test_sets_of_tags_and_metadata_are_spread_under_their_namespace() -> None:
    assert {**Tags(kind="a")} == {"mine/kind": "a"}
    assert Tags.extract({"mine/name": "n", "other": "x"}) == Tags(name="n")
    with pytest.raises(ValidationError):
        Tags(kind="c")
    with pytest.raises(CheckError, match="number"):
        NoTags()
    assert dict(UriMetadataSet(uri="s3://a/b")) == {"dagster/uri": "s3://a/b"}


def test_dates_in_yaml_stay_texts() -> None:
    found = importlib.import_module("tidewheel.dagster._utils.yaml_utils").safe_load_yaml(
        "day: 2024-01-01\nrows: 3"
    )
    assert found == {"day": "2024-01-01", "rows": 3}
