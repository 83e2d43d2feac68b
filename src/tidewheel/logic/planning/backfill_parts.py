"""Between sets of partitions and the parts of a backfill, in which they are stored with their definition."""

from __future__ import annotations

from collections.abc import Mapping

from tidewheel.logic.conditions.runs_from_requests import WantedBackfill
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.carry_over import carried_over
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.sets import PartitionSet, nothing
from tidewheel.values.backfills import BackfillFields, BackfillPart, NewBackfill
from tidewheel.values.serde import decode, encode, from_json


def build_part(name: str, wanted: PartitionSet) -> BackfillPart:
    """The part that wants these partitions of an asset (of an unpartitioned one: all of it)."""
    spec = b"" if wanted.spec is None else encode(wanted.spec)
    return BackfillPart(name=name, wanted=codec.encode(wanted), count=len(wanted), spec=spec)


def spec_of(part: BackfillPart) -> PartitionsSpec | None:
    """The partitions definition that a part was asked for with."""
    # the type checker takes a union for no type
    return decode(part.spec, PartitionsSpec) if part.spec else None  # type: ignore[arg-type]


def stored_set(data: bytes, part: BackfillPart) -> PartitionSet:
    """A set of a part's partitions; empty bytes are the empty set."""
    spec = spec_of(part)
    return codec.decode(data, spec) if data else nothing(spec)


def wanted_now(part: BackfillPart, spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet | None:
    """What a part wants in terms of the asset's present definition, or None when it became (un)partitioned since."""
    wanted = stored_set(part.wanted, part)
    if wanted.spec is None or spec is None:
        return wanted if wanted.spec is spec else None
    return carried_over(wanted, spec, view)


def build_condition_backfill(
    backfill_id: str, title: str, wanted: WantedBackfill, tags: Mapping[str, str]
) -> NewBackfill:
    """The backfill that conditions ask for, as it is stored with their tick."""
    options = wanted.options
    return NewBackfill(
        backfill_id=backfill_id,
        fields=BackfillFields(
            parts=tuple(build_part(name, partitions) for name, partitions in wanted.partitions),
            location=wanted.location,
            checks=wanted.checks,
            run_config=from_json(options.run_config, dict) if options.run_config else {},
            tags=dict(tags),
            priority=options.priority,
            max_partitions_per_run=options.max_partitions,
            title=title,
        ),
    )
