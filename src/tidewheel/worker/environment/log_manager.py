"""``context.log``: a logger whose messages become events of the run and lines of the job's loggers."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from tidewheel.definitions.jobs.loggers import BUILT_IN_LOGGER
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.events import EventType, LogLine
from tidewheel.worker.environment.run_environment import RunEnvironment


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
            record.__dict__.update(
                run_id=env.run_id, job_name=env.job_name, step_key=self._step_key, orig_message=text
            )
            record.msg, record.args = f"{prefix} - {text}", ()
            for target in env.loggers:
                if target.isEnabledFor(record.levelno):
                    own = logging.makeLogRecord(record.__dict__)
                    own.name = target.name
                    target.handle(own)

    def with_tags(self, **new_tags: Any) -> RunLog:
        """The same logger; ``step_key`` may be another one."""
        copy = RunLog(self._env, new_tags.get("step_key", self._step_key), self.name)
        copy._tags = {**self._tags, **new_tags}
        return copy

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
