"""Which pause holds for a trigger, and what becomes of what it missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from tidewheel.values.policies import AUTOMATION, Missed, PauseRecord, Selection, TriggerPolicy


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a selection is compared with. ``kind``: ``SCHEDULE`` | ``SENSOR``; ``is_automation``: a sensor of conditions."""

    kind: str
    name: str
    location: str
    tags: Mapping[str, str] = {}
    is_automation: bool = False


def selects(selection: Selection, subject: Subject) -> bool:
    """Whether a selection means a trigger."""
    return (
        (selection.kind in (None, subject.kind) or (selection.kind == AUTOMATION and subject.is_automation))
        and (selection.name is None or fnmatchcase(subject.name, selection.name))
        and (selection.location is None or fnmatchcase(subject.location, selection.location))
        and all(
            name in subject.tags and fnmatchcase(subject.tags[name], value)
            for name, value in selection.tags.items()
        )
    )


def active_pause(pauses: Sequence[PauseRecord], subject: Subject, now: float) -> PauseRecord | None:
    """Of the pauses that hold for a trigger now, the one that ends last."""
    holding = [
        pause
        for pause in pauses
        if pause.created_at <= now < pause.ends_at and selects(pause.selection, subject)
    ]
    return max(holding, key=lambda pause: pause.ends_at, default=None)


def missed_rule(pause: PauseRecord, policy: TriggerPolicy | None) -> Missed:
    """What becomes of what was missed in a pause: as the pause says, or else as the trigger's policy does."""
    return pause.missed or (policy or TriggerPolicy()).missed_while_paused


def skipped_spans(
    pauses: Sequence[PauseRecord], subject: Subject, policy: TriggerPolicy | None, now: float
) -> tuple[tuple[float, float], ...]:
    """The spans (from, until), until exclusive, of pauses that are over and whose missed ticks and events are skipped."""
    return tuple(
        (pause.created_at, pause.ends_at)
        for pause in pauses
        if pause.ends_at <= now and selects(pause.selection, subject) and missed_rule(pause, policy) == "skip"
    )


def next_end(pauses: Sequence[PauseRecord], now: float) -> float | None:
    """When the next pause ends by itself."""
    return min((pause.ends_at for pause in pauses if now < pause.ends_at < float("inf")), default=None)
