"""The contexts of run status and run failure sensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.values.events import EventType
from tidewheel.values.shown_members import shows
from tidewheel.values.tags import PARTITION
from tidewheel.worker.contexts.trigger_context import TriggerContext, TriggerLog


@shows("dagster_event", "dagster_run", "sensor_name")
class RunStatusSensorContext(TriggerContext):
    """What a run status sensor's function may use: the run, the event, the instance, resources, a log."""

    def __init__(
        self,
        sensor_name: str | None = None,
        dagster_run: Any = None,
        dagster_event: Any = None,
        instance: Any = None,
        context: Any = None,
        resource_defs: Mapping[str, Any] | None = None,
        logger: TriggerLog | None = None,
        partition_key: str | None = None,
        repository_def: Any = None,
        *,
        resource_keys: Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            instance=instance,
            resources=resource_defs,
            resource_keys=resource_keys,
            repository_def=repository_def,
            log=logger,
        )
        self.sensor_name = sensor_name
        self.dagster_run = dagster_run
        self.dagster_event = dagster_event
        self._partition_key = partition_key

    @property
    def run(self) -> Any:
        """The run."""
        return self.dagster_run

    @property
    def event(self) -> Any:
        """The event that says what became of the run."""
        return self.dagster_event

    @property
    def partition_key(self) -> str | None:
        """The partition of the run."""
        if self._partition_key is not None:
            return self._partition_key
        tags = getattr(self.dagster_run, "tags", None) or {}
        return tags.get(PARTITION)  # type: ignore[no-any-return]

    @property
    def repository_def(self) -> Any:
        """The definitions that the sensor belongs to, or None."""
        return None if self._repository_def is None else super().repository_def

    def for_run_failure(self) -> RunFailureSensorContext:
        """The same as the context of a failure."""
        made = object.__new__(RunFailureSensorContext)
        made.__dict__.update(self.__dict__)
        return made


class RunFailureSensorContext(RunStatusSensorContext):
    """What a run failure sensor's function may use."""

    @property
    def failure_event(self) -> Any:
        """The event of the failure."""
        return self.dagster_event

    def get_step_failure_events(self) -> Sequence[Any]:
        """The failures of the run's steps, in order."""
        entries = self.instance.all_logs(self.dagster_run.run_id, of_type={EventType.STEP_FAILURE})
        return [entry.dagster_event for entry in entries if entry.dagster_event is not None]


def build_run_status_sensor_context(
    sensor_name: str | None = None,
    dagster_event: Any = None,
    dagster_instance: Any = None,
    dagster_run: Any = None,
    context: Any = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    *,
    repository_def: Any = None,
    instance: Any = None,
    event: Any = None,
    run: Any = None,
) -> RunStatusSensorContext:
    """A context for calling a run status sensor in a test."""
    return RunStatusSensorContext(
        sensor_name=sensor_name,
        dagster_run=dagster_run if dagster_run is not None else run,
        dagster_event=dagster_event if dagster_event is not None else event,
        instance=dagster_instance if dagster_instance is not None else instance,
        resource_defs=resources,
        partition_key=partition_key,
        repository_def=repository_def,
    )


def build_run_failure_sensor_context(*args: Any, **kwargs: Any) -> RunFailureSensorContext:
    """A context for calling a run failure sensor in a test; as ``build_run_status_sensor_context``."""
    return build_run_status_sensor_context(*args, **kwargs).for_run_failure()
