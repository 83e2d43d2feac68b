from typing import List

from dagster import AssetsDefinition, Definitions, asset, define_asset_job, AssetSelection, ScheduleDefinition

TABLES = {
    "customers": {"cron": "0 1 * * *", "columns": ["id", "name"]},
    "orders": {"cron": "30 2 * * *", "columns": ["id", "customer_id", "total"]},
    "payments": {"cron": "0 4 * * 1", "columns": ["id", "order_id"]},
}


def build_table_assets(table: str, columns: List[str]) -> List[AssetsDefinition]:
    @asset(name=f"{table}_extract", group_name=table, metadata={"columns": columns})
    def extract(context) -> list:
        context.log.info(f"extracting {table}")
        return [{column: index for column in columns} for index in range(2)]

    @asset(name=f"{table}_load", group_name=table, deps=[extract], compute_kind="sql")
    def load(context) -> None:
        context.log.info(f"loading {table}")

    return [extract, load]


assets, jobs, schedules = [], [], []
for table, settings in TABLES.items():
    assets.extend(build_table_assets(table, settings["columns"]))
    job = define_asset_job(f"{table}_job", selection=AssetSelection.groups(table))
    jobs.append(job)
    schedules.append(
        ScheduleDefinition(job=job, cron_schedule=settings["cron"], execution_timezone="Europe/Berlin")
    )

defs = Definitions(assets=assets, jobs=jobs, schedules=schedules)
