import os
from dagster import (
    ConfigurableResource,
    Definitions,
    EnvVar,
    asset,
    build_op_context,
    build_asset_context,
    job,
    op,
    resource,
    StringSource,
    IntSource,
    Field,
    OpExecutionContext,
    materialize_to_memory,
    DagsterInvalidConfigError,
    Permissive,
)
import pytest

os.environ.setdefault("APP_ENV", "local")
os.environ["APP_DB_PORT"] = "5432"


class Db(ConfigurableResource):
    dsn: str
    port: int = 1

    def query(self, sql: str):
        return f"{self.dsn}:{self.port}:{sql}"


class Snow(Db):
    role: str = "reader"


@resource(config_schema={"name": Field(StringSource), "port": IntSource})
def legacy(context):
    context.log.info("init")
    return f"{context.resource_config['name']}-{context.resource_config['port']}"


@asset(required_resource_keys={"legacy"})
def from_legacy(context):
    return context.resources.legacy


@asset
def from_db(context, db: Db):
    return db.query("select 1")


@asset
def from_env():
    return os.getenv("APP_ENV")


@op
def ping(context: OpExecutionContext, db: Db):
    context.log.info("ping")
    return db.query("ping")


@job
def ping_job():
    ping()


RESOURCES = {
    "local": {
        "db": Db(dsn="sqlite", port=EnvVar.int("APP_DB_PORT")),
        "legacy": legacy.configured({"name": {"env": "APP_ENV"}, "port": {"env": "APP_DB_PORT"}}),
    },
    "prod": {"db": Snow(dsn=EnvVar("APP_SECRET_DSN")), "legacy": legacy},
}
defs = Definitions(
    assets=[from_legacy, from_db, from_env], jobs=[ping_job], resources=RESOURCES[os.environ["APP_ENV"]]
)


def test_op_direct():
    assert ping(build_op_context(resources={"db": Db(dsn="x")})) == "x:1:ping"
    assert ping(build_op_context(), db=Db(dsn="y")) == "y:1:ping"


def test_asset_direct():
    assert from_db(build_asset_context(), db=Db(dsn="z")) == "z:1:select 1"
    assert from_legacy(build_asset_context(resources={"legacy": "l"})) == "l"


def test_memory():
    r = materialize_to_memory([from_db], resources={"db": Snow(dsn="s", role="w")})
    assert r.output_for_node("from_db") == "s:1:select 1"


def test_missing_env():
    with pytest.raises(Exception) as e:
        materialize_to_memory([from_db], resources=RESOURCES["prod"])
    assert "APP_SECRET_DSN" in str(e.value) or "APP_SECRET_DSN" in str(e.value.__cause__)


def test_env_value():
    assert EnvVar("APP_ENV").get_value() == "local"
    assert EnvVar("NOPE_NOPE").get_value("d") == "d"
    assert EnvVar("APP_ENV").env_var_name == "APP_ENV"
