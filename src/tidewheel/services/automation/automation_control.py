"""What people ask of the automation: why, which sensors, what would be requested."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.logic.conditions.facts import ConditionFacts, Position
from tidewheel.logic.graph.specs import SensorNode
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.runtime.conditions.condition_views import AutomationView, PlanView, WhyAnswer
from tidewheel.runtime.conditions.condition_why import (
    asked_with,
    find_target,
    held_view,
    progress_of,
    sensor_of,
    why,
)
from tidewheel.services.automation.condition_plan import Preview
from tidewheel.services.automation.condition_questions import Answers
from tidewheel.services.automation.condition_round import asks_user
from tidewheel.services.automation.rounds import Automation, options_of_sensor, targets_of
from tidewheel.services.database import Database
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running


class AutomationControl:
    """The automation's part of the server's control."""

    def __init__(
        self,
        automation: Automation,
        book: TriggerBook,
        database: Database,
        *,
        clock: Callable[[], float],
        evaluation_timeout_s: float,
    ) -> None:
        self._automation = automation
        self._book = book
        self._database = database
        self._clock = clock
        self._timeout_s = evaluation_timeout_s

    async def why(self, target: str, partition: str | None = None, run_id: str | None = None) -> WhyAnswer:
        """All about one target's automation; with `run_id` how this run came about."""
        graph = await self._automation.graph()
        key = find_target(graph, target)
        sensors = self._automation.sensors()
        ledger, now = self._database.ledger, self._clock()
        answers: Answers = {}
        found = sensor_of(graph, key, sensors)
        targets = asked_with(graph, key, None if found is None else found[1])
        asking = [one for one in targets if asks_user(graph, one)]
        if found is not None and asking:
            record = self._book.get(found[0])
            progress = await self._database.read(progress_of, ledger, asking, record)
            position = await self._database.read(ledger.last_event_id)
            answers = await self._automation.questioner.ask(
                graph,
                asking,
                progress.targets.get,
                progress,
                _facts_at(now, position),
                found[1].evaluation_timeout_s or self._timeout_s,
            )
        return await self._database.read(
            why,
            ledger,
            graph,
            key,
            sensors,
            now=now,
            partition=partition,
            run_id=run_id,
            answers=answers,
            snapshots=self._automation.snapshots(),
        )

    async def get_automation(self) -> list[AutomationView]:
        """Every automation sensor, and how it stands."""
        graph = await self._automation.graph()
        ledger, now = self._database.ledger, self._clock()
        held = await self._database.read(ledger.conditions.get_held)
        views = []
        for trigger_id, location, sensor in self._automation.sensors():
            record = self._book.get(trigger_id)
            last = self._automation.last_round(trigger_id)
            views.append(
                AutomationView(
                    name=sensor.name,
                    location=location,
                    is_running=record is not None and is_running(record, sensor.default_running),
                    targets=len(targets_of(graph, location, sensor)),
                    last_evaluated_at=record.frontier if record is not None else None,
                    position=record.position if record is not None else None,
                    next_look_at=self._automation.next_moment(trigger_id, sensor),
                    errors={} if last is None else {str(key): text for key, text in last.errors.items()},
                    held=tuple(
                        [
                            await self._database.read(held_view, one, graph, ledger, now)
                            for one in held
                            if one.trigger_id == trigger_id
                        ]
                    ),
                )
            )
        return views

    async def plan_automation(self, sensor: str | None = None) -> list[PlanView]:
        """What automation sensors (or one) would ask for if they were evaluated now."""
        graph = await self._automation.graph()
        found = self._automation.sensors()
        names = [one.name for _, _, one in found]
        if sensor is not None and sensor not in names:
            raise InvalidInvocationError(
                f"expected an automation sensor, got {sensor!r}; {did_you_mean(sensor, names)}"
            )
        plans = []
        for trigger_id, location, node in found:
            record = self._book.get(trigger_id)
            if record is None or sensor not in (None, node.name):
                continue
            preview = await self._automation.in_thread(
                Preview, graph, targets_of(graph, location, node), record, self._database.ledger
            )
            plans.append(
                await self._plan(preview, location, node, is_running=is_running(record, node.default_running))
            )
        return plans

    async def _plan(self, preview: Preview, location: str, node: SensorNode, *, is_running: bool) -> PlanView:
        engine = preview.engine
        reading = await self._automation.in_thread(preview.read, self._clock())
        answers: Answers = {}
        if engine.asking:
            answers = await self._automation.questioner.ask(
                engine.graph,
                engine.asking,
                engine.memory_of,
                msgspec.structs.replace(engine.progress, position=engine.position),
                reading.changes.facts,
                node.evaluation_timeout_s or self._timeout_s,
            )
        return await self._automation.in_thread(
            preview.plan, reading, answers, options_of_sensor(node), location, is_running=is_running
        )


def _facts_at(now: float, event_id: int) -> ConditionFacts:
    return ConditionFacts(position=Position(now, event_id), view=PartitionView(now=now))
