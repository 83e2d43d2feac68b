"""Tables of a warehouse made from a list of settings; jobs and schedules for each layer."""

from dagster import (
    AssetIn,
    AssetKey,
    AssetSelection,
    AssetsDefinition,
    DefaultScheduleStatus,
    Definitions,
    IOManager,
    InputContext,
    OutputContext,
    RunConfig,
    ScheduleDefinition,
    asset,
    define_asset_job,
    io_manager,
    load_assets_from_current_module,
    resource,
)

LAYERS = {"bronze": ["orders", "items"], "silver": ["orders", "items"], "gold": ["revenue"]}
TABLES = {}


class TableIOManager(IOManager):
    def __init__(self, schema_prefix):
        self.schema_prefix = schema_prefix

    def _table(self, context):
        *schema, name = context.asset_key.path
        return f"{self.schema_prefix}_{'_'.join(schema)}.{name}"

    def handle_output(self, context: OutputContext, obj):
        TABLES[self._table(context)] = obj
        context.add_output_metadata({"table": self._table(context), "rows": len(obj)})
        context.log.debug("stored %s", self._table(context))

    def load_input(self, context: InputContext):
        return TABLES[self._table(context)]


@io_manager(config_schema={"schema_prefix": str})
def table_io_manager(init_context):
    return TableIOManager(init_context.resource_config["schema_prefix"])


def bronze(table: str) -> AssetsDefinition:
    @asset(
        name=table,
        key_prefix=["wh", "bronze"],
        group_name="bronze",
        io_manager_key="tables",
        compute_kind="extract",
        op_tags={"layer": "bronze"},
    )
    def _asset(context):
        context.log.info(f"loading {table}")
        return [{"table": table, "n": n} for n in range(3)]

    return _asset


def silver(table: str) -> AssetsDefinition:
    @asset(
        name=table,
        key_prefix=["wh", "silver"],
        group_name="silver",
        io_manager_key="tables",
        ins={"upstream": AssetIn(key=AssetKey(["wh", "bronze", table]))},
    )
    def _asset(upstream):
        return [row for row in upstream if row["n"]]

    return _asset


@asset(
    key_prefix=["wh", "gold"],
    group_name="gold",
    io_manager_key="tables",
    ins={
        "orders": AssetIn(key_prefix=["wh", "silver"]),
        "items": AssetIn(key_prefix=["wh", "silver"], metadata={"columns": ["n"]}),
    },
)
def revenue(orders, items):
    return [{"sum": sum(row["n"] for row in orders) + sum(row["n"] for row in items)}]


bronze_assets = [bronze(name) for name in LAYERS["bronze"]]
silver_assets = [silver(name) for name in LAYERS["silver"]]

jobs = [define_asset_job(f"{layer}_job", selection=AssetSelection.groups(layer)) for layer in LAYERS]
full_job = define_asset_job(
    "full_refresh", selection=AssetSelection.keys(["wh", "gold", "revenue"]).upstream()
)
schedules = [
    ScheduleDefinition(job=jobs[0], cron_schedule="0 1 * * *", default_status=DefaultScheduleStatus.RUNNING),
    ScheduleDefinition(
        job=full_job, cron_schedule="0 4 * * 0", execution_timezone="Asia/Kolkata", name="weekly_full"
    ),
]

defs = Definitions(
    assets=[*bronze_assets, *silver_assets, revenue],
    jobs=[*jobs, full_job],
    schedules=schedules,
    resources={"tables": table_io_manager.configured({"schema_prefix": "dev"})},
)


def test_full_refresh():
    result = defs.get_job_def("full_refresh").execute_in_process()
    assert result.success
    assert TABLES["dev_wh_gold.revenue"] == [{"sum": 6}]
