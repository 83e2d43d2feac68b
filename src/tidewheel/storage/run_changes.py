"""Creates runs and moves them from outside: launch, end, cancel, retry, delete. Workers' reports are ``intake``'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import bindparam

from tidewheel.logic.runs.open_steps import open_steps_of
from tidewheel.storage import assets, events, partitions, runs
from tidewheel.storage.assets import EndedRun, RunPlan
from tidewheel.storage.engines.backend import Unit, Upsert
from tidewheel.storage.events import Entry, Fact
from tidewheel.storage.partitions import PartitionChanges
from tidewheel.storage.runs import StoredRun
from tidewheel.storage.tables.main import event, run, run_log, run_tag
from tidewheel.values import tags as tag_names
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import ASSET_EVENT_TYPES, Event, EventType, Failure
from tidewheel.values.keys import split_check_text
from tidewheel.values.records import NewRun, RunRecord
from tidewheel.values.status import FINISHED_STATUSES, RunStatus

END_EVENTS = {
    RunStatus.SUCCESS: EventType.RUN_SUCCESS,
    RunStatus.FAILURE: EventType.RUN_FAILURE,
    RunStatus.CANCELED: EventType.RUN_CANCELED,
}
_UPSERT_TAG = Upsert(run_tag, update=("value",))
_NOTE_WORKER = (
    run.update()
    .where(
        run.c.run_id == bindparam("b_run_id"),
        run.c.epoch == bindparam("b_epoch"),
        run.c.ended_at.is_(None),
    )
    .values(
        worker_pid=sa.func.coalesce(bindparam("pid", type_=sa.Integer), run.c.worker_pid),
        heartbeat_at=bindparam("now"),
    )
)


def create(
    unit: Unit,
    wanted: Sequence[NewRun],
    *,
    now: float,
    changes: PartitionChanges,
    trigger_id: str | None = None,
    tick_id: int | None = None,
    of_ticks: Mapping[str, tuple[str, int | None]] | None = None,
    in_process: bool = False,
) -> list[StoredRun]:
    """Insert runs with their first events; of an id that exists the run is returned as it is. In the wanted order.

    ``of_ticks`` gives (trigger id, tick id) by run id where they differ; the others get ``trigger_id``, ``tick_id``.
    """
    wanted = list({new.run_id: new for new in wanted}.values())
    known = runs.load_many(unit.conn, [new.run_id for new in wanted]) if wanted else {}
    fresh = [new for new in wanted if new.run_id not in known]
    entries: list[Entry] = []
    created: dict[str, StoredRun] = {}
    for seq, new in zip(unit.take_ids(run, len(fresh)), fresh, strict=True):
        first = _first_events(new, now, in_process)
        entries.extend(Entry(happened, place, None) for place, happened in enumerate(first, 1))
        owner = (of_ticks or {}).get(new.run_id, (trigger_id, tick_id))
        record = _new_record(new, now, *owner, in_process)
        created[new.run_id] = StoredRun(record, seq, len(first))
    runs.insert(unit, list(created.values()))
    assets.plan_assets(
        unit,
        [(RunPlan(created[new.run_id].seq, new.partition), new.planned_assets) for new in fresh],
        changes,
    )
    for new in fresh:
        if tag_names.RANGE_START in new.tags and new.partition is None:
            _plan_range(unit, new, created[new.run_id].seq, now=now, changes=changes)
    events.append(unit, entries)
    unit.note_made("run", created)
    return [created.get(new.run_id) or known[new.run_id] for new in wanted]


def _plan_range(unit: Unit, new: NewRun, seq: int, *, now: float, changes: PartitionChanges) -> None:
    """The partitions of a run for a range are in progress, each of them; what one of them became is known by its events."""
    first, last = new.tags[tag_names.RANGE_START], new.tags.get(tag_names.RANGE_END, "")
    pairs = [
        (asset, key)
        for asset in dict.fromkeys(new.planned_assets)
        for key in unit.keys_between(asset, first, last, now)
    ]
    assets.plan_partitions(unit, seq, pairs, changes)


def _new_record(
    new: NewRun, now: float, trigger_id: str | None, tick_id: int | None, in_process: bool
) -> RunRecord:
    return RunRecord(
        run_id=new.run_id,
        job_name=new.job_name,
        location=new.location,
        status=RunStatus.STARTING if in_process else new.kept_back or RunStatus.QUEUED,
        created_at=now,
        updated_at=now,
        epoch=1 if in_process else 0,
        queued_at=None if in_process or new.kept_back else now,
        launched_at=now if in_process else None,
        heartbeat_at=now if in_process else None,
        priority=new.priority,
        trigger_id=trigger_id,
        tick_id=tick_id,
        run_key=new.run_key,
        partition=new.partition,
        assets=new.assets,
        checks=new.checks,
        steps=new.steps,
        step_keys=new.step_keys,
        run_config=new.run_config,
        tags=new.tags,
        parent_run_id=new.parent_run_id,
        root_run_id=new.root_run_id,
        retry_number=new.retry_number,
        not_before=new.not_before,
        origin=new.origin,
        after=new.after,
    )


def _first_events(new: NewRun, now: float, in_process: bool) -> list[Event]:
    def happened(kind: EventType, message: str, **more: Any) -> Event:
        return Event(
            type=kind, timestamp=now, run_id=new.run_id, job_name=new.job_name, message=message, **more
        )

    if in_process:
        first = [happened(EventType.RUN_STARTING, "Executing in the process that asked for it.")]
    elif new.kept_back:
        first = []
    else:
        first = [happened(EventType.RUN_ENQUEUED, "Waiting in the queue.")]
    for asset in new.planned_assets:
        first.append(
            happened(
                EventType.ASSET_MATERIALIZATION_PLANNED,
                f"This run is to make {asset}.",
                asset=asset,
                partition=new.partition,
            )
        )
    for text in new.planned_checks:
        asset, check = split_check_text(text)
        first.append(
            happened(
                EventType.ASSET_CHECK_EVALUATION_PLANNED,
                f"This run is to check {text}.",
                asset=asset,
                check=check,
                partition=new.partition,
            )
        )
    return first


_LAUNCHED = (
    (EventType.RUN_DEQUEUED, "Taken from the queue."),
    (EventType.RUN_STARTING, "Handed to a worker."),
)
_LAUNCHED_AGAIN = ((EventType.RUN_STARTING, "Handed to a worker once more."),)


def launch(unit: Unit, run_id: str, *, now: float, from_epoch: int | None) -> RunRecord | None:
    """QUEUED (or STARTING in ``from_epoch``) → STARTING in a new epoch, whose events are counted from one again."""
    stored = runs.load(unit.conn, run_id)
    if stored is None:
        return None
    before = stored.record
    expected = RunStatus.QUEUED if from_epoch is None else RunStatus.STARTING
    if before.status is not expected or from_epoch not in (None, before.epoch):
        return None
    record = replace(
        before,
        status=RunStatus.STARTING,
        epoch=before.epoch + 1,
        launched_at=now,
        heartbeat_at=now,
        updated_at=now,
        worker_pid=None,
        intake_seq=0,
    )
    _log(unit, stored, record, _LAUNCHED if from_epoch is None else _LAUNCHED_AGAIN)
    return record


def finish(
    unit: Unit,
    run_id: str,
    status: RunStatus,
    *,
    now: float,
    message: str,
    reason: str | None,
    error: ErrorInfo | None,
    expected_epoch: int | None,
    retry: NewRun | None,
) -> RunRecord | None:
    """End a run, and create its retry with it."""
    if status not in FINISHED_STATUSES:
        names = ", ".join(final.value for final in FINISHED_STATUSES)
        raise ValueError(f"finishing run {run_id}: expected one of the statuses {names}, got {status.value}")
    stored = runs.load(unit.conn, run_id)
    if stored is None or stored.record.is_finished:
        return None
    if expected_epoch is not None and stored.record.epoch != expected_epoch:
        return None
    record = replace(stored.record, status=status, ended_at=now, updated_at=now, failure_reason=reason)
    added = {} if reason is None else {tag_names.FAILURE_REASON: reason}
    if retry is not None:
        added |= _retry_tags(retry)
    record = _with_tags(unit, record, stored.seq, added)
    payload = Failure(error=error, reason=reason) if status is RunStatus.FAILURE else None
    changes = PartitionChanges()
    lost = (error, message) if status is RunStatus.FAILURE and error is not None else None
    *_, fact = _log(unit, stored, record, ((END_EVENTS[status], message),), payload, lost_steps=lost)
    _end_plan(unit, stored, status, fact.id, changes)
    if retry is not None:
        _create_retry(unit, record, retry, now=now, changes=changes)
    partitions.settle(unit, changes)
    return record


def retry_failed(unit: Unit, run_id: str, retry: NewRun, *, now: float) -> RunRecord | None:
    """Create the one automatic retry of a run that has failed; None when it has not, or has a retry already."""
    stored = runs.load(unit.conn, run_id)
    if stored is None or stored.record.status is not RunStatus.FAILURE:
        return None
    if tag_names.AUTO_RETRY_RUN_ID in stored.record.tags:
        return None
    failed = _with_tags(unit, stored.record, stored.seq, _retry_tags(retry))
    runs.update(unit, [stored._replace(record=failed)])
    changes = PartitionChanges()
    created = _create_retry(unit, failed, retry, now=now, changes=changes)
    partitions.settle(unit, changes)
    return created


def _retry_tags(retry: NewRun) -> dict[str, str]:
    return {tag_names.WILL_RETRY: "true", tag_names.AUTO_RETRY_RUN_ID: retry.run_id}


def _create_retry(
    unit: Unit, failed: RunRecord, retry: NewRun, *, now: float, changes: PartitionChanges
) -> RunRecord:
    root = failed.root_run_id or failed.run_id
    number = retry.retry_number or failed.retry_number + 1
    tags = retry.tags | {
        tag_names.PARENT_RUN_ID: failed.run_id,
        tag_names.ROOT_RUN_ID: root,
        tag_names.RETRY_NUMBER: str(number),
    }
    new = replace(retry, parent_run_id=failed.run_id, root_run_id=root, retry_number=number, tags=tags)
    # a retry is still its trigger's run, but its run key stays with the first attempt
    [created] = create(
        unit, [new], now=now, changes=changes, trigger_id=failed.trigger_id, tick_id=failed.tick_id
    )
    return created.record


_WAITING = (RunStatus.QUEUED, RunStatus.NOT_STARTED, RunStatus.MANAGED)


def request_cancel(unit: Unit, run_id: str, *, now: float) -> RunRecord | None:
    """Cancel a waiting run at once, or ask a running one to stop."""
    cancelled = request_cancels(unit, [run_id], now=now)
    return cancelled[0] if cancelled else None


def request_cancels(unit: Unit, run_ids: Sequence[str], *, now: float) -> list[RunRecord]:
    """Cancel waiting runs at once, and ask running ones to stop; those that have ended are left out."""
    changes = PartitionChanges()
    records = [
        _cancel(unit, stored, now, changes)
        for stored in runs.load_many(unit.conn, run_ids).values()
        if not stored.record.is_finished
    ]
    partitions.settle(unit, changes)
    return records


def _cancel(unit: Unit, stored: StoredRun, now: float, changes: PartitionChanges) -> RunRecord:
    if stored.record.status is RunStatus.CANCELING:
        return stored.record
    asked = (EventType.RUN_CANCELING, "Asked to stop.")
    if stored.record.status not in _WAITING:
        record = replace(stored.record, status=RunStatus.CANCELING, cancel_requested=True, updated_at=now)
        _log(unit, stored, record, (asked,))
        return record
    record = replace(
        stored.record, status=RunStatus.CANCELED, cancel_requested=True, ended_at=now, updated_at=now
    )
    facts = _log(unit, stored, record, (asked, (EventType.RUN_CANCELED, "Cancelled before it started.")))
    _end_plan(unit, stored, RunStatus.CANCELED, facts[-1].id, changes)
    return record


def _log(
    unit: Unit,
    stored: StoredRun,
    record: RunRecord,
    notes: Sequence[tuple[EventType, str]],
    payload: Failure | None = None,
    lost_steps: tuple[ErrorInfo, str] | None = None,
) -> list[Fact]:
    """Write a run's change with the events that tell of it.

    ``lost_steps``: why steps that were being executed have failed with the run, as an error and in words.
    """
    told: list[tuple[EventType, str | None, str, Failure | None]] = [
        (kind, None, message, payload) for kind, message in notes
    ]
    if lost_steps is not None:
        error, words = lost_steps
        failure = Failure(error=error, reason="WORKER_LOST")
        open_steps = open_steps_of(item.event for item in events.load_log(unit.conn, record.run_id, 0, None))
        told[:0] = [
            (EventType.STEP_FAILURE, key, f'Step "{key}" failed with its process. {words}', failure)
            for key in open_steps
        ]
    entries = [
        Entry(
            Event(
                type=kind,
                timestamp=record.updated_at,
                run_id=record.run_id,
                job_name=record.job_name,
                step_key=step_key,
                message=message,
                payload=said,
            ),
            stored.log_count + place,
            None,
        )
        for place, (kind, step_key, message, said) in enumerate(told, 1)
    ]
    runs.update(unit, [StoredRun(record, stored.seq, stored.log_count + len(entries))])
    return events.append(unit, entries)


def _end_plan(
    unit: Unit, stored: StoredRun, status: RunStatus, event_id: int, changes: PartitionChanges
) -> None:
    end = EndedRun(stored.seq, stored.record.run_id, status, event_id)
    assets.apply_facts(unit, (), {}, (end,), changes)


def _with_tags(unit: Unit, record: RunRecord, seq: int, added: Mapping[str, str]) -> RunRecord:
    if not added:
        return record
    unit.upsert(_UPSERT_TAG, runs.tag_rows(seq, added))
    return replace(record, tags=record.tags | dict(added))


def set_priority(unit: Unit, run_id: str, priority: int, *, now: float) -> RunRecord | None:
    """Change the priority of a run that waits."""
    stored = runs.load(unit.conn, run_id)
    if stored is None or stored.record.status is not RunStatus.QUEUED:
        return None
    tagged = _with_tags(unit, stored.record, stored.seq, {tag_names.PRIORITY: str(priority)})
    record = replace(tagged, priority=priority, updated_at=now)
    runs.update(unit, [stored._replace(record=record)])
    unit.execute(run.update().where(run.c.seq == stored.seq).values(priority=priority))
    return record


def add_tags(unit: Unit, run_id: str, tags: Mapping[str, str], *, now: float) -> None:
    """Give a run tags, or other values of those it has. An unknown run is left alone."""
    stored = runs.load(unit.conn, run_id)
    if stored is not None and tags:
        tagged = _with_tags(unit, stored.record, stored.seq, tags)
        runs.update(unit, [stored._replace(record=replace(tagged, updated_at=now))])


def note_worker(unit: Unit, run_id: str, epoch: int, *, pid: int | None, now: float) -> None:
    """A worker of this epoch is alive."""
    unit.execute(_NOTE_WORKER, {"b_run_id": run_id, "b_epoch": epoch, "pid": pid, "now": now})


def delete(unit: Unit, run_id: str) -> bool:
    """Remove a run with its log. What it made stays in the assets' histories; its run key is free again."""
    stored = runs.load(unit.conn, run_id)
    if stored is None:
        return False
    changes = PartitionChanges()
    assets.drop_plan(unit, stored.seq, changes)
    kept = [kind.value for kind in ASSET_EVENT_TYPES]
    unit.execute(run_log.delete().where(run_log.c.run_id == run_id))
    unit.execute(event.delete().where(event.c.run_id == run_id, event.c.type.not_in(kept)))
    unit.execute(event.update().where(event.c.run_id == run_id).values(position=None))
    unit.execute(run.delete().where(run.c.seq == stored.seq))  # tags and run key go with it
    partitions.settle(unit, changes)
    return True
