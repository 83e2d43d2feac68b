"""What a listening sensor is handed next, and what becomes of events whose evaluation raised.

Events go in batches. One whose evaluation raises is handed over again alone, after growing delays; after its last retry
it is set aside, where people see it and can ask for it once more. Meanwhile the others go on; only sensors that keep
their order (asset sensors) wait for it. A batch that fails as a whole (user code hung, or ended its process) says nothing
about its single events: it is handed over once more in batches of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import msgspec

from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.inbox import Redelivery

RETRY_DELAYS_S = (1.0, 5.0, 30.0, 120.0, 600.0)


class HandoverFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the choice of the next batch needs. ``redeliveries``: those of the sensor."""

    now: float
    position: int
    redeliveries: Sequence[Redelivery] = ()
    keeps_order: bool = False
    prefers_new: bool = True


class HandoverChoice(msgspec.Struct, frozen=True, kw_only=True):
    """In which order to look for something: an event to hand over again, new events; when to look again."""

    again: Optional[Redelivery] = None
    takes_new: bool = True
    new_first: bool = True
    wake_at: Optional[float] = None


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation was handed: event ids in order, or one event again."""

    ids: tuple[int, ...]
    again: Optional[Redelivery] = None
    earlier: tuple[Redelivery, ...] = ()
    keeps_order: bool = False


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation's tick is to store. ``split``: nothing; hand the same events over one at a time."""

    result: EvaluationResult
    redeliveries: tuple[Redelivery, ...] = ()
    settled: tuple[int, ...] = ()
    split: bool = False


def choose_handover(facts: HandoverFacts) -> HandoverChoice:
    """Whether an event is due to be handed over again, and whether new ones may go."""
    active = [one for one in facts.redeliveries if one.retry_at is not None]
    held = [one for one in active if facts.keeps_order and one.event_id > facts.position]
    due = [one for one in active if one not in held and _retry_at(one, facts.now) <= facts.now]
    blocked = any(_retry_at(one, facts.now) > facts.now for one in held)
    later = [at for one in active if (at := _retry_at(one, facts.now)) > facts.now]
    return HandoverChoice(
        again=min(due, key=lambda one: (one.retry_at, one.event_id), default=None),
        takes_new=not blocked,
        new_first=facts.prefers_new,
        wake_at=min(later, default=None),
    )


def _retry_at(one: Redelivery, now: float) -> float:
    """When an active one is due; at once if it failed in a time to come: the clock was set back since."""
    assert one.retry_at is not None, "only active ones are due"
    return now if one.failed_at is None or one.failed_at > now else one.retry_at


def settle_handover(trigger_id: str, handed: Handed, result: EvaluationResult, now: float) -> Settlement:
    """What became of the events that an evaluation was handed."""
    if handed.again is not None:
        return _settle_again(handed.again, _with_single_failure(handed, result), now)
    if result.error is not None and len(handed.ids) > 1:
        return Settlement(result=result, split=True)
    result = _with_single_failure(handed, result)
    earlier = {one.event_id: one for one in handed.earlier}
    failed = dict(result.failed_events)
    put = tuple(
        retried(earlier.get(event_id) or Redelivery(trigger_id=trigger_id, event_id=event_id), error, now)
        for event_id, error in failed.items()
    )
    position = _position(handed, result, put)
    behind = -1 if position is None else position
    done = tuple(id_ for id_ in handed.ids if id_ in earlier and id_ not in failed and id_ <= behind)
    return Settlement(
        result=msgspec.structs.replace(result, position=position), redeliveries=put, settled=done
    )


def retried(before: Redelivery, error: ErrorInfo, now: float) -> Redelivery:
    """The event after one more evaluation that raised: when it is tried again, or set aside."""
    attempts = before.attempts + 1
    retry_at = now + RETRY_DELAYS_S[attempts - 1] if attempts <= len(RETRY_DELAYS_S) else None
    return Redelivery(
        trigger_id=before.trigger_id,
        event_id=before.event_id,
        attempts=attempts,
        retry_at=retry_at,
        failed_at=now,
        error=error,
    )


def _settle_again(again: Redelivery, result: EvaluationResult, now: float) -> Settlement:
    result = msgspec.structs.replace(result, position=None)
    if result.failed_events:
        [(_, error)] = result.failed_events
        return Settlement(result=result, redeliveries=(retried(again, error, now),))
    return Settlement(result=result, settled=(again.event_id,))


def _with_single_failure(handed: Handed, result: EvaluationResult) -> EvaluationResult:
    """A failure of the whole evaluation of one event is that event's."""
    if result.error is None:
        return result
    return msgspec.structs.replace(result, error=None, failed_events=((handed.ids[0], result.error),))


def _position(handed: Handed, result: EvaluationResult, put: Sequence[Redelivery]) -> int | None:
    """The last event that is behind the sensor, or None when none is."""
    if not handed.keeps_order or not put:
        return result.position if result.position is not None else handed.ids[-1]
    first = put[0]
    if first.is_set_aside:
        return first.event_id
    before = [id_ for id_ in handed.ids if id_ < first.event_id]
    return before[-1] if before else None
