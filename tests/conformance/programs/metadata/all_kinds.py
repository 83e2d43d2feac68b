import datetime

from dagster import (
    AssetKey,
    Definitions,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableConstraints,
    TableRecord,
    TableSchema,
    asset,
    materialize,
)

schema = TableSchema(
    columns=[
        TableColumn(
            "id",
            "int",
            description="the key",
            constraints=TableColumnConstraints(nullable=False, unique=True),
        ),
        TableColumn(name="name", type="string", tags={"pii": ""}),
    ],
    constraints=TableConstraints(other=["id > 0"]),
)


@asset(
    metadata={
        "definition": MetadataValue.text("static"),
        "int": 4,
        "dagster/column_schema": schema,
        "list": ["a"],
    }
)
def everything() -> MaterializeResult:
    return MaterializeResult(
        metadata={
            "text": MetadataValue.text("t"),
            "url": MetadataValue.url("https://example.org"),
            "path": MetadataValue.path("/a/b"),
            "notebook": MetadataValue.notebook("/a/b.ipynb"),
            "json": MetadataValue.json({"k": [1, None]}),
            "md": MetadataValue.md("# h"),
            "int": MetadataValue.int(3),
            "float": MetadataValue.float(2.5),
            "bool": MetadataValue.bool(False),
            "timestamp": MetadataValue.timestamp(1700000000.0),
            "python": MetadataValue.python_artifact(len),
            "asset": MetadataValue.asset(AssetKey("x")),
            "job": MetadataValue.job("j", location_name="l"),
            "run": MetadataValue.dagster_run("00000000-0000-0000-0000-000000000000"),
            "null": MetadataValue.null(),
            "table": MetadataValue.table([TableRecord({"id": 1, "name": "n"})], schema=schema),
            "schema": MetadataValue.table_schema(schema),
            "lineage": MetadataValue.column_lineage(
                TableColumnLineage(
                    {"id": [TableColumnDep("src", "key"), TableColumnDep(AssetKey(["a", "b"]), "other")]}
                )
            ),
            "raw_schema": schema,
            "raw_key": AssetKey(["p", "q"]),
            "raw_lineage": TableColumnLineage({}),
        }
    )


defs = Definitions(assets=[everything])


def observe():
    values = {
        "i": MetadataValue.int(1),
        "s": MetadataValue.text("x"),
        "t": MetadataValue.timestamp(datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)),
    }
    return {
        "types": {name: type(value).__name__ for name, value in values.items()},
        "values": {name: value.value for name, value in values.items()},
        "equal": [
            MetadataValue.int(1) == MetadataValue.int(1),
            MetadataValue.text("a") == MetadataValue.text("b"),
        ],
        "schema_names": [column.name for column in schema.columns],
        "from_dict": [
            [column.name, column.type]
            for column in TableSchema.from_name_type_dict({"a": "int", "b": "text"}).columns
        ],
        "attributes": [
            MetadataValue.text("q").text,
            MetadataValue.url("u").url,
            MetadataValue.json({"a": 1}).data,
            MetadataValue.md("m").md_str,
            MetadataValue.asset(AssetKey(["k", "l"])).asset_key.path,
        ],
    }


def test_kinds_of_event():
    made = materialize([everything]).asset_materializations_for_node("everything")[0]
    assert made.metadata["raw_schema"].schema == schema
    assert made.metadata["null"].value is None
