"""Run config from YAML files and strings, packages, RunConfig objects, environment."""

import os
import tempfile

import pytest
from dagster import (
    Config,
    ConfigurableResource,
    DagsterInvariantViolationError,
    Definitions,
    EnvVar,
    Field,
    OpExecutionContext,
    RunConfig,
    config_from_files,
    config_from_yaml_strings,
    file_relative_path,
    job,
    make_values_resource,
    op,
    resource,
    multiprocess_executor,
)
from pydantic import Field as PydanticField, validator


class Query(Config):
    table: str
    limit: int = PydanticField(default=10, gt=0, description="rows")
    columns: list[str] = []
    options: dict[str, int] = {}


class Warehouse(ConfigurableResource):
    host: str
    port: int = 5432
    password: str = EnvVar("CONF_YAML_PASSWORD") if False else "none"

    def url(self):
        return f"{self.host}:{self.port}:{self.password}"


@op
def select(context: OpExecutionContext, config: Query, warehouse: Warehouse) -> str:
    return f"{config.table}/{config.limit}/{config.columns}/{config.options}/{warehouse.url()}"


@op(config_schema={"path": Field(str)}, required_resource_keys={"globals"})
def save(context, text: str) -> str:
    return f"{context.op_config['path']} {text} {context.resources.globals['x']}"


@job(
    resource_defs={
        "warehouse": Warehouse.configure_at_launch(),
        "globals": make_values_resource(x=str, y=Field(int, default_value=3, is_required=False)),
    }
)
def query_job():
    save(select())


YAML = """
ops:
  select:
    config:
      table: orders
      limit: 5
  save:
    config: {path: /tmp/out}
resources:
  warehouse:
    config:
      host: db
  globals:
    config: {x: gx}
"""
MORE = """
ops:
  select:
    config:
      columns: [a, b]
"""


@job(
    resource_defs={"warehouse": Warehouse(host="fixed", port=1), "globals": make_values_resource(x=str)},
    config=RunConfig(
        ops={"select": Query(table="t", options={"k": 1}), "save": {"config": {"path": "p"}}},
        resources={"globals": {"config": {"x": "v"}}},
    ),
)
def with_run_config():
    save(select())


defs = Definitions(jobs=[query_job, with_run_config])


def test_files(tmp_path):
    (tmp_path / "a.yaml").write_text(YAML)
    (tmp_path / "b.yaml").write_text(MORE)
    config = config_from_files([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")])
    assert config["ops"]["select"]["config"] == {"table": "orders", "limit": 5, "columns": ["a", "b"]}
    assert config_from_files([str(tmp_path / "*.yaml")]) == config
    assert config_from_files([]) == {}
    with pytest.raises(DagsterInvariantViolationError):
        config_from_files([str(tmp_path / "missing.yaml")])
    result = query_job.execute_in_process(run_config=config)
    assert result.output_for_node("save") == "/tmp/out orders/5/['a', 'b']/{}/db:5432:none gx"


def test_strings():
    assert config_from_yaml_strings([YAML, MORE])["resources"]["globals"]["config"]["x"] == "gx"
    with pytest.raises(DagsterInvariantViolationError):
        config_from_yaml_strings(["--- `"])


def test_objects():
    config = RunConfig(
        ops={"select": Query(table="o", limit=1), "save": {"config": {"path": "q"}}},
        resources={"warehouse": Warehouse(host="h"), "globals": {"config": {"x": "w"}}},
        execution={"config": {"multiprocess": {"max_concurrent": 2}}},
        loggers={"console": {"config": {"log_level": "ERROR"}}},
    )
    assert config.to_config_dict()["ops"]["select"] == {
        "config": {"table": "o", "limit": 1, "columns": [], "options": {}}
    }
    assert (
        query_job.execute_in_process(run_config=config).output_for_node("save") == "q o/1/[]/{}/h:5432:none w"
    )


def test_invalid():
    with pytest.raises(Exception):
        Query(table=1, limit="x")
    with pytest.raises(Exception):
        Query(table="t", limit=-1)
    with pytest.raises(Exception):
        query_job.execute_in_process(run_config=RunConfig(ops={"select": {"config": {"tabel": "x"}}}))
