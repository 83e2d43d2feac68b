"""Sets up a process's own log: plain lines or one JSON object a line, with secrets masked in both."""

from __future__ import annotations

import datetime
import logging
import os
import re

import msgspec

from tidewheel.runtime.masking import mask_text

RUN_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
FIELDS = ("location", "run_id", "step", "trigger_id", "trigger", "tick_id")
"""What a line says besides its message, where it is known. (A record's own ``process`` is a number.)"""
_fields: dict[str, str] = {"process": "server"}
"""What every line of this process says."""
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class MaskedLines(logging.Formatter):
    """Plain lines; secrets in messages and stacks are masked."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with its stack if it has one."""
        return mask_text(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, a stack; and of FIELDS what is known."""

    def format(self, record: logging.LogRecord) -> str:
        """The object as text without line breaks."""
        message = record.getMessage()
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": mask_text(message),
        }
        line |= _fields
        for name in FIELDS:
            value = getattr(record, name, None)
            if value is not None:
                line[name] = str(value)
        named = set(RUN_ID.findall(message))
        if "run_id" not in line and len(named) == 1:
            line["run_id"] = named.pop()
        if record.exc_info:
            line["stack"] = mask_text(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


def add_log_fields(**fields: str) -> None:
    """Say this in every further line of this process, where lines are JSON."""
    _fields.update(fields)


def set_up_child_log(level: str, log_format: str, *, location: str) -> None:
    """Write the log of a process of user code where the server's goes, also while a step's own output is captured.

    Only as JSON: as text, user code's own settings stay as Python has them.
    """
    if log_format != "json":
        return
    add_log_fields(process="location", location=location)
    handler = logging.StreamHandler(os.fdopen(os.dup(2), "w", buffering=1, closefd=False))
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())


def set_up_log(level: str, log_format: str) -> None:
    """Write the process's log to standard error. ``log_format``: ``text`` | ``json``."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else MaskedLines(PLAIN))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # it tells of every change below a watched folder: a log file there would grow by what is written to it
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
