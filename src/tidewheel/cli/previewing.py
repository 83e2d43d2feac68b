"""Finds a schedule in the last loaded code and previews its ticks."""

from __future__ import annotations

from tidewheel.cli.pauses import parse_moment
from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.preview import PreviewedTick, preview
from tidewheel.logic.graph.specs import LocationSnapshot, ScheduleNode
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.control import ControlPort
from tidewheel.values.serde import decode


def preview_schedule(
    control: ControlPort, name: str, location: str | None, after: str | None, count: int
) -> tuple[str, tuple[PreviewedTick, ...]]:
    """The schedule's zone and its next ticks.

    Raises:
        InvalidInvocationError: when there is no schedule of this name.
    """
    schedule = _find(control, name, location)
    start = parse_moment(after) if after is not None else now_s()
    crons = [parse(text) for text in schedule.crons]
    return schedule.zone or "UTC", preview(crons, schedule.zone, after=start, count=count)


def _find(control: ControlPort, name: str, location: str | None) -> ScheduleNode:
    names: list[str] = []
    for place, data in control.get_snapshots().items():
        for schedule in decode(data, LocationSnapshot).schedules:
            names.append(schedule.name)
            if schedule.name == name and location in (None, place):
                return schedule
    raise InvalidInvocationError(f"expected a schedule, got {name!r}; {did_you_mean(name, names)}")
