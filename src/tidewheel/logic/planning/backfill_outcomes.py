"""What the ended runs of a backfill mean for its sets, and how the sets are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.keys import nameable_ordinal
from tidewheel.logic.partitions.sets import PartitionSet, from_ordinals
from tidewheel.logic.planning.backfill_step import TargetSets
from tidewheel.logic.planning.recovery import RecoveryPolicy, decide_run_retry
from tidewheel.values.backfill_steps import OpenBackfillRun
from tidewheel.values.backfills import BackfillCounts, PartProgress
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

RETRY_PATIENCE_S = 60.0
"""How long a failed run that is to be tried again is waited for, before its failure counts."""


def count_outcomes(
    sets: Mapping[str, TargetSets],
    runs: Iterable[OpenBackfillRun],
    *,
    view: PartitionView,
    policy: RecoveryPolicy,
    now: float,
) -> tuple[dict[str, TargetSets], tuple[str, ...]]:
    """The sets with the outcomes of those runs that have ended for good, and the ids of these."""
    after = dict(sets)
    counted = []
    for one in runs:
        if one.latest is not None and not _has_ended(one.latest, policy, now):
            continue
        counted.append(one.run.run_id)
        for name, data in one.run.partitions.items():
            if name in after:
                after[name] = _with_outcome(after[name], name, data, one, view)
    return after, tuple(counted)


def _has_ended(run: RunRecord, policy: RecoveryPolicy, now: float) -> bool:
    if not run.is_finished:
        return False
    retry = decide_run_retry(run, status=run.status, reason=run.failure_reason, policy=policy)
    return retry is None or now > (run.ended_at or 0.0) + RETRY_PATIENCE_S


def _with_outcome(
    sets: TargetSets, name: str, data: bytes, one: OpenBackfillRun, view: PartitionView
) -> TargetSets:
    tried = codec.decode(data, sets.wanted.spec) & sets.wanted
    status = None if one.latest is None else one.latest.status
    if status is RunStatus.SUCCESS:
        made = tried
    else:
        made = _made(sets.wanted, name, one.made, view) & tried
    done = sets.done | made
    rest = tried - done
    if status is RunStatus.FAILURE:
        return replace(sets, done=done, failed=sets.failed | rest)
    return replace(sets, done=done, cancelled=sets.cancelled | rest)


def _made(
    like: PartitionSet, name: str, made: Sequence[tuple[str, str | None]], view: PartitionView
) -> PartitionSet:
    """What a run that did not succeed has made of an asset all the same."""
    keys = [key for asset, key in made if asset == name]
    spec = like.spec
    if spec is None:
        return like if keys else like - like
    found = [nameable_ordinal(spec, key, view) for key in keys if key is not None]
    return from_ordinals(spec, [ordinal for ordinal in found if ordinal is not None and ordinal >= 0])


def counts_of(sets: Iterable[TargetSets]) -> BackfillCounts:
    """How many partitions of all targets together are in which state."""
    counts = BackfillCounts()
    for one in sets:
        counts = BackfillCounts(
            wanted=counts.wanted + len(one.wanted),
            in_progress=counts.in_progress + len(one.in_progress),
            done=counts.done + len(one.done),
            failed=counts.failed + len(one.failed),
            cancelled=counts.cancelled + len(one.cancelled),
            left_out=counts.left_out + len(one.left_out),
        )
    return counts


def stored_progress(sets: TargetSets) -> PartProgress:
    """The sets of a target in their stored form."""

    def stored(partitions: PartitionSet) -> bytes:
        return b"" if partitions.is_empty else codec.encode(partitions)

    return PartProgress(
        requested=stored(sets.requested),
        done=stored(sets.done),
        failed=stored(sets.failed),
        cancelled=stored(sets.cancelled),
        left_out=stored(sets.left_out),
    )
