"""A process's own log: one JSON object a line, and no secret in any form of it."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from tidewheel.runtime.views.log_lines import PLAIN, JsonLines, MaskedLines, set_up_log

RUN = "0198c5d4-0000-7000-8000-000000000001"


def record(message: str, *args: object, exc_info=None, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("tidewheel.x", logging.WARNING, __file__, 1, message, args, exc_info)
    vars(made).update(extra)
    return made


def failure():
    try:
        raise ValueError("cannot reach postgres://u:hunter2@h/x\nat all")
    except ValueError:
        return sys.exc_info()


def test_a_line_says_when_how_bad_where_and_what() -> None:
    line = json.loads(JsonLines().format(record("run %s ended", RUN)))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "process": "server",
        "level": "WARNING",
        "logger": "tidewheel.x",
        "message": f"run {RUN} ended",
        "run_id": RUN,
    }


def test_ids_that_the_record_carries_are_fields() -> None:
    line = json.loads(JsonLines().format(record("late", run_id="r", trigger_id="t")))
    assert (line["run_id"], line["trigger_id"]) == ("r", "t")


@pytest.mark.parametrize("formatter", [JsonLines(), MaskedLines(PLAIN)])
def test_secrets_are_masked_in_messages_and_stacks(formatter: logging.Formatter) -> None:
    text = formatter.format(record("sent Bearer abcdefgh12345678", exc_info=failure()))
    assert "hunter2" not in text and "abcdefgh12345678" not in text
    assert "ValueError" in text


def test_a_stack_does_not_break_the_line() -> None:
    assert "\n" not in JsonLines().format(record("a\nb", exc_info=failure()))


def test_the_watcher_of_files_does_not_log_every_change():
    set_up_log("info", "text")
    assert not logging.getLogger("watchfiles.main").isEnabledFor(logging.INFO)
