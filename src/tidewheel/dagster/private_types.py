"""Types that users' files import from Dagster's private modules, mostly for annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from tidewheel.values.keys import AssetKey
from tidewheel.values.status import RunStatus

CoercibleToAssetKey = AssetKey | str | Sequence[str]
CoercibleToAssetKeyPrefix = str | Sequence[str]
RawMetadataValue = Any
RawMetadataMapping = Mapping[str, Any]
MetadataMapping = Mapping[str, Any]


class AssetKeyPartitionKey(NamedTuple):
    """An asset, or one partition of it."""

    asset_key: AssetKey
    partition_key: str | None = None


class RetryMode(Enum):
    """Whether steps are tried again, and by whom."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DEFERRED = "deferred"


class ComputeIOType(Enum):
    """The two streams that a step prints to."""

    STDOUT = "stdout"
    STDERR = "stderr"


class ScheduleType(Enum):
    """The usual lengths of time windows."""

    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


class DynamicPartitionsStore(Protocol):
    """Whoever knows the keys of dynamic partitions; an instance is one."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of a definition, in the order they were added."""
        ...

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether a key exists."""
        ...


SYSTEM_METADATA_KEY_ASSET_EXECUTION_TYPE = "dagster/asset_execution_type"
SYSTEM_METADATA_KEY_AUTO_OBSERVE_INTERVAL_MINUTES = "dagster/auto_observe_interval_minutes"
SYSTEM_METADATA_KEY_DAGSTER_TYPE = "dagster/dagster_type"
SYSTEM_METADATA_KEY_IO_MANAGER_KEY = "dagster/io_manager_key"
ACTIVE_RUN_STATUSES = (RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)
IMPLICIT_ASSET_JOB_NAME = "__ASSET_JOB"
REPOSITORY_LABEL_TAG = ".dagster/repository"
SINGLETON_REPOSITORY_NAME = "__repository__"


class TimestampWithTimezone(NamedTuple):
    """A moment in seconds since the epoch, and the zone it is shown in."""

    timestamp: float
    timezone: str
