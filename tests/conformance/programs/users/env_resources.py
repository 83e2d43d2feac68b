"""Which resources there are depends on where it runs."""

import os

import dagster as dg


class Warehouse(dg.ConfigurableResource):
    database: str
    schema_name: str = "public"

    def table(self, name: str) -> str:
        return f"{self.database}.{self.schema_name}.{name}"


class Loader(dg.ConfigurableResource):
    warehouse: Warehouse
    batch: int = 100

    def load(self, name: str, rows: list) -> str:
        return f"{self.warehouse.table(name)} <- {len(rows)} in {self.batch}s"


class FakeWarehouse(Warehouse):
    def table(self, name: str) -> str:
        return f"fake:{name}"


@dg.asset
def people(loader: Loader) -> str:
    return loader.load("people", [1, 2, 3])


@dg.asset(deps=[people])
def audit(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]):
    context.log.debug("looking at %s", warehouse.table("people"))
    return warehouse.table("audit")


@dg.op
def clean_up(warehouse: Warehouse):
    return warehouse.table("tmp")


@dg.job
def cleaning():
    clean_up()


shared = Warehouse(database=dg.EnvVar("WAREHOUSE_OF_TESTS"))
resources_by_env = {
    "local": {
        "warehouse": Warehouse(database="local"),
        "loader": Loader(warehouse=Warehouse(database="local")),
    },
    "branch": {"warehouse": shared, "loader": Loader(warehouse=shared, batch=10)},
}
os.environ["WAREHOUSE_OF_TESTS"] = "from_env"

defs = dg.Definitions(
    assets=[people, audit],
    jobs=[cleaning, dg.define_asset_job("everything")],
    schedules=[dg.ScheduleDefinition(job=cleaning, cron_schedule="*/30 * * * *")],
    resources=resources_by_env[os.getenv("STAGE_OF_TESTS", "branch")],
)


def test_with_fake():
    fake = FakeWarehouse(database="x")
    result = dg.materialize([people, audit], resources={"loader": Loader(warehouse=fake), "warehouse": fake})
    assert result.output_for_node("people") == "fake:people <- 3 in 100s"
    assert result.output_for_node("audit") == "fake:audit"


def test_direct():
    assert clean_up(Warehouse(database="d")) == "d.public.tmp"
    assert people(loader=Loader(warehouse=Warehouse(database="d"), batch=1)) == "d.public.people <- 3 in 1s"


def test_env_is_read_late():
    os.environ["WAREHOUSE_OF_TESTS"] = "changed"
    result = defs.get_job_def("cleaning").execute_in_process()
    assert result.output_for_node("clean_up") == "changed.public.tmp"
