"""What the loggers of a job get."""

from __future__ import annotations

import logging

import tidewheel as tw


def test_a_logger_of_a_job_gets_records_of_its_own_name_with_the_run_and_step_in_front() -> None:
    taken: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            taken.append(record)

    @tw.logger
    def keeping(_context) -> logging.Logger:  # type: ignore[no-untyped-def]
        made = logging.Logger("mine", level=logging.INFO)
        made.addHandler(Keeping())
        return made

    @tw.op
    def says(context):  # type: ignore[no-untyped-def]
        context.log.info("Hello, %s", "you")
        context.log.debug("not this")

    @tw.job(logger_defs={"keeping": keeping})
    def saying() -> None:
        says()

    run_id = saying.execute_in_process(run_config={"loggers": {"keeping": {}}}).run_id
    said = [record for record in taken if "Hello" in record.getMessage()]
    assert [(one.name, one.getMessage(), one.args) for one in said] == [
        ("mine", f"saying - {run_id} - says - Hello, you", ())
    ]
    assert not [record for record in taken if "not this" in record.getMessage()]
