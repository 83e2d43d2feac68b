"""Partitions that are windows of time: hourly, daily, weekly, monthly, or by any cron string."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import Any

from tidewheel.definitions.clock import as_seconds
from tidewheel.definitions.partitions.definition import PartitionsDefinition, checked
from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange, TimeWindow
from tidewheel.definitions.partitions.partition_subset import PartitionsSubset
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.zones import zone_info
from tidewheel.logic.partitions import sets, windows
from tidewheel.logic.partitions.definitions import TimeWindowPartitions
from tidewheel.logic.partitions.windows import Window

DAILY_FMT = "%Y-%m-%d"
HOURLY_FMT = "%Y-%m-%d-%H:%M"


class ScheduleType(str, Enum):
    """The plain cadences."""

    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"

    @property
    def ordinal(self) -> int:
        """The position from fine to coarse, from 1."""
        return list(ScheduleType).index(self) + 1

    def __gt__(self, other: str) -> bool:
        return self.ordinal > ScheduleType(other).ordinal

    def __lt__(self, other: str) -> bool:
        return self.ordinal < ScheduleType(other).ordinal


def cron_of(kind: ScheduleType, minute: int = 0, hour: int = 0, day: int | None = None) -> str:
    """The cron string of a plain cadence; ``day``: of the week (0 is Sunday) or of the month."""
    match kind:
        case ScheduleType.HOURLY:
            return f"{minute} * * * *"
        case ScheduleType.DAILY:
            return f"{minute} {hour} * * *"
        case ScheduleType.WEEKLY:
            return f"{minute} {hour} * * {day or 0}"
        case ScheduleType.MONTHLY:
            return f"{minute} {hour} {1 if day is None else max(day, 1)} * *"


class TimeWindowPartitionsDefinition(PartitionsDefinition):
    """One partition for each window between two ticks of a cron string, keyed by the window's start.

    A window exists when it has ended (``end_offset`` windows more or fewer exist). ``start`` and ``end`` are texts in
    ``fmt`` or datetimes, read as local times of ``timezone``. ``exclusions``: cron strings and datetimes of window
    starts that do not exist.
    """

    def __init__(
        self,
        start: datetime | str,
        fmt: str,
        end: datetime | str | None = None,
        schedule_type: ScheduleType | None = None,
        timezone: str | None = None,
        end_offset: int = 0,
        minute_offset: int | None = None,
        hour_offset: int | None = None,
        day_offset: int | None = None,
        cron_schedule: str | None = None,
        exclusions: Sequence[Any] | None = None,
    ) -> None:
        cron = _choose_cron(cron_schedule, schedule_type, minute_offset, hour_offset, day_offset)
        zone = timezone or "UTC"
        info = zone_info(zone)
        for value, name in ((end_offset, "end_offset"),):
            if not isinstance(value, int):
                raise ParameterCheckError(f"expected {name} as a whole number, got {value!r}")
        self._info: tzinfo = UTC if info.key == "UTC" else info
        self._spec = _checked_windows(
            TimeWindowPartitions(
                cron=cron,
                zone=zone,
                start=_seconds(start, fmt, info, "start"),
                end=None if end is None else _seconds(end, fmt, info, "end"),
                end_offset=end_offset,
                fmt=fmt,
                exclusions=tuple(_exclusion(one, info) for one in exclusions or ()),
            )
        )

    @property
    def spec(self) -> TimeWindowPartitions:
        """The serialisable value that this definition is."""
        return self._spec

    # -- what it was made of ---------------------------------------------------------------------------------

    @property
    def cron_schedule(self) -> str:
        """The cron string whose ticks are the windows' starts."""
        return self._spec.cron

    @property
    def timezone(self) -> str:
        """The zone of ticks and keys."""
        return self._spec.zone

    @property
    def fmt(self) -> str:
        """How keys are written (strftime)."""
        return self._spec.fmt

    @property
    def end_offset(self) -> int:
        """How many windows more (or fewer) exist than have ended."""
        return self._spec.end_offset

    @property
    def exclusions(self) -> Sequence[Any] | None:
        """Cron strings and window starts that do not exist."""
        found = [one if isinstance(one, str) else self._moment(one) for one in self._spec.exclusions]
        return found or None

    @property
    def start(self) -> datetime:
        """The given start."""
        return self._moment(self._spec.start)

    @property
    def end(self) -> datetime | None:
        """The given end."""
        return None if self._spec.end is None else self._moment(self._spec.end)

    @property
    def start_timestamp(self) -> float:
        """The given start, in seconds since the epoch."""
        return self._spec.start

    @property
    def end_timestamp(self) -> float | None:
        """The given end, in seconds since the epoch."""
        return self._spec.end

    @property
    def schedule_type(self) -> ScheduleType | None:
        """The plain cadence that the cron string is, if it is one."""
        fields = self._spec.cron.split()
        shape: Any = tuple(field.isdigit() for field in fields)
        return (
            _CADENCES.get(shape) if all(d or f == "*" for d, f in zip(shape, fields, strict=True)) else None
        )

    @property
    def minute_offset(self) -> int:
        """The minute at which windows start."""
        return self._cron_field(0)

    @property
    def hour_offset(self) -> int:
        """The hour at which windows start."""
        return self._cron_field(1)

    @property
    def day_offset(self) -> int:
        """The day of the week or month at which windows start."""
        if self.schedule_type is ScheduleType.WEEKLY:
            return self._cron_field(4)
        return self._cron_field(2) if self.schedule_type is ScheduleType.MONTHLY else 0

    @property
    def is_basic_daily(self) -> bool:
        """Whether windows are the days of the zone."""
        return self._spec.cron == "0 0 * * *"

    @property
    def is_basic_hourly(self) -> bool:
        """Whether windows are the hours of the zone."""
        return self._spec.cron == "0 * * * *"

    def _cron_field(self, index: int) -> int:
        text = self._spec.cron.split()[index]
        return int(text) if text.isdigit() else 0

    # -- windows and keys -------------------------------------------------------------------------------------

    def _moment(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self._info)

    def _window(self, ordinal: int) -> TimeWindow:
        window = windows.window_of(self._spec, ordinal)
        return TimeWindow(self._moment(window.start_s), self._moment(window.end_s))

    def _ordinal(self, key: str) -> int:
        """The ordinal of a window's key, existing or not; raises ValueError."""
        ordinal = windows.find_ordinal(self._spec, key)
        if ordinal is None:
            raise ValueError(
                f"partition key: expected one such as {windows.key_of(self._spec, 0)!r}, got {key!r}; keys are the "
                f"starts of windows of cron {self._spec.cron!r}, written as {self._spec.fmt!r}"
            )
        return ordinal

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """The window of a key, whether it exists (already) or not.

        Raises:
            ValueError: when no window has this key.
        """
        return self._window(self._ordinal(partition_key))

    def time_windows_for_partition_keys(
        self, partition_keys: Iterable[str], validate: bool = True
    ) -> Sequence[TimeWindow]:
        """The windows of some keys, neighbours joined.

        Raises:
            ValueError: when no window has one of the keys.
        """
        runs: list[list[int]] = []
        for ordinal in sorted({self._ordinal(key) for key in partition_keys}):
            if runs and runs[-1][1] + 1 == ordinal:
                runs[-1][1] = ordinal
            else:
                runs.append([ordinal, ordinal])
        return [TimeWindow(self._window(a).start, self._window(b).end) for a, b in runs]

    def start_time_for_partition_key(self, partition_key: str) -> datetime:
        """The start of a key's window."""
        return self.time_window_for_partition_key(partition_key).start

    def end_time_for_partition_key(self, partition_key: str) -> datetime:
        """The end of a key's window."""
        return self.time_window_for_partition_key(partition_key).end

    def get_partition_key_for_timestamp(self, timestamp: float, end_closed: bool = False) -> str:
        """The key of the window that holds a moment; ``end_closed``: a moment on a border belongs to the earlier one."""
        ordinal = windows.ordinal_at(self._spec, timestamp)
        if end_closed and windows.start_of(self._spec, ordinal) == timestamp:
            ordinal -= 1
        return windows.key_of(self._spec, ordinal)

    def get_partition_key(self, key: datetime | str) -> str:
        """The key of a moment's window; a text is returned as it is."""
        return key if isinstance(key, str) else self.get_partition_key_for_timestamp(as_seconds(key))

    def get_first_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        """The first existing window."""
        ordinal = windows.first_ordinal(self._spec, view_at(current_time).now)
        return None if ordinal is None else self._window(ordinal)

    def get_last_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        """The last existing window."""
        ordinal = windows.last_complete_ordinal(self._spec, view_at(current_time).now)
        return None if ordinal is None else self._window(ordinal)

    def get_last_partition_window_ignoring_exclusions(
        self, current_time: datetime | None = None
    ) -> TimeWindow | None:
        """The last window that would exist if nothing were excluded."""
        after = windows.bound(self._spec, view_at(current_time).now)
        return self._window(after - 1) if after > 0 else None

    def get_next_partition_window(self, end_dt: datetime, respect_bounds: bool = True) -> TimeWindow | None:
        """The first window that starts at or after a moment; within start and end, unless told otherwise."""
        ordinal: int | None = windows.ordinal_from(self._spec, as_seconds(end_dt))
        if respect_bounds:
            ordinal = max(ordinal or 0, 0)
        if ordinal is not None and ordinal >= 0 and windows.is_excluded(self._spec, ordinal):
            ordinal = windows.next_ordinal(self._spec, ordinal)
        if ordinal is None or (respect_bounds and self._is_past_end(ordinal)):
            return None
        return self._window(ordinal)

    def get_prev_partition_window(self, start_dt: datetime, respect_bounds: bool = True) -> TimeWindow | None:
        """The last window that ends at or before a moment; within start and end, unless told otherwise."""
        ordinal: int | None = windows.ordinal_at(self._spec, as_seconds(start_dt)) - 1
        if ordinal is not None and ordinal >= 0 and windows.is_excluded(self._spec, ordinal):
            ordinal = windows.previous_ordinal(self._spec, ordinal)
        if ordinal is None or (respect_bounds and (ordinal < 0 or self._is_past_end(ordinal))):
            return None
        return self._window(ordinal)

    def _is_past_end(self, ordinal: int) -> bool:
        return self._spec.end is not None and windows.window_of(self._spec, ordinal).end_s > self._spec.end

    def get_next_partition_key(self, partition_key: str) -> str | None:
        """The existing key after this one."""
        ordinal = windows.next_ordinal(self._spec, self._ordinal(partition_key))
        if ordinal is None or not windows.exists(self._spec, ordinal, view_at().now):
            return None
        return windows.key_of(self._spec, ordinal)

    def less_than(self, partition_key1: str, partition_key2: str) -> bool:
        """Whether the first key's window is the earlier one."""
        return self._ordinal(partition_key1) < self._ordinal(partition_key2)

    def is_window_start_excluded(self, window_start: datetime) -> bool:
        """Whether an exclusion names this start."""
        seconds = as_seconds(window_start)
        ordinal = windows.ordinal_from(self._spec, seconds)
        return windows.start_of(self._spec, ordinal) == seconds and windows.is_excluded(self._spec, ordinal)

    # -- ranges -------------------------------------------------------------------------------------------------

    def _starting_in(self, time_window: TimeWindow) -> range:
        first = windows.ordinal_from(self._spec, as_seconds(time_window.start))
        last = windows.ordinal_from(self._spec, as_seconds(time_window.end))
        return range(max(first, 0), max(last, 0))

    def get_partition_keys_in_time_window(self, time_window: TimeWindow) -> Sequence[str]:
        """The keys of the windows that start in a time window and exist."""
        ordinals = self._starting_in(time_window)
        stop = min(ordinals.stop, windows.bound(self._spec, view_at().now))
        found = windows.without_excluded(self._spec, range(ordinals.start, max(stop, ordinals.start)))
        return [windows.key_of(self._spec, ordinal) for ordinal in found]

    def get_partition_subset_in_time_window(self, time_window: TimeWindow) -> PartitionsSubset:
        """The partitions that lie in a time window as a whole and exist."""
        view = view_at()
        window = Window(as_seconds(time_window.start), as_seconds(time_window.end))
        return PartitionsSubset(self, sets.from_window(self._spec, window, view), view)

    def get_partition_key_range_for_time_window(
        self, time_window: TimeWindow, respect_bounds: bool = True
    ) -> PartitionKeyRange:
        """The keys of the windows that hold the first and the last moment of a time window."""
        first = windows.ordinal_at(self._spec, as_seconds(time_window.start))
        end = windows.ordinal_at(self._spec, as_seconds(time_window.end))
        last = end - 1 if windows.start_of(self._spec, end) == as_seconds(time_window.end) else end
        if respect_bounds:
            first, last = max(first, 0), max(last, 0)
        return PartitionKeyRange(windows.key_of(self._spec, first), windows.key_of(self._spec, last))

    def get_num_partitions_in_window(self, time_window: TimeWindow) -> int:
        """How many windows start in a time window."""
        return len(windows.without_excluded(self._spec, self._starting_in(time_window)))

    def has_any_partitions_in_window(self, time_window: TimeWindow) -> bool:
        """Whether a window starts in a time window."""
        return self.get_num_partitions_in_window(time_window) > 0

    def get_partition_keys_between_indexes(self, start_idx: int, end_idx: int) -> list[str]:
        """The keys of positions ``start_idx`` up to, not including, ``end_idx``."""
        return list(windows.keys_of(self._spec, range(start_idx, end_idx)))

    def equal_except_for_start_or_end(self, other: TimeWindowPartitionsDefinition) -> bool:
        """Whether two definitions have the same windows where both have some."""
        mine, theirs = self._spec, other.spec
        return (mine.cron, mine.zone, mine.fmt, mine.end_offset, mine.exclusions) == (
            theirs.cron,
            theirs.zone,
            theirs.fmt,
            theirs.end_offset,
            theirs.exclusions,
        )

    # -- schedules ------------------------------------------------------------------------------------------------

    def get_cron_schedule(
        self,
        minute_of_hour: int | None = None,
        hour_of_day: int | None = None,
        day_of_week: int | None = None,
        day_of_month: int | None = None,
    ) -> str:
        """The cron string of a schedule that follows this cadence, perhaps moved within it.

        A day that the cadence has no use for (a weekday of monthly partitions) is ignored, as files in use rely on.

        Raises:
            CheckError: when another parameter does not fit the cadence.
        """
        given = {
            "minute_of_hour": minute_of_hour,
            "hour_of_day": hour_of_day,
            "day_of_week": day_of_week,
            "day_of_month": day_of_month,
        }
        unused = _UNUSED_DAYS.get(self.schedule_type, ())
        return self.moved_cron(**{name: value for name, value in given.items() if name not in unused})

    def moved_cron(
        self,
        *,
        minute_of_hour: int | None = None,
        hour_of_day: int | None = None,
        day_of_week: int | None = None,
        day_of_month: int | None = None,
    ) -> str:
        """The cron string as of ``get_cron_schedule``, with every parameter that does not fit refused.

        Raises:
            CheckError: when a parameter does not fit the cadence.
        """
        kind = self.schedule_type
        given = {
            "minute_of_hour": minute_of_hour,
            "hour_of_day": hour_of_day,
            "day_of_week": day_of_week,
            "day_of_month": day_of_month,
        }
        allowed = _MOVES.get(kind, ())
        for name, value in given.items():
            if value is not None and name not in allowed:
                what = kind.value.lower() if kind else f"cron {self.cron_schedule!r}"
                hint = (
                    f"use {' or '.join(allowed)}" if allowed else "drop it, or write a schedule of your own"
                )
                raise CheckError(
                    f"{name}: expected parameters that fit {what} partitions, got {value!r}; {hint}"
                )
        if kind is None:
            return self._spec.cron
        minute = self.minute_offset if minute_of_hour is None else minute_of_hour
        hour = self.hour_offset if hour_of_day is None else hour_of_day
        day = day_of_week if kind is ScheduleType.WEEKLY else day_of_month
        return cron_of(kind, minute, hour, self.day_offset if day is None else day)

    def __str__(self) -> str:
        kind = self.schedule_type
        label = kind.value.title() if kind else f"Cron schedule {self.cron_schedule!r}"
        text = f"{label}, starting {self.start.strftime(self.fmt)} {self.timezone}."
        if self.end_offset > 0:
            text += f" End offsetted by {self.end_offset} partition{'s' if self.end_offset > 1 else ''}."
        return text

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(start={self.start!r}, cron_schedule={self.cron_schedule!r}, "
            f"timezone={self.timezone!r}, fmt={self.fmt!r}, end={self.end!r}, end_offset={self.end_offset!r})"
        )


_CADENCES = {
    (True, False, False, False, False): ScheduleType.HOURLY,
    (True, True, False, False, False): ScheduleType.DAILY,
    (True, True, False, False, True): ScheduleType.WEEKLY,
    (True, True, True, False, False): ScheduleType.MONTHLY,
}
_MOVES: dict[ScheduleType | None, tuple[str, ...]] = {
    ScheduleType.HOURLY: ("minute_of_hour",),
    ScheduleType.DAILY: ("minute_of_hour", "hour_of_day"),
    ScheduleType.WEEKLY: ("minute_of_hour", "hour_of_day", "day_of_week"),
    ScheduleType.MONTHLY: ("minute_of_hour", "hour_of_day", "day_of_month"),
}


_UNUSED_DAYS: dict[ScheduleType | None, tuple[str, ...]] = {
    ScheduleType.HOURLY: ("day_of_week", "day_of_month"),
    ScheduleType.WEEKLY: ("day_of_month",),
    ScheduleType.MONTHLY: ("day_of_week",),
}


class HourlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition an hour; keys are written ``YYYY-MM-DD-HH:MM`` unless ``fmt`` says otherwise."""

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            schedule_type=ScheduleType.HOURLY,
            minute_offset=minute_offset,
            timezone=timezone,
            fmt=fmt or HOURLY_FMT,
            end_offset=end_offset,
            exclusions=exclusions,
        )


class DailyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition a day, from ``hour_offset``:``minute_offset`` on; keys are written ``YYYY-MM-DD``."""

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            schedule_type=ScheduleType.DAILY,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            timezone=timezone,
            fmt=fmt or DAILY_FMT,
            end_offset=end_offset,
            exclusions=exclusions,
        )


class WeeklyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition a week, from weekday ``day_offset`` (0 is Sunday) on; keys are written ``YYYY-MM-DD``."""

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            schedule_type=ScheduleType.WEEKLY,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            timezone=timezone,
            fmt=fmt or DAILY_FMT,
            end_offset=end_offset,
            exclusions=exclusions,
        )


class MonthlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition a month, from day ``day_offset`` on; keys are written ``YYYY-MM-DD``."""

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 1,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            schedule_type=ScheduleType.MONTHLY,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            timezone=timezone,
            fmt=fmt or DAILY_FMT,
            end_offset=end_offset,
            exclusions=exclusions,
        )


def _choose_cron(
    cron_schedule: str | None,
    schedule_type: ScheduleType | None,
    minute: int | None,
    hour: int | None,
    day: int | None,
) -> str:
    if cron_schedule is not None:
        if schedule_type is not None or minute or hour or day:
            raise CheckError(
                "time window partitions: expected cron_schedule alone, got it beside schedule_type or an offset; "
                "put the offset into the cron string"
            )
        return cron_schedule
    if schedule_type is None:
        raise CheckError(
            "time window partitions: expected cron_schedule or schedule_type, got neither; pass cron_schedule='...'"
        )
    return cron_of(ScheduleType(schedule_type), minute or 0, hour or 0, day)


def _checked_windows(spec: TimeWindowPartitions) -> TimeWindowPartitions:
    """The spec with its cron, exclusions and format checked; windows that share a key are warned of."""
    for one in (spec.cron, *spec.exclusions):
        if isinstance(one, str):
            try:
                parse(one)
            except CronError as exc:
                raise InvalidDefinitionError(f"time window partitions: {exc}") from exc
    checked(spec)
    key = windows.shared_key(spec)
    if key is not None:
        warnings.warn(
            f"time window partitions: expected a format that tells windows of {spec.cron!r} apart, got {spec.fmt!r}, "
            f"which names several of them {key!r}: only the first can be run; use for example '%Y-%m-%d-%H:%M'",
            stacklevel=4,
        )
    return spec


def _seconds(moment: Any, fmt: str, info: tzinfo, name: str) -> float:
    """A start or end as seconds: texts in the format (or as ISO date), datetimes by their wall-clock time."""
    if isinstance(moment, str):
        return _local(_parsed(moment, fmt), info)
    if isinstance(moment, datetime):
        return _local(moment, info)
    if hasattr(moment, "timestamp") and not callable(moment.timestamp):
        return float(moment.timestamp)
    raise ParameterCheckError(
        f"time window partitions: expected {name} as text or datetime, got {moment!r}; write for example '2024-01-01'"
    )


def _parsed(text: str, fmt: str) -> datetime:
    try:
        return datetime.strptime(text, fmt)  # noqa: DTZ007 - the zone is the definition's
    except ValueError as exc:
        raise ValueError(
            f"time window partitions: expected a date written as {fmt!r}, got {text!r}; "
            f"write for example {datetime(2024, 1, 1).strftime(fmt)!r}"  # noqa: DTZ001 - only an example
        ) from exc


def _local(moment: datetime, info: tzinfo) -> float:
    """The wall-clock time of a moment as one of the definition's zone; in a gap the first instant after it."""
    local = moment.replace(tzinfo=info)
    seconds = local.timestamp()
    shown = datetime.fromtimestamp(seconds, info).replace(tzinfo=None)
    if shown < moment.replace(tzinfo=None):
        seconds += (moment.replace(tzinfo=None) - shown) / timedelta(seconds=1)
    return seconds


def _exclusion(one: Any, info: tzinfo) -> str | float:
    if isinstance(one, str):
        return one
    if isinstance(one, datetime):
        return one.timestamp() if one.tzinfo is not None else _local(one, info)
    if hasattr(one, "timestamp") and not callable(one.timestamp):
        return float(one.timestamp)
    raise InvalidDefinitionError(
        f"time window partitions: expected exclusions as cron strings or datetimes, got {one!r}; correct it"
    )
