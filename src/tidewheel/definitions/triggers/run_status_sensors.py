"""Sensors that hear of runs: ``@run_status_sensor`` and ``@run_failure_sensor``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tidewheel.definitions.jobs.asset_jobs import UnresolvedAssetJobDefinition
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.triggers.run_request import RunRequest
from tidewheel.definitions.triggers.sensors import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorType,
    remember,
)
from tidewheel.definitions.triggers.trigger_functions import function_name
from tidewheel.definitions.triggers.trigger_results import SensorExecutionData, SensorOutcome, sensor_outcome
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvariantViolationError,
    ParameterCheckError,
)
from tidewheel.values.events import EventType
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.status import RunStatus

EVENT_OF_STATUS = {
    RunStatus.QUEUED: EventType.RUN_ENQUEUED,
    RunStatus.STARTING: EventType.RUN_STARTING,
    RunStatus.STARTED: EventType.RUN_START,
    RunStatus.SUCCESS: EventType.RUN_SUCCESS,
    RunStatus.FAILURE: EventType.RUN_FAILURE,
    RunStatus.CANCELING: EventType.RUN_CANCELING,
    RunStatus.CANCELED: EventType.RUN_CANCELED,
}


class RunReaction(NamedTuple):
    """Says that a sensor has reacted to a run (and perhaps failed to)."""

    dagster_run: Any
    error: Any = None
    run_status: RunStatus | None = None

    @property
    def is_run_reaction(self) -> bool:
        """True."""
        return True


class JobSelector:
    """A job of another code location (``repository_name`` may be left out)."""

    def __init__(
        self, location_name: str, repository_name: str | None = None, job_name: str | None = None
    ) -> None:
        if job_name is None:
            raise ParameterCheckError("JobSelector: expected job_name, got none; pass job_name='...'")
        self.location_name = location_name
        self.repository_name = repository_name or "__repository__"
        self.job_name = job_name

    @property
    def selector_id(self) -> str:
        """A text that is different for different jobs."""
        return f"{self.location_name}/{self.job_name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobSelector) and self.selector_id == other.selector_id

    def __hash__(self) -> int:
        return hash(self.selector_id)

    def __repr__(self) -> str:
        return f"JobSelector(location_name={self.location_name!r}, job_name={self.job_name!r})"


class RepositorySelector:
    """All jobs of one repository of a code location."""

    def __init__(self, *, location_name: str, repository_name: str) -> None:
        self.location_name = location_name
        self.repository_name = repository_name


class CodeLocationSelector:
    """All jobs of a code location."""

    def __init__(self, location_name: str) -> None:
        self.location_name = location_name


class MonitoredJobs(NamedTuple):
    """What a run status sensor listens to: own jobs by name, ``location/job`` texts, whole locations, or everything."""

    jobs: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    all_locations: bool = False


class RunStatusSensorDefinition(SensorDefinition):
    """A sensor whose function is called, once, for each run that reaches a status.

    ``monitored_jobs``: jobs or selectors; without them all jobs of the own code location. Runs that the sensor itself has
    asked for are left out.
    """

    kind = "run_status"

    def __init__(
        self,
        name: str,
        run_status: RunStatus,
        run_status_sensor_fn: Callable[..., Any],
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        monitored_jobs: Sequence[Any] | None = None,
        monitor_all_code_locations: bool | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        request_job: Any = None,
        request_jobs: Sequence[Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        required_resource_keys: set[str] | None = None,
        *,
        is_failure_sensor: bool = False,
        policy: TriggerPolicy | None = None,
    ) -> None:
        self.run_status = _require_status(run_status, name)
        if request_job is not None and request_jobs is not None:
            raise InvalidDefinitionError(
                f"sensor {name!r}: expected request_job or request_jobs, got both; keep request_jobs"
            )
        self.monitored = _monitored(monitored_jobs, bool(monitor_all_code_locations), name)
        self.monitored_job_defs = [
            one
            for one in monitored_jobs or ()
            if isinstance(one, JobDefinition | UnresolvedAssetJobDefinition | GraphDefinition)
        ]
        self.is_failure_sensor = is_failure_sensor
        super().__init__(
            name,
            evaluation_fn=run_status_sensor_fn,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=request_job,
            jobs=request_jobs,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            policy=policy,
        )

    @property
    def sensor_type(self) -> SensorType:
        """The kind of sensor."""
        return SensorType.RUN_STATUS

    @property
    def event_type(self) -> EventType:
        """The event that runs of the status make."""
        return EVENT_OF_STATUS[self.run_status]

    def collect_run(self, context: Any) -> SensorOutcome:
        """What the function asks for on one run.

        Raises:
            Exception: whatever the user's function raises.
            InvariantViolationError: when it sets a cursor, which is the system's here.
            CheckError: when it returned something that means nothing.
        """
        if self.is_failure_sensor and hasattr(context, "for_run_failure"):
            context = context.for_run_failure()
        outcome = sensor_outcome(self.function.call(context), None, self.what)
        if outcome.cursor_changed:
            raise InvariantViolationError(
                f"{self.what}: expected no cursor from a run status sensor, since the system keeps it, got "
                f"{outcome.cursor!r}; drop it"
            )
        return outcome

    def evaluate_tick(self, context: Any) -> SensorExecutionData:
        """What an evaluation on one run in this process asks for; the context is that of a run."""
        if not hasattr(context, "dagster_run"):
            raise InvariantViolationError(
                f"{self.what}: expected the context of a run, got {context!r}; use build_run_status_sensor_context()"
            )
        return self.execution_data(self.collect_run(context), context)

    def target_problem(self, request: RunRequest) -> str | None:
        """Why a request does not say which of the sensor's targets it means; None when it does."""
        if not self.targets:
            return f"{self.what}: expected request_job or request_jobs, since it requests runs, got none; name what it may start"
        return super().target_problem(request)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function directly, as a test does, with a context or with nothing but resources.

        Raises:
            RunStatusSensorExecutionError: when the function raises.
            InvalidInvocationError: when the context is missing.
        """
        rest = list(args)
        if self.is_failure_sensor:
            if rest and hasattr(rest[0], "for_run_failure"):
                rest[0] = rest[0].for_run_failure()
            name = self.function.params.context
            if name in kwargs and hasattr(kwargs[name], "for_run_failure"):
                kwargs = {**kwargs, name: kwargs[name].for_run_failure()}
        return self.function.invoke(tuple(rest), kwargs, lambda value: hasattr(value, "dagster_run"))


def run_status_sensor(
    run_status: RunStatus,
    name: str | None = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    monitored_jobs: Sequence[Any] | None = None,
    job_selection: Sequence[Any] | None = None,
    monitor_all_code_locations: bool | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_job: Any = None,
    request_jobs: Sequence[Any] | None = None,
    monitor_all_repositories: bool | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    required_resource_keys: set[str] | None = None,
    policy: TriggerPolicy | None = None,
) -> Callable[[Callable[..., Any]], RunStatusSensorDefinition]:
    """Decorate a function that is called, once, for each run that reaches ``run_status``."""

    def decorate(fn: Callable[..., Any]) -> RunStatusSensorDefinition:
        made = RunStatusSensorDefinition(
            name or function_name(fn, "sensor function"),
            run_status,
            fn,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            monitored_jobs=_one_spelling(monitored_jobs, job_selection),
            monitor_all_code_locations=_one_spelling(monitor_all_code_locations, monitor_all_repositories),
            default_status=default_status,
            request_job=request_job,
            request_jobs=request_jobs,
            tags=tags,
            metadata=metadata,
            required_resource_keys=required_resource_keys,
            policy=policy,
        )
        return remember(made, fn)  # type: ignore[no-any-return]

    return decorate


def run_failure_sensor(
    name: Any = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    monitored_jobs: Sequence[Any] | None = None,
    job_selection: Sequence[Any] | None = None,
    monitor_all_code_locations: bool | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_job: Any = None,
    request_jobs: Sequence[Any] | None = None,
    monitor_all_repositories: bool | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    required_resource_keys: set[str] | None = None,
    policy: TriggerPolicy | None = None,
) -> Any:
    """Decorate a function that is called, once, for each run that fails; with or without parentheses."""

    def decorate(fn: Callable[..., Any]) -> RunStatusSensorDefinition:
        made = RunStatusSensorDefinition(
            name if isinstance(name, str) else function_name(fn, "sensor function"),
            RunStatus.FAILURE,
            fn,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            monitored_jobs=_one_spelling(monitored_jobs, job_selection),
            monitor_all_code_locations=_one_spelling(monitor_all_code_locations, monitor_all_repositories),
            default_status=default_status,
            request_job=request_job,
            request_jobs=request_jobs,
            tags=tags,
            metadata=metadata,
            required_resource_keys=required_resource_keys,
            is_failure_sensor=True,
            policy=policy,
        )
        return remember(made, fn)  # type: ignore[no-any-return]

    if callable(name):
        return decorate(name)
    return decorate


def _one_spelling(new: Any, old: Any) -> Any:
    return new if new is not None else old


def _require_status(status: Any, name: str) -> RunStatus:
    if not isinstance(status, RunStatus):
        raise ParameterCheckError(
            f"sensor {name!r}: expected run_status as a RunStatus, got {status!r}; use for example RunStatus.SUCCESS"
        )
    if status not in EVENT_OF_STATUS:
        known = ", ".join(one.name for one in EVENT_OF_STATUS)
        raise InvalidDefinitionError(
            f"sensor {name!r}: expected a run_status that makes an event ({known}), got {status.name}; choose another"
        )
    return status


def _monitored(monitored_jobs: Sequence[Any] | None, everywhere: bool, name: str) -> MonitoredJobs:
    if monitored_jobs and everywhere:
        raise InvalidDefinitionError(
            f"sensor {name!r}: expected monitored_jobs or monitor_all_code_locations, got both; keep one"
        )
    jobs: list[str] = []
    locations: list[str] = []
    for one in monitored_jobs or ():
        if isinstance(one, JobDefinition | UnresolvedAssetJobDefinition | GraphDefinition):
            jobs.append(one.name)
        elif isinstance(one, JobSelector):
            jobs.append(one.selector_id)
        elif isinstance(one, CodeLocationSelector | RepositorySelector):
            locations.append(one.location_name)
        else:
            raise CheckError(
                f"sensor {name!r}: expected monitored_jobs as jobs or selectors, got {one!r} ({type(one).__name__}); "
                "pass the job itself, or JobSelector(...)"
            )
    return MonitoredJobs(tuple(jobs), tuple(locations), everywhere)
