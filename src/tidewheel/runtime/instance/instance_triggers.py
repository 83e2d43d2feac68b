"""The instance's methods about schedules, sensors and their ticks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tidewheel.errors import InvariantViolationError, did_you_mean
from tidewheel.runtime.control import ControlPort
from tidewheel.runtime.instance.instance_parts import InstanceParts
from tidewheel.runtime.views.trigger_views import TickView, TriggerState, view_tick, view_trigger
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TickStatus, TriggerKind, TriggerStatus

_STATUS = {
    True: TriggerStatus.RUNNING,
    False: TriggerStatus.STOPPED,
    None: TriggerStatus.DECLARED_IN_CODE,
}


class TriggerMethods(InstanceParts):
    """Starting, stopping and reading schedules and sensors. They are given by name, or as an object with a ``name``."""

    _control: ControlPort | None
    """The server's control, when a server serves the home."""

    def start_schedule(self, schedule: Any, location: str | None = None) -> TriggerState:
        """Start a schedule from now on; what it missed while stopped is not run."""
        return self._set(schedule, TriggerKind.SCHEDULE, True, location)

    def stop_schedule(self, schedule: Any, location: str | None = None) -> TriggerState:
        """Stop a schedule."""
        return self._set(schedule, TriggerKind.SCHEDULE, False, location)

    def reset_schedule(self, schedule: Any, location: str | None = None) -> TriggerState:
        """Let the schedule's own default status hold again."""
        return self._set(schedule, TriggerKind.SCHEDULE, None, location)

    def start_sensor(self, sensor: Any, location: str | None = None) -> TriggerState:
        """Start a sensor."""
        return self._set(sensor, TriggerKind.SENSOR, True, location)

    def stop_sensor(self, sensor: Any, location: str | None = None) -> TriggerState:
        """Stop a sensor; its cursor is kept."""
        return self._set(sensor, TriggerKind.SENSOR, False, location)

    def reset_sensor(self, sensor: Any, location: str | None = None) -> TriggerState:
        """Let the sensor's own default status hold again."""
        return self._set(sensor, TriggerKind.SENSOR, None, location)

    def all_instigator_state(
        self,
        repository_origin_id: str | None = None,
        repository_selector_id: str | None = None,
        instigator_type: TriggerKind | None = None,
        instigator_statuses: Collection[TriggerStatus] | None = None,
    ) -> Sequence[TriggerState]:
        """The schedules and sensors that the ledger knows; the first two arguments name a code location."""
        found = self._ledger.get_triggers(repository_origin_id or repository_selector_id)
        return [
            view_trigger(record)
            for record in found
            if (instigator_type is None or record.kind == instigator_type)
            and (instigator_statuses is None or record.status in instigator_statuses)
        ]

    def get_instigator_state(self, origin_id: str, selector_id: str | None = None) -> TriggerState | None:
        """The state of a schedule or sensor by its id (``location/name``)."""
        record = self._ledger.get_trigger(selector_id or origin_id)
        return view_trigger(record) if record is not None else None

    def get_ticks(
        self,
        origin_id: str,
        selector_id: str | None = None,
        before: float | None = None,
        after: float | None = None,
        limit: int | None = None,
        statuses: Sequence[TickStatus] | None = None,
    ) -> Sequence[TickView]:
        """Ticks of a schedule or sensor (by its id, ``location/name``), newest first; times are exclusive bounds."""
        bounded = before is not None or after is not None
        found = self._ledger.get_ticks(
            selector_id or origin_id, statuses=statuses, limit=None if bounded else limit
        )
        ticks = [view_tick(record) for record in found]
        return [
            tick
            for tick in ticks
            if (before is None or tick.timestamp < before) and (after is None or tick.timestamp > after)
        ][:limit]

    def get_tick(self, origin_id: str, selector_id: str | None, timestamp: float) -> TickView | None:
        """The tick of a schedule or sensor at a time."""
        for tick in self.get_ticks(origin_id, selector_id):
            if tick.timestamp == timestamp:
                return tick
        return None

    def get_batch_ticks(
        self,
        selector_ids: Sequence[str],
        limit: int | None = None,
        statuses: Sequence[TickStatus] | None = None,
    ) -> Mapping[str, Sequence[TickView]]:
        """Ticks of several schedules or sensors, by id."""
        return {name: self.get_ticks(name, limit=limit, statuses=statuses) for name in selector_ids}

    def _set(self, given: Any, kind: TriggerKind, running: bool | None, location: str | None) -> TriggerState:
        record = self._find(given, kind, location)
        if self._control is not None:
            # the server knows the code's default and follows the change at once
            changed = self._control.set_trigger(record.name, running, record.location, kind.value)
            return view_trigger(changed)
        now = self._clock()
        begins = running is True and record.status != TriggerStatus.RUNNING
        moved = self._ledger.update_trigger(
            record.trigger_id,
            status=_STATUS[running],
            started_at=now if begins else None,
            frontier=now if begins and kind == TriggerKind.SCHEDULE else None,
        )
        return view_trigger(moved or record)

    def _find(self, given: Any, kind: TriggerKind, location: str | None) -> TriggerRecord:
        name = given if isinstance(given, str) else given.name
        known = [record for record in self._ledger.get_triggers(location) if record.kind == kind]
        found = [record for record in known if name in (record.name, record.trigger_id)]
        word = kind.value.lower()
        if not found:
            names = {record.name for record in known}
            raise InvariantViolationError(
                f"expected the name of a {word} that a code location has loaded, got {name!r}; "
                f"{did_you_mean(name, names)}"
            )
        if len(found) > 1:
            places = ", ".join(sorted(record.location for record in found))
            raise InvariantViolationError(
                f"expected {word} {name!r} to be in one code location, got several: {places}; pass location="
            )
        return found[0]
