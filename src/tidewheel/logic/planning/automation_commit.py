"""Turns one evaluation of an automation sensor into the one commit that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from tidewheel.logic.conditions.incremental import Round
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.logic.planning.automation_holds import HoldDecision, decide_holds, told_of_held
from tidewheel.logic.planning.automation_owed import newly_owed
from tidewheel.logic.planning.automation_tick import (
    AutomationTickDecision,
    AutomationTickFacts,
    decide_automation_tick,
)
from tidewheel.logic.planning.backfill_parts import build_condition_backfill
from tidewheel.values.backfills import NewBackfill
from tidewheel.values.conditions import (
    ConditionCommit,
    HeldRequest,
    MemoryRow,
    NewEvaluation,
    OwedKey,
    OwedRow,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import NewRun, RequestError, TickCommit, TriggerRecord
from tidewheel.values.status import TickStatus


class SensorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a sensor says about the runs that its conditions ask for, and how often it looks at the least."""

    name: str
    run_tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    emit_backfills: bool = True
    uses_user_code: bool = False
    interval_s: float = 30.0


class AutomationDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation's outcome. `commit` is None when nothing has to be written."""

    requested: Mapping[Key, PartitionSet]
    holds: HoldDecision
    tick: AutomationTickDecision
    runs: tuple[NewRun, ...]
    backfills: tuple[NewBackfill, ...]
    book: Mapping[OwedKey, OwedRow]
    interval_s: float
    commit: TickCommit | None

    def with_evaluations(self, evaluations: Iterable[NewEvaluation]) -> AutomationDecision:
        """The decision with records of why things were requested."""
        found = tuple(evaluations)
        if self.commit is None or not found:
            return self
        conditions = self.commit.conditions or ConditionCommit()
        conditions = msgspec.structs.replace(conditions, evaluations=(*conditions.evaluations, *found))
        return msgspec.structs.replace(
            self, commit=msgspec.structs.replace(self.commit, conditions=conditions)
        )

    def run_ids_of(self, key: Key) -> tuple[str, ...]:
        """The runs that are to make a target."""
        if key.kind == "job":
            return tuple(run.run_id for run in self.runs if run.job_name == key.name)
        return tuple(
            run.run_id
            for run in self.runs
            if key.name in (run.planned_assets if key.kind == "asset" else run.planned_checks)
        )

    def backfill_ids_of(self, key: Key) -> tuple[str, ...]:
        """The backfills that are to make a target."""
        return tuple(
            one.backfill_id
            for one in self.backfills
            if any(part.name == key.name for part in one.fields.parts)
        )


def decide_automation_commit(
    graph: ConditionGraph,
    found: Round,
    *,
    record: TriggerRecord,
    options: SensorOptions,
    view: PartitionView,
    new: Collection[Key],
    held: Mapping[Key, HeldRequest],
    book: Mapping[OwedKey, OwedRow],
    book_before: Mapping[OwedKey, OwedRow],
    errors_before: Mapping[Key, str],
) -> AutomationDecision:
    """What one evaluation commits. `new`: targets that were never evaluated before."""
    now = found.position.at
    holds = decide_holds(graph, found.requested, new, held, trigger_id=record.trigger_id, now=now, view=view)
    tick = decide_automation_tick(
        graph,
        AutomationTickFacts(
            trigger_id=record.trigger_id,
            sensor_name=options.name,
            tick_identity=f"v{record.version}",
            evaluation_id=record.version,
            now=now,
            view=view,
            position=found.position,
            requested=holds.requested,
            errors=found.errors,
            memories=found.memories,
            run_tags=options.run_tags,
            emit_backfills=options.emit_backfills,
            uses_user_code=options.uses_user_code,
        ),
    )
    runs = tuple(
        msgspec.structs.replace(run, after=tick.after[run.run_id]) if run.run_id in tick.after else run
        for run in tick.runs
    )
    backfills = tuple(
        build_condition_backfill(one.backfill_id, one.title, one.wanted, one.tags) for one in tick.backfills
    )
    owed = newly_owed(
        book,
        graph,
        holds.requested,
        _run_of(runs),
        trigger_id=record.trigger_id,
        now=now,
        view=view,
    )
    book_after = {**book, **{(row.kind, row.name, row.partition): row for row in owed}} if owed else book
    changed = (
        []
        if book_after is book_before
        else [key for key, row in book_after.items() if book_before.get(key) != row]
    )
    gone = () if book_after is book_before else tuple(key for key in book_before if key not in book_after)
    conditions = ConditionCommit(
        memories=tuple(
            MemoryRow(kind=one.target.kind, name=one.target.name, trigger_id=record.trigger_id, data=one.data)
            for one in tick.memories
        ),
        evaluations=_failures(found, errors_before),
        held=holds.held,
        released=tuple((key.kind, key.name) for key in holds.released),
        owed=tuple(book_after[key] for key in changed),
        owed_before=tuple(book_before[key] for key in changed if key in book_before),
        settled=gone,
    )
    commit = _commit(found, record, tick, holds, runs, backfills, conditions, errors_before)
    return AutomationDecision(
        requested=holds.requested,
        holds=holds,
        tick=tick,
        runs=runs,
        backfills=backfills,
        book=book_after,
        interval_s=options.interval_s,
        commit=commit,
    )


def _commit(
    found: Round,
    record: TriggerRecord,
    tick: AutomationTickDecision,
    holds: HoldDecision,
    runs: tuple[NewRun, ...],
    backfills: tuple[NewBackfill, ...],
    conditions: ConditionCommit,
    errors_before: Mapping[Key, str],
) -> TickCommit | None:
    """The commit; None when nothing was looked at, so that an idle evaluation costs no write."""
    if not found.walked and conditions == ConditionCommit() and not runs and not backfills:
        return None
    is_new_error = dict(found.errors) != dict(errors_before)
    status = tick.status
    if status is TickStatus.FAILURE and not is_new_error:
        status = TickStatus.SKIPPED  # the same failure again: it is known, and its sensor is not failing anew
    is_skipped = tick.skip_reason is not None
    held_now = told_of_held(holds.held)
    return TickCommit(
        trigger_id=record.trigger_id,
        expected_version=record.version,
        status=status,
        started_at=found.position.at,
        ended_at=found.position.at,
        frontier=found.position.at,
        position=found.position.event_id,
        runs=runs,
        backfills=backfills,
        conditions=conditions,
        skip_reason=(told_of_held(holds.waiting) or tick.skip_reason) if is_skipped else None,
        notes=(held_now,) if held_now is not None and not is_skipped else (),
        error=_error(found) if status is TickStatus.FAILURE else None,
        request_errors=tuple(
            RequestError(index=index, message=f"{one.target}: {one.message}")
            for index, one in enumerate(tick.errors)
        ),
        record_tick=bool(runs or backfills or conditions.held or is_new_error),
    )


def _run_of(runs: Iterable[NewRun]) -> dict[tuple[str, str], str]:
    return {
        (name, run.partition or ""): run.run_id
        for run in runs
        for name in (*run.planned_assets, *run.planned_checks)
    }


def _failures(found: Round, before: Mapping[Key, str]) -> tuple[NewEvaluation, ...]:
    """The records of targets that fail in another way than last time."""
    return tuple(
        NewEvaluation(kind=key.kind, name=key.name, at=found.position.at, error=message)
        for key, message in sorted(found.errors.items())
        if before.get(key) != message
    )


def _error(found: Round) -> ErrorInfo:
    lines = [f"{key}: {message}" for key, message in sorted(found.errors.items())]
    return ErrorInfo(
        cls_name="ConditionError",
        message=f"{len(lines)} condition(s) could not be evaluated:\n" + "\n".join(lines),
    )
