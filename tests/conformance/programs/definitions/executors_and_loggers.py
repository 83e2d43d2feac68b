import logging

from dagster import (
    Definitions,
    InitLoggerContext,
    OpExecutionContext,
    asset,
    colored_console_logger,
    define_asset_job,
    in_process_executor,
    job,
    json_console_logger,
    logger,
    multiprocess_executor,
    multi_or_in_process_executor,
    op,
)

LINES = []


@logger(config_schema={"prefix": str}, description="collects")
def collecting(init_context: InitLoggerContext):
    prefix = init_context.logger_config["prefix"]

    class Collect(logging.Handler):
        def emit(self, record):
            LINES.append(f"{prefix}{record.getMessage()}"[:12])

    made = logging.Logger("collecting")
    made.setLevel("INFO")
    made.addHandler(Collect())
    return made


@op
def talk(context: OpExecutionContext):
    context.log.info("spoken word")
    return 1


@job(logger_defs={"collecting": collecting}, executor_def=in_process_executor)
def talking():
    talk()


@job(executor_def=multiprocess_executor.configured({"max_concurrent": 2}))
def many_processes():
    talk()


@asset
def thing(): ...


limited = define_asset_job(
    "limited",
    [thing],
    executor_def=in_process_executor,
    config={"execution": {"config": {}}} if False else None,
)
by_config = define_asset_job(
    "by_config", [thing], config={"execution": {"config": {"multiprocess": {"max_concurrent": 1}}}}
)

defs = Definitions(
    assets=[thing],
    jobs=[talking, many_processes, limited, by_config],
    executor=multi_or_in_process_executor,
    loggers={"console": colored_console_logger, "json": json_console_logger},
)


def test_own_logger():
    result = talking.execute_in_process(run_config={"loggers": {"collecting": {"config": {"prefix": "> "}}}})
    assert result.success


def observe():
    return {
        "names": [
            in_process_executor.name,
            multiprocess_executor.name,
            multi_or_in_process_executor.name,
            many_processes.executor_def.name,
        ]
    }
