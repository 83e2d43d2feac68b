"""Freshness policies: how old an asset's latest update may be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Any, NamedTuple

from tidewheel.definitions.api_markers import deprecation_warning
from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.zones import require_zone, zone_info
from tidewheel.logic.freshness import (
    LEAST_S,
    DeadlineFreshness,
    FreshnessRule,
    WindowFreshness,
    last_deadline_s,
    smallest_interval_s,
)


class FreshnessState(str, Enum):
    """What a policy says of an asset at a moment."""

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class FreshnessPolicy(ABC):
    """How old an asset's latest update may be: ``FreshnessPolicy.time_window(...)`` or ``FreshnessPolicy.cron(...)``.

    With ``maximum_lag_minutes``, as it was once written, it gives a ``LegacyFreshnessPolicy``.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """One of the policies; the class itself only makes older ones."""
        if cls is not FreshnessPolicy:
            return super().__new__(cls)
        if "maximum_lag_minutes" in kwargs:
            return LegacyFreshnessPolicy(*args, **kwargs)
        raise ParameterCheckError(
            "expected FreshnessPolicy.time_window(...) or FreshnessPolicy.cron(...), got FreshnessPolicy(...)"
        )

    @property
    @abstractmethod
    def rule(self) -> FreshnessRule:
        """The policy as the server keeps it."""

    @staticmethod
    def time_window(
        fail_window: timedelta, warn_window: timedelta | None = None
    ) -> TimeWindowFreshnessPolicy:
        """An update must not be longer ago than ``fail_window``; from ``warn_window`` on there is a warning.

        Raises:
            CheckError: when a window is shorter than a minute, or the warning does not come first.
        """
        return TimeWindowFreshnessPolicy(fail_window, warn_window)

    @staticmethod
    def cron(deadline_cron: str, lower_bound_delta: timedelta, timezone: str = "UTC") -> CronFreshnessPolicy:
        """At each tick of ``deadline_cron``, an update must not be longer ago than ``lower_bound_delta``.

        Raises:
            CheckError: when the cron string or zone is none, or the delta is shorter than a minute or longer than the
                shortest time between two ticks.
        """
        return CronFreshnessPolicy(deadline_cron, lower_bound_delta, timezone)


class FreshnessWindow(timedelta):
    """A window of a policy: a timedelta that also answers ``to_timedelta()``, as user code asks it."""

    @classmethod
    def from_timedelta(cls, delta: timedelta) -> FreshnessWindow:
        """The same length of time."""
        return cls(days=delta.days, seconds=delta.seconds, microseconds=delta.microseconds)

    def to_timedelta(self) -> timedelta:
        """The window as a plain timedelta."""
        return timedelta(days=self.days, seconds=self.seconds, microseconds=self.microseconds)


@dataclass(frozen=True)
class TimeWindowFreshnessPolicy(FreshnessPolicy):
    """An update must not be longer ago than ``fail_window``. Both windows are kept as ``FreshnessWindow``."""

    fail_window: timedelta
    warn_window: timedelta | None = None

    def __post_init__(self) -> None:
        for name in ("fail_window", "warn_window"):
            window = getattr(self, name)
            if window is not None or name == "fail_window":
                _require_delta(window, name)
                object.__setattr__(self, name, FreshnessWindow.from_timedelta(window))
        if self.warn_window is not None and self.warn_window >= self.fail_window:
            raise CheckError(
                f"expected warn_window to be shorter than fail_window ({self.fail_window}), got {self.warn_window}"
            )

    @staticmethod
    def from_timedeltas(
        fail_window: timedelta, warn_window: timedelta | None = None
    ) -> TimeWindowFreshnessPolicy:
        """A policy of two windows."""
        return TimeWindowFreshnessPolicy(fail_window, warn_window)

    @property
    def rule(self) -> FreshnessRule:
        """The policy as the server keeps it."""
        return WindowFreshness(
            fail_window_s=self.fail_window.total_seconds(),
            warn_window_s=self.warn_window.total_seconds() if self.warn_window is not None else None,
        )


@dataclass(frozen=True)
class CronFreshnessPolicy(FreshnessPolicy):
    """At each tick of ``deadline_cron``, an update must not be longer ago than ``lower_bound_delta``."""

    deadline_cron: str
    lower_bound_delta: timedelta
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        require_cron(self.deadline_cron, self.timezone)
        _require_delta(self.lower_bound_delta, "lower_bound_delta")
        longest = timedelta(seconds=smallest_interval_s(self.deadline_cron))
        if self.lower_bound_delta > longest:
            raise CheckError(
                f"expected lower_bound_delta of at most {longest}, the shortest time between two ticks of "
                f"{self.deadline_cron!r}, got {self.lower_bound_delta}"
            )

    @property
    def rule(self) -> FreshnessRule:
        """The policy as the server keeps it."""
        return DeadlineFreshness(
            cron=self.deadline_cron,
            lower_bound_s=self.lower_bound_delta.total_seconds(),
            zone=require_zone(self.timezone),
        )


class FreshnessMinutes(NamedTuple):
    """How many minutes too late an asset is, and how far behind."""

    overdue_minutes: float
    lag_minutes: float


@dataclass(frozen=True, kw_only=True)
class LegacyFreshnessPolicy:
    """The policy of earlier times: data must not be older than ``maximum_lag_minutes`` (at ticks of a cron, if given).

    It is kept with the asset and shown; nothing acts on it. Use ``FreshnessPolicy`` or freshness checks.
    """

    maximum_lag_minutes: float
    cron_schedule: str | None = None
    cron_schedule_timezone: str | None = None

    def __post_init__(self) -> None:
        deprecation_warning(
            "LegacyFreshnessPolicy",
            "1.10.0",
            "use FreshnessPolicy or build_last_update_freshness_checks",
            stacklevel=4,
        )
        lag = self.maximum_lag_minutes
        if isinstance(lag, bool) or not isinstance(lag, (int, float)):
            raise ParameterCheckError(f"expected maximum_lag_minutes as a number, got {lag!r}")
        object.__setattr__(self, "maximum_lag_minutes", float(lag))
        if self.cron_schedule is None:
            if self.cron_schedule_timezone is not None:
                raise ParameterCheckError(
                    "expected cron_schedule_timezone with a cron_schedule, got it alone; drop it"
                )
            return
        try:
            require_cron(self.cron_schedule, self.cron_schedule_timezone or "UTC")
        except CheckError as exc:
            raise InvalidDefinitionError(f"LegacyFreshnessPolicy: {exc}") from exc

    @property
    def maximum_lag_delta(self) -> timedelta:
        """The lag."""
        return timedelta(minutes=self.maximum_lag_minutes)

    def get_evaluation_tick(self, evaluation_time: datetime) -> datetime | None:
        """The moment that counts: the last tick of the cron, or without one the moment itself."""
        if self.cron_schedule is None:
            return evaluation_time
        zone = zone_info(self.cron_schedule_timezone or "UTC")
        return _moment(last_deadline_s(self.cron_schedule, zone.key, evaluation_time.timestamp()), zone)

    def minutes_overdue(
        self, data_time: datetime | None, evaluation_time: datetime
    ) -> FreshnessMinutes | None:
        """How late data of some time is; None when there is no data."""
        tick = self.get_evaluation_tick(evaluation_time)
        if data_time is None or tick is None:
            return None
        lag = max(0.0, (tick - data_time).total_seconds() / 60)
        return FreshnessMinutes(max(0.0, lag - self.maximum_lag_minutes), lag)


def apply_freshness_policy(
    spec: AssetSpec, policy: FreshnessPolicy, overwrite_existing: bool = True
) -> AssetSpec:
    """A spec with a policy; one that the spec has already stays when ``overwrite_existing`` is False."""
    if not isinstance(policy, FreshnessPolicy):
        raise ParameterCheckError(
            f"expected a FreshnessPolicy, got {policy!r}; use FreshnessPolicy.time_window(...)"
        )
    if spec.freshness_policy is not None and not overwrite_existing:
        return spec
    return spec.replace_attributes(freshness_policy=policy)


def require_cron(cron: Any, zone: Any) -> None:
    """Check a cron string and the zone it is read in.

    Raises:
        CheckError: when one of them is none.
    """
    if not isinstance(cron, str) or not isinstance(zone, str):
        raise ParameterCheckError(
            f"expected a cron string and a time zone as texts, got {cron!r} and {zone!r}"
        )
    try:
        parse(cron)
        require_zone(zone)
    except CronError as exc:
        raise CheckError(str(exc)) from exc


def _require_delta(value: Any, name: str) -> None:
    if not isinstance(value, timedelta):
        raise ParameterCheckError(f"expected {name} as a timedelta, got {value!r}; use timedelta(hours=...)")
    if value.total_seconds() < LEAST_S:
        raise CheckError(f"expected {name} of a minute or more, got {value}")


def _moment(instant_s: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(instant_s, zone)
