"""Evaluates one schedule or sensor in the code location: calls the user's function, and checks what it asks for.

Nothing here raises: what goes wrong in user code is part of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.repository import RepositoryDefinition
from tidewheel.definitions.loading.resolved import ResolvedDefinitions
from tidewheel.definitions.ops.dynamic_keys import KnownPartitions, joined
from tidewheel.definitions.partitions.partition_context import partition_loading_context
from tidewheel.definitions.triggers.asset_sensors import AssetSensorDefinition, MultiAssetSensorDefinition
from tidewheel.definitions.triggers.file_sensors import FileSensorDefinition
from tidewheel.definitions.triggers.partition_job import only_job_with_partition
from tidewheel.definitions.triggers.run_request import RunRequest
from tidewheel.definitions.triggers.run_status_sensors import RunStatusSensorDefinition
from tidewheel.definitions.triggers.schedules import ScheduleDefinition
from tidewheel.definitions.triggers.sensors import SensorDefinition
from tidewheel.definitions.triggers.trigger_results import SensorOutcome
from tidewheel.definitions.triggers.webhook_sensors import (
    BATCH,
    NEWEST,
    WebhookDelivery,
    WebhookSensorDefinition,
)
from tidewheel.errors import (
    RunStatusSensorExecutionError,
    SensorExecutionError,
    TidewheelError,
    UnknownPartitionError,
    UserCodeExecutionError,
)
from tidewheel.runtime.views.event_views import view_entry, view_event
from tidewheel.runtime.views.outside_events import event_from_outside
from tidewheel.runtime.views.run_views import view_run
from tidewheel.values.error_info import error_info, error_text
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.events import Event
from tidewheel.values.inbox import Delivery, FileChange
from tidewheel.values.records import PartitionChange
from tidewheel.values.serde import from_json
from tidewheel.values.status import TriggerKind
from tidewheel.values.tags import SCHEDULE_NAME, SCHEDULED_EXECUTION_TIME, SENSOR_NAME
from tidewheel.worker.contexts.multi_asset_sensor_context import MultiAssetSensorEvaluationContext
from tidewheel.worker.contexts.push_contexts import FileSensorContext, WebhookSensorContext
from tidewheel.worker.contexts.run_status_context import RunStatusSensorContext
from tidewheel.worker.contexts.schedule_context import ScheduleEvaluationContext
from tidewheel.worker.contexts.sensor_context import SensorEvaluationContext
from tidewheel.worker.contexts.trigger_context import TriggerLog
from tidewheel.worker.environment.handover import Budget, HandedOver, hand_over
from tidewheel.worker.environment.result_limits import require_storable
from tidewheel.worker.evaluation.file_listing import list_files
from tidewheel.worker.planning.launch_preparation import prepare_launch
from tidewheel.worker.planning.requested_runs import RequestChecker

Named = list[tuple[RunRequest, str | None, str | None]]
"""Requests, each with the job that it means and why it cannot become a run, if that is known already."""


def evaluate_trigger(
    defs: Definitions, request: EvaluationRequest, *, instance: Any, clock: Callable[[], float]
) -> EvaluationResult:
    """What a trigger asks for; never raises."""
    if request.kind is TriggerKind.SCHEDULE:
        return evaluate_schedule(defs, request, instance=instance, clock=clock)
    return evaluate_sensor(defs, request, instance=instance, clock=clock)


def evaluate_schedule(
    defs: Definitions, request: EvaluationRequest, *, instance: Any, clock: Callable[[], float]
) -> EvaluationResult:
    """What a schedule asks for at the nominal time ``request.scheduled_for``; never raises."""
    return _guarded(lambda log: _schedule(defs.resolved, request, instance, log), clock)


def evaluate_sensor(
    defs: Definitions, request: EvaluationRequest, *, instance: Any, clock: Callable[[], float]
) -> EvaluationResult:
    """What a sensor asks for; never raises."""
    budget = Budget(request.budget_s, clock)
    return _guarded(lambda log: _sensor(defs.resolved, request, instance, log, budget), clock)


def _guarded(
    evaluate: Callable[[TriggerLog], EvaluationResult], clock: Callable[[], float]
) -> EvaluationResult:
    began = clock()
    log = TriggerLog()
    try:
        result = require_storable(evaluate(log))
    except BaseException as exc:  # noqa: BLE001 - a boundary: user code, which may raise anything
        result = EvaluationResult(error=error_info(exc))
    return _with(result, log=tuple(log.lines), duration_s=max(0.0, clock() - began))


def _with(result: EvaluationResult, **changes: Any) -> EvaluationResult:
    values = {name: getattr(result, name) for name in result.__struct_fields__}
    return EvaluationResult(**{**values, **changes})


# -- schedules ---------------------------------------------------------------------------------------------------------


def _schedule(
    resolved: ResolvedDefinitions, request: EvaluationRequest, instance: Any, log: TriggerLog
) -> EvaluationResult:
    schedule = resolved.schedule(request.name)
    nominal = request.scheduled_for if request.scheduled_for is not None else request.now
    context = ScheduleEvaluationContext(
        scheduled_execution_time=datetime.fromtimestamp(
            nominal, ZoneInfo(schedule.execution_timezone or "UTC")
        ),
        schedule_name=schedule.name,
        resources=resolved.resources,
        resource_keys=sorted(schedule.required_resource_keys),
        repository_def=_Repository(resolved),
        instance=instance,
        log=log,
    )
    with context, _as_of(request, instance):
        found = schedule.collect(context)
    partitions = KnownPartitions(instance, now=request.now, known=request.dynamic_partitions)
    checker = RequestChecker(
        resolved,
        instance=instance,
        now=request.now,
        partitions=partitions,
        system_tags={
            SCHEDULE_NAME: schedule.name,
            SCHEDULED_EXECUTION_TIME: datetime.fromtimestamp(nominal, UTC).isoformat(),
        },
    )
    checked = checker.check(
        [_named_by_schedule(schedule, one, resolved, partitions) for one in found.run_requests or ()]
    )
    return EvaluationResult(
        requests=checked.runs,
        request_errors=checked.errors,
        skip_reason=found.skip_message or checked.dropped,
        partition_changes=joined(checked.added),
    )


def _named_by_schedule(
    schedule: ScheduleDefinition,
    request: RunRequest,
    resolved: ResolvedDefinitions,
    partitions: KnownPartitions,
) -> tuple[RunRequest, str | None, str | None]:
    own = schedule.job_name
    if own is None:
        if request.job_name is not None:
            return request, request.job_name, None
        if request.partition_key is None:
            return (
                request,
                None,
                f"{schedule.what}: expected job_name on its requests, since it has no target, got none; name the job",
            )
        try:
            return request, only_job_with_partition(resolved, request.partition_key, partitions.view), None
        except UnknownPartitionError as exc:
            return request, None, f"{schedule.what}: {exc}"
    if request.job_name is not None and request.job_name != own:
        problem = f"{schedule.what}: expected requests for its own job {own!r}, got job_name {request.job_name!r}; drop it"
        return request, request.job_name, problem
    return request, own, None


# -- sensors -----------------------------------------------------------------------------------------------------------


def _sensor(
    resolved: ResolvedDefinitions,
    request: EvaluationRequest,
    instance: Any,
    log: TriggerLog,
    budget: Budget,
) -> EvaluationResult:
    sensor = resolved.sensor(request.name)
    with _as_of(request, instance):
        if isinstance(sensor, RunStatusSensorDefinition):
            return _run_status_sensor(resolved, sensor, request, instance, log, budget)
        if isinstance(sensor, AssetSensorDefinition):
            return _asset_sensor(resolved, sensor, request, instance, log, budget)
        if isinstance(sensor, FileSensorDefinition) and request.wants_listing:
            return EvaluationResult(listing=list_files(sensor.patterns, sensor.storage_options))
        if isinstance(sensor, WebhookSensorDefinition | FileSensorDefinition):
            return _push_sensor(resolved, sensor, request, instance, log, budget)
        context = _sensor_context(resolved, sensor, request, instance, log)
        with context:
            outcome = _collected(lambda: sensor.collect(context), sensor, SensorExecutionError)
        return _result(resolved, sensor, [outcome], request, instance)


def _sensor_context(
    resolved: ResolvedDefinitions,
    sensor: SensorDefinition,
    request: EvaluationRequest,
    instance: Any,
    log: TriggerLog,
) -> SensorEvaluationContext:
    options = _context_options(sensor, request, instance, log)
    if isinstance(sensor, MultiAssetSensorDefinition):
        return MultiAssetSensorEvaluationContext(
            monitored_assets=sensor.monitored_assets,
            definitions=_Repository(resolved),
            resource_defs=resolved.resources,
            **options,
        )
    return SensorEvaluationContext(
        repository_def=_Repository(resolved), resources=resolved.resources, **options
    )


def _context_options(
    sensor: SensorDefinition, request: EvaluationRequest, instance: Any, log: TriggerLog
) -> dict[str, Any]:
    return {
        "cursor": request.cursor,
        "last_run_key": request.last_run_key,
        "last_tick_completion_time": request.last_tick_at,
        "last_sensor_start_time": request.started_at,
        "is_first_tick": request.is_first_since_start,
        "sensor_name": sensor.name,
        "repository_name": "__repository__",
        "instance": instance,
        "resource_keys": sorted(sensor.required_resource_keys),
        "log": log,
    }


def _asset_sensor(
    resolved: ResolvedDefinitions,
    sensor: AssetSensorDefinition,
    request: EvaluationRequest,
    instance: Any,
    log: TriggerLog,
    budget: Budget,
) -> EvaluationResult:
    """Hands over events in order; behind one whose handling raises the position stops, so that it comes again."""
    if not request.events:
        return EvaluationResult(
            skip_reason=f"No new materialization events found for asset key {sensor.asset_key}"
        )
    stored = request.events if sensor.hand_over != NEWEST else request.events[-1:]
    entries: list[tuple[int, Any]] = [(one.id, view_entry(one.event, one.id)) for one in stored]
    if sensor.hand_over == BATCH:
        entries = [(entries[-1][0], [entry for _, entry in entries])]

    def collect(event: Any) -> SensorOutcome:
        with _sensor_context(resolved, sensor, request, instance, log) as context:
            return _collected(partial(sensor.collect_event, context, event), sensor, SensorExecutionError)

    handed = hand_over(
        [(event_id, partial(collect, event)) for event_id, event in entries],
        budget=budget,
        stops_at_failure=True,
    )
    return _handed_result(resolved, sensor, handed, request, instance)


def _run_status_sensor(
    resolved: ResolvedDefinitions,
    sensor: RunStatusSensorDefinition,
    request: EvaluationRequest,
    instance: Any,
    log: TriggerLog,
    budget: Budget,
) -> EvaluationResult:
    """Hands over every event, also after one whose handling raises."""

    def collect(place: int) -> SensorOutcome | None:
        record = request.runs[place] if place < len(request.runs) else None
        if record is None:
            return None
        context = RunStatusSensorContext(
            sensor_name=sensor.name,
            dagster_run=view_run(record),
            dagster_event=view_event(request.events[place].event),
            instance=instance,
            resource_defs=resolved.resources,
            resource_keys=sorted(sensor.required_resource_keys),
            logger=log,
            repository_def=_Repository(resolved),
        )
        with context:
            return _collected(partial(sensor.collect_run, context), sensor, RunStatusSensorExecutionError)

    handed = hand_over(
        [(stored.id, partial(collect, place)) for place, stored in enumerate(request.events)], budget=budget
    )
    return _handed_result(resolved, sensor, handed, request, instance)


def _push_sensor(
    resolved: ResolvedDefinitions,
    sensor: WebhookSensorDefinition | FileSensorDefinition,
    request: EvaluationRequest,
    instance: Any,
    log: TriggerLog,
    budget: Budget,
) -> EvaluationResult:
    """Hands over deliveries, one by one or all together; the cursor goes from one to the next."""
    if not request.deliveries:
        is_of_files = isinstance(sensor, FileSensorDefinition)
        return EvaluationResult(
            skip_reason="There are no changes of files." if is_of_files else "There are no deliveries."
        )
    cursor, changed = request.cursor, False

    def collect(deliveries: Sequence[Delivery]) -> SensorOutcome:
        nonlocal cursor, changed
        options = _context_options(sensor, request, instance, log) | {
            "cursor": cursor,
            "repository_def": _Repository(resolved),
            "resources": resolved.resources,
        }
        with _push_context(sensor, deliveries, options) as context:
            outcome = _collected(partial(sensor.collect, context), sensor, SensorExecutionError)
        if outcome.cursor_changed:
            cursor, changed = outcome.cursor, True
        return outcome

    whole = sensor.hand_over == BATCH
    rounds = [request.deliveries] if whole else [(one,) for one in request.deliveries]
    handed = hand_over([(group[-1].id, partial(collect, group)) for group in rounds], budget=budget)
    if whole and handed.failed and len(request.deliveries) > 1:
        return EvaluationResult(error=handed.failed[0][1])
    result = _handed_result(resolved, sensor, handed, request, instance)
    return _with(result, cursor=cursor if changed else None, cursor_changed=changed)


def _push_context(
    sensor: WebhookSensorDefinition | FileSensorDefinition,
    deliveries: Sequence[Delivery],
    options: dict[str, Any],
) -> SensorEvaluationContext:
    if isinstance(sensor, WebhookSensorDefinition):
        return WebhookSensorContext(
            [
                WebhookDelivery(
                    one.body,
                    one.headers,
                    delivery_id=one.delivery_id,
                    received_at=one.received_at,
                    id=one.id,
                )
                for one in deliveries
            ],
            **options,
        )
    return FileSensorContext([from_json(one.body, FileChange) for one in deliveries], **options)


def _handed_result(
    resolved: ResolvedDefinitions,
    sensor: SensorDefinition,
    handed: HandedOver,
    request: EvaluationRequest,
    instance: Any,
) -> EvaluationResult:
    result = _result(resolved, sensor, handed.outcomes, request, instance, keeps_cursor=False)
    return _with(result, position=handed.position, failed_events=tuple(handed.failed))


def _collected(
    collect: Callable[[], SensorOutcome], sensor: SensorDefinition, kind: type[UserCodeExecutionError]
) -> SensorOutcome:
    """The outcome.

    Raises:
        UserCodeExecutionError: of the given kind, when user code raised or returned something that means nothing.
    """
    try:
        return collect()
    except Exception as exc:
        text = str(exc) if isinstance(exc, TidewheelError) else f"{type(exc).__name__}: {error_text(exc)}"
        what = "" if text.startswith(sensor.what) else f"{sensor.what}: "
        raise kind(f"{what}{text}", user_exception=exc) from exc


def _result(
    resolved: ResolvedDefinitions,
    sensor: SensorDefinition,
    outcomes: Sequence[SensorOutcome],
    request: EvaluationRequest,
    instance: Any,
    *,
    keeps_cursor: bool = True,
) -> EvaluationResult:
    """The result of all outcomes of one evaluation."""
    partitions = KnownPartitions(instance, now=request.now, known=request.dynamic_partitions)
    changes: list[PartitionChange] = []
    events: list[Event] = []
    named: Named = []
    for outcome in outcomes:
        changes += partitions.apply(outcome.partitions)
        events += [event_from_outside(one, timestamp=request.now) for one in outcome.asset_events]
        named += [_named_by_sensor(sensor, one) for one in outcome.requests]
    checker = RequestChecker(
        resolved,
        instance=instance,
        now=request.now,
        partitions=partitions,
        system_tags={SENSOR_NAME: sensor.name},
        selection=sensor.asset_selection,
    )
    checked = checker.check(named)
    skip = next((one.skip_message for one in outcomes if one.skip_message and not one.requests), None)
    last = outcomes[-1] if outcomes else None
    return EvaluationResult(
        requests=checked.runs,
        request_errors=checked.errors,
        skip_reason=skip or checked.dropped,
        cursor=last.cursor if last is not None and keeps_cursor else None,
        cursor_changed=bool(last is not None and keeps_cursor and last.cursor_changed),
        partition_changes=joined((*changes, *checked.added)),
        events=tuple(events),
    )


def _named_by_sensor(
    sensor: SensorDefinition, request: RunRequest
) -> tuple[RunRequest, str | None, str | None]:
    problem = sensor.target_problem(request)
    names = sensor.job_names
    job_name = request.job_name or (names[0] if len(names) == 1 else None)
    if not names and sensor.asset_selection is not None:
        job_name = None
    return request, job_name, problem


# -- surroundings ------------------------------------------------------------------------------------------------------


class _Repository:
    """Definitions as ``context.repository_def``; the repository is made when it is asked for."""

    def __init__(self, resolved: ResolvedDefinitions) -> None:
        self.resolved = resolved

    def get_repository_def(self) -> Any:
        """The repository."""
        return RepositoryDefinition("__repository__", resolved=self.resolved)


def _as_of(request: EvaluationRequest, instance: Any) -> Any:
    """Questions about partitions are answered as of the evaluation, with the instance's dynamic partitions."""
    return partition_loading_context(datetime.fromtimestamp(request.now, UTC), instance)


__all__ = ["evaluate_schedule", "evaluate_sensor", "evaluate_trigger", "prepare_launch"]
