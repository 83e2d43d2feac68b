"""Loggers of jobs, custom ones, with config; get_dagster_logger; logging module; context.log in all levels."""

import json
import logging

from dagster import (
    Definitions,
    Field,
    OpExecutionContext,
    build_init_logger_context,
    colored_console_logger,
    default_loggers,
    get_dagster_logger,
    job,
    json_console_logger,
    logger,
    op,
    repository,
)

SEEN = []


class Keep(logging.Handler):
    def emit(self, record):
        SEEN.append(
            [
                record.levelname,
                record.msg if isinstance(record.msg, str) else str(record.msg),
                hasattr(record, "dagster_meta"),
            ]
        )


@logger(
    {
        "log_level": Field(str, is_required=False, default_value="INFO"),
        "name": Field(str, is_required=False, default_value="kept"),
    }
)
def kept_logger(init_context):
    level, name = init_context.logger_config["log_level"], init_context.logger_config["name"]
    klass = logging.getLoggerClass()
    made = klass(name, level=level)
    made.addHandler(Keep())
    return made


my_logger = get_dagster_logger()
named = get_dagster_logger("my.module")


@op
def talk(context: OpExecutionContext):
    context.log.debug("debug message")
    context.log.info("info message")
    context.log.warning("warning %s", "formatted")
    context.log.error("error message")
    context.log.critical("critical message")
    context.log.log(logging.INFO, "by level")
    my_logger.info("from module")
    named.warning("from named")
    try:
        1 / 0
    except ZeroDivisionError:
        context.log.exception("caught")


@job(logger_defs={"kept": kept_logger})
def talking():
    talk()


@job(logger_defs={"json": json_console_logger, "coloured": colored_console_logger})
def consoles():
    talk()


defs = Definitions(jobs=[talking, consoles])


def messages():
    return sorted(
        {
            message.split(" - ")[-1].split("\n")[0]
            for level, message, _ in SEEN
            if "message" in message or "from" in message or "formatted" in message or "caught" in message
        }
    )


def observe():
    logging.disable(logging.NOTSET)
    SEEN.clear()
    result = talking.execute_in_process(
        run_config={"loggers": {"kept": {"config": {"log_level": "WARNING"}}}}
    )
    shown = {"warning": messages(), "success": result.success}
    SEEN.clear()
    talking.execute_in_process(run_config={"loggers": {"kept": {}}})
    shown["info"] = messages()
    SEEN.clear()
    talking.execute_in_process()
    shown["not_configured"] = messages()
    made = kept_logger(build_init_logger_context(logger_config={"name": "direct"}))
    shown["direct"] = [made.name, made.level]
    return shown
