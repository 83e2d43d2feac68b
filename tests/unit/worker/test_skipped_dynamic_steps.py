"""What is told of the steps below a dynamic output whose step was skipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tidewheel as tw


@tw.op(out={"some": tw.Out(is_required=False), "none": tw.Out(is_required=False)})
def choose() -> Iterator[tw.Output[int]]:
    yield tw.Output(1, "some")


@tw.op(out=tw.DynamicOut())
def split(x: Any) -> Iterator[tw.DynamicOutput[int]]:
    yield tw.DynamicOutput(x, "a")


@tw.op
def change(x: Any, other: Any = 0) -> Any:
    return x


@tw.op
def gather(xs: Any) -> int:
    return len(xs)


def skipped(job: tw.JobDefinition) -> set[str | None]:
    result = job.execute_in_process()
    return {event.step_key for event in result.get_step_skipped_events()}


def test_steps_that_were_never_multiplied_are_not_told_of() -> None:
    @tw.job
    def work() -> None:
        _, none = choose()
        gather(split(none).map(change).map(change.alias("again")).collect())

    assert skipped(work) == {"split", "gather"}


def test_multiplied_steps_are() -> None:
    @tw.job
    def work() -> None:
        some, none = choose()
        split(some).map(lambda one: change(one, none))

    assert skipped(work) == {"change[a]"}
