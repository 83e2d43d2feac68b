"""From what user code requested to runs that can be made: every request is checked against the definitions by itself.

A request that cannot become a run is told with its reason; the others go on (F15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.jobs.asset_jobs import IMPLICIT_ASSET_JOB, job_partitions
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.loading.resolved import ResolvedDefinitions
from tidewheel.definitions.ops.dynamic_keys import KnownPartitions
from tidewheel.definitions.partitions.definition import (
    DynamicPartitionsDefinition,
    PartitionsDefinition,
    require_key,
)
from tidewheel.definitions.partitions.partition_requests import config_for_partition, tags_for_partition
from tidewheel.definitions.triggers.run_request import RunRequest
from tidewheel.errors import InvalidSubsetError, TidewheelError, UnknownPartitionError, did_you_mean
from tidewheel.values.evaluation import RequestedRun
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.limits import MAX_SKIP_REASON_CHARS, shown
from tidewheel.values.records import PartitionChange, RequestError
from tidewheel.values.run_titles import job_in_words
from tidewheel.values.tags import CODE_LOCATION, PARTITION, RANGE_END, RANGE_START, RUN_KEY
from tidewheel.worker.environment.result_limits import request_problem
from tidewheel.worker.planning.staleness import stale_assets


def _storable(text: str) -> str:
    return shown(text.encode("utf-8", "backslashreplace").decode())


class Nothing(NamedTuple):
    """A request that asks for nothing, and why that is so."""

    reason: str


class CheckedRequests(NamedTuple):
    """Runs that can be made, requests that cannot, and dynamic partitions that are added for them."""

    runs: tuple[RequestedRun, ...]
    errors: tuple[RequestError, ...]
    added: tuple[PartitionChange, ...]
    dropped: str | None
    """Why a request was dropped without being wrong."""


class RequestChecker:
    """Checks the requests of one evaluation.

    ``system_tags`` go on every run and cannot be overridden; ``selection`` is what a sensor may select of the implicit job.
    """

    def __init__(
        self,
        resolved: ResolvedDefinitions,
        *,
        instance: Any,
        now: float,
        partitions: KnownPartitions,
        system_tags: Mapping[str, str],
        selection: AssetSelection | None = None,
    ) -> None:
        self._resolved = resolved
        self._instance = instance
        self._now = now
        self._partitions = partitions
        self._system_tags = dict(system_tags)
        self._selection = selection

    def check(self, named: Sequence[tuple[RunRequest, str | None, str | None]]) -> CheckedRequests:
        """Check (request, job name, problem found already) one by one."""
        runs: list[RequestedRun] = []
        errors: list[RequestError] = []
        dropped: str | None = None
        for index, (request, job_name, problem) in enumerate(named):
            problem = problem or request_problem(request)
            if problem is None:
                try:
                    made = self._run(request, job_name)
                except (TidewheelError, NotImplementedError, TypeError, ValueError) as exc:
                    problem = str(exc)
                else:
                    if isinstance(made, RequestedRun):
                        runs.append(made)
                    else:
                        dropped = made.reason
                    continue
            errors.append(
                RequestError(
                    index=index,
                    message=shown(problem) if len(problem) > MAX_SKIP_REASON_CHARS else problem,
                    run_key=None if request.run_key is None else _storable(request.run_key),
                    job_name=job_name,
                )
            )
        return CheckedRequests(tuple(runs), tuple(errors), self._partitions.added_for_requests(), dropped)

    def _run(self, request: RunRequest, job_name: str | None) -> RequestedRun | Nothing:
        name = job_name or IMPLICIT_ASSET_JOB
        if not self._resolved.has_job(name):
            raise InvalidSubsetError(
                f"expected a request for a job that is defined here, got {name!r}; "
                + did_you_mean(name, self._resolved.job_names)
            )
        job = self._resolved.job(name)
        assets, checks = self._selected(job, request, is_selection_sensor=job_name is None)
        if request.asset_selection is not None and not assets and not checks:
            return Nothing("The request selects no asset (asset_selection is empty), so that nothing is run.")
        if request.stale_assets_only:
            assets = stale_assets(
                self._instance,
                self._resolved.graph,
                assets if assets is not None else set(job.asset_layer.selected_assets),
                request.partition_key,
            )
            if not assets:
                return Nothing(
                    "All selected assets are up to date (stale_assets_only), so that nothing is run."
                )
        narrowed = (
            job
            if assets is None and checks is None
            else job.get_subset(asset_selection=assets or set(), asset_check_selection=checks)
        )
        partition, partition_tags = self._partition(narrowed, request)
        config = dict(request.run_config) or _default_config(narrowed, partition)
        narrowed.validate_run_config(config)
        layer = narrowed.asset_layer
        made = {key for key in layer.selected_assets if self._resolved.graph.nodes[key].is_materializable}
        return RequestedRun(
            job_name=name,
            run_key=request.run_key,
            partition=partition,
            assets=None if assets is None and checks is None else _texts(assets or ()),
            checks=None if checks is None else _texts(checks),
            run_config=config,
            tags=self._tags(narrowed, request, partition_tags),
            planned_assets=_texts(made),
            planned_checks=_texts(layer.selected_checks),
        )

    def _tags(
        self, job: JobDefinition, request: RunRequest, partition_tags: Mapping[str, str]
    ) -> dict[str, str]:
        tags = {**job.run_tags, **request.tags, **partition_tags}
        if request.run_key is not None:
            tags.setdefault(RUN_KEY, request.run_key)
        if self._resolved.location_name is not None:
            tags[CODE_LOCATION] = self._resolved.location_name
        return {**tags, **self._system_tags}

    # -- selection -------------------------------------------------------------------------------------------------------

    def _selected(
        self, job: JobDefinition, request: RunRequest, *, is_selection_sensor: bool
    ) -> tuple[set[AssetKey] | None, set[AssetCheckKey] | None]:
        """The assets and checks that a request narrows the job to; None: not narrowed.

        Raises:
            InvalidSubsetError: when one is outside of what may be started.
        """
        allowed_assets = set(job.asset_layer.selected_assets)
        allowed_checks = set(job.asset_layer.selected_checks)
        if is_selection_sensor and self._selection is not None:
            graph = self._resolved.graph
            allowed_assets &= self._selection.resolve_inner(graph, True)
            allowed_checks &= self._selection.resolve_checks_inner(graph, True)
        wanted = None if request.asset_selection is None else set(request.asset_selection)
        checks = None if request.asset_check_keys is None else set(request.asset_check_keys)
        if wanted is not None:
            _require_within(wanted, allowed_assets, job.name)
        if checks is not None:
            _require_within(checks, allowed_checks, job.name)
        if is_selection_sensor and self._selection is not None and wanted is None and checks is None:
            return allowed_assets, allowed_checks
        if wanted is None and checks is not None:
            return set(), checks
        if wanted is not None and checks is None:
            return wanted, {key for key in allowed_checks if key.asset_key in wanted}
        return wanted, checks

    # -- partitions --------------------------------------------------------------------------------------------------------

    def _partition(self, job: JobDefinition, request: RunRequest) -> tuple[str | None, Mapping[str, str]]:
        """The partition that a request means, and the tags that go with it.

        Raises:
            UnknownPartitionError: when a key is missing, too much or unknown.
        """
        definition = self._partitions_def(job)
        key = request.partition_key or request.tags.get(PARTITION)
        is_range = RANGE_START in request.tags and RANGE_END in request.tags
        if definition is None:
            if key is not None:
                raise UnknownPartitionError(
                    f"expected no partition_key for {job_in_words(job.name)}, which is not partitioned, "
                    f"got {key!r}; drop it"
                )
            return None, {}
        view = self._partitions.view
        if key is None and is_range:
            for bound in (request.tags[RANGE_START], request.tags[RANGE_END]):
                require_key(definition.spec, bound, view)
            return None, {}
        if key is None:
            key = self._key_of_run_key(definition, request, job)
        require_key(definition.spec, key, self._partitions.view)
        return str(key), tags_for_partition(self._resolved.job(job.name), key, definition)

    def _partitions_def(self, job: JobDefinition) -> PartitionsDefinition | None:
        if not job.is_asset_job or job.partitioned_config is not None:
            return job.partitions_def  # type: ignore[no-any-return]
        layer = job.asset_layer
        found = job_partitions(self._resolved.graph, layer.selected_assets, layer.selected_checks)
        return found if found is not None else job.partitions_def

    def _key_of_run_key(
        self, definition: PartitionsDefinition, request: RunRequest, job: JobDefinition
    ) -> str:
        """A request without partition for a dynamically partitioned job means the partition that its run key names."""
        if isinstance(definition, DynamicPartitionsDefinition) and definition.name and request.run_key:
            self._partitions.add(definition.name, request.run_key)
            return request.run_key
        raise UnknownPartitionError(
            f"expected partition_key on a request for {job_in_words(job.name)}, which is partitioned ({definition}), "
            "got none; name the partition"
        )


def _default_config(job: JobDefinition, partition: str | None) -> dict[str, Any]:
    if partition is not None:
        by_partition = config_for_partition(job, partition)
        if by_partition:
            return dict(by_partition)
    return dict(job.run_config or {})


def _require_within(wanted: Iterable[Any], allowed: set[Any], job_name: str) -> None:
    for key in sorted(wanted):
        if key not in allowed:
            text = key.to_user_string()
            raise InvalidSubsetError(
                f"expected a selection within {job_in_words(job_name)} and the sensor's selection, got {text!r}; "
                + did_you_mean(text, [one.to_user_string() for one in allowed])
            )


def _texts(keys: Iterable[AssetKey | AssetCheckKey]) -> tuple[str, ...]:
    return tuple(sorted(key.to_escaped_user_string() for key in keys))
