"""How the server is, as one caller may see it."""

from __future__ import annotations

import msgspec

from tidewheel.runtime.control import ServerHealth
from tidewheel.services.access.narrowing import Sight
from tidewheel.services.server import Server
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus

IN_PROGRESS = (RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)


async def narrowed_health(server: Server, sight: Sight, health: ServerHealth) -> ServerHealth:
    """Without what tells of other parts: their locations, their runs, numbers and problems of the whole server."""
    if sight.is_whole:
        return health
    seen = sight.database(server.database)
    ids = tuple(run.run_id for run in health.waiting)
    waiting = await seen.read(seen.ledger.get_runs, RunFilter(run_ids=ids)) if ids else []
    known = {run.run_id for run in waiting}
    counts = {
        states: await seen.read(seen.ledger.count_runs, RunFilter(statuses=states))
        for states in ((RunStatus.QUEUED,), IN_PROGRESS)
    }
    return msgspec.structs.replace(
        health,
        locations=tuple(one for one in health.locations if sight.sees_location(one.name)),
        waiting=tuple(run for run in health.waiting if run.run_id in known),
        queued=counts[(RunStatus.QUEUED,)],
        in_progress=counts[IN_PROGRESS],
        workers=0,
        services={},
        events_behind=0,
        seconds_behind=0.0,
        set_aside_events=0,
    )
