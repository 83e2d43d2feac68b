"""From a request for a backfill to the partitions wanted of each asset, and from an ended backfill to what is to be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

import msgspec

from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.logic.partitions import projection
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.mappings import default_mapping
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_keys, from_range, nothing
from tidewheel.logic.planning.backfill_facts import Located
from tidewheel.logic.planning.backfill_outcomes import counts_of, stored_progress
from tidewheel.logic.planning.backfill_parts import build_part
from tidewheel.logic.planning.backfill_step import TargetSets
from tidewheel.values.backfill_steps import BackfillCommit
from tidewheel.values.backfills import BackfillPart, BackfillRecord, BackfillStatus
from tidewheel.values.launch import BackfillRequest, PartitionsOfAsset


class KnownPartitions(msgspec.Struct, frozen=True, kw_only=True):
    """What of an asset (or a job) was made, and what failed since it was last made."""

    made: PartitionSet
    failed: PartitionSet


def select_assets(names: Sequence[str], assets: Mapping[str, Located]) -> tuple[str, ...]:
    """The assets of a request with what is always made together with them, those that others need first.

    Raises:
        InvalidInvocationError: when a name is no asset, or one that nothing here makes.
    """
    chosen: dict[str, None] = {}
    for name in names:
        found = assets.get(name)
        if found is None:
            raise InvalidInvocationError(f"expected an asset, got {name!r}; {did_you_mean(name, assets)}")
        if found.node.kind != "materializable":
            raise InvalidInvocationError(
                f"expected assets that are made here, got {name!r}, which is {found.node.kind}; leave it out"
            )
        chosen.update(dict.fromkeys((name, *found.node.required_siblings)))
    above = {
        name: [dep.asset for dep in assets[name].node.deps if dep.asset in chosen and dep.asset != name]
        for name in chosen
        if name in assets
    }
    return tuple(TopologicalSorter(above).static_order())


def decide_parts(
    request: BackfillRequest,
    names: Sequence[str],
    assets: Mapping[str, Located],
    known: Mapping[str, KnownPartitions],
    view: PartitionView,
) -> tuple[BackfillPart, ...]:
    """What is wanted of each asset; assets of which nothing is wanted are left out. ``names`` in order of dependency.

    Raises:
        UnknownPartitionError: when there is no such partition.
        InvalidInvocationError: when nothing is wanted, or a range is turned round.
    """
    given = PartitionsOfAsset(keys=request.partitions, ranges=request.ranges)
    wanted: dict[str, PartitionSet] = {}
    for name in names:
        node = assets[name].node
        if request.by_asset is not None:
            wanted[name] = _chosen(node.partitions, request.by_asset.get(name, PartitionsOfAsset()), view)
        else:
            wanted[name] = _wanted_of(name, given, wanted, assets, view)
    for name in names:
        if request.only is not None:
            wanted[name] = _only(request.only, wanted[name], known[name])
    parts = tuple(build_part(name, found) for name, found in wanted.items() if not found.is_empty)
    if not parts:
        raise InvalidInvocationError(_nothing(request, "these assets"))
    return parts


def require_partitions(name: str, spec: PartitionsSpec | None) -> PartitionsSpec:
    """A job's partitions.

    Raises:
        InvalidInvocationError: when it has none.
    """
    if spec is None:
        raise InvalidInvocationError(
            f"expected a partitioned job, got {name!r}, which has no partitions; launch a run of it"
        )
    return spec


def decide_job_part(
    request: BackfillRequest,
    name: str,
    spec: PartitionsSpec,
    known: KnownPartitions | None,
    view: PartitionView,
) -> BackfillPart:
    """What is wanted of a job; raises as ``decide_parts``. ``known``: needed only to choose among partitions."""
    given = PartitionsOfAsset(keys=request.partitions, ranges=request.ranges)
    wanted = _chosen(spec, given, view)
    if request.only is not None and known is not None:
        wanted = _only(request.only, wanted, known)
    if wanted.is_empty:
        raise InvalidInvocationError(_nothing(request, f"job {name!r}"))
    return build_part(name, wanted)


def _wanted_of(
    name: str,
    given: PartitionsOfAsset,
    wanted: Mapping[str, PartitionSet],
    assets: Mapping[str, Located],
    view: PartitionView,
) -> PartitionSet:
    node = assets[name].node
    spec = node.partitions
    if spec is None or not (given.keys or given.ranges):
        return everything(spec, view)
    above = [
        dep for dep in node.deps if dep.asset in wanted and assets[dep.asset].node.partitions is not None
    ]
    like = [dep for dep in above if fingerprint(assets[dep.asset].node.partitions) == fingerprint(spec)]
    if not above or like:
        # what stands first, and what has the partitions of what it needs, is meant by the keys themselves
        return _chosen(spec, given, view)
    found = nothing(spec)
    for dep in above:
        mapping = dep.mapping or default_mapping(spec, assets[dep.asset].node.partitions)
        found = found | projection.downstream(mapping, wanted[dep.asset], spec, view)
    return found


def _chosen(spec: PartitionsSpec | None, given: PartitionsOfAsset, view: PartitionView) -> PartitionSet:
    if spec is None or not (given.keys or given.ranges):
        return everything(spec, view)
    found = from_keys(spec, given.keys, view)
    for first, last in given.ranges:
        between = from_range(spec, first, last, view)
        if between.is_empty and not from_range(spec, last, first, view).is_empty:
            raise InvalidInvocationError(
                f"expected the first partition of a range and its last, got {first!r} and {last!r}: {first!r} comes "
                f"after {last!r}; turn them round"
            )
        found = found | between
    return found


def _only(which: str, wanted: PartitionSet, known: KnownPartitions) -> PartitionSet:
    return wanted - known.made if which == "missing" else wanted & known.failed


def _nothing(request: BackfillRequest, of: str) -> str:
    which = f"{request.only} partitions" if request.only is not None else "partitions"
    return f"expected {which} of {of}, got none: there is nothing to do"


# -- again ------------------------------------------------------------------------------------------------------------


def decide_resume(record: BackfillRecord, sets: Mapping[str, TargetSets]) -> BackfillCommit:
    """A cancelled or broken backfill goes on: with what was not begun, and what was cancelled or left out.

    What has failed stays so (see ``parts_to_repeat``).
    """
    after = {
        name: msgspec.structs.replace(
            one,
            requested=one.requested - one.cancelled - one.left_out,
            cancelled=nothing(one.wanted.spec),
            left_out=nothing(one.wanted.spec),
        )
        for name, one in sets.items()
    }
    return BackfillCommit(
        backfill_id=record.backfill_id,
        expected_version=record.version,
        status=BackfillStatus.REQUESTED,
        progress={name: stored_progress(one) for name, one in after.items()},
        counts=counts_of(after.values()),
        attempt=record.attempt + 1,
    )


def parts_to_repeat(sets: Mapping[str, TargetSets], *, all_: bool = False) -> tuple[BackfillPart, ...]:
    """What a backfill did not make (or, with ``all_``, everything it was to make), as parts of a new one."""
    wanted = {name: one.wanted if all_ else one.wanted - one.done for name, one in sets.items()}
    return tuple(build_part(name, found) for name, found in wanted.items() if not found.is_empty)
