"""The context of a sensor's function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.values.shown_members import shows
from tidewheel.worker.contexts.trigger_context import TriggerContext, TriggerLog


@shows("last_run_key", "last_tick_completion_time", "repository_name")
class SensorEvaluationContext(TriggerContext):
    """What a sensor's function may use: its cursor, what is known of earlier evaluations, the instance, resources, a log.

    Times are seconds since the epoch.
    """

    def __init__(
        self,
        instance_ref: Any = None,
        last_tick_completion_time: float | None = None,
        last_run_key: str | None = None,
        cursor: str | None = None,
        log_key: Sequence[str] | None = None,
        repository_name: str | None = None,
        repository_def: Any = None,
        instance: Any = None,
        sensor_name: str | None = None,
        resources: Any = None,
        definitions: Any = None,
        last_sensor_start_time: float | None = None,
        code_location_origin: Any = None,
        last_completion_time: float | None = None,
        *,
        resource_keys: Sequence[str] | None = None,
        log: TriggerLog | None = None,
        is_first_tick: bool | None = None,
    ) -> None:
        super().__init__(
            instance=instance,
            resources=resources,
            resource_keys=resource_keys,
            repository_def=repository_def if repository_def is not None else definitions,
            repository_name=repository_name,
            log=log,
        )
        self._cursor = cursor
        self._cursor_updated = False
        self._sensor_name = sensor_name
        self.last_run_key = last_run_key
        self.last_tick_completion_time = (
            last_tick_completion_time if last_tick_completion_time is not None else last_completion_time
        )
        self.last_sensor_start_time = last_sensor_start_time
        self.code_location_origin = code_location_origin
        self._is_first_tick = is_first_tick

    @property
    def sensor_name(self) -> str:
        """The sensor's name.

        Raises:
            CheckError: when the context was made without it.
        """
        if self._sensor_name is None:
            raise CheckError("expected a context with sensor_name, got one without; pass sensor_name=")
        return self._sensor_name

    @property
    def repository_def(self) -> Any:
        """The definitions that the sensor belongs to, or None."""
        if self._repository_def is None:
            return None
        return super().repository_def

    @property
    def cursor(self) -> str | None:
        """The text that the sensor stored at its last evaluation (or in this one)."""
        return self._cursor

    @property
    def cursor_updated(self) -> bool:
        """Whether this evaluation stored a cursor."""
        return self._cursor_updated

    def update_cursor(self, cursor: str | None) -> None:
        """Store a text for the next evaluation; None or an empty text forgets it.

        Raises:
            ParameterCheckError: when it is no text.
        """
        if cursor is not None and not isinstance(cursor, str):
            raise ParameterCheckError(
                f"expected the cursor as text, got {cursor!r} ({type(cursor).__name__}); use str() or json.dumps()"
            )
        self._cursor = cursor or None
        self._cursor_updated = True

    @property
    def last_completion_time(self) -> float | None:
        """As ``last_tick_completion_time``."""
        return self.last_tick_completion_time

    @property
    def is_first_tick_since_sensor_start(self) -> bool:
        """Whether this is the first evaluation since the sensor was started."""
        if self._is_first_tick is not None:
            return self._is_first_tick
        if self.last_sensor_start_time is None or self.last_tick_completion_time is None:
            return True
        return self.last_tick_completion_time < self.last_sensor_start_time

    @property
    def caching_dynamic_partitions_loader(self) -> Any:
        """Whoever knows the dynamic partitions: the instance."""
        return self.instance


def build_sensor_context(
    instance: Any = None,
    cursor: str | None = None,
    repository_name: str | None = None,
    repository_def: Any = None,
    sensor_name: str | None = None,
    resources: Mapping[str, Any] | None = None,
    definitions: Any = None,
    instance_ref: Any = None,
    last_sensor_start_time: float | None = None,
    last_tick_completion_time: float | None = None,
    last_run_key: str | None = None,
) -> SensorEvaluationContext:
    """A context for calling a sensor in a test."""
    if repository_def is None and definitions is not None:
        repository_def = definitions
    return SensorEvaluationContext(
        last_tick_completion_time=last_tick_completion_time,
        last_run_key=last_run_key,
        cursor=cursor,
        repository_name=repository_name,
        repository_def=repository_def,
        instance=instance,
        sensor_name=sensor_name,
        resources=resources,
        last_sensor_start_time=last_sensor_start_time,
    )
