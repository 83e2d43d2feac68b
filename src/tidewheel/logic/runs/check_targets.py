"""Which materialisation a check judged: the newest of its asset at the time of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Optional

import msgspec

from tidewheel.values.events import CheckEvaluation, Event, EventType


class Made(NamedTuple):
    """A materialisation: its event's id, its run, and when it was (seconds since the epoch)."""

    id: int
    run_id: Optional[str]
    timestamp: Optional[float]


def with_targets(
    ids: Sequence[int], events: Sequence[Event], find: Callable[[str], Made | None]
) -> list[Event]:
    """Events with these ids, in order; evaluations that do not tell what they judged are told it.

    ``find`` gives the newest materialisation of an asset before these events.
    """
    newest: dict[str, Made | None] = {}
    told = []
    for id_, happened in zip(ids, events, strict=True):
        asset, said = happened.asset, happened.payload
        if asset is not None and happened.type is EventType.ASSET_MATERIALIZATION:
            newest[asset] = Made(id_, happened.run_id or None, happened.timestamp)
        elif (
            asset is not None
            and happened.type is EventType.ASSET_CHECK_EVALUATION
            and isinstance(said, CheckEvaluation)
            and said.target_event_id is None
        ):
            if asset not in newest:
                newest[asset] = find(asset)
            happened = _told(happened, said, newest[asset])
        told.append(happened)
    return told


def _told(happened: Event, said: CheckEvaluation, made: Made | None) -> Event:
    if made is None:
        return happened
    target = msgspec.structs.replace(
        said, target_event_id=made.id, target_run_id=made.run_id, target_timestamp=made.timestamp
    )
    return msgspec.structs.replace(happened, payload=target)
