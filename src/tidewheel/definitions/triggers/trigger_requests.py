"""Requests of schedules and sensors that are evaluated directly: the job each means, and what its partition adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.clock import now_s
from tidewheel.definitions.jobs.asset_jobs import IMPLICIT_ASSET_JOB
from tidewheel.definitions.ops.dynamic_keys import KnownPartitions
from tidewheel.definitions.partitions.partition_requests import with_partition
from tidewheel.definitions.triggers.partition_job import only_job_with_partition
from tidewheel.definitions.triggers.run_request import DynamicPartitionsRequest, RunRequest
from tidewheel.definitions.triggers.trigger_target import TriggerTarget
from tidewheel.errors import InvalidSubsetError


class DirectRequests:
    """Completes the requests of one direct evaluation, as a tick would, as far as the context's definitions allow.

    Without ``repository_def`` in the context, only jobs that are given themselves are known.
    """

    def __init__(
        self, context: Any, targets: Sequence[TriggerTarget], changes: Sequence[DynamicPartitionsRequest] = ()
    ) -> None:
        self._repository = getattr(context, "known_repository", None)
        self._targets = list(targets)
        self._partitions = KnownPartitions(
            getattr(context, "known_instance", None), now=getattr(context, "moment_s", None) or now_s()
        )
        if changes:
            self._partitions.apply(changes)

    def with_partition(self, request: RunRequest) -> RunRequest:
        """A request with the tags and config of its partition.

        Raises:
            UnknownPartitionError: when there is no such partition.
        """
        if request.partition_key is None:
            return request
        if request.job_name is None and not self._targets and self._repository is not None:
            name = only_job_with_partition(
                self._repository.resolved, request.partition_key, self._partitions.view
            )
            request = request.with_replaced_attrs(job_name=name)
        job = self._job(request)
        return request if job is None else with_partition(request, job, self._partitions.view)

    def with_selection(self, request: RunRequest, selection: AssetSelection, what: str) -> RunRequest:
        """A request of a sensor over assets: for the implicit job, with the assets and checks it means.

        Raises:
            InvalidSubsetError: when it names others than the sensor selects.
        """
        if self._repository is None:
            return request
        graph = self._repository.asset_graph
        allowed = selection.resolve_inner(graph, False)
        assets = set(request.asset_selection) if request.asset_selection is not None else allowed
        foreign = sorted(assets - allowed)
        if foreign:
            raise InvalidSubsetError(
                f"{what}: expected requests for assets that it selects, got one for {foreign[0].to_user_string()!r}; "
                "add it to asset_selection="
            )
        checks = request.asset_check_keys
        if checks is None:
            checks = sorted(key for key in graph.checks if key.asset_key in assets)
        return request.with_replaced_attrs(
            job_name=IMPLICIT_ASSET_JOB, asset_selection=sorted(assets), asset_check_keys=list(checks)
        )

    def _job(self, request: RunRequest) -> Any:
        name = request.job_name or (self._targets[0].job_name if self._targets else None)
        if self._repository is not None:
            return self._repository.get_job(name or IMPLICIT_ASSET_JOB)
        known = [target.job for target in self._targets if target.job_name == name]
        job = known[0] if known else None
        return job if getattr(job, "partitions_def", None) is not None else None
