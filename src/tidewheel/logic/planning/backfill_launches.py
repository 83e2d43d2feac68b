"""The rows of a backfill's runs. Their ids follow from what they make, so that a repeated step makes the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidewheel.logic.conditions.runs_from_requests import IMPLICIT_ASSET_JOB
from tidewheel.logic.graph.specs import CheckNode
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.definitions import MultiPartitions, PartitionsSpec, PartitionView
from tidewheel.logic.partitions.keys import key_parts
from tidewheel.logic.planning.backfill_runs import Stretch
from tidewheel.logic.planning.backfill_step import NextRun
from tidewheel.logic.planning.requests import run_priority
from tidewheel.values.backfill_steps import BackfillRun
from tidewheel.values.backfills import BackfillRecord
from tidewheel.values.evaluation import RequestedRun
from tidewheel.values.ids import derived_run_id
from tidewheel.values.keys import check_text
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import NewRun
from tidewheel.values.status import RunOrigin
from tidewheel.values.tags import (
    BACKFILL,
    PARTITION,
    PARTITION_DIMENSION_PREFIX,
    PRIORITY,
    RANGE_END,
    RANGE_START,
)


def build_asset_run(
    record: BackfillRecord,
    wanted: NextRun,
    checks: Mapping[str, Sequence[CheckNode]],
    view: PartitionView,
) -> NewRun:
    """The run for some assets; no user code has to be asked. ``checks``: by asset."""
    fields = record.fields
    planned = tuple(
        check_text(check.asset, check.name) for asset in wanted.targets for check in checks.get(asset, ())
    )
    if fields.checks is not None:
        planned = tuple(text for text in planned if text in fields.checks)
    tags = {**fields.tags, BACKFILL: record.backfill_id, **partition_tags(wanted.stretch, view)}
    return NewRun(
        run_id=run_id_of(record, wanted),
        job_name=IMPLICIT_ASSET_JOB,
        location=wanted.location,
        priority=fields.priority or run_priority(tags.get(PRIORITY)),
        partition=wanted.stretch.key,
        assets=wanted.targets,
        checks=None if fields.checks is None else planned,
        run_config=fields.run_config,
        tags=tags,
        planned_assets=wanted.targets,
        planned_checks=planned,
        origin=RunOrigin.BACKFILL,
    )


def build_job_request(record: BackfillRecord, wanted: NextRun) -> LaunchRequest:
    """What a job's code location is asked about one of its runs: its config and tags may depend on the partition."""
    fields, stretch = record.fields, wanted.stretch
    is_single = stretch.key is not None
    return LaunchRequest(
        job_name=fields.job_name,
        location=fields.location,
        ops=fields.steps,
        partition=stretch.key,
        partition_range=None if is_single or stretch.first is None else (stretch.first, stretch.last or ""),
        run_config=fields.run_config,
        tags={**fields.tags, BACKFILL: record.backfill_id},
    )


def build_job_run(record: BackfillRecord, wanted: NextRun, prepared: RequestedRun) -> NewRun:
    """The run of a job for one partition, as its code location prepared it."""
    return NewRun(
        run_id=run_id_of(record, wanted),
        job_name=prepared.job_name,
        location=wanted.location,
        priority=record.fields.priority or run_priority(prepared.tags.get(PRIORITY)),
        partition=prepared.partition,
        assets=prepared.assets,
        checks=prepared.checks,
        steps=record.fields.steps,
        run_config=prepared.run_config,
        tags=prepared.tags,
        planned_assets=prepared.planned_assets,
        planned_checks=prepared.planned_checks,
        origin=RunOrigin.BACKFILL,
    )


def build_run_part(run_id: str, wanted: NextRun) -> BackfillRun:
    """What a run is to make, as the backfill remembers it."""
    data = codec.encode(wanted.stretch.partitions)
    return BackfillRun(run_id=run_id, partitions=dict.fromkeys(wanted.targets, data))


def run_id_of(record: BackfillRecord, wanted: NextRun) -> str:
    """The id that this run has whenever it is decided in this attempt."""
    stretch = wanted.stretch
    what = [str(record.attempt), wanted.location, *wanted.targets, repr(stretch.first), repr(stretch.last)]
    return derived_run_id(f"backfill/{record.backfill_id}", "\0".join(what), 0, record.created_at)


def partition_tags(stretch: Stretch, view: PartitionView) -> dict[str, str]:
    """The tags that name a run's partition, or the ends of its range (semantics E25)."""
    if stretch.first is None or stretch.last is None:
        return {}
    if stretch.key is None:
        return {RANGE_START: stretch.first, RANGE_END: stretch.last}
    return {PARTITION: stretch.key, **_dimension_tags(stretch.partitions.spec, stretch.key, view)}


def _dimension_tags(spec: PartitionsSpec | None, key: str, view: PartitionView) -> dict[str, str]:
    if not isinstance(spec, MultiPartitions):
        return {}
    parts = key_parts(spec, key, view)
    return {
        PARTITION_DIMENSION_PREFIX + name: part
        for (name, _), part in zip(spec.dimensions, parts, strict=True)
    }
