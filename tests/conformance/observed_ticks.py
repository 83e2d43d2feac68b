"""What a program's schedules and sensors ask for, evaluated at fixed moments and with given cursors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .plain import error_name, plain, tags

INSTANTS = ("2024-03-04T00:00:00", "2024-03-15T06:30:00")  # a Monday that begins, and a Friday morning
AUTOMATION_TYPES = ("AUTOMATION", "AUTO_MATERIALIZE")
RUN_TYPES = ("RUN_STATUS",)
EVENT_TYPES = ("ASSET", "MULTI_ASSET", "FRESHNESS_POLICY")
EVALUATIONS = 2
REFUSED = "refused"


@dataclass
class Subject:
    """A loaded program, the instance it is observed on, and the options of its sidecar."""

    dg: Any
    defs: Any
    repo: Any
    instance: Any
    options: dict[str, Any]

    on_disk: Any = None
    holder: Any = None

    def instance_on_disk(self) -> Any:
        """A persistent instance, made when first asked for; it ends with the process."""
        if self.on_disk is None:
            self.holder = self.dg.instance_for_test()  # kept: it deletes its folder when it is forgotten
            self.on_disk = self.holder.__enter__()
        return self.on_disk

    def reference_of(self, instance: Any) -> Any:
        """What finds an instance on disk again: Dagster gives dynamic partitions to ticks only by it."""
        return instance.get_ref() if instance is self.on_disk and hasattr(instance, "get_ref") else None

    def resources_of(self, trigger: Any) -> dict[str, Any] | None:
        """The resources that a schedule or sensor asks for, out of the program's."""
        wanted = set(trigger.required_resource_keys)
        return {key: value for key, value in (self.defs.resources or {}).items() if key in wanted} or None


def schedule_ticks(subject: Subject) -> dict[str, Any]:
    """Every schedule at every fixed moment."""
    shown: dict[str, Any] = {}
    for schedule in subject.repo.schedule_defs:
        shown[schedule.name] = {}
        for instant in subject.options.get("instants", INSTANTS):
            moment = datetime.fromisoformat(instant)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            shown[schedule.name][instant] = _schedule_tick(subject, schedule, moment)
    return shown


def _schedule_tick(subject: Subject, schedule: Any, moment: datetime) -> Any:
    def evaluate(instance: Any) -> Any:
        context = subject.dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=moment,
            repository_def=subject.repo,
            resources=subject.resources_of(schedule),
        )
        return schedule.evaluate_tick(context)

    try:
        return _tick(_perhaps_on_disk(subject, None, evaluate))
    except Exception as error:
        return {"error": _tick_error(error)}


def _perhaps_on_disk(subject: Subject, instance: Any, evaluate: Callable[[Any], Any]) -> Any:
    """Evaluates with the given instance; what is refused there is tried with one on disk, which some features want."""
    try:
        return evaluate(instance)
    except Exception as error:
        if _tick_error(error) != REFUSED:
            raise
    return evaluate(subject.instance_on_disk())


def sensor_ticks(subject: Subject, *, on_events: bool) -> dict[str, Any]:
    """Each sensor that polls (or that reads events): evaluated from its given cursors, then with the cursor that came out."""
    shown: dict[str, Any] = {}
    for sensor in subject.repo.sensor_defs:
        kind = plain(sensor.sensor_type)
        if kind in AUTOMATION_TYPES + RUN_TYPES or (kind in EVENT_TYPES) != on_events:
            continue
        cursors = subject.options.get("cursors", {}).get(sensor.name, [None])
        shown[sensor.name] = [_sensor_story(subject, sensor, cursor) for cursor in cursors]
    return shown


def _sensor_story(subject: Subject, sensor: Any, cursor: str | None) -> list[Any]:
    def evaluate(instance: Any) -> Any:
        context = subject.dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=subject.repo,
            sensor_name=sensor.name,
            resources=subject.resources_of(sensor),
            instance_ref=subject.reference_of(instance),
        )
        if instance is subject.on_disk:
            _name_instance(context, instance)
            return sensor.evaluate_tick(context)
        with _loading_partitions(instance):
            return sensor.evaluate_tick(context)

    story: list[Any] = []
    for _ in range(EVALUATIONS):
        try:
            outcome = _perhaps_on_disk(subject, subject.instance, evaluate)
        except Exception as error:
            return [*story, {"error": _tick_error(error)}]
        story.append(_sensor_tick(outcome, by_ids=plain(sensor.sensor_type) in EVENT_TYPES))
        cursor = outcome.cursor
    return story


def run_sensor_reactions(subject: Subject, results: list[Any]) -> dict[str, Any]:
    """Sensors that watch runs, called with the runs that ended in their status."""
    shown: dict[str, Any] = {}
    for sensor in subject.repo.sensor_defs:
        if plain(sensor.sensor_type) not in RUN_TYPES:
            continue
        status = plain(getattr(sensor, "_run_status", None) or getattr(sensor, "run_status", None))
        ended = [one for one in results if status in (None, "SUCCESS" if one.success else "FAILURE")]
        shown[sensor.name] = {
            f"{index} {result.dagster_run.job_name}": _reaction(subject, sensor, result)
            for index, result in enumerate(ended)
        }
    return shown


def _reaction(subject: Subject, sensor: Any, result: Any) -> Any:
    try:
        event = result.get_run_success_event() if result.success else result.get_run_failure_event()
        context = subject.dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_event=event,
            dagster_instance=subject.instance,
            dagster_run=result.dagster_run,
            resources=subject.resources_of(sensor),
            repository_def=subject.repo,
        )
        returned = sensor(context)
        if inspect.isgenerator(returned):
            returned = list(returned)
        return _returned(returned)
    except Exception as error:
        return {"error": _tick_error(error)}


def _name_instance(context: Any, instance: Any) -> None:
    """Dagster knows the keys that a tick adds only where the context says how to reach the instance, as its daemon's do."""
    if hasattr(context, "_instance_ref"):
        context._instance_ref = instance.get_ref()


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


def _tick_error(error: BaseException) -> str | None:
    """The class of a user's error; nobody catches a system's own errors out of a tick, so these count as one."""
    cause = _root_cause(error)
    ours = type(cause) is Exception or type(cause).__module__.split(".")[0].startswith(
        ("dagster", "tidewheel")
    )
    return REFUSED if ours else error_name(cause)


def _sensor_tick(outcome: Any, *, by_ids: bool) -> dict[str, Any]:
    """A sensor's tick; where its cursor holds ids of events, only whether there is one."""
    shown = _tick(outcome)
    if by_ids:
        for request in shown["requests"]:
            if request.get("run_key") == outcome.cursor:
                request["run_key"] = "<cursor>"
        shown["cursor"] = None if outcome.cursor is None else "<ids>"
    return shown


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
