"""Loggers that users choose for a run's messages, and the logger for code that has no context."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tidewheel.definitions.config.config_schema import Field, to_field
from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.config.configured import ConfigSource, fixed_or_mapped
from tidewheel.errors import InvalidInvocationError
from tidewheel.values.shown_members import shows

BUILT_IN_LOGGER = "tidewheel.builtin"
LOGGER_NAME = "tidewheel"


@shows("job_def", "logger_config", "logger_def", "run_id")
class InitLoggerContext:
    """What a logger's function gets."""

    def __init__(
        self, logger_config: Any, logger_def: Any = None, job_def: Any = None, run_id: str | None = None
    ) -> None:
        self.logger_config = logger_config
        self.logger_def = logger_def
        self.job_def = job_def
        self.run_id = run_id


class LoggerDefinition:
    """A function ``logger_fn(context)`` that makes a ``logging.Logger``."""

    def __init__(
        self,
        logger_fn: Callable[[InitLoggerContext], logging.Logger],
        config_schema: Any = None,
        description: str | None = None,
    ) -> None:
        self.logger_fn = logger_fn
        self._field = to_field(config_schema) if config_schema is not None else Field(Any, is_required=False)
        self.source: ConfigSource | None = None
        self.description = description

    @property
    def config_field(self) -> Field:
        """The config that a run may or must give."""
        if self.source is not None and self.source.outer is not None:
            return self.source.outer
        return self._field

    @property
    def config_schema(self) -> Field:
        """The config that a run may or must give."""
        return self.config_field

    def configured(
        self, config_or_config_fn: Any, config_schema: Any = None, description: str | None = None
    ) -> LoggerDefinition:
        """The same logger with its config fixed, or computed by a function."""
        copy = LoggerDefinition(self.logger_fn, self._field, description or self.description)
        copy.source = fixed_or_mapped(
            config_or_config_fn,
            config_schema,
            inner=self.config_field,
            parent=self.source,
            subject="a logger",
        )
        return copy

    def make(self, config: Any, *, job_def: Any = None, run_id: str | None = None) -> logging.Logger:
        """The logger, for config that was checked against ``config_field``."""
        resolved = self.source.resolve(config) if self.source is not None else config
        return self.logger_fn(InitLoggerContext(resolved, self, job_def, run_id))

    def __call__(self, *args: Any, **kwargs: Any) -> logging.Logger:
        """Call the function directly, as a test does.

        Raises:
            InvalidInvocationError: unless it gets one context, under the name that the function has for it.
            InvalidConfigError: when the context's config does not fit.
        """
        given = [*args, *kwargs.values()]
        names = list(inspect.signature(self.logger_fn).parameters)
        if len(given) != 1 or any(name != names[0] for name in kwargs):
            raise InvalidInvocationError(
                f"expected a direct call of a logger to give its {names[0]!r} alone, got {len(args)} arguments and "
                f"{sorted(kwargs)}; pass build_init_logger_context()"
            )
        context = given[0] if given[0] is not None else InitLoggerContext(None)
        if not isinstance(context, InitLoggerContext):
            return self.make(context)
        config = check_config(self.config_field, context.logger_config, subject="a logger")
        return self.make(config, job_def=context.job_def, run_id=context.run_id)


def logger(config_schema: Any = None, description: str | None = None) -> Any:
    """Decorate a function of the logger context that makes a ``logging.Logger``; with or without parentheses."""
    if callable(config_schema) and not inspect.isclass(config_schema):
        return LoggerDefinition(config_schema, None, description)

    def decorate(fn: Callable[[InitLoggerContext], logging.Logger]) -> LoggerDefinition:
        return LoggerDefinition(fn, config_schema, description)

    return decorate


def build_init_logger_context(logger_config: Any = None, job_def: Any = None) -> InitLoggerContext:
    """A logger context for tests."""
    return InitLoggerContext(logger_config, job_def=job_def)


def get_run_logger(name: str | None = None) -> logging.Logger:
    """A logger for code without a context; inside a step its messages belong to the run."""
    return logging.getLogger(f"{BUILT_IN_LOGGER}.{name}" if name else BUILT_IN_LOGGER)


_CONSOLE_CONFIG = {
    "log_level": Field(str, is_required=False, default_value="INFO"),
    "name": Field(str, is_required=False, default_value="tidewheel"),
}


class StderrHandler(logging.StreamHandler[Any]):
    """Writes to whatever standard error is at the moment of writing (it may be captured)."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, _value: Any) -> None:
        """Stays standard error."""


def console_logger(name: str, level: int, formatter: logging.Formatter) -> logging.Logger:
    """A logger of its own that writes lines to standard error."""
    made = logging.Logger(name, level)
    handler = StderrHandler()
    handler.setFormatter(formatter)
    made.addHandler(handler)
    return made


@logger(config_schema=_CONSOLE_CONFIG, description="Lines on standard error.")
def colored_console_logger(context: InitLoggerContext) -> logging.Logger:
    """Lines on standard error."""
    formatter = logging.Formatter(
        "%(asctime)s - %(name)s - %(levelname)s - %(message)s", "%Y-%m-%d %H:%M:%S %z"
    )
    config = context.logger_config or {}
    return console_logger(
        config.get("name", "tidewheel"), level_of(config.get("log_level", "INFO")), formatter
    )


class JsonLogFormatter(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's fields as JSON."""
        known = {
            k: v for k, v in record.__dict__.items() if isinstance(v, (str, int, float, bool, type(None)))
        }
        return json.dumps({**known, "message": record.getMessage()}, sort_keys=True)


@logger(config_schema=_CONSOLE_CONFIG, description="JSON lines on standard error.")
def json_console_logger(context: InitLoggerContext) -> logging.Logger:
    """JSON lines on standard error."""
    config = context.logger_config or {}
    return console_logger(
        config.get("name", "tidewheel"), level_of(config.get("log_level", "INFO")), JsonLogFormatter()
    )


def default_loggers() -> Mapping[str, LoggerDefinition]:
    """What ``console`` is where nobody says otherwise."""
    return {"console": colored_console_logger}


def level_of(level: str | int) -> int:
    """The number of a level given by name (any case) or number."""
    if isinstance(level, int):
        return level
    number = logging.getLevelName(level.upper())
    return number if isinstance(number, int) else logging.INFO
