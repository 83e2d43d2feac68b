"""Requests for runs of partitioned jobs: the config and tags of one partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidewheel.definitions.partition_context import view_at
from tidewheel.definitions.partitions import require_key
from tidewheel.definitions.run_request import RunRequest
from tidewheel.errors import CheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import PARTITION_SET


def partition_set_name(job_name: str) -> str:
    """The name of a job's partition set, as runs carry it."""
    return f"{job_name}_partition_set"


def tags_for_partition(job: Any, partition_key: str) -> dict[str, str]:
    """The tags that a run of one partition of a job carries: the key, its dimensions, the set, those of its config."""
    definition = job.partitions_def
    if definition is None:
        raise CheckError(
            f"job {job.name!r}: expected a partitioned job, got one without partitions; drop partition_key"
        )
    tags = dict(definition.get_tags_for_partition_key(partition_key))
    config = getattr(job, "partitioned_config", None) or getattr(job, "config", None)
    own = getattr(config, "get_tags_for_partition_key", None)
    if own is not None:
        tags.update(own(partition_key, job_name=job.name))
    tags[PARTITION_SET] = partition_set_name(job.name)
    return tags


def config_for_partition(job: Any, partition_key: str) -> Mapping[str, Any]:
    """The run config of one partition of a job; empty when the job has no config by partition."""
    config = getattr(job, "partitioned_config", None) or getattr(job, "config", None)
    own = getattr(config, "get_run_config_for_partition_key", None)
    return own(partition_key) if own is not None else {}


def request_for_partition(
    job: Any,
    partition_key: str,
    run_key: str | None = None,
    tags: Mapping[str, str] | None = None,
    asset_selection: Sequence[AssetKey] | None = None,
    run_config: Any = None,
    current_time: datetime | None = None,
    dynamic_partitions_store: Any = None,
) -> RunRequest:
    """A request for one partition of a job.

    Raises:
        CheckError: when the job is not partitioned.
        UnknownPartitionError: when there is no partition of this key.
    """
    if job.partitions_def is None:
        raise CheckError(f"job {job.name!r}: expected a partitioned job, got one without partitions")
    require_key(job.partitions_def.spec, partition_key, view_at(current_time, dynamic_partitions_store))
    return RunRequest(
        run_key=run_key,
        run_config=run_config if run_config is not None else config_for_partition(job, partition_key),
        tags={**(tags or {}), **tags_for_partition(job, partition_key)},
        job_name=job.name,
        asset_selection=asset_selection,
        partition_key=partition_key,
    )
