"""Evaluates conditions of users' own classes in the code location; whatever they raise is part of the answer."""

from __future__ import annotations

import asyncio
import datetime
import inspect
from typing import Any

from tidewheel.definitions.automation.automation_condition import AutomationCondition
from tidewheel.definitions.automation.automation_context import (
    AutomationContext,
    AutomationResult,
    EntitySubset,
)
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.errors import ParameterCheckError
from tidewheel.logic.conditions.facts import UserAnswer
from tidewheel.logic.conditions.nodes import Condition
from tidewheel.logic.conditions.rewrite import user_handles
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.sets import PartitionSet, everything
from tidewheel.runtime.conditions.condition_facts import partition_view
from tidewheel.values.condition_questions import ConditionAnswer, ConditionQuestion, ConditionQuestions
from tidewheel.values.error_info import error_text
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.serde import decode


def answer_conditions(
    defs: Definitions, asked: ConditionQuestions, *, instance: Any
) -> tuple[ConditionAnswer, ...]:
    """One answer for each question, in order; never raises."""
    try:
        view = partition_view(instance.ledger, asked.now)
        return tuple(_answer(defs, one, asked, view, instance) for one in asked.questions)
    except Exception as exc:  # noqa: BLE001 - a boundary: the server is told, whatever it is
        return tuple(ConditionAnswer(error=_said(exc)) for _ in asked.questions)


def _answer(
    defs: Definitions, one: ConditionQuestion, asked: ConditionQuestions, view: PartitionView, instance: Any
) -> ConditionAnswer:
    try:
        target = Key(one.kind, one.name)  # type: ignore[arg-type]
        condition = user_handles(condition_of_target(defs, target))[one.slot]
        context = _context(defs, one, asked, view, instance, condition)
    except Exception as exc:  # noqa: BLE001 - code may have changed since the question was made
        return ConditionAnswer(error=_said(exc))
    answer = ask_condition(condition, context)
    if answer.error is not None or answer.true is None:
        return ConditionAnswer(error=answer.error or "it gave no answer")
    return ConditionAnswer(true=codec.encode(answer.true), cursor=answer.cursor)


def _context(
    defs: Definitions,
    one: ConditionQuestion,
    asked: ConditionQuestions,
    view: PartitionView,
    instance: Any,
    condition: Any,
) -> AutomationContext:
    graph = defs.resolved.graph

    def subset(key: Any, members: PartitionSet) -> EntitySubset:
        node = graph.nodes.get(key) if isinstance(key, AssetKey) else None
        return EntitySubset(key, members, view, node.partitions_def if node is not None else None)

    key = public_key(Key(one.subject_kind, one.subject_name))  # type: ignore[arg-type]
    root_key = public_key(Key(one.kind, one.name))  # type: ignore[arg-type]
    spec, root_spec = _spec(one.spec), _spec(one.root_spec)
    requested = codec.decode(one.previous_requested, root_spec) if one.previous_requested else None
    return AutomationContext(
        condition=condition,
        key=key,
        root_key=root_key,
        candidate_subset=subset(key, everything(spec, view)),
        evaluation_time=moment(asked.now),
        cursor=one.cursor,
        previous_evaluation_time=None if one.previous_at is None else moment(one.previous_at),
        previous_requested=None if requested is None else subset(root_key, requested),
        max_storage_id=asked.event_id,
        asset_graph=graph,
        instance=instance,
    )


def _spec(data: bytes) -> PartitionsSpec | None:
    # the type checker takes a union for no type
    return decode(data, PartitionsSpec) if data else None  # type: ignore[arg-type]


def ask_condition(condition: Any, context: AutomationContext) -> UserAnswer:
    """What a user's condition answers; whatever it raises is the answer's error."""
    try:
        result = condition.evaluate(context)
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        if not isinstance(result, AutomationResult):
            raise ParameterCheckError(f"evaluate: expected an AutomationResult, got {result!r}; return one")
        true, asked = result.true_subset, context.candidate_subset
        if true.key != asked.key or true.members.spec != asked.members.spec:
            raise ParameterCheckError(
                f"evaluate: expected a subset of {asked.key!r}, got one of {true.key!r}; "
                "make it from context.candidate_subset"
            )
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - user code may raise anything; it fails its own target only
        return UserAnswer(error=_said(exc))
    return UserAnswer(true=result.true_subset.members, cursor=result.cursor)


def condition_of_target(defs: Definitions, target: Key) -> Condition:
    """The condition of a target with the user's objects in it."""
    resolved = defs.resolved
    if target.kind == "job":
        given: Any = resolved.unresolved_job(target.name)
        condition = given.automation_condition
    else:
        key = public_key(target)
        nodes: Any = resolved.graph.nodes if target.kind == "asset" else resolved.graph.checks
        condition = nodes[key].automation_condition or _sensor_default(resolved, key)
    assert isinstance(condition, AutomationCondition)
    return condition.node


def _sensor_default(resolved: Any, key: Any) -> Any:
    for name in resolved.covered_by.get(key, ()):
        condition = getattr(resolved.sensors[name], "default_condition", None)
        if condition is not None:
            return condition
    return None


def public_key(key: Key) -> Any:
    """The key of an asset or check as users know it; a job's is its name."""
    if key.kind == "job":
        return key.name
    if key.kind == "asset":
        return AssetKey.from_escaped_user_string(key.name)
    asset, _, name = key.name.rpartition(":")
    return AssetCheckKey(AssetKey.from_escaped_user_string(asset), name)


def moment(seconds: float) -> datetime.datetime:
    """A time as users are given it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {error_text(exc)}"
