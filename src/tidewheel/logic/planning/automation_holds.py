"""A new condition asks for many partitions at once: that waits for a yes, so that nobody is surprised by a backfill.

Only the first evaluation of a target is held, and only where it asks for several partitions. What is held is left out
of all later requests of the target, until a person approves it (it is requested then) or declines it (it stays left out
for as long as the condition goes on asking for it).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.memory import fitted
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.definitions import PartitionsSpec, PartitionView
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.values.conditions import HeldRequest, HoldStatus
from tidewheel.values.serde import decode, encode

NAMED = 3
"""Held requests that are named in a tick."""


class HoldDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What is requested after all, what is held from now on, and whose held request is done with."""

    requested: Mapping[Key, PartitionSet]
    held: tuple[HeldRequest, ...] = ()
    released: tuple[Key, ...] = ()
    waiting: tuple[HeldRequest, ...] = ()
    """All that waits for a yes now, those of ``held`` too."""


def decide_holds(
    graph: ConditionGraph,
    requested: Mapping[Key, PartitionSet],
    new: Collection[Key],
    held: Mapping[Key, HeldRequest],
    *,
    trigger_id: str,
    now: float,
    view: PartitionView,
) -> HoldDecision:
    """Part the requests of one evaluation. `new`: targets that were never evaluated before."""
    allowed = dict(requested)
    holding: list[HeldRequest] = []
    released: list[Key] = []
    still_waiting: list[HeldRequest] = []
    for key, one in held.items():
        if key not in graph.subjects:
            continue
        try:
            waiting = held_partitions(one, graph[key].partitions, view)
        except ConditionError:
            released.append(key)  # its partitions are other ones now: there is nothing to say yes to
            continue
        if one.status is HoldStatus.APPROVED:
            released.append(key)
            allowed[key] = allowed[key] | waiting if key in allowed else waiting
            continue
        if one.status is HoldStatus.WAITING:
            still_waiting.append(one)
        if key in allowed:
            allowed[key] = allowed[key] - waiting
    for key in new:
        asked = allowed.get(key)
        if key not in held and asked is not None and asked.spec is not None and len(asked) > 1:
            holding.append(
                HeldRequest(
                    kind=key.kind,
                    name=key.name,
                    trigger_id=trigger_id,
                    at=now,
                    wanted=codec.encode(asked),
                    spec=encode(asked.spec),
                    count=len(asked),
                )
            )
            del allowed[key]
    return HoldDecision(
        requested={key: asked for key, asked in allowed.items() if asked},
        held=tuple(holding),
        released=tuple(released),
        waiting=(*still_waiting, *holding),
    )


def told_of_held(held: Sequence[HeldRequest]) -> str | None:
    """What people are told of requests that wait for a yes, with the command that says it; None when there are none."""
    if not held:
        return None
    parts = [
        f"{one.count} partitions of {one.name} wait for 'tidewheel automation approve {one.name}'"
        for one in sorted(held, key=lambda one: one.name)[:NAMED]
    ]
    more = len(held) - NAMED
    if more > 0:
        parts.append(f"{more} more wait, see 'tidewheel automation list'")
    return "; ".join(parts)


def held_partitions(held: HeldRequest, spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet:
    """The partitions of a held request, in terms of the present definition; raises ConditionError if there are none."""
    try:
        # the type checker takes a union for no type
        stored: PartitionsSpec = decode(held.spec, PartitionsSpec)  # type: ignore[arg-type]
        return fitted(codec.decode(held.wanted, stored), spec, view)
    except (PartitionError, msgspec.MsgspecError) as reason:
        raise ConditionError(
            f"held request of {held.name}: expected partitions of its definition, got others ({reason})"
        ) from reason
