"""Run config that depends on the partition."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tidewheel.definitions.partitions.definition import (
    DynamicPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
)
from tidewheel.definitions.partitions.partition_keys import Partition
from tidewheel.definitions.partitions.time_partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from tidewheel.definitions.triggers.run_request import config_mapping
from tidewheel.errors import CheckError, InvalidDefinitionError, PartitionExecutionError
from tidewheel.values.tags import SYSTEM_TAG_PREFIX, normalize_tags


class PartitionedConfig:
    """Partitions and the functions that give the run config and tags of each."""

    def __init__(
        self,
        partitions_def: PartitionsDefinition,
        run_config_for_partition_fn: Callable[[Partition[Any]], Any] | None = None,
        decorated_fn: Callable[..., Any] | None = None,
        tags_for_partition_fn: Callable[[Partition[Any]], Mapping[str, str]] | None = None,
        run_config_for_partition_key_fn: Callable[[str], Any] | None = None,
        tags_for_partition_key_fn: Callable[[str], Mapping[str, str]] | None = None,
    ) -> None:
        given = [
            one for one in (run_config_for_partition_fn, run_config_for_partition_key_fn) if one is not None
        ]
        if len(given) != 1:
            raise CheckError(
                "partitioned config: expected run_config_for_partition_key_fn or run_config_for_partition_fn, got "
                f"{'both' if given else 'neither'}; pass run_config_for_partition_key_fn"
            )
        if tags_for_partition_fn is not None and tags_for_partition_key_fn is not None:
            raise CheckError(
                "partitioned config: expected tags_for_partition_key_fn or tags_for_partition_fn, got both; keep the first"
            )
        self.partitions_def = partitions_def
        self.run_config_for_partition_fn = run_config_for_partition_fn
        self.run_config_for_partition_key_fn = run_config_for_partition_key_fn
        self.tags_for_partition_fn = tags_for_partition_fn
        self.tags_for_partition_key_fn = tags_for_partition_key_fn
        self._decorated_fn = decorated_fn

    @classmethod
    def from_flexible_config(cls, config: Any, partitions_def: PartitionsDefinition) -> PartitionedConfig:
        """Partitioned config of a fixed config."""
        if isinstance(config, PartitionedConfig):
            return config
        fixed = config_mapping(config)
        return cls(partitions_def, run_config_for_partition_key_fn=lambda _: fixed)

    def get_partition_keys(self, current_time: datetime | None = None) -> Sequence[str]:
        """All existing keys."""
        return self.partitions_def.get_partition_keys(current_time)

    def get_run_config_for_partition_key(self, partition_key: str) -> Mapping[str, Any]:
        """The run config of one partition.

        Raises:
            PartitionExecutionError: when the user's function raised.
            ValueError: when the key is none of a time window that the function is to be called with.
        """
        return config_mapping(
            self._called(
                partition_key, self.run_config_for_partition_key_fn, self.run_config_for_partition_fn
            )
        )

    def get_tags_for_partition_key(
        self, partition_key: str, job_name: str | None = None
    ) -> Mapping[str, str]:
        """The tags of one partition: those of its definition and those of the user's function."""
        tags = dict(self.partitions_def.get_tags_for_partition_key(partition_key))
        if self.tags_for_partition_key_fn or self.tags_for_partition_fn:
            own = normalize_tags(
                self._called(partition_key, self.tags_for_partition_key_fn, self.tags_for_partition_fn)
            )
            for tag in own:
                if tag.startswith(SYSTEM_TAG_PREFIX):
                    raise InvalidDefinitionError(
                        f"partitioned config: expected tags of your own, got {tag!r}, whose prefix is the system's"
                    )
            tags = {**own, **tags}
        return tags

    def _called(
        self, partition_key: str, by_key: Callable[..., Any] | None, by_partition: Callable[..., Any] | None
    ) -> Any:
        needs_window = by_key is None or self._decorated_fn is not None
        value = self._value_of(partition_key) if needs_window else None
        try:
            if by_key is not None:
                return by_key(partition_key)
            assert by_partition is not None
            return by_partition(Partition(value, partition_key))
        except Exception as exc:
            raise PartitionExecutionError(
                f"partition {partition_key!r}: expected the config function to return, got {type(exc).__name__}: {exc}",
                user_exception=exc,
            ) from exc

    def _value_of(self, partition_key: str) -> Any:
        if isinstance(self.partitions_def, TimeWindowPartitionsDefinition):
            return self.partitions_def.time_window_for_partition_key(partition_key)
        return partition_key

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function.

        Raises:
            InvalidDefinitionError: when it was not made by a decorator.
        """
        if self._decorated_fn is None:
            raise InvalidDefinitionError(
                "partitioned config: expected one made by a decorator to be called, got one made by its class; "
                "use get_run_config_for_partition_key()"
            )
        return config_mapping(self._decorated_fn(*args, **kwargs))


def partitioned_config(
    partitions_def: PartitionsDefinition,
    tags_for_partition_key_fn: Callable[[str], Mapping[str, str]] | None = None,
) -> Callable[[Callable[[str], Any]], PartitionedConfig]:
    """Decorate a function from a partition key to run config."""

    def decorate(fn: Callable[[str], Any]) -> PartitionedConfig:
        return PartitionedConfig(
            partitions_def,
            run_config_for_partition_key_fn=fn,
            decorated_fn=fn,
            tags_for_partition_key_fn=tags_for_partition_key_fn,
        )

    return decorate


def static_partitioned_config(
    partition_keys: Sequence[str],
    tags_for_partition_fn: Callable[[str], Mapping[str, str]] | None = None,
    tags_for_partition_key_fn: Callable[[str], Mapping[str, str]] | None = None,
) -> Callable[[Callable[[str], Any]], PartitionedConfig]:
    """Decorate a function from one of some fixed keys to run config."""
    return partitioned_config(
        StaticPartitionsDefinition(partition_keys), tags_for_partition_key_fn or tags_for_partition_fn
    )


def dynamic_partitioned_config(
    partition_fn: Callable[..., Sequence[Any]],
    tags_for_partition_fn: Callable[[str], Mapping[str, str]] | None = None,
    tags_for_partition_key_fn: Callable[[str], Mapping[str, str]] | None = None,
) -> Callable[[Callable[[str], Any]], PartitionedConfig]:
    """Decorate a function from a key, one of those that another function computes, to run config."""
    return partitioned_config(
        DynamicPartitionsDefinition(partition_fn=partition_fn),
        tags_for_partition_key_fn or tags_for_partition_fn,
    )


def hourly_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, str]] | None = None,
    exclusions: Sequence[Any] | None = None,
) -> Callable[[Callable[[datetime, datetime], Any]], PartitionedConfig]:
    """Decorate a function from an hour's start and end to run config."""
    definition = HourlyPartitionsDefinition(
        start_date,
        minute_offset=minute_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(definition, tags_for_partition_fn)


def daily_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, str]] | None = None,
    exclusions: Sequence[Any] | None = None,
) -> Callable[[Callable[[datetime, datetime], Any]], PartitionedConfig]:
    """Decorate a function from a day's start and end to run config."""
    definition = DailyPartitionsDefinition(
        start_date,
        minute_offset=minute_offset,
        hour_offset=hour_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(definition, tags_for_partition_fn)


def weekly_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, str]] | None = None,
    exclusions: Sequence[Any] | None = None,
) -> Callable[[Callable[[datetime, datetime], Any]], PartitionedConfig]:
    """Decorate a function from a week's start and end to run config."""
    definition = WeeklyPartitionsDefinition(
        start_date,
        minute_offset=minute_offset,
        hour_offset=hour_offset,
        day_offset=day_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(definition, tags_for_partition_fn)


def monthly_partitioned_config(
    start_date: datetime | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 1,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: Callable[[datetime, datetime], Mapping[str, str]] | None = None,
    exclusions: Sequence[Any] | None = None,
) -> Callable[[Callable[[datetime, datetime], Any]], PartitionedConfig]:
    """Decorate a function from a month's start and end to run config."""
    definition = MonthlyPartitionsDefinition(
        start_date,
        minute_offset=minute_offset,
        hour_offset=hour_offset,
        day_offset=day_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(definition, tags_for_partition_fn)


def _by_window(
    definition: TimeWindowPartitionsDefinition,
    tags_fn: Callable[[datetime, datetime], Mapping[str, str]] | None,
) -> Callable[[Callable[[datetime, datetime], Any]], PartitionedConfig]:
    def decorate(fn: Callable[[datetime, datetime], Any]) -> PartitionedConfig:
        if len(inspect.signature(fn).parameters) < 2:
            raise InvalidDefinitionError(
                f"partitioned config: expected a function of the window's start and end, got {fn.__name__!r} with "
                f"{len(inspect.signature(fn).parameters)} parameters"
            )

        def config_of(key: str) -> Any:
            window = definition.time_window_for_partition_key(key)
            return fn(window.start, window.end)

        def tags_of(key: str) -> Mapping[str, str]:
            window = definition.time_window_for_partition_key(key)
            return tags_fn(window.start, window.end) if tags_fn is not None else {}

        return PartitionedConfig(
            definition,
            run_config_for_partition_key_fn=config_of,
            decorated_fn=fn,
            tags_for_partition_key_fn=tags_of if tags_fn is not None else None,
        )

    return decorate
