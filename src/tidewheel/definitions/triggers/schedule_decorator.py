"""``@schedule``: a function that decides what runs at each tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.triggers.schedules import DefaultScheduleStatus, ScheduleDefinition
from tidewheel.definitions.triggers.trigger_functions import (
    TriggerFunction,
    function_name,
    require_resources_one_way,
)
from tidewheel.values.policies import TriggerPolicy


def schedule(
    cron_schedule: str | Sequence[str],
    *,
    job_name: str | None = None,
    name: str | None = None,
    tags: Mapping[str, Any] | None = None,
    tags_fn: Callable[..., Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    should_execute: Callable[..., bool] | None = None,
    environment_vars: Mapping[str, str] | None = None,
    execution_timezone: str | None = None,
    description: str | None = None,
    job: Any = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    required_resource_keys: set[str] | None = None,
    target: Any = None,
    owners: Sequence[str] | None = None,
    policy: TriggerPolicy | None = None,
) -> Callable[[Callable[..., Any]], ScheduleDefinition]:
    """Decorate a function as a schedule; it is called at each tick of ``cron_schedule`` and returns what shall run.

    It may return (or yield) ``RunRequest``s, a ``SkipReason``, run config as a dict, or nothing. Without ``job``,
    ``job_name`` and ``target``, its requests must name their jobs.
    """

    def decorate(fn: Callable[..., Any]) -> ScheduleDefinition:
        made = ScheduleDefinition(
            name or function_name(fn, "schedule function"),
            cron_schedule=cron_schedule,
            job_name=job_name,
            tags=tags,
            tags_fn=tags_fn,
            metadata=metadata,
            should_execute=should_execute,
            environment_vars=environment_vars,
            execution_timezone=execution_timezone,
            description=description,
            execution_fn=fn,
            job=job,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            target=target,
            owners=owners,
            policy=policy,
        )
        require_resources_one_way(TriggerFunction(fn, made.what), required_resource_keys)
        made.__doc__ = fn.__doc__
        made.__dict__["__name__"] = getattr(fn, "__name__", made.name)
        made.__dict__["__wrapped__"] = fn
        return made

    return decorate
