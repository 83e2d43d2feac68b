"""The context of a schedule's function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidewheel.definitions.clock import as_seconds
from tidewheel.errors import CheckError
from tidewheel.runtime.instance.facade import Instance
from tidewheel.worker.contexts.trigger_context import TriggerContext, TriggerLog


class ScheduleEvaluationContext(TriggerContext):
    """What a schedule's function may use: the nominal time of the tick, the instance, resources, a log."""

    def __init__(
        self,
        instance_ref: Any = None,
        scheduled_execution_time: datetime | None = None,
        log_key: Sequence[str] | None = None,
        repository_name: str | None = None,
        schedule_name: str | None = None,
        resources: Any = None,
        repository_def: Any = None,
        *,
        instance: Any = None,
        resource_keys: Sequence[str] | None = None,
        log: TriggerLog | None = None,
    ) -> None:
        super().__init__(
            instance=instance,
            resources=resources,
            resource_keys=resource_keys,
            repository_def=repository_def,
            repository_name=repository_name,
            log=log,
        )
        self._scheduled_execution_time = scheduled_execution_time
        self.schedule_name = schedule_name

    @property
    def instance(self) -> Any:
        """The instance; one in memory, if the context was made without."""
        if self._instance is None:
            self._instance = Instance.ephemeral()
        return self._instance

    @property
    def moment_s(self) -> float | None:
        """The nominal time in seconds since the epoch; None when the context was made without one."""
        moment = self._scheduled_execution_time
        return as_seconds(moment) if moment is not None else None

    @property
    def scheduled_execution_time(self) -> datetime:
        """The nominal time of the tick, in the schedule's zone.

        Raises:
            CheckError: when the context was made without it.
        """
        if self._scheduled_execution_time is None:
            raise CheckError(
                "expected a context with scheduled_execution_time, got one without; pass scheduled_execution_time="
            )
        return self._scheduled_execution_time


def build_schedule_context(
    instance: Any = None,
    scheduled_execution_time: datetime | None = None,
    resources: Mapping[str, Any] | None = None,
    repository_def: Any = None,
    instance_ref: Any = None,
) -> ScheduleEvaluationContext:
    """A context for calling a schedule in a test."""
    return ScheduleEvaluationContext(
        scheduled_execution_time=scheduled_execution_time,
        resources=resources,
        repository_def=repository_def,
        instance=instance,
    )
