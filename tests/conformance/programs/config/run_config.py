from dagster import (
    Config,
    ConfigurableResource,
    Definitions,
    RunConfig,
    RunRequest,
    job,
    op,
    schedule,
    sensor,
    validate_run_config,
)


class LoadConfig(Config):
    table: str
    full: bool = False


class Store(ConfigurableResource):
    folder: str
    depth: int = 2


@op
def load(config: LoadConfig, store: Store):
    return f"{store.folder}/{config.table}/{store.depth}/{config.full}"


@job(resource_defs={"store": Store.configure_at_launch()})
def loading():
    load()


@job(
    config=RunConfig(ops={"load": LoadConfig(table="preset")}, resources={"store": Store(folder="/p")}),
    resource_defs={"store": Store.configure_at_launch()},
)
def preset():
    load()


@schedule(cron_schedule="0 3 * * *", job=loading)
def nightly(context):
    return RunRequest(
        run_key=context.scheduled_execution_time.strftime("%Y%m%d"),
        run_config=RunConfig(
            ops={"load": LoadConfig(table=context.scheduled_execution_time.strftime("t_%m_%d"), full=True)},
            resources={"store": Store(folder="/night")},
        ),
    )


@sensor(job=loading)
def asks(context):
    yield RunRequest(
        run_key="a",
        run_config=RunConfig(ops={"load": LoadConfig(table="s")}, resources={"store": Store(folder="/s")}),
        tags={"by": "sensor"},
    )


defs = Definitions(jobs=[loading, preset], schedules=[nightly], sensors=[asks])


def observe():
    config = RunConfig(ops={"load": LoadConfig(table="x")}, resources={"store": Store(folder="/f", depth=4)})
    return {
        "as_dict": config.to_config_dict(),
        "empty": RunConfig().to_config_dict(),
        "mixed": RunConfig(
            ops={"load": {"config": {"table": "raw"}}}, execution={"config": {"in_process": {}}}
        ).to_config_dict(),
        "valid": validate_run_config(loading, config),
        "run": loading.execute_in_process(run_config=config).output_for_node("load"),
    }
