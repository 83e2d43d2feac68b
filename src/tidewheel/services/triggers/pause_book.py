"""The pauses of triggers, at hand for the services: who is paused now, and what was missed and is to be skipped."""

from __future__ import annotations

from collections.abc import Callable

from tidewheel.logic.graph.specs import ScheduleNode, SensorNode
from tidewheel.logic.planning.pauses import Subject, active_pause, next_end, selects, skipped_spans
from tidewheel.services.database import Database
from tidewheel.services.signals import Signals, Topic
from tidewheel.values.policies import Missed, PauseRecord, Selection
from tidewheel.values.status import TriggerKind

KEPT_S = 60 * 86_400.0
"""Pauses that were over for longer are not looked at; a schedule that was not served for as long catches up as always."""


def subject_of(node: ScheduleNode | SensorNode, location: str) -> Subject:
    """What pauses' selections are compared with."""
    kind = TriggerKind.SCHEDULE if isinstance(node, ScheduleNode) else TriggerKind.SENSOR
    is_automation = isinstance(node, SensorNode) and node.kind == "automation"
    return Subject(
        kind=kind.value, name=node.name, location=location, tags=node.tags, is_automation=is_automation
    )


class PauseBook:
    """All pauses that matter. This server is the only writer."""

    def __init__(self, database: Database, signals: Signals, clock: Callable[[], float]) -> None:
        self._database = database
        self._signals = signals
        self._clock = clock
        self._pauses: list[PauseRecord] = []

    async def sync(self) -> None:
        """Read them."""
        policies = self._database.ledger.policies
        self._pauses = await self._database.read(policies.get_pauses, ended_after=self._clock() - KEPT_S)

    def holding(self, node: ScheduleNode | SensorNode, location: str, now: float) -> PauseRecord | None:
        """The pause that holds for a trigger now, if there is one."""
        return active_pause(self._pauses, subject_of(node, location), now) if self._pauses else None

    def skipped_spans(
        self, node: ScheduleNode | SensorNode, location: str, now: float
    ) -> tuple[tuple[float, float], ...]:
        """Spans of the past whose ticks and events the trigger is not to make up for."""
        if not self._pauses:
            return ()
        return skipped_spans(self._pauses, subject_of(node, location), node.policy, now)

    def current(self) -> list[PauseRecord]:
        """Pauses that hold now."""
        now = self._clock()
        return [pause for pause in self._pauses if pause.created_at <= now < pause.ends_at]

    def next_end(self, now: float) -> float | None:
        """When the next pause ends by itself."""
        return next_end(self._pauses, now)

    async def pause(
        self,
        selection: Selection,
        *,
        reason: str,
        by: str | None,
        expires_at: float | None,
        missed: Missed | None,
    ) -> PauseRecord:
        """Begin a pause."""
        record = await self._database.write(
            self._database.ledger.policies.add_pause,
            selection,
            now=self._clock(),
            reason=reason,
            by=by,
            expires_at=expires_at,
            missed=missed,
        )
        self._pauses.append(record)
        self._signals.raise_topic(Topic.TRIGGERS)
        return record

    async def resume(self, pause_id: int | None, selection: Selection | None) -> list[PauseRecord]:
        """End one pause, or those with exactly this selection, or (with neither) all that hold; those that were ended."""
        ended: list[PauseRecord] = []
        for pause in self.current():
            if pause_id not in (None, pause.pause_id) or selection not in (None, pause.selection):
                continue
            done = await self._database.write(
                self._database.ledger.policies.end_pause, pause.pause_id, now=self._clock()
            )
            if done is not None:
                self._pauses[self._pauses.index(pause)] = done
                ended.append(done)
        self._signals.raise_topic(Topic.TRIGGERS)
        return ended


__all__ = ["PauseBook", "selects", "subject_of"]
