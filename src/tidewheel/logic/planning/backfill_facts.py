"""From a stored backfill and the loaded definitions to the facts that its next step is decided from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tidewheel.logic.graph.specs import AssetNode, BackfillPolicySpec, JobNode
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.carry_over import carried_over
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.mappings import default_mapping
from tidewheel.logic.partitions.sets import PartitionSet, everything, nothing
from tidewheel.logic.planning.backfill_parts import spec_of
from tidewheel.logic.planning.backfill_runs import ALL_IN_ONE
from tidewheel.logic.planning.backfill_step import BackfillDep, BackfillTarget, TargetSets
from tidewheel.values.backfills import BackfillPart, BackfillRecord, PartProgress


class Located(NamedTuple):
    """An asset and the location that makes it."""

    location: str
    node: AssetNode


def build_targets(
    record: BackfillRecord, assets: Mapping[str, Located], job: JobNode | None, view: PartitionView
) -> tuple[BackfillTarget, ...]:
    """The targets of a backfill as they are defined now.

    What is not defined any more has no existing partitions. ``job``: that of a backfill of a job.
    """
    fields = record.fields
    if not fields.is_of_assets:
        [part] = fields.parts
        spec, existing = _present(part, job is not None, job.partitions if job else None, view)
        limit = 1 if fields.max_partitions_per_run is None else fields.max_partitions_per_run
        return (
            BackfillTarget(
                name=part.name, location=fields.location or "", spec=spec, existing=existing, limit=limit
            ),
        )
    specs = {part.name: _present_spec(part, assets) for part in fields.parts}
    return tuple(_asset_target(part, record, assets, specs, view) for part in fields.parts)


def build_sets(record: BackfillRecord, targets: tuple[BackfillTarget, ...]) -> dict[str, TargetSets]:
    """The sets of all targets, under the definitions that the targets have."""
    parts = {part.name: part for part in record.fields.parts}
    return {
        target.name: _sets(parts[target.name], record.progress.get(target.name, PartProgress()), target.spec)
        for target in targets
    }


def _sets(part: BackfillPart, progress: PartProgress, spec: PartitionsSpec | None) -> TargetSets:
    def read(data: bytes) -> PartitionSet:
        return codec.decode(data, spec) if data else nothing(spec)

    return TargetSets(
        wanted=read(part.wanted),
        requested=read(progress.requested),
        done=read(progress.done),
        failed=read(progress.failed),
        cancelled=read(progress.cancelled),
        left_out=read(progress.left_out),
    )


def _asset_target(
    part: BackfillPart,
    record: BackfillRecord,
    assets: Mapping[str, Located],
    specs: Mapping[str, PartitionsSpec | None],
    view: PartitionView,
) -> BackfillTarget:
    found = assets.get(part.name)
    spec = specs[part.name]
    if found is None or found.node.kind != "materializable":
        return BackfillTarget(
            name=part.name, location=record.fields.location or "", spec=spec, existing=nothing(spec)
        )
    location, node = found
    _, existing = _present(part, True, node.partitions, view)
    deps = []
    for dep in node.deps:
        above = assets.get(dep.asset)
        up_spec = specs.get(dep.asset, above.node.partitions if above else None)
        if above is not None or dep.asset in specs:
            mapping = dep.mapping if dep.mapping is not None else default_mapping(spec, up_spec)
            deps.append(BackfillDep(name=dep.asset, mapping=mapping, spec=up_spec))
    return BackfillTarget(
        name=part.name,
        location=location,
        spec=spec,
        existing=existing,
        limit=_limit(record.fields.max_partitions_per_run, node.backfill_policy),
        unit=min((node.key, *node.required_siblings)),
        deps=tuple(deps),
    )


def _limit(override: int | None, policy: BackfillPolicySpec | None) -> int:
    """How many partitions a run takes at most: one, if nobody says anything (semantics E26)."""
    if override is not None:
        return max(override, ALL_IN_ONE)
    if policy is None:
        return 1
    return (
        ALL_IN_ONE
        if policy.max_partitions_per_run is None
        else max(policy.max_partitions_per_run, ALL_IN_ONE)
    )


def _present_spec(part: BackfillPart, assets: Mapping[str, Located]) -> PartitionsSpec | None:
    """The asset's present definition, if it numbers partitions as the part's does; else the part's."""
    found = assets.get(part.name)
    spec = spec_of(part)
    if found is not None and fingerprint(found.node.partitions) == fingerprint(spec):
        return found.node.partitions
    return spec


def _present(
    part: BackfillPart, is_defined: bool, now_spec: PartitionsSpec | None, view: PartitionView
) -> tuple[PartitionsSpec | None, PartitionSet]:
    """The definition to count in, and what of it exists now."""
    spec = spec_of(part)
    if not is_defined or (spec is None) != (now_spec is None):
        return spec, nothing(spec)
    if fingerprint(now_spec) == fingerprint(spec):
        return now_spec, everything(now_spec, view)
    assert spec is not None
    return spec, carried_over(everything(now_spec, view), spec, view)
