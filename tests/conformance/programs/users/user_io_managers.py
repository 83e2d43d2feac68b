"""Managers that users write: a duckdb-like one with schemas, a json file one, a reader for other people's files."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Optional, Union

import pandas as pd
from dagster import (
    AssetIn,
    AssetKey,
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    Definitions,
    InputContext,
    IOManager,
    OutputContext,
    ResourceDependency,
    ConfigurableResource,
    SourceAsset,
    StaticPartitionsDefinition,
    UPathIOManager,
    asset,
    build_input_context,
    build_output_context,
    io_manager,
    materialize,
)
from pydantic import Field

FOLDER = tempfile.mkdtemp()


class JsonFiles(ConfigurableIOManager):
    """One file for each asset."""

    root: str = Field(description="where")
    indent: Optional[int] = None

    def _file(self, context: Union[InputContext, OutputContext]) -> Path:
        folder = Path(self.root, *context.asset_key.path[:-1])
        folder.mkdir(parents=True, exist_ok=True)
        suffix = f"-{context.partition_key}" if context.has_partition_key else ""
        return folder / f"{context.asset_key.path[-1]}{suffix}.json"

    def handle_output(self, context: OutputContext, obj: Any):
        if obj is None:
            return
        self._file(context).write_text(json.dumps(obj, indent=self.indent))

    def load_input(self, context: InputContext) -> Any:
        if context.dagster_type.typing_type is pd.DataFrame:
            return pd.DataFrame(json.loads(self._file(context).read_text()))
        return json.loads(self._file(context).read_text())


class Connection(ConfigurableResource):
    path: str

    def tables(self) -> dict:
        return TABLES.setdefault(self.path, {})


TABLES: dict = {}


class TableManager(IOManager):
    def __init__(self, connection: Connection, schema: str):
        self.connection = connection
        self.schema = schema

    def _table(self, context) -> str:
        schema = (context.definition_metadata or {}).get("schema", self.schema)
        return f"{schema}.{context.asset_key.path[-1]}"

    def handle_output(self, context, obj):
        self.connection.tables()[self._table(context)] = obj
        context.add_output_metadata({"table": self._table(context), "rows": len(obj)})

    def load_input(self, context):
        frame = self.connection.tables()[self._table(context.upstream_output)]
        columns = (context.definition_metadata or {}).get("columns")
        return frame[columns] if columns else frame


class Tables(ConfigurableIOManagerFactory):
    connection: ResourceDependency[Connection]
    schema_name: str = "main"

    def create_io_manager(self, context) -> TableManager:
        return TableManager(self.connection, self.schema_name)


class TextFiles(UPathIOManager):
    extension: str = ".txt"

    def dump_to_path(self, context: OutputContext, obj: str, path):
        path.write_text(obj)

    def load_from_path(self, context: InputContext, path) -> str:
        return path.read_text()


@io_manager(config_schema={"base": str})
def text_files(init_context):
    from upath import UPath

    return TextFiles(base_path=UPath(init_context.resource_config["base"]))


@asset(io_manager_key="json", key_prefix=["raw"])
def people():
    return [{"name": "ada", "age": 36}, {"name": "bo", "age": 5}]


@asset(ins={"people": AssetIn(key=["raw", "people"])}, io_manager_key="tables", metadata={"schema": "core"})
def adults(people: pd.DataFrame) -> pd.DataFrame:
    return people[people["age"] > 18]


@asset(ins={"adults": AssetIn(metadata={"columns": ["name"]})}, io_manager_key="text", partitions_def=None)
def greeting(adults: pd.DataFrame) -> str:
    return ", ".join(f"hei {name}" for name in adults["name"])


@asset(io_manager_key="text", partitions_def=StaticPartitionsDefinition(["en", "no"]))
def localized(context, greeting: str) -> str:
    return f"{context.partition_key}: {greeting}"


legacy = SourceAsset(AssetKey(["raw", "legacy"]), io_manager_key="json")

connection = Connection(path=os.path.join(FOLDER, "db"))
defs = Definitions(
    assets=[people, adults, greeting, localized, legacy],
    resources={
        "json": JsonFiles(root=FOLDER),
        "tables": Tables(connection=connection),
        "text": text_files.configured({"base": FOLDER}),
        "connection": connection,
    },
)


def test_by_hand():
    manager = JsonFiles(root=tempfile.mkdtemp())
    out = build_output_context(asset_key=AssetKey(["a", "b"]))
    manager.handle_output(out, {"x": 1})
    given = build_input_context(asset_key=AssetKey(["a", "b"]), upstream_output=out, dagster_type=None)
    assert json.loads(manager._file(given).read_text()) == {"x": 1}


def test_chain():
    resources = {
        "json": JsonFiles(root=tempfile.mkdtemp(), indent=2),
        "tables": Tables(connection=Connection(path="t"), schema_name="other"),
        "text": text_files.configured({"base": tempfile.mkdtemp()}),
    }
    result = materialize([people, adults, greeting], resources=resources)
    assert result.output_for_node("greeting") == "hei ada"
    assert list(TABLES["t"]) == ["core.adults"]
    assert result.asset_materializations_for_node("adults")[0].metadata["table"].value == "core.adults"
