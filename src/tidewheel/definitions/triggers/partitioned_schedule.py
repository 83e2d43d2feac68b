"""Schedules that follow a job's partitions: at each tick, the run of the window that has just ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tidewheel.definitions.jobs.asset_jobs import UnresolvedAssetJobDefinition
from tidewheel.definitions.partitions.definition import (
    DynamicPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
)
from tidewheel.definitions.partitions.multi_partitions import MultiPartitionsDefinition
from tidewheel.definitions.partitions.partition_keys import MultiPartitionKey
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.definitions.triggers.run_request import SkipReason
from tidewheel.definitions.triggers.schedules import DefaultScheduleStatus, ScheduleDefinition
from tidewheel.errors import CheckError, InvalidDefinitionError
from tidewheel.values.policies import TriggerPolicy


class UnresolvedPartitionedAssetScheduleDefinition:
    """A schedule over an asset job whose partitions are known only when there are assets."""

    def __init__(self, name: str, job: UnresolvedAssetJobDefinition, options: Mapping[str, Any]) -> None:
        self.name = name
        self.job = job
        self.options = dict(options)

    @property
    def description(self) -> str | None:
        """The given description."""
        return self.options.get("description")

    @property
    def default_status(self) -> DefaultScheduleStatus:
        """Whether it ticks before a person says anything."""
        return self.options["default_status"]  # type: ignore[no-any-return]

    @property
    def tags(self) -> Mapping[str, str] | None:
        """Tags of its runs."""
        return self.options.get("tags")

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Metadata."""
        return self.options.get("metadata")

    def resolve(self, resolved_job: Any) -> ScheduleDefinition:
        """The schedule of the job over the assets there are.

        Raises:
            CheckError: when the job is not partitioned, or a parameter does not fit its partitions.
            InvalidDefinitionError: when its partitions do not say what to run at a tick.
        """
        return _build(resolved_job, self.name, self.options)

    def with_metadata(self, metadata: Mapping[str, Any]) -> UnresolvedPartitionedAssetScheduleDefinition:
        """A copy with other metadata."""
        return UnresolvedPartitionedAssetScheduleDefinition(
            self.name, self.job, {**self.options, "metadata": metadata}
        )

    def __repr__(self) -> str:
        return f"UnresolvedPartitionedAssetScheduleDefinition({self.name!r})"


def build_schedule_from_partitioned_job(
    job: Any,
    description: str | None = None,
    name: str | None = None,
    minute_of_hour: int | None = None,
    hour_of_day: int | None = None,
    day_of_week: int | None = None,
    day_of_month: int | None = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    tags: Mapping[str, str] | None = None,
    cron_schedule: str | None = None,
    execution_timezone: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
    timezone: str | None = None,
    policy: TriggerPolicy | None = None,
) -> Any:
    """A schedule that runs a job's newest complete partition at each tick.

    The ticks are those of the partitions, moved within the cadence by ``minute_of_hour`` ..., or those of ``cron_schedule``.
    ``execution_timezone`` (or ``timezone``) moves the ticks, never the partitions. Of multi partitions with a time
    dimension all those of the newest window run. Partitions without time (static, dynamic, multi of these) need
    ``cron_schedule``, and all that exist run at each tick.
    """
    moves = {
        "minute_of_hour": minute_of_hour,
        "hour_of_day": hour_of_day,
        "day_of_week": day_of_week,
        "day_of_month": day_of_month,
    }
    given = {key: value for key, value in moves.items() if value is not None}
    if timezone is not None and execution_timezone not in (None, timezone):
        raise CheckError(
            f"partitioned schedule: expected timezone or execution_timezone, got {timezone!r} and {execution_timezone!r}; "
            "they mean the same, keep one"
        )
    if cron_schedule is not None and given:
        raise CheckError(
            f"partitioned schedule: expected cron_schedule or {', '.join(given)}, got both; put the time into cron_schedule"
        )
    if day_of_week and day_of_month:
        raise CheckError("partitioned schedule: expected day_of_week or day_of_month, got both; keep one")
    options = {
        "description": description,
        "default_status": default_status,
        "tags": tags,
        "cron_schedule": cron_schedule,
        "execution_timezone": execution_timezone or timezone,
        "metadata": metadata,
        "owners": owners,
        "policy": policy,
        "moves": given,
    }
    made_name = name or f"{job.name}_schedule"
    if isinstance(job, UnresolvedAssetJobDefinition) and job.partitions_def is None:
        return UnresolvedPartitionedAssetScheduleDefinition(made_name, job, options)
    return _build(job, made_name, options)


schedule_from_partitions = build_schedule_from_partitioned_job


def _build(job: Any, name: str, options: Mapping[str, Any]) -> ScheduleDefinition:
    definition: PartitionsDefinition | None = job.partitions_def
    if definition is None:
        raise CheckError(
            f"schedule {name!r}: expected a partitioned job, got {job.name!r} without partitions; "
            "give its assets a partitions_def, or use ScheduleDefinition"
        )
    cron, zone = _ticks(definition, name, options)
    made = ScheduleDefinition(
        name,
        cron_schedule=cron,
        job=job,
        execution_timezone=zone,
        execution_fn=_requests_of(job, definition, dict(options["tags"] or {}), name),
        description=options["description"],
        default_status=options["default_status"],
        metadata=options["metadata"],
        owners=options["owners"],
        policy=options["policy"],
    )
    return made


def _ticks(definition: PartitionsDefinition, name: str, options: Mapping[str, Any]) -> tuple[str, str | None]:
    """The cron string and zone of the ticks."""
    windows = time_dimension(definition)
    cron, zone, moves = options["cron_schedule"], options["execution_timezone"], options["moves"]
    if windows is not None:
        return cron or windows.moved_cron(**moves), zone or windows.timezone
    if _is_timeless(definition):
        if cron is None:
            raise CheckError(
                f"schedule {name!r}: expected cron_schedule, since partitions without time have no cadence, got none; "
                "pass cron_schedule='0 6 * * *'"
            )
        return cron, zone
    raise InvalidDefinitionError(
        f"schedule {name!r}: expected partitions with at most one time dimension, got {definition!r}; "
        "write a @schedule that names the partitions"
    )


def _is_timeless(definition: PartitionsDefinition) -> bool:
    """Whether no dimension of a definition follows time, so that all its partitions are meant at every tick."""
    if isinstance(definition, MultiPartitionsDefinition):
        return all(_is_timeless(one.partitions_def) for one in definition.partitions_defs)
    return isinstance(definition, StaticPartitionsDefinition | DynamicPartitionsDefinition)


def time_dimension(definition: PartitionsDefinition) -> TimeWindowPartitionsDefinition | None:
    """The time windows of a definition: itself, or its only time dimension."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return definition
    if isinstance(definition, MultiPartitionsDefinition) and definition.has_time_window_dimension:
        return definition.time_window_partitions_def
    return None


def _requests_of(
    job: Any, definition: PartitionsDefinition, tags: Mapping[str, str], name: str
) -> Callable[..., Any]:
    """What the schedule does at a tick."""

    def requests(context: Any) -> Any:
        moment = context.scheduled_execution_time
        needs_store = isinstance(definition, MultiPartitionsDefinition | DynamicPartitionsDefinition)
        store = _store_of(context) if needs_store else None
        windows = time_dimension(definition)
        if windows is not None and _is_excluded(windows, moment):
            return SkipReason(f"The window that ended before this tick of {name} is excluded.")
        keys = _keys_at(definition, windows, moment, store)
        if not keys:
            return SkipReason("The job's PartitionsDefinition has no partitions")
        made = [
            job.run_request_for_partition(
                key, run_key=key, tags=tags, current_time=moment, dynamic_partitions_store=store
            )
            for key in keys
        ]
        return made[0] if len(made) == 1 else made

    return requests


def _store_of(context: Any) -> Any:
    try:
        return context.instance
    except Exception:  # noqa: BLE001 - a context without an instance: only dynamic dimensions would need one
        return None


def _is_excluded(windows: TimeWindowPartitionsDefinition, moment: datetime) -> bool:
    last = windows.get_last_partition_window_ignoring_exclusions(moment)
    return last is not None and windows.is_window_start_excluded(last.start)


def _keys_at(
    definition: PartitionsDefinition,
    windows: TimeWindowPartitionsDefinition | None,
    moment: datetime,
    store: Any,
) -> Sequence[str]:
    """The partitions that are due at a moment."""
    if windows is None:
        return list(definition.get_partition_keys(moment, store))
    key = windows.get_last_partition_key(moment)
    if key is None:
        return []
    if not isinstance(definition, MultiPartitionsDefinition):
        return [key]
    time_name = definition.time_window_dimension.name
    other = next(one for one in definition.partitions_defs if one.name != time_name)
    return [
        MultiPartitionKey({time_name: key, other.name: value})
        for value in other.partitions_def.get_partition_keys(moment, store)
    ]
