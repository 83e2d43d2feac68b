"""What one automation tick commits: runs, backfills, and the memory of the targets that were looked at.

The tick is SUCCESS when it asks for something, FAILURE when nothing was asked for and some condition could not be
evaluated, SKIPPED otherwise (C65). A condition that cannot be evaluated is recorded as an error of its target; it holds no
other target back (F8). Run ids derive from the tick, so that a repeated decision makes the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

import msgspec

from tidewheel.logic.conditions import memory as memory_form
from tidewheel.logic.conditions.facts import Position
from tidewheel.logic.conditions.memory import TargetMemory
from tidewheel.logic.conditions.nodes import RunOptions
from tidewheel.logic.conditions.runs_from_requests import WantedBackfill, WantedRun, decide_work
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.values.ids import derived_run_id
from tidewheel.values.records import NewRun
from tidewheel.values.serde import from_json
from tidewheel.values.status import TickStatus
from tidewheel.values.tags import EVALUATION_ID, PARTITION, SENSOR_NAME

AUTO_MATERIALIZE = "dagster/auto_materialize"
FROM_CONDITION = "dagster/from_automation_condition"
NOTHING_REQUESTED = "No condition asked for a run."


class AutomationTickFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an evaluation, and the sensor that it was made for.

    `tick_identity`: what a repetition of this very tick has in common with it (the sensor's version). `evaluation_id`:
    the number that evaluations are shown under.
    """

    trigger_id: str
    sensor_name: str
    tick_identity: str
    evaluation_id: int
    now: float
    view: PartitionView
    position: Position
    requested: Mapping[Key, PartitionSet]
    errors: Mapping[Key, str] = msgspec.field(default_factory=dict)
    memories: Mapping[Key, TargetMemory] = msgspec.field(default_factory=dict)
    run_tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    emit_backfills: bool = True
    uses_user_code: bool = False


class NewBackfill(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill to create."""

    backfill_id: str
    title: str
    wanted: WantedBackfill
    tags: Mapping[str, str]


class TargetError(msgspec.Struct, frozen=True, kw_only=True):
    """A target whose condition could not be evaluated, and why."""

    target: Key
    message: str


class StoredTargetMemory(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of a target in its stored form."""

    target: Key
    data: bytes


class AutomationTickDecision(msgspec.Struct, frozen=True, kw_only=True):
    """All that one tick writes, in one transaction. `after`: by run id, the runs that have to end before it starts."""

    status: TickStatus
    position: Position
    runs: tuple[NewRun, ...] = ()
    after: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    backfills: tuple[NewBackfill, ...] = ()
    memories: tuple[StoredTargetMemory, ...] = ()
    errors: tuple[TargetError, ...] = ()
    skip_reason: Optional[str] = None


def decide_automation_tick(graph: ConditionGraph, facts: AutomationTickFacts) -> AutomationTickDecision:
    """The rows of one evaluation."""
    work = decide_work(graph, facts.requested, facts.view, emit_backfills=facts.emit_backfills)
    tags = _tags(facts)
    ids = [_id(facts, index) for index in range(len(work.runs) + len(work.backfills))]
    runs = tuple(_new_run(one, ids[index], tags) for index, one in enumerate(work.runs))
    backfills = tuple(
        NewBackfill(
            backfill_id=ids[len(work.runs) + index],
            title=f"Asked for by the conditions of {facts.sensor_name}, evaluation {facts.evaluation_id}",
            wanted=one,
            tags={**tags, **dict(one.options.tags)},
        )
        for index, one in enumerate(work.backfills)
    )
    status = _status(bool(runs or backfills), bool(facts.errors))
    return AutomationTickDecision(
        status=status,
        position=facts.position,
        runs=runs,
        after={
            ids[index]: tuple(ids[before] for before in one.after)
            for index, one in enumerate(work.runs)
            if one.after
        },
        backfills=backfills,
        memories=tuple(
            StoredTargetMemory(target=key, data=memory_form.encode(memory))
            for key, memory in sorted(facts.memories.items())
        ),
        errors=tuple(TargetError(target=key, message=text) for key, text in sorted(facts.errors.items())),
        skip_reason=NOTHING_REQUESTED if status is TickStatus.SKIPPED else None,
    )


def _status(asked: bool, failed: bool) -> TickStatus:
    if asked:
        return TickStatus.SUCCESS
    return TickStatus.FAILURE if failed else TickStatus.SKIPPED


def _id(facts: AutomationTickFacts, index: int) -> str:
    return derived_run_id(facts.trigger_id, facts.tick_identity, index, facts.now)


def _tags(facts: AutomationTickFacts) -> dict[str, str]:
    """The tags of every run of the tick (C63)."""
    tags = {**facts.run_tags, FROM_CONDITION: "true", EVALUATION_ID: str(facts.evaluation_id)}
    tags[SENSOR_NAME] = facts.sensor_name
    if not facts.uses_user_code:
        tags[AUTO_MATERIALIZE] = "true"
    return tags


def _new_run(wanted: WantedRun, run_id: str, tags: Mapping[str, str]) -> NewRun:
    options: RunOptions = wanted.options
    partition = {} if wanted.partition is None else {PARTITION: wanted.partition}
    selects = bool(wanted.assets or wanted.checks)
    return NewRun(
        run_id=run_id,
        job_name=wanted.job_name,
        location=wanted.location,
        priority=options.priority,
        partition=wanted.partition,
        assets=wanted.assets if selects else None,
        checks=wanted.checks if selects else None,
        run_config=from_json(options.run_config, dict) if options.run_config else {},
        tags={**tags, **dict(options.tags), **partition},
        planned_assets=wanted.assets,
        planned_checks=wanted.checks,
    )
