"""The memory of `since`: what is on, and why.

A partition is on when the newest event of the trigger came after the newest event of the reset. Both are compared
by their own dates, not by the evaluations that saw them (F1, F2):

* a reset that is a mere state beats everything seen up to the same evaluation;
* a trigger that is a mere state starts the latch, but loses against any reset in the same evaluation;
* otherwise the later one wins, and the reset if both came at once.

Dates lie between the evaluations that events were stored between (`leaves.update_stamp`), so that no trigger is older
than a reset of an earlier evaluation: a latch need not remember resets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tidewheel.logic.conditions.evidence import Answer, SetLike, Stamp, is_newer, without_layers

LAYER_LIMIT = 32
"""More layers than this are joined, the oldest first, under the newest of their dates.

A joined layer may outlive a reset that its older parts would not have: one run more, never one less.
"""


class Latch(msgspec.Struct, frozen=True):
    """One `since` of one target: where it is on, and the dated evidence for it."""

    on: Any
    layers: tuple[tuple[Stamp, Any], ...] = ()

    def answer(self) -> Answer:
        """The latch as an answer: its evidence is that of its trigger."""
        if not self.layers:
            return Answer(self.on, self.on)
        return Answer(self.on, without_layers(self.on, self.layers), self.layers)


def advance(latch: Latch, trigger: Answer, reset: Answer, existing: SetLike) -> Latch:
    """The latch after one evaluation; sets are cut to the partitions that exist."""
    on = (latch.on | trigger.true) & existing
    evidence = (*latch.layers, *trigger.layers)
    if not reset.true:
        return Latch(on, _canonical(evidence, on))
    survivors = _survivors(evidence, reset)
    kept = on - reset.true
    for _, covered in survivors:
        kept = kept | (covered & reset.true)
    kept = kept & existing
    return Latch(kept, _canonical(survivors, kept))


def _survivors(evidence: Iterable[tuple[Stamp, Any]], reset: Answer) -> list[tuple[Stamp, Any]]:
    """The evidence that no reset seen now has dealt with."""
    survivors = []
    for stamp, covered in evidence:
        left = covered - reset.weak
        for reset_stamp, reset_covered in reset.layers:
            if not is_newer(stamp, reset_stamp):
                left = left - reset_covered
        if left:
            survivors.append((stamp, left))
    return survivors


def _canonical(layers: Iterable[tuple[Stamp, Any]], within: SetLike) -> tuple[tuple[Stamp, Any], ...]:
    """One layer for each stamp, in the order of dates, cut to `within`, at most LAYER_LIMIT."""
    joined: dict[Stamp, Any] = {}
    for stamp, covered in layers:
        inside = covered & within
        if inside:
            known = joined.get(stamp)
            joined[stamp] = inside if known is None else known | inside
    ordered = sorted(joined.items(), key=_date)
    if len(ordered) <= LAYER_LIMIT:
        return tuple(ordered)
    cut = len(ordered) - LAYER_LIMIT + 1
    old = ordered[0][1]
    for _, covered in ordered[1:cut]:
        old = old | covered
    newest = ordered[cut - 1][0]
    return ((Stamp(newest.at, newest.event_id), old), *ordered[cut:])


def _date(layer: tuple[Stamp, Any]) -> tuple[float, int, str]:
    stamp = layer[0]
    return stamp.at, -1 if stamp.event_id is None else stamp.event_id, stamp.run_id
