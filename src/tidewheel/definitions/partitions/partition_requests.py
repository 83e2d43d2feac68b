"""Requests for runs of partitioned jobs: the config and tags of one partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidewheel.definitions.jobs.run_config import RunConfig, plain_run_config
from tidewheel.definitions.partitions.definition import PartitionsDefinition, require_key
from tidewheel.definitions.partitions.partition_context import view_at
from tidewheel.definitions.triggers.run_request import RunRequest
from tidewheel.errors import CheckError, UnknownPartitionError
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import PARTITION, PARTITION_SET


def partition_set_name(job_name: str) -> str:
    """The name of a job's partition set, as runs carry it."""
    return f"{job_name}_partition_set"


def tags_for_partition(
    job: Any, partition_key: str, definition: PartitionsDefinition | None = None
) -> dict[str, str]:
    """The tags that a run of one partition of a job carries: the key, its dimensions, the set, those of its config.

    ``definition``: the partitions of what is selected, where the job as a whole has none.
    """
    found = definition if definition is not None else job.partitions_def
    if found is None:
        raise CheckError(
            f"job {job.name!r}: expected a partitioned job, got one without partitions; drop partition_key"
        )
    tags = dict(found.get_tags_for_partition_key(partition_key))
    whole = getattr(job, "parent_job", None) or job
    if whole.partitions_def is not None:
        tags.update(_config_tags(job, partition_key))
        tags[PARTITION_SET] = partition_set_name(job.name)
    return tags


def _config_tags(job: Any, partition_key: str) -> Mapping[str, str]:
    config = getattr(job, "partitioned_config", None) or getattr(job, "config", None)
    own = getattr(config, "get_tags_for_partition_key", None)
    return own(partition_key, job_name=job.name) if own is not None else {}


def config_for_partition(job: Any, partition_key: str) -> Mapping[str, Any]:
    """The run config of one partition of a job; the job's own where it has none by partition."""
    config = getattr(job, "partitioned_config", None) or getattr(job, "config", None)
    own = getattr(config, "get_run_config_for_partition_key", None)
    if own is not None:
        return own(partition_key)  # type: ignore[no-any-return]
    fixed = getattr(job, "run_config", None) or config
    return plain_run_config(fixed) if isinstance(fixed, (Mapping, RunConfig)) else {}


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


def with_partition(request: RunRequest, job: Any, view: PartitionView) -> RunRequest:
    """A request with the tags and config of the partition that it names; as it is when it has them, or names none.

    Raises:
        UnknownPartitionError: when the job is not partitioned, or there is no such partition.
    """
    key = request.partition_key
    if key is None or request.tags.get(PARTITION) is not None:
        return request
    definition = job.partitions_def
    if definition is None and request.asset_selection:
        graph = job.asset_layer.partitions_defs
        definition = next((graph[one] for one in request.asset_selection if one in graph), None)
    if definition is None:
        raise UnknownPartitionError(
            f"expected no partition_key for job {job.name!r}, which is not partitioned, got {key!r}; drop it"
        )
    require_key(definition.spec, key, view)
    return request.with_replaced_attrs(
        run_config=request.run_config or config_for_partition(job, key),
        tags={**request.tags, **tags_for_partition(job, key, definition)},
    )
