"""Schedules: jobs at the ticks of cron strings, perhaps with a function that decides what runs."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from tidewheel.definitions.assets.asset_labels import require_name, require_owners
from tidewheel.definitions.assets.results import Failure, RetryRequested
from tidewheel.definitions.triggers.run_request import SkipReason, config_mapping
from tidewheel.definitions.triggers.trigger_functions import TriggerFunction
from tidewheel.definitions.triggers.trigger_policies import require_policy
from tidewheel.definitions.triggers.trigger_requests import DirectRequests
from tidewheel.definitions.triggers.trigger_results import ScheduleExecutionData, drained, schedule_requests
from tidewheel.definitions.triggers.trigger_target import (
    AnyJob,
    TriggerTarget,
    require_one_of,
    target_of,
    target_of_job,
)
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvalidInvocationError,
    ParameterCheckError,
    ScheduleExecutionError,
    TidewheelError,
)
from tidewheel.logic.cron.errors import CronError, ZoneError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.zones import require_zone
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.tags import SCHEDULE_NAME, SYSTEM_TAG_PREFIX, normalize_tags

_RAISED_BY_USERS = (CheckError, Failure, RetryRequested)
"""Our errors that tell of what the user's function did, as an error of its own would."""


class DefaultScheduleStatus(Enum):
    """Whether a schedule ticks before a person says anything."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class ScheduleDefinition:
    """A schedule.

    Name a target by ``job``, ``job_name`` or ``target`` (a job, or a selection of assets). Without any function, each tick
    asks for one run with ``run_config`` and ``tags``; ``run_config_fn``, ``tags_fn`` and ``should_execute`` compute them at
    the tick, or ``execution_fn`` decides everything. Without a target, ``execution_fn`` must name the jobs in its requests.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        cron_schedule: str | Sequence[str] | None = None,
        job_name: str | None = None,
        run_config: Any = None,
        run_config_fn: Callable[..., Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        tags_fn: Callable[..., Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        should_execute: Callable[..., bool] | None = None,
        environment_vars: Mapping[str, str] | None = None,
        execution_timezone: str | None = None,
        execution_fn: Callable[..., Any] | None = None,
        description: str | None = None,
        job: Any = None,
        default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
        required_resource_keys: set[str] | None = None,
        target: Any = None,
        owners: Sequence[str] | None = None,
        policy: TriggerPolicy | None = None,
    ) -> None:
        what = f"schedule {name!r}" if name else "schedule"
        require_one_of(what, job=job, job_name=job_name, target=target)
        self.target: TriggerTarget | None = _target(job, job_name, target, name, what, execution_fn)
        if name is None:
            if self.target is None:
                raise InvalidDefinitionError(
                    "schedule: expected a name, since there is no job to name it by, got none"
                )
            name = f"{self.target.job_name}_schedule"
        self.name = require_name(name, "name of a schedule")
        self.what = f"schedule {self.name!r}"
        self.cron_schedule = _require_crons(cron_schedule, self.what)
        self.execution_timezone = _require_timezone(execution_timezone, self.what)
        self.description = description
        if not isinstance(default_status, DefaultScheduleStatus):
            raise ParameterCheckError(
                f"{self.what}: expected default_status as DefaultScheduleStatus, got {default_status!r}; "
                "use DefaultScheduleStatus.RUNNING or .STOPPED"
            )
        self.default_status = default_status
        self.environment_vars = environment_vars
        self.metadata = typed_metadata(metadata)
        self.owners = list(require_owners(owners, self.what)) if owners is not None else None
        self._refuse_both(run_config=run_config, run_config_fn=run_config_fn)
        self._refuse_both(tags=tags, tags_fn=tags_fn)
        self.tags = _require_tags(tags, self.what)
        try:
            self.run_config = config_mapping(run_config)
        except ParameterCheckError as exc:
            warnings.warn(f"{self.what}: {exc}; its ticks are going to fail", stacklevel=3)
            self.run_config = {}
            run_config_fn = functools.partial(config_mapping, run_config)
        self._run_config_fn = _function(run_config_fn, self.what)
        self._tags_fn = _function(tags_fn, self.what)
        self._should_execute = _function(should_execute, self.what)
        self._execution_fn = _function(execution_fn, self.what)
        self._required = set(required_resource_keys or ())
        self.policy = require_policy(policy, self.what)

    def _refuse_both(self, **given: Any) -> None:
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise InvalidDefinitionError(f"{self.what}: expected {' or '.join(names)}, got both; keep one")

    # -- what it starts ------------------------------------------------------------------------------------------

    @property
    def job(self) -> AnyJob:
        """The job that it starts.

        Raises:
            InvalidDefinitionError: when only its name is known, or there is none.
        """
        if self.target is None or self.target.job is None:
            raise InvalidDefinitionError(
                f"{self.what}: expected a job object, got only a name or none; look it up by name"
            )
        return self.target.job

    @property
    def job_name(self) -> str | None:
        """The name of the job that it starts; None when its requests name the jobs."""
        return self.target.job_name if self.target is not None else None

    @property
    def has_job(self) -> bool:
        """Whether the job itself is known."""
        return self.target is not None and self.target.job is not None

    @property
    def has_anonymous_job(self) -> bool:
        """Whether the job was made for a selection of assets."""
        return self.target is not None and self.target.is_anonymous

    @property
    def crons(self) -> tuple[str, ...]:
        """The cron strings."""
        return (self.cron_schedule,) if isinstance(self.cron_schedule, str) else tuple(self.cron_schedule)

    @property
    def required_resource_keys(self) -> set[str]:
        """Resources that its functions ask for."""
        found = set(self._required)
        for function in (self._execution_fn, self._run_config_fn, self._tags_fn, self._should_execute):
            if function is not None:
                found |= function.resource_keys
        return found

    @property
    def is_fixed(self) -> bool:
        """Whether every tick asks for the same run, so that no function has to be called."""
        return not any((self._execution_fn, self._run_config_fn, self._tags_fn, self._should_execute))

    def with_updated_job(self, new_job: Any) -> ScheduleDefinition:
        """A copy that starts another job."""
        return self._changed(target=target_of_job(new_job, self.what))

    def with_attributes(
        self, *, job: Any = None, metadata: Mapping[str, Any] | None = None
    ) -> ScheduleDefinition:
        """A copy with another job or metadata."""
        changes: dict[str, Any] = {}
        if job is not None:
            changes["target"] = target_of_job(job, self.what)
        if metadata is not None:
            changes["metadata"] = typed_metadata(metadata)
        return self._changed(**changes)

    def _changed(self, **changes: Any) -> ScheduleDefinition:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(changes)
        return copy

    # -- evaluation --------------------------------------------------------------------------------------------------

    def collect(self, context: Any) -> ScheduleExecutionData:
        """What its functions ask for at one tick, without the system's tags.

        Raises:
            ScheduleExecutionError: when a function raised; the cause is the user's own error.
            TidewheelError: other than a failed check, as a function raised it: it says enough by itself.
            CheckError: when a function returned something that means nothing.
        """
        try:
            returned, tags = self._call(context)
            if isinstance(returned, Iterator):
                returned = drained(returned)
        except Exception as exc:
            if isinstance(exc, TidewheelError) and not isinstance(exc, _RAISED_BY_USERS):
                raise
            said = (
                f"{exc}"
                if isinstance(exc, TidewheelError)
                else f"expected its function to return, got {type(exc).__name__}: {exc}"
            )
            raise ScheduleExecutionError(f"{self.what}: {said}", user_exception=exc) from exc
        if self._execution_fn is None and not isinstance(returned, SkipReason):
            returned = config_mapping(returned)
        return schedule_requests(returned, self.what, tags)

    def _call(self, context: Any) -> tuple[Any, Mapping[str, str]]:
        if self._should_execute is not None and not self._should_execute.call(context):
            return SkipReason(f"should_execute function for {self.name} returned false."), {}
        tags = self.tags
        if self._tags_fn is not None:
            tags = _require_tags(self._tags_fn.call(context), self.what)
        if self._execution_fn is not None:
            return self._execution_fn.call(context), tags
        if self._run_config_fn is not None:
            return self._run_config_fn.call(context), tags
        return dict(self.run_config), tags

    def evaluate_tick(self, context: Any) -> ScheduleExecutionData:
        """What a tick asks for, with the tags that runs get from it."""
        found = self.collect(context)
        direct = DirectRequests(context, [self.target] if self.target is not None else [])
        requests = [direct.with_partition(one) for one in found.run_requests or ()]
        named = [one.with_replaced_attrs(tags={**one.tags, SCHEDULE_NAME: self.name}) for one in requests]
        return ScheduleExecutionData(named, found.skip_message, getattr(context, "log_key", None))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call its function directly, as a test does.

        Raises:
            InvalidInvocationError: when there is none that decides alone, or the context is missing.
        """
        if self._execution_fn is None:
            raise InvalidInvocationError(
                f"{self.what}: expected a schedule with one function to be called, got one without execution_fn; "
                "use evaluate_tick(context)"
            )
        return self._execution_fn.invoke(args, kwargs, is_schedule_context, self._required)

    def __repr__(self) -> str:
        return f"ScheduleDefinition({self.name!r})"


def is_schedule_context(value: Any) -> bool:
    """Whether something is a schedule's context."""
    name = "scheduled_execution_time"
    return _has_attribute(type(value), name) or name in getattr(value, "__dict__", {})


def _has_attribute(kind: type, name: str) -> bool:
    return any(name in vars(one) for one in kind.__mro__)


def _target(
    job: Any, job_name: str | None, target: Any, name: str | None, what: str, execution_fn: Any
) -> TriggerTarget | None:
    if job is not None:
        return target_of_job(job, what)
    if job_name is not None:
        if not isinstance(job_name, str):
            raise ParameterCheckError(f"{what}: expected job_name as text, got {job_name!r}")
        return TriggerTarget(None, job_name)
    if target is not None:
        return target_of(target, what, name)
    if execution_fn is None:
        raise CheckError(f"{what}: expected something to start, got none; pass target=, job= or job_name=")
    return None


def _require_crons(crons: Any, what: str) -> str | Sequence[str]:
    if isinstance(crons, str):
        texts: Sequence[Any] = [crons]
    elif isinstance(crons, Sequence):
        texts = crons
        if not texts:
            raise InvalidDefinitionError(
                f"{what}: expected at least one cron string, got none; write for example '0 6 * * *'"
            )
    else:
        raise ParameterCheckError(
            f"{what}: expected cron_schedule as a cron string or a list of them, got {crons!r}; write for example '0 6 * * *'"
        )
    for text in texts:
        if not isinstance(text, str):
            raise ParameterCheckError(f"{what}: expected cron strings, got {text!r} ({type(text).__name__})")
        try:
            parse(text)
        except CronError as exc:
            raise InvalidDefinitionError(f"{what}: {exc}") from exc
    return crons if isinstance(crons, str) else list(texts)


def _require_timezone(zone: str | None, what: str) -> str | None:
    if zone is None:
        return None
    if not isinstance(zone, str):
        raise ParameterCheckError(f"{what}: expected execution_timezone as text, got {zone!r}")
    try:
        require_zone(zone)
    except ZoneError as exc:
        raise InvalidDefinitionError(f"{what}: {exc}") from exc
    return zone


def _require_tags(tags: Mapping[str, Any] | None, what: str) -> dict[str, str]:
    if tags is not None and not isinstance(tags, Mapping):
        raise ParameterCheckError(f"{what}: expected tags as a mapping, got {tags!r}; use a dict")
    found = normalize_tags(tags)
    for tag in found:
        if tag.startswith((SYSTEM_TAG_PREFIX, f".{SYSTEM_TAG_PREFIX}")) and tag not in _USER_SYSTEM_TAGS:
            raise InvalidDefinitionError(
                f"{what}: expected tags of your own, got {tag!r}, whose prefix is the system's; choose another name"
            )
    return found


_USER_SYSTEM_TAGS = frozenset(
    {
        "dagster/priority",
        "dagster/max_retries",
        "dagster/retry_strategy",
        "dagster/max_runtime",
        "dagster/image",
        "dagster/concurrency_key",
        "dagster/retry_on_asset_or_op_failure",
        "dagster/isolation",
    }
)


def _function(fn: Callable[..., Any] | None, what: str) -> TriggerFunction | None:
    return TriggerFunction(fn, what) if fn is not None else None
