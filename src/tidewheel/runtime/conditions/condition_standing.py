"""How a target stands, whatever its condition says: made, failed or under way, by which run, and who asks for runs of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tidewheel.logic.conditions.explain import Moments
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.runtime.conditions.condition_views import StandingView
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import Event, EventType, Failure
from tidewheel.values.keys import split_check_text
from tidewheel.values.records import EventFilter, RunFilter, RunRecord
from tidewheel.values.run_titles import IMPLICIT_ASSET_JOB
from tidewheel.values.status import RunStatus

_PLANS = (
    EventType.ASSET_MATERIALIZATION_PLANNED.value,
    EventType.ASSET_MATERIALIZATION.value,
    EventType.ASSET_FAILED_TO_MATERIALIZE.value,
)
_CHECK_PLANS = (EventType.ASSET_CHECK_EVALUATION_PLANNED.value, EventType.ASSET_CHECK_EVALUATION.value)


def standing_of(ledger: LedgerPort, key: Key, partition: str | None) -> StandingView:
    """How an asset (or one partition of it), a check or a job stands."""
    made_at, made_by = None, ""
    if key.kind == "job":
        newest = ledger.get_runs(RunFilter(job_name=key.name), limit=1)
        run = newest[0] if newest else None
        if run is not None and run.status is RunStatus.SUCCESS:
            made_at, made_by = run.ended_at, run.run_id
    else:
        made_at, made_by = _made(ledger, key, partition)
        newest_event = _newest_plan(ledger, key, partition)
        if newest_event is not None and not newest_event.run_id:
            return _told_from_outside(newest_event, made_at, made_by)
        run = None if newest_event is None else _run(ledger, newest_event.run_id)
    if run is None or run.status is RunStatus.SUCCESS:
        state = "missing" if made_at is None else "made"
        return StandingView(state=state, made_at=made_at, made_by=made_by)
    state = {RunStatus.FAILURE: "failed", RunStatus.CANCELED: "cancelled"}.get(run.status, "in progress")
    return StandingView(
        state=state,
        made_at=made_at,
        made_by=made_by,
        run_id=run.run_id,
        run_ended_at=run.ended_at,
        error=_error(ledger, run) if state == "failed" else "",
    )


def moments_of(
    ledger: LedgerPort, assets: Iterable[Key], target: Key, partition: str | None
) -> dict[Key, Moments]:
    """When assets were last made, failed and planned: of the target's own partition where one is asked about."""
    keys = list(assets)
    states = ledger.get_asset_states([key.name for key in keys]) if keys else {}
    found: dict[Key, tuple[float | None, str | None, str | None]] = {}
    for key in keys:
        if (state := states.get(key.name)) is not None:
            found[key] = (
                state.last_materialization_at,
                state.last_failed_run_id,
                state.last_planned_run_id,
            )
    if partition is not None and target in found:
        rows = ledger.get_partition_rows([target.name], [partition]).get(target.name, [])
        found[target] = (
            (rows[0].last_materialization_at, rows[0].failed_run_id, None) if rows else (None, None, None)
        )
    wanted = tuple({run_id for _, *ids in found.values() for run_id in ids if run_id is not None})
    runs = {run.run_id: run for run in ledger.get_runs(RunFilter(run_ids=wanted))} if wanted else {}

    def moments(made_at: float | None, failed_id: str | None, planned_id: str | None) -> Moments:
        failed, planned = runs.get(failed_id or ""), runs.get(planned_id or "")
        return Moments(
            made_at=made_at,
            failed_at=None if failed is None else failed.ended_at or failed.updated_at,
            planned_at=None if planned is None else planned.created_at,
        )

    return {key: moments(*one) for key, one in found.items()}


def askers_of(snapshots: Iterable[LocationSnapshot], key: Key) -> tuple[str, ...]:
    """The schedules and sensors whose runs make a target, as far as their definitions tell."""
    return tuple(dict.fromkeys(_askers(snapshots, key)))


def _askers(snapshots: Iterable[LocationSnapshot], key: Key) -> Iterator[str]:
    for one in snapshots:
        jobs = {
            job.name
            for job in one.jobs
            if job.name != IMPLICIT_ASSET_JOB
            and key.name in {"asset": job.assets, "check": job.checks, "job": (job.name,)}[key.kind]
        }
        for schedule in one.schedules:
            if schedule.job_name in jobs:
                yield f"schedule {schedule.name} (job {schedule.job_name})"
        for sensor in one.sensors:
            for job in sensor.jobs:
                if job in jobs and sensor.kind != "automation":
                    yield f"sensor {sensor.name} (job {job})"


def _made(ledger: LedgerPort, key: Key, partition: str | None) -> tuple[float | None, str]:
    """When a target was made last, and by which run."""
    if key.kind == "check":
        checks = ledger.get_check_states([split_check_text(key.name)[0]])
        check = checks.get(key.name)
        return (None, "") if check is None else (check.last_evaluation_at, check.last_run_id or "")
    if partition is not None:
        found = ledger.get_partition_events(key.name, [partition]).get(partition)
        return (None, "") if found is None else (found[1], found[2])
    state = ledger.get_asset_states([key.name]).get(key.name)
    if state is None:
        return None, ""
    return state.last_materialization_at, state.last_materialization_run_id or ""


def _newest_plan(ledger: LedgerPort, key: Key, partition: str | None) -> Event | None:
    """The newest plan to make a target, or report that it could not be made; None where it was made after that."""
    partitions = None if partition is None else [partition]
    if key.kind == "asset":
        found = ledger.get_newest_events(_PLANS, [key.name], partitions=partitions)
        mine = [one for one in found if one.event.check is None]
    else:
        asset, check = split_check_text(key.name)
        found = ledger.get_newest_events(_CHECK_PLANS, [asset], partitions=partitions)
        mine = [one for one in found if one.event.check == check]
    if not mine or mine[-1].event.type.value in (_PLANS[1], _CHECK_PLANS[1]):
        return None
    return mine[-1].event


def _run(ledger: LedgerPort, run_id: str) -> RunRecord | None:
    runs = ledger.get_runs(RunFilter(run_ids=(run_id,)))
    return runs[0] if runs else None


def _told_from_outside(event: Event, made_at: float | None, made_by: str) -> StandingView:
    """What another system reported last: that it is making the target, or could not."""
    has_failed = event.type is EventType.ASSET_FAILED_TO_MATERIALIZE
    return StandingView(
        state="failed" if has_failed else "in progress",
        made_at=made_at,
        made_by=made_by,
        reported_at=event.timestamp,
        error=event.message if has_failed else "",
    )


def _error(ledger: LedgerPort, run: RunRecord) -> str:
    """What the run's end says of its failure."""
    wanted = EventFilter(types=(EventType.RUN_FAILURE.value,), run_ids=(run.run_id,))
    found = ledger.get_events(wanted, limit=1, ascending=False)
    if not found:
        return run.failure_reason or ""
    event = found[0].event
    payload = event.payload
    if isinstance(payload, Failure) and payload.error is not None:
        return payload.error.headline
    return event.message or run.failure_reason or ""
