"""What a job's own loggers get of the run's messages."""

from __future__ import annotations

import logging
from typing import Any

import tidewheel as tw


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class OwnWay(logging.Logger):
    """Logs by itself."""

    def __init__(self) -> None:
        super().__init__("own", logging.INFO)
        self.asked: list[tuple[int, str, dict[str, Any]]] = []

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        self.asked.append((level, str(msg), kwargs))


@tw.op
def speak(context: tw.OpExecutionContext) -> None:
    context.log.info("hello %s", "you")
    tw.get_run_logger("sub").warning("beware")


@tw.op
def fall() -> None:
    raise ValueError("down")


@tw.graph
def inner() -> None:
    speak()


def run_with(made: Any, *, falls: bool = False) -> None:
    @tw.logger
    def mine(_context: Any) -> Any:
        return made

    @tw.job(logger_defs={"mine": mine}, tags={"team": "a"})
    def talk() -> None:
        inner()
        if falls:
            fall()

    talk.execute_in_process({"loggers": {"mine": {}}}, raise_on_error=False)


def kept_by(name: str) -> tuple[logging.Logger, Kept]:
    made, kept = logging.Logger(name), Kept()
    made.addHandler(kept)
    return made, kept


def test_records_are_of_the_logger_that_the_job_made() -> None:
    made, kept = kept_by("mine")

    run_with(made)

    assert [one.name for one in kept.records] == ["mine", "mine"]
    assert {one.funcName for one in kept.records} == {"speak"}, "where the user's code wrote it"


def test_records_say_what_they_belong_to_as_dagsters_do() -> None:
    made, kept = kept_by("mine")

    run_with(made)

    meta = kept.records[0].__dict__["dagster_meta"]
    assert (meta["job_name"], meta["step_key"], meta["op_name"]) == ("talk", "inner.speak", "speak")
    assert meta["orig_message"] == "hello you"
    assert meta["job_tags"] == {"team": "a"}
    assert meta["run_id"] == kept.records[0].__dict__["run_id"]


def test_a_failed_step_is_told_with_what_it_belongs_to() -> None:
    made, kept = kept_by("mine")

    run_with(made, falls=True)

    (failed,) = [one for one in kept.records if one.levelno == logging.ERROR]
    assert failed.__dict__["dagster_meta"]["step_key"] == "fall"
    assert "ValueError: down" in failed.__dict__["dagster_meta"]["orig_message"]


def test_a_logger_that_logs_in_its_own_way_is_asked_to() -> None:
    made = OwnWay()

    run_with(made)

    assert [(level, text.rsplit(" - ", 1)[-1]) for level, text, _ in made.asked] == [
        (logging.INFO, "hello you"),
        (logging.WARNING, "beware"),
    ]
    assert made.asked[0][2]["extra"]["dagster_meta"]["step_key"] == "inner.speak"


def test_an_adapter_will_do_for_a_logger() -> None:
    made, kept = kept_by("adapted")

    run_with(logging.LoggerAdapter(made, {}))

    assert [one.getMessage().rsplit(" - ", 1)[-1] for one in kept.records] == ["hello you", "beware"]
