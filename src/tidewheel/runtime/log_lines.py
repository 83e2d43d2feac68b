"""Sets up a process's own log: plain lines or one JSON object a line, with secrets masked in both."""

from __future__ import annotations

import datetime
import logging
import re

import msgspec

from tidewheel.logic.access.masking import mask_text

RUN_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class MaskedLines(logging.Formatter):
    """Plain lines; secrets in messages and stacks are masked."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with its stack if it has one."""
        return mask_text(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message; the run and trigger where they are known; a stack."""

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
        named = RUN_ID.findall(message)
        run_id = getattr(record, "run_id", None) or (named[0] if len(set(named)) == 1 else None)
        for name, value in (("run_id", run_id), ("trigger_id", getattr(record, "trigger_id", None))):
            if value:
                line[name] = str(value)
        if record.exc_info:
            line["stack"] = mask_text(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


def set_up_log(level: str, log_format: str) -> None:
    """Write the process's log to standard error. ``log_format``: ``text`` | ``json``."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else MaskedLines(PLAIN))
    logging.basicConfig(level=level.upper(), handlers=[handler])
