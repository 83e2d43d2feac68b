"""What a condition answers: where it is true, and which dated events made it so.

A condition that became true because something happened carries *evidence*: layers of (stamp, set), one for each
event. What is true without a dated event (a state, such as `missing`) is *weak*: it can start a `since`, but loses
against a reset in the same evaluation. Evidence passes through all operators, so that no update is lost because it
was seen in the same evaluation as the request before it (F1).

The functions work on any sets with `|`, `&` and `-` that are false when empty: partition sets and bare bitmaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Optional, Protocol, TypeVar

import msgspec


class SetLike(Protocol):
    """What the algebra needs of a set."""

    def __or__(self, other: Any) -> Any: ...

    def __and__(self, other: Any) -> Any: ...

    def __sub__(self, other: Any) -> Any: ...

    def __len__(self) -> int: ...


S = TypeVar("S", bound=SetLike)


class Stamp(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """When something happened: seconds since the epoch and, for events, the ledger's id.

    An update of the root target itself, which ends the need for a run, has `reads_to`: the newest event that was
    known when its run began. What came later was not read by that run, unless the same run made it (`run_id`).
    """

    at: float
    event_id: Optional[int] = None
    reads_to: Optional[int] = None
    run_id: str = ""


class Answer(NamedTuple):
    """Where a condition is true; `weak`: where it is so without dated evidence; the layers of evidence."""

    true: Any
    weak: Any
    layers: tuple[tuple[Stamp, Any], ...] = ()


def is_newer(trigger: Stamp, reset: Stamp) -> bool:
    """Whether what `trigger` dates came after what `reset` dates, so that the reset did not deal with it.

    Events are compared by id, all else by time; at equal times the reset wins (C38).
    """
    if trigger.event_id is None or reset.event_id is None:
        return trigger.at > reset.at
    if reset.reads_to is None or (trigger.run_id and trigger.run_id == reset.run_id):
        return trigger.event_id > reset.event_id
    return trigger.event_id > reset.reads_to


def state(true: S) -> Answer:
    """An answer without dated evidence."""
    return Answer(true, true)


def dated(stamp: Stamp, true: S, nothing: S) -> Answer:
    """An answer that one event explains."""
    return Answer(true, nothing, ((stamp, true),)) if true else Answer(nothing, nothing)


def restricted(answer: Answer, within: SetLike) -> Answer:
    """The answer inside a set only."""
    return Answer(answer.true & within, answer.weak & within, _within(answer.layers, within))


def union(answers: Iterable[Answer], nothing: S) -> Answer:
    """Where some answer is true, with all their evidence."""
    true = weak = nothing
    layers: list[tuple[Stamp, Any]] = []
    for answer in answers:
        true, weak = true | answer.true, weak | answer.weak
        layers.extend(answer.layers)
    return Answer(true, weak, tuple(layers))


def intersection(answers: Iterable[Answer], everything: S) -> Answer:
    """Where all answers are true, with all their evidence there; weak only where none has any."""
    true = everything
    layers: list[tuple[Stamp, Any]] = []
    for answer in answers:
        true = true & answer.true
        layers.extend(answer.layers)
    if not layers:
        return Answer(true, true)
    inside = _within(layers, true)
    return Answer(true, without_layers(true, inside), inside)


def without_layers(true: S, layers: Iterable[tuple[Stamp, S]]) -> S:
    """The part of a set that no layer covers."""
    for _, covered in layers:
        true = true - covered
    return true


def _within(layers: Iterable[tuple[Stamp, Any]], within: SetLike) -> tuple[tuple[Stamp, Any], ...]:
    cut = ((stamp, covered & within) for stamp, covered in layers)
    return tuple((stamp, covered) for stamp, covered in cut if covered)
