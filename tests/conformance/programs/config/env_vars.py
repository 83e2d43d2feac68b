import os

import pytest
from dagster import (
    BoolSource,
    Config,
    ConfigurableResource,
    Definitions,
    EnvVar,
    IntSource,
    StringSource,
    asset,
    job,
    materialize,
    op,
    resource,
    Field,
)

os.environ["CONFORMANCE_USER"] = "ada"
os.environ["CONFORMANCE_PORT"] = "5432"
os.environ["CONFORMANCE_FLAG"] = "true"


class Database(ConfigurableResource):
    user: str
    port: int = 1
    host: str = "localhost"

    def url(self):
        return f"{self.user}@{self.host}:{self.port}"


@asset
def connected(database: Database) -> str:
    return database.url()


@resource(
    config_schema={
        "user": StringSource,
        "port": Field(IntSource),
        "flag": Field(BoolSource, is_required=False),
    }
)
def old_database(context):
    return context.resource_config


@op(required_resource_keys={"old"})
def show(context):
    return context.resources.old


@job(resource_defs={"old": old_database})
def old_style():
    show()


defs = Definitions(
    assets=[connected],
    jobs=[old_style],
    resources={"database": Database(user=EnvVar("CONFORMANCE_USER"), port=EnvVar.int("CONFORMANCE_PORT"))},
)


def test_env_in_resource():
    result = defs.get_implicit_global_asset_job_def().execute_in_process()
    assert result.output_for_node("connected") == "ada@localhost:5432"


def test_env_in_old_config():
    config = {
        "resources": {
            "old": {
                "config": {
                    "user": {"env": "CONFORMANCE_USER"},
                    "port": {"env": "CONFORMANCE_PORT"},
                    "flag": {"env": "CONFORMANCE_FLAG"},
                }
            }
        }
    }
    assert old_style.execute_in_process(run_config=config).output_for_node("show") == {
        "user": "ada",
        "port": 5432,
        "flag": True,
    }
    config["resources"]["old"]["config"] = {"user": "plain", "port": 3}
    assert old_style.execute_in_process(run_config=config).output_for_node("show") == {
        "user": "plain",
        "port": 3,
    }


def test_missing_variable():
    with pytest.raises(Exception):
        materialize([connected], resources={"database": Database(user=EnvVar("CONFORMANCE_NOT_THERE"))})


def observe():
    return {
        "get_value": EnvVar("CONFORMANCE_USER").get_value(),
        "default": EnvVar("CONFORMANCE_NOT_THERE").get_value("fallback"),
        "name": EnvVar("CONFORMANCE_USER").env_var_name,
        "int": EnvVar.int("CONFORMANCE_PORT").name,
    }
