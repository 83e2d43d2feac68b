"""``context.log``: a logger whose messages become events of the run and lines of the job's loggers."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tidewheel.definitions.jobs.loggers import BUILT_IN_LOGGER
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.events import EventType, LogLine
from tidewheel.worker.environment.run_environment import RunEnvironment


def fields_of_record(
    env: RunEnvironment, step_key: str | None, message: str, created: float
) -> dict[str, Any]:
    """What a record for the job's loggers says of the run it belongs to, as attributes of the record.

    ``dagster_meta`` holds the same once more, under the names that formatters and filters of Dagster's users read.
    """
    of_run = {"run_id": env.run_id, "job_name": env.job_name, "step_key": step_key, "orig_message": message}
    meta = {
        **of_run,
        "job_tags": dict(env.tags),
        "op_name": step_key.rsplit(".", 1)[-1].partition("[")[0] if step_key else None,
        "resource_name": None,
        "resource_fn_name": None,
        "log_message_id": str(uuid4()),
        "log_timestamp": datetime.fromtimestamp(created, UTC).isoformat(),
        "dagster_event": None,
        "dagster_event_batch_metadata": None,
    }
    return {**of_run, "dagster_meta": meta}


def pass_on(record: logging.LogRecord, target: Any) -> None:
    """Hand a message to a logger that a user made, as one of its own.

    A logger that logs in its own way (or is only shaped like one) is asked to; an ordinary one gets the record
    itself, which still says where in the user's code the message was written.
    """
    kind = type(target)
    ordinary = isinstance(target, logging.Logger) and (kind.log, kind._log) == _ORDINARY_WAY
    if not ordinary:
        extra = {name: record.__dict__[name] for name in _OF_THE_RUN if name in record.__dict__}
        target.log(record.levelno, record.msg, exc_info=record.exc_info, extra=extra)
        return
    own = logging.makeLogRecord(record.__dict__)
    own.name = target.name
    target.handle(own)


_OF_THE_RUN = ("run_id", "job_name", "step_key", "orig_message", "dagster_meta")
_ORDINARY_WAY = (logging.Logger.log, logging.Logger._log)


class RunLog(logging.Logger):
    """The logger of one step (or of the run). Works as Python's loggers do."""

    def __init__(
        self, env: RunEnvironment | None, step_key: str | None = None, name: str = "tidewheel"
    ) -> None:
        super().__init__(name, logging.DEBUG)
        self.propagate = False
        self._env = env
        self._step_key = step_key
        self._tags: dict[str, Any] = {}

    def handle(self, record: logging.LogRecord) -> None:
        """Record a message with the run and pass it to the job's loggers."""
        if not self.filter(record):
            return
        self.take(record)

    def take(self, record: logging.LogRecord) -> None:
        """As ``handle``, for a record of another logger too."""
        error: ErrorInfo | None = None
        if record.exc_info and record.exc_info[1] is not None:
            error = error_info(record.exc_info[1])
        env = self._env
        if env is None:
            return
        env.emit(
            EventType.LOG_MESSAGE,
            record.getMessage(),
            step_key=self._step_key,
            payload=LogLine(level=record.levelno, logger=record.name, error=error),
        )
        if env.loggers:
            prefix = f"{env.job_name} - {env.run_id}" + (f" - {self._step_key}" if self._step_key else "")
            text = record.getMessage()
            described = fields_of_record(env, self._step_key, text, record.created)
            described["dagster_meta"].update(self._tags)
            record.__dict__.update(described)
            record.msg, record.args = f"{prefix} - {text}", ()
            for target in env.loggers:
                if target.isEnabledFor(record.levelno):
                    pass_on(record, target)

    def with_tags(self, **new_tags: Any) -> RunLog:
        """The same logger; ``step_key`` may be another one."""
        tagged = RunLog(self._env, new_tags.get("step_key", self._step_key), self.name)
        tagged._tags = {**self._tags, **new_tags}
        return tagged

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the messages belong to."""
        env = self._env
        return {
            "run_id": env.run_id if env else None,
            "job_name": env.job_name if env else None,
            "job_tags": dict(env.tags) if env else {},
            "step_key": self._step_key,
            **self._tags,
        }

    def begin_python_log_capture(self) -> None:
        """Messages of ``get_run_logger()`` are captured anyway."""

    def end_python_log_capture(self) -> None:
        """Messages of ``get_run_logger()`` are captured anyway."""

    def log_dagster_event(
        self, level: int, msg: str, dagster_event: Any = None, batch_metadata: Any = None
    ) -> None:
        """Log a message."""
        self.log(level, msg)


_CURRENT: contextvars.ContextVar[RunLog | None] = contextvars.ContextVar("run_log", default=None)


class _ToCurrentStep(logging.Handler):
    """Passes messages of ``get_run_logger()`` to the step that is executing."""

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing outside of steps."""
        log = _CURRENT.get()
        if log is not None:
            log.take(record)


_FORWARDER = _ToCurrentStep(logging.DEBUG)


@contextmanager
def logging_to(log: RunLog) -> Generator[None, None, None]:
    """Messages of ``get_run_logger()`` inside belong to this log."""
    source = logging.getLogger(BUILT_IN_LOGGER)
    if _FORWARDER not in source.handlers:
        source.addHandler(_FORWARDER)
        if source.level == logging.NOTSET:
            source.setLevel(logging.DEBUG)
    token = _CURRENT.set(log)
    try:
        yield
    finally:
        _CURRENT.reset(token)
