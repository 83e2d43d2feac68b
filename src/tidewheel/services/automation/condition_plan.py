"""Says what automation sensors would ask for if they were evaluated now; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping

from tidewheel.logic.conditions.facts import UserAnswer
from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.planning.automation_commit import AutomationDecision, SensorOptions
from tidewheel.runtime.conditions.condition_views import PlannedWork, PlanView
from tidewheel.services.automation.condition_round import Reading, SensorEngine
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.conditions import HoldStatus
from tidewheel.values.records import TriggerRecord

Answers = Mapping[tuple[Key, int, Key], UserAnswer]


class Preview:
    """One evaluation of a sensor that is not committed: an engine of its own, thrown away afterwards."""

    def __init__(
        self, graph: ConditionGraph, targets: tuple[Key, ...], record: TriggerRecord, ledger: LedgerPort
    ) -> None:
        self.record = record
        self.engine = SensorEngine(graph, targets, record, ledger)

    def read(self, now: float) -> Reading:
        """Gather what the evaluation works on."""
        return self.engine.read(now)

    def plan(
        self,
        reading: Reading,
        answers: Answers,
        options: SensorOptions,
        location: str,
        *,
        is_running: bool,
    ) -> PlanView:
        """What would be asked for."""
        is_first = self.engine.position is None
        decision, found = self.engine.decide(reading, answers, self.record, options)
        return PlanView(
            sensor=options.name,
            location=location,
            is_running=is_running,
            is_first=is_first,
            at=found.position.at,
            work=tuple(_work(decision)) + tuple(self._held()),
            errors={str(key): message for key, message in sorted(found.errors.items())},
        )

    def _held(self) -> list[PlannedWork]:
        return [
            PlannedWork(kind="held", targets=(one.name,), count=one.count)
            for one in self.engine.held.values()
            if one.status is not HoldStatus.APPROVED
        ]


def _work(decision: AutomationDecision) -> list[PlannedWork]:
    found = [
        PlannedWork(
            kind="run",
            targets=(*run.planned_assets, *run.planned_checks) or (run.job_name,),
            partition=run.partition,
        )
        for run in decision.runs
    ]
    found += [
        PlannedWork(
            kind="backfill",
            targets=tuple(part.name for part in one.fields.parts),
            count=sum(part.count for part in one.fields.parts),
        )
        for one in decision.backfills
    ]
    found += [PlannedWork(kind="held", targets=(one.name,), count=one.count) for one in decision.holds.held]
    return found
