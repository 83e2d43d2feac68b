"""Brings what schedule and sensor functions return into one form (semantics A46, B7)."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from tidewheel.definitions.triggers.run_request import (
    DynamicPartitionsRequest,
    RunRequest,
    SensorResult,
    SkipReason,
)
from tidewheel.errors import CheckError, InvariantViolationError
from tidewheel.values.limits import MAX_REQUESTS

EMPTY_SCHEDULE = "Schedule function returned an empty result"
EMPTY_SENSOR = "Sensor function returned an empty result"


class ScheduleExecutionData(NamedTuple):
    """What came of a schedule's evaluation."""

    run_requests: Sequence[RunRequest] | None
    skip_message: str | None = None
    log_key: Sequence[str] | None = None


class SensorExecutionData(NamedTuple):
    """What came of a sensor's evaluation."""

    run_requests: Sequence[RunRequest] | None
    skip_message: str | None = None
    cursor: str | None = None
    dagster_run_reactions: Sequence[Any] | None = None
    log_key: Sequence[str] | None = None
    dynamic_partitions_requests: Sequence[DynamicPartitionsRequest] | None = None
    asset_events: Sequence[Any] = ()
    automation_condition_evaluations: Sequence[Any] = ()


def drained(returned: Any) -> list[Any]:
    """A result as a list: generators are run to their end (their return value counts), single things are one element.

    Raises:
        CheckError: when a generator yields more than one evaluation may ask for; it is not run any further, since it
            may never end.
    """
    if returned is None:
        return []
    if inspect.isgenerator(returned):
        return _run_generator(returned)  # type: ignore[arg-type]
    if isinstance(returned, list):
        return returned
    if isinstance(returned, Iterator):
        return _taken(returned)
    return [returned]


def _taken(items: Iterator[Any]) -> list[Any]:
    found = list(islice(items, MAX_REQUESTS + 1))
    _require_few(found)
    return found


def _require_few(found: list[Any]) -> None:
    if len(found) > MAX_REQUESTS:
        raise CheckError(
            f"expected at most {MAX_REQUESTS} results of one evaluation, got a generator that goes on; ask for fewer at "
            "a time and keep the place in the cursor, or use a backfill"
        )


def _run_generator(generator: Generator[Any, None, Any]) -> list[Any]:
    found: list[Any] = []
    while True:
        try:
            found.append(next(generator))
            _require_few(found)
        except StopIteration as stop:
            if stop.value is not None:
                found.extend(drained(stop.value))
            return found


def schedule_requests(returned: Any, what: str, tags: Mapping[str, str]) -> ScheduleExecutionData:
    """What a schedule's function returned, as requests or a reason to skip. A dict or RunConfig is the config of one run.

    Raises:
        CheckError: for shapes that mean nothing.
    """
    if isinstance(returned, Mapping) or hasattr(returned, "to_config_dict"):
        return ScheduleExecutionData([RunRequest(run_config=returned, tags=tags)])
    items = drained(returned)
    if not items:
        return ScheduleExecutionData([], EMPTY_SCHEDULE)
    if len(items) == 1 and isinstance(items[0], Mapping):
        return ScheduleExecutionData([RunRequest(run_config=items[0], tags=tags)])
    if len(items) == 1 and isinstance(items[0], SkipReason):
        return ScheduleExecutionData([], items[0].skip_message)
    for one in items:
        if not isinstance(one, RunRequest):
            kinds = (
                "RunRequests or one SkipReason"
                if isinstance(one, SkipReason)
                else "RunRequests, a SkipReason or a dict"
            )
            raise CheckError(
                f"{what}: expected its function to return {kinds}, got {one!r} ({type(one).__name__})"
            )
    if len(items) > 1 and any(one.run_key is None for one in items):
        raise CheckError(
            f"{what}: expected a run_key on each of {len(items)} RunRequests, got one without; a tick that is repeated "
            "could not tell them apart"
        )
    return ScheduleExecutionData([_with_tags(one, tags) for one in items])


def _with_tags(request: RunRequest, tags: Mapping[str, str]) -> RunRequest:
    return request.with_replaced_attrs(tags={**tags, **request.tags}) if tags else request


class SensorOutcome(NamedTuple):
    """What a sensor's function returned, and what became of its cursor."""

    requests: list[RunRequest]
    skip_message: str | None
    cursor: str | None
    cursor_changed: bool
    partitions: list[DynamicPartitionsRequest]
    asset_events: list[Any]
    reactions: list[Any]


def sensor_outcome(returned: Any, context: Any, what: str) -> SensorOutcome:
    """What a sensor's function returned, in one form; the context knows the cursor.

    Raises:
        CheckError: for shapes that mean nothing.
        InvariantViolationError: when the cursor was set in both ways.
    """
    items = drained(returned)
    updated = bool(getattr(context, "cursor_updated", False))
    cursor: str | None = getattr(context, "cursor", None)
    if len(items) == 1 and isinstance(items[0], SensorResult):
        return _of_result(items[0], cursor, updated, what)
    requests = [one for one in items if isinstance(one, RunRequest)]
    skips = [one for one in items if isinstance(one, SkipReason)]
    reactions = [one for one in items if getattr(one, "is_run_reaction", False)]
    if len(requests) + len(skips) + len(reactions) < len(items):
        one = next(one for one in items if not _is_asked_for(one))
        hint = "return a SensorResult alone" if isinstance(one, SensorResult) else "return one of these"
        raise CheckError(
            f"{what}: expected its function to return RunRequests, a SkipReason or a SensorResult, got {one!r} "
            f"({type(one).__name__}); {hint}"
        )
    if skips and (requests or len(skips) > 1):
        raise CheckError(
            f"{what}: expected RunRequests or one SkipReason, got {len(requests)} requests and {len(skips)} reasons to skip"
        )
    if skips:
        message = skips[0].skip_message
    else:
        message = None if requests or reactions else EMPTY_SENSOR
    return SensorOutcome(requests, message, cursor, updated, [], [], reactions)


def _is_asked_for(one: Any) -> bool:
    return isinstance(one, RunRequest | SkipReason) or bool(getattr(one, "is_run_reaction", False))


def _of_result(result: SensorResult, cursor: str | None, updated: bool, what: str) -> SensorOutcome:
    if result.cursor is not None and updated:
        raise InvariantViolationError(
            f"{what}: expected the cursor to be set once, got context.update_cursor() and SensorResult(cursor=...); keep one"
        )
    if result.skip_reason is not None:
        message: str | None = result.skip_reason.skip_message
    else:
        message = None if result.run_requests else EMPTY_SENSOR
    new = result.cursor if result.cursor else cursor
    return SensorOutcome(
        list(result.run_requests),
        message,
        new,
        updated or bool(result.cursor),
        list(result.dynamic_partitions_requests),
        list(result.asset_events),
        [],
    )
