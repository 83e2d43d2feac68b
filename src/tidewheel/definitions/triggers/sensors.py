"""Sensors: functions that are asked again and again whether something shall run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from tidewheel.definitions.assets.asset_labels import require_name, require_owners
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.triggers.run_request import RunRequest
from tidewheel.definitions.triggers.trigger_functions import (
    TriggerFunction,
    function_name,
    require_resources_one_way,
)
from tidewheel.definitions.triggers.trigger_policies import require_policy
from tidewheel.definitions.triggers.trigger_requests import DirectRequests
from tidewheel.definitions.triggers.trigger_results import SensorExecutionData, SensorOutcome, sensor_outcome
from tidewheel.definitions.triggers.trigger_target import (
    AnyJob,
    TriggerTarget,
    require_one_of,
    target_of_job,
    targets_of,
)
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.tags import SENSOR_NAME, normalize_tags

DEFAULT_INTERVAL_S = 30


class DefaultSensorStatus(Enum):
    """Whether a sensor is evaluated before a person says anything."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class SensorType(Enum):
    """The kinds of sensors."""

    STANDARD = "STANDARD"
    RUN_STATUS = "RUN_STATUS"
    ASSET = "ASSET"
    MULTI_ASSET = "MULTI_ASSET"
    FRESHNESS_POLICY = "FRESHNESS_POLICY"
    AUTO_MATERIALIZE = "AUTO_MATERIALIZE"
    AUTOMATION = "AUTOMATION"
    UNKNOWN = "UNKNOWN"


class SensorDefinition:
    """A sensor.

    Name what it may start by ``job``, ``jobs``, ``job_name``, ``target`` (jobs or a selection of assets) or
    ``asset_selection``. ``minimum_interval_seconds``: the least time between two evaluations.
    """

    kind = "standard"

    def __init__(
        self,
        name: str | None = None,
        *,
        evaluation_fn: Callable[..., Any] | None = None,
        job_name: str | None = None,
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        asset_selection: Any = None,
        required_resource_keys: set[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        target: Any = None,
        owners: Sequence[str] | None = None,
        policy: TriggerPolicy | None = None,
    ) -> None:
        if evaluation_fn is None:
            raise InvalidDefinitionError(
                f"sensor {name!r}: expected evaluation_fn, got none; pass a function"
            )
        self.name = require_name(name or function_name(evaluation_fn, "sensor function"), "name of a sensor")
        self.what = f"sensor {self.name!r}"
        require_one_of(
            self.what, job=job, jobs=jobs, job_name=job_name, target=target, asset_selection=asset_selection
        )
        self.targets: list[TriggerTarget] = _targets(job, jobs, job_name, target, self.name, self.what)
        self.asset_selection: AssetSelection | None = (
            AssetSelection.from_coercible(asset_selection) if asset_selection is not None else None
        )
        self.function = TriggerFunction(evaluation_fn, self.what)
        self.minimum_interval_seconds = require_interval(minimum_interval_seconds, self.what)
        self.description = description
        if not isinstance(default_status, DefaultSensorStatus):
            raise ParameterCheckError(
                f"{self.what}: expected default_status as DefaultSensorStatus, got {default_status!r}; "
                "use DefaultSensorStatus.RUNNING or .STOPPED"
            )
        self.default_status = default_status
        self.tags = normalize_tags(tags)
        self.metadata = typed_metadata(metadata)
        self.owners = list(require_owners(owners, self.what))
        self._required = set(required_resource_keys or ())
        self.policy = require_policy(policy, self.what)

    # -- what it may start -----------------------------------------------------------------------------------------

    @property
    def sensor_type(self) -> SensorType:
        """The kind of sensor."""
        return SensorType.STANDARD

    @property
    def jobs(self) -> list[AnyJob]:
        """The jobs that it may start.

        Raises:
            InvalidDefinitionError: when there are none, or only their names are known.
        """
        found = [target.job for target in self.targets if target.job is not None]
        if not found:
            raise InvalidDefinitionError(f"{self.what}: expected job objects, got none; look them up by name")
        return found

    @property
    def job(self) -> AnyJob:
        """The only job that it may start.

        Raises:
            InvalidDefinitionError: when there are none or several.
        """
        found = self.jobs
        if len(found) != 1:
            raise InvalidDefinitionError(f"{self.what}: expected one job, got {len(found)}; use .jobs")
        return found[0]

    @property
    def job_name(self) -> str | None:
        """The name of the only job that it may start.

        Raises:
            InvalidDefinitionError: when there are none or several.
        """
        names = self.job_names
        if len(names) != 1:
            raise InvalidDefinitionError(
                f"{self.what}: expected one job, got {len(names)} ({names}); use .targets"
            )
        return names[0]

    @property
    def job_names(self) -> list[str]:
        """The names of the jobs that it may start."""
        return [target.job_name for target in self.targets]

    @property
    def has_jobs(self) -> bool:
        """Whether job objects are known."""
        return any(target.job is not None for target in self.targets)

    @property
    def has_anonymous_job(self) -> bool:
        """Whether its job was made for a selection of assets."""
        return any(target.is_anonymous for target in self.targets)

    @property
    def target(self) -> TriggerTarget | None:
        """The first target."""
        return self.targets[0] if self.targets else None

    @property
    def required_resource_keys(self) -> set[str]:
        """Resources that its function asks for."""
        return self._required | self.function.resource_keys

    def with_updated_jobs(self, new_jobs: Sequence[Any]) -> SensorDefinition:
        """A copy that starts other jobs."""
        return self._changed(targets=[target_of_job(job, self.what) for job in new_jobs])

    def with_updated_job(self, new_job: Any) -> SensorDefinition:
        """A copy that starts another job."""
        return self.with_updated_jobs([new_job])

    def with_attributes(
        self, *, jobs: Sequence[Any] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> SensorDefinition:
        """A copy with other jobs or metadata."""
        changes: dict[str, Any] = {}
        if jobs is not None:
            changes["targets"] = [target_of_job(job, self.what) for job in jobs]
        if metadata is not None:
            changes["metadata"] = typed_metadata(metadata)
        return self._changed(**changes)

    def _changed(self, **changes: Any) -> Any:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(changes)
        return copy

    # -- evaluation --------------------------------------------------------------------------------------------------

    def collect(self, context: Any) -> SensorOutcome:
        """What its function asks for, without the system's tags and without checks against the targets.

        Raises:
            Exception: whatever the user's function raises.
            CheckError: when it returned something that means nothing.
        """
        return sensor_outcome(self.function.call(context), context, self.what)

    def evaluate_tick(self, context: Any) -> SensorExecutionData:
        """What an evaluation asks for, with the tags that runs get from it."""
        return self.execution_data(self.collect(context), context)

    def execution_data(self, outcome: SensorOutcome, context: Any) -> SensorExecutionData:
        """The outcome of an evaluation as execution data.

        Raises:
            CheckError: when a request names no job or a wrong one.
        """
        direct = DirectRequests(context, self.targets, outcome.partitions)
        return SensorExecutionData(
            run_requests=[self._completed(request, direct) for request in outcome.requests],
            skip_message=outcome.skip_message,
            cursor=outcome.cursor,
            dagster_run_reactions=outcome.reactions,
            log_key=getattr(context, "log_key", None),
            dynamic_partitions_requests=outcome.partitions,
            asset_events=outcome.asset_events,
        )

    def _completed(self, request: RunRequest, direct: DirectRequests) -> RunRequest:
        problem = self.target_problem(request)
        if problem is not None:
            raise CheckError(problem)
        if self.asset_selection is not None:
            request = direct.with_selection(request, self.asset_selection, self.what)
        request = direct.with_partition(request)
        return request.with_replaced_attrs(tags={**request.tags, SENSOR_NAME: self.name})

    def target_problem(self, request: RunRequest) -> str | None:
        """Why a request does not say which of the sensor's targets it means; None when it does."""
        names = self.job_names
        if not names and self.asset_selection is None:
            return f"{self.what}: expected a target, since it requests runs, got none; pass job=, jobs=, target= or job_name="
        if not names or (request.job_name is None and len(names) == 1):
            return None
        if request.job_name is None:
            return f"{self.what}: expected job_name on its requests, one of {names}, got none; name the job"
        if request.job_name not in names:
            return (
                f"{self.what}: expected job_name as one of {names}, got {request.job_name!r}; add it to jobs="
            )
        return None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function directly, as a test does.

        Raises:
            InvalidInvocationError: when the context is missing.
        """
        return self.function.invoke(args, kwargs, is_sensor_context, self._required)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def is_sensor_context(value: Any) -> bool:
    """Whether something is a sensor's context."""
    return any("cursor" in vars(kind) for kind in type(value).__mro__) or "cursor" in getattr(
        value, "__dict__", {}
    )


def require_interval(seconds: Any, what: str) -> float:
    """The minimum interval of a sensor; None: the default.

    Raises:
        InvalidDefinitionError: when it is negative.
    """
    if seconds is None:
        return DEFAULT_INTERVAL_S
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ParameterCheckError(f"{what}: expected minimum_interval_seconds as a number, got {seconds!r}")
    if seconds < 0:
        raise InvalidDefinitionError(
            f"{what}: expected minimum_interval_seconds of 0 or more, got {seconds!r}; 0 means every loop"
        )
    return seconds


def _targets(
    job: Any, jobs: Sequence[Any] | None, job_name: str | None, target: Any, name: str, what: str
) -> list[TriggerTarget]:
    if job is not None:
        return [target_of_job(job, what)]
    if jobs is not None:
        return [target_of_job(one, what) for one in jobs]
    if job_name is not None:
        if not isinstance(job_name, str):
            raise ParameterCheckError(f"{what}: expected job_name as text, got {job_name!r}")
        return [TriggerTarget(None, job_name)]
    return targets_of(target, what, name) if target is not None else []


def sensor(
    job_name: Any = None,
    *,
    name: str | None = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    asset_selection: Any = None,
    required_resource_keys: set[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    target: Any = None,
    owners: Sequence[str] | None = None,
    policy: TriggerPolicy | None = None,
) -> Any:
    """Decorate a function as a sensor.

    It may return (or yield) ``RunRequest``s, a ``SkipReason``, a ``SensorResult``, or nothing.
    """

    def decorate(fn: Callable[..., Any]) -> SensorDefinition:
        made = SensorDefinition(
            name or function_name(fn, "sensor function"),
            evaluation_fn=fn,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            asset_selection=asset_selection,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            target=target,
            owners=owners,
            policy=policy,
        )
        require_resources_one_way(made.function, required_resource_keys)
        return remember(made, fn)

    if callable(job_name) and not isinstance(job_name, str):
        fn, job_name = job_name, None
        return decorate(fn)
    return decorate


def remember(made: Any, fn: Callable[..., Any]) -> Any:
    """Let a definition show its function's name and docstring, as decorated functions do."""
    made.__doc__ = fn.__doc__
    made.__dict__["__name__"] = getattr(fn, "__name__", made.name)
    made.__dict__["__wrapped__"] = fn
    return made
