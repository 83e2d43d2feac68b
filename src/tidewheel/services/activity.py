"""Tells watchers what happens, live."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import msgspec

from tidewheel.runtime.protocol import Activity
from tidewheel.services.hub import Peer
from tidewheel.values.events import CheckEvaluation, Event, EventType, Failure, Materialization
from tidewheel.values.run_titles import IMPLICIT_ASSET_JOB, title_without_run

logger = logging.getLogger("tidewheel.activity")

LONGEST_TEXT = 1_000
"""Characters: whoever watches reads lines. Ticks and run logs keep the whole."""

RUN_TEXT = {
    EventType.RUN_START: "STARTED",
    EventType.RUN_SUCCESS: "SUCCESS",
    EventType.RUN_FAILURE: "FAILURE",
    EventType.RUN_CANCELED: "CANCELED",
}


class ActivityFeed:
    """Fans activities out to watcher peers and local listeners; costs nothing when nobody watches."""

    def __init__(self) -> None:
        self._watchers: set[Peer] = set()
        self._listeners: list[Callable[[Activity], None]] = []

    def add_watcher(self, peer: Peer) -> None:
        """A peer that wants to see activities."""
        self._watchers.add(peer)

    def remove_watcher(self, peer: Peer) -> None:
        """The peer is gone."""
        self._watchers.discard(peer)

    def listen(self, listener: Callable[[Activity], None]) -> None:
        """Call a function for every activity, in the server's process."""
        self._listeners.append(listener)

    @property
    def is_watched(self) -> bool:
        """Whether anybody would see an activity."""
        return bool(self._watchers or self._listeners)

    def publish(self, activity: Activity) -> None:
        """Hand one activity to everybody; of a text of any length, its beginning."""
        if len(activity.text) > LONGEST_TEXT:
            activity = msgspec.structs.replace(activity, text=f"{activity.text[:LONGEST_TEXT]}…")
        for listener in self._listeners:
            listener(activity)
        for peer in self._watchers:
            peer.send(activity)

    def publish_events(self, events: Iterable[Event]) -> None:
        """Hand the events that people care about to everybody."""
        if not self.is_watched:
            return
        for event in events:
            activity = describe_event(event)
            if activity is not None:
                self.publish(activity)


def describe_event(event: Event) -> Activity | None:
    """The activity of an event, or None when people need not see it."""
    kind = status = text = None
    if event.type in RUN_TEXT:
        kind, status = "run", RUN_TEXT[event.type]
        if isinstance(event.payload, Failure) and event.payload.error is not None:
            text = event.payload.error.headline
        elif event.type is EventType.RUN_FAILURE or event.job_name == IMPLICIT_ASSET_JOB:
            # the message of a run of assets names them
            text = event.message
    elif event.type is EventType.STEP_UP_FOR_RETRY:
        kind, status, text = "step", "RETRY", event.step_key
    elif event.type is EventType.STEP_FAILURE:
        kind, status = "step", "FAILURE"
        error = event.payload.error if isinstance(event.payload, Failure) else None
        text = f"{event.step_key}: {error.headline if error else event.message}"
    elif isinstance(event.payload, Materialization) and event.type is EventType.ASSET_MATERIALIZATION:
        kind, status = "materialization", "SUCCESS"
    elif isinstance(event.payload, CheckEvaluation):
        kind, status = "check", "PASSED" if event.payload.passed else f"FAILED ({event.payload.severity})"
        text = event.check
    if kind is None:
        return None
    return Activity(
        kind=kind,
        timestamp=event.timestamp,
        name=event.asset or title_without_run(event.job_name or ""),
        status=status or "",
        text=text or "",
        run_id=event.run_id or None,
        asset=event.asset,
        partition=event.partition,
    )


def log_activity(activity: Activity) -> None:
    """Write an activity into the log, with the ids of what it is about."""
    about = " ".join(part for part in (activity.kind, activity.name, activity.status) if part)
    fields = {
        "run_id": activity.run_id,
        "trigger": activity.name if activity.kind == "tick" else None,
        "trigger_id": activity.trigger_id,
        "tick_id": activity.tick_id,
    }
    logger.info("%s%s", about, f": {activity.text}" if activity.text else "", extra=fields)
