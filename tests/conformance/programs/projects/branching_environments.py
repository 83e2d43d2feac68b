import os

from dagster import (
    ConfigurableIOManager,
    ConfigurableResource,
    Definitions,
    EnvVar,
    FilesystemIOManager,
    asset,
    define_asset_job,
    ScheduleDefinition,
    in_process_executor,
    multiprocess_executor,
    DefaultScheduleStatus,
)

os.environ.setdefault("CONFORMANCE_ENVIRONMENT", "local")


class Database(ConfigurableResource):
    host: str
    port: int = 5432

    def run(self, query: str) -> str:
        return f"{self.host}:{self.port} {query}"


class NullIOManager(ConfigurableIOManager):
    def handle_output(self, context, obj): ...

    def load_input(self, context):
        return "loaded by null"


resources_by_environment = {
    "local": {"database": Database(host="localhost"), "io_manager": NullIOManager()},
    "production": {
        "database": Database(host=EnvVar("CONFORMANCE_DB_HOST"), port=EnvVar.int("CONFORMANCE_DB_PORT")),
        "io_manager": FilesystemIOManager(base_dir="/never"),
    },
}
environment = os.getenv("CONFORMANCE_ENVIRONMENT", "local")


@asset
def query_result(database: Database) -> str:
    return database.run("select 1")


@asset
def length_of_result(query_result: str) -> int:
    return len(query_result)


job = define_asset_job(
    "refresh_all",
    selection="*",
    executor_def=in_process_executor if environment == "local" else multiprocess_executor,
)
defs = Definitions(
    assets=[query_result, length_of_result],
    jobs=[job],
    schedules=[
        ScheduleDefinition(
            job=job,
            cron_schedule="*/30 * * * *",
            default_status=DefaultScheduleStatus.RUNNING
            if environment == "production"
            else DefaultScheduleStatus.STOPPED,
        )
    ],
    resources=resources_by_environment[environment],
    executor=in_process_executor,
)
