"""What is amiss with the automation as a whole, and what people must be told of it.

A trouble is told once when it begins and once when it is over; while it lasts it is told again after a while. Which
troubles are known to people is stored, so that a restart tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Optional

import msgspec

from tidewheel.values.texts import counted

TroubleKind = Literal["schedule_late", "trigger_failing", "queue_stuck", "location_down", "duty_failed"]


class AlertPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """From when on something is a trouble; times in seconds."""

    late_s: float = 120.0
    failures: int = 3
    queue_stuck_s: float = 900.0
    location_down_s: float = 60.0
    repeat_s: float = 6 * 3600.0


class TriggerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger that runs: its failures in a row and, for schedules, the nominal time that is owed since when."""

    name: str
    kind: Literal["schedule", "sensor"]
    failures_in_a_row: int = 0
    owed_since: Optional[float] = None


class LocationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A code location, and since when it has not served its newest code (None: it does)."""

    name: str
    down_since: Optional[float] = None
    reason: str = ""


class WatchdogFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How everything stands at ``now``."""

    now: float
    triggers: Sequence[TriggerFacts] = ()
    locations: Sequence[LocationFacts] = ()
    oldest_queued_at: Optional[float] = None
    queued: int = 0
    in_progress: int = 0
    failed_duties: Sequence[str] = ()


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something amiss: which kind, of what, in a sentence."""

    kind: TroubleKind
    name: str
    text: str

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.kind}:{self.name}"


class KnownTrouble(msgspec.Struct, frozen=True, kw_only=True):
    """A trouble that people were told of, when it was first seen and when it was last told."""

    trouble: Trouble
    since: float
    told_at: float


class WatchdogDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Troubles to tell as new, as lasting, as over; and what is known from now on."""

    begun: tuple[Trouble, ...] = ()
    lasting: tuple[KnownTrouble, ...] = ()
    over: tuple[KnownTrouble, ...] = ()
    known: Mapping[str, KnownTrouble] = {}

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.begun or self.lasting or self.over)


def find_troubles(facts: WatchdogFacts, policy: AlertPolicy) -> list[Trouble]:
    """Everything that is amiss now."""
    found = [
        Trouble(
            kind="duty_failed", name=name, text=f"the server's duty {name!r} has ended; restart the server"
        )
        for name in facts.failed_duties
    ]
    for location in facts.locations:
        if location.down_since is not None and facts.now - location.down_since >= policy.location_down_s:
            text = f"code location {location.name!r} is down: {location.reason or 'it does not answer'}"
            found.append(Trouble(kind="location_down", name=location.name, text=text))
    for trigger in facts.triggers:
        if trigger.owed_since is not None and facts.now - trigger.owed_since >= policy.late_s:
            late = f"{facts.now - trigger.owed_since:.0f} s late"
            text = f"schedule {trigger.name!r} should have ticked and did not ({late})"
            found.append(Trouble(kind="schedule_late", name=trigger.name, text=text))
        if trigger.failures_in_a_row >= policy.failures:
            text = f"{trigger.kind} {trigger.name!r} has failed {trigger.failures_in_a_row} times in a row"
            found.append(Trouble(kind="trigger_failing", name=trigger.name, text=text))
    queued_at = facts.oldest_queued_at
    if queued_at is not None and not facts.in_progress and facts.now - queued_at >= policy.queue_stuck_s:
        text = (
            f"{counted(facts.queued, 'queued run')}, none in progress; the oldest has waited "
            f"{(facts.now - queued_at) / 60:.0f} min ('tidewheel run list --status QUEUED' says for what)"
        )
        found.append(Trouble(kind="queue_stuck", name="queue", text=text))
    return found


def decide_alerts(
    facts: WatchdogFacts, policy: AlertPolicy, known: Mapping[str, KnownTrouble]
) -> WatchdogDecision:
    """What to tell people now."""
    troubles = {trouble.key: trouble for trouble in find_troubles(facts, policy)}
    now = facts.now
    begun = tuple(trouble for key, trouble in troubles.items() if key not in known)
    over = tuple(old for key, old in known.items() if key not in troubles)
    after: dict[str, KnownTrouble] = {}
    lasting = []
    for key, trouble in troubles.items():
        old = known.get(key)
        if old is None:
            after[key] = KnownTrouble(trouble=trouble, since=now, told_at=now)
        elif now - old.told_at >= policy.repeat_s:
            after[key] = KnownTrouble(trouble=trouble, since=old.since, told_at=now)
            lasting.append(after[key])
        else:
            after[key] = KnownTrouble(trouble=trouble, since=old.since, told_at=old.told_at)
    return WatchdogDecision(begun=begun, lasting=tuple(lasting), over=over, known=after)


def message_of(decision: WatchdogDecision, now: float) -> tuple[str, str]:
    """Title and body of the message for people."""
    lines = [f"NEW: {trouble.text}" for trouble in decision.begun]
    lines += [f"STILL, for {_length(now - old.since)}: {old.trouble.text}" for old in decision.lasting]
    lines += [f"OVER after {_length(now - old.since)}: {old.trouble.text}" for old in decision.over]
    open_count = len(decision.known)
    title = f"Tidewheel: {open_count} trouble(s)" if open_count else "Tidewheel: all is well again"
    return title, "\n".join(lines)


def _length(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
