"""What a program's schedules and sensors ask for, evaluated at fixed moments and with given cursors."""

from __future__ import annotations

import inspect
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from .plain import error_name, plain, tags

INSTANTS = ("2024-03-04T00:00:00", "2024-03-15T06:30:00")  # a Monday that begins, and a Friday morning
AUTOMATION_TYPES = ("AUTOMATION", "AUTO_MATERIALIZE")
RUN_TYPES = ("RUN_STATUS",)
EVENT_TYPES = ("ASSET", "MULTI_ASSET", "FRESHNESS_POLICY")
EVALUATIONS = 2


def schedule_ticks(dg: Any, defs: Any, repo: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Every schedule at every fixed moment."""
    shown: dict[str, Any] = {}
    for schedule in repo.schedule_defs:
        shown[schedule.name] = {}
        for instant in options.get("instants", INSTANTS):
            moment = datetime.fromisoformat(instant)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            shown[schedule.name][instant] = _schedule_tick(dg, defs, repo, schedule, moment)
    return shown


def _schedule_tick(dg: Any, defs: Any, repo: Any, schedule: Any, moment: datetime) -> Any:
    try:
        context = dg.build_schedule_context(
            scheduled_execution_time=moment, repository_def=repo, resources=_resources(defs, schedule)
        )
        return _tick(schedule.evaluate_tick(context))
    except Exception as error:
        return {"error": error_name(_root_cause(error))}


def sensor_ticks(
    dg: Any, repo: Any, instance: Any, options: dict[str, Any], *, on_events: bool
) -> dict[str, Any]:
    """Sensors of the polling kinds: each evaluated from its given cursors on, the next with the cursor that came out."""
    shown: dict[str, Any] = {}
    for sensor in repo.sensor_defs:
        kind = plain(sensor.sensor_type)
        if kind in AUTOMATION_TYPES + RUN_TYPES or (kind in EVENT_TYPES) != on_events:
            continue
        cursors = options.get("cursors", {}).get(sensor.name, [None])
        shown[sensor.name] = [_sensor_story(dg, repo, instance, sensor, cursor) for cursor in cursors]
    return shown


def _sensor_story(dg: Any, repo: Any, instance: Any, sensor: Any, cursor: str | None) -> list[Any]:
    story = []
    for _ in range(EVALUATIONS):
        try:
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=repo, sensor_name=sensor.name
            )
            with _loading_partitions(instance):
                outcome = sensor.evaluate_tick(context)
            story.append(_tick(outcome))
            cursor = outcome.cursor
        except Exception as error:
            story.append({"error": error_name(_root_cause(error))})
            break
    return story


def run_sensor_reactions(dg: Any, repo: Any, instance: Any, results: list[Any]) -> dict[str, Any]:
    """Sensors that watch runs, called with the runs that ended in their status."""
    shown: dict[str, Any] = {}
    for sensor in repo.sensor_defs:
        if plain(sensor.sensor_type) not in RUN_TYPES:
            continue
        shown[sensor.name] = {
            f"{index} {result.dagster_run.job_name}": _reaction(dg, repo, instance, sensor, result)
            for index, result in enumerate(results)
        }
    return shown


def _reaction(dg: Any, repo: Any, instance: Any, sensor: Any, result: Any) -> Any:
    try:
        event = result.get_run_success_event() if result.success else result.get_run_failure_event()
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_event=event,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            repository_def=repo,
        )
        returned = sensor(context)
        if inspect.isgenerator(returned):
            returned = list(returned)
        return _returned(returned)
    except Exception as error:
        return {"error": error_name(_root_cause(error))}


def _loading_partitions(instance: Any) -> Any:
    """Dagster reads dynamic keys in a tick only inside this context; a system that needs none may lack it."""
    try:
        from dagster._core.definitions.partitions.context import partition_loading_context
    except ImportError:
        return nullcontext()
    return partition_loading_context(dynamic_partitions_store=instance)


def _root_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    user = getattr(error, "user_exception", None)
    return error if user is None else user


def _tick(outcome: Any) -> dict[str, Any]:
    shown = {
        "requests": [run_request(one) for one in outcome.run_requests or []],
        "skipped": outcome.skip_message is not None,
    }
    if hasattr(outcome, "cursor"):
        shown["cursor"] = plain(outcome.cursor)
    if getattr(outcome, "dynamic_partitions_requests", None):
        shown["dynamic"] = [_dynamic(one) for one in outcome.dynamic_partitions_requests]
    if getattr(outcome, "asset_events", None):
        shown["asset_events"] = [
            [type(one).__name__, one.asset_key.to_user_string()] for one in outcome.asset_events
        ]
    return shown


def run_request(request: Any) -> dict[str, Any]:
    """One request for a run, only with what it sets."""
    shown = {
        "run_key": plain(request.run_key),
        "partition": plain(request.partition_key),
        "config": plain(request.run_config),
        "tags": tags(request.tags),
        "job": request.job_name,
        "assets": None if request.asset_selection is None else sorted(key.to_user_string() for key in request.asset_selection),
        "checks": None if request.asset_check_keys is None else sorted(
            f"{key.asset_key.to_user_string()}:{key.name}" for key in request.asset_check_keys
        ),
    }  # fmt: skip
    return {name: value for name, value in shown.items() if value not in (None, {})}


def _dynamic(request: Any) -> list[Any]:
    kind = "add" if type(request).__name__.startswith("Add") else "delete"
    return [kind, request.partitions_def_name, list(request.partition_keys)]


def _returned(value: Any) -> Any:
    if isinstance(value, list):
        return [_returned(one) for one in value]
    name = type(value).__name__
    if name == "RunRequest":
        return {"request": run_request(value)}
    if name == "SkipReason":
        return {"skip": plain(value.skip_message)}
    return plain(value)
