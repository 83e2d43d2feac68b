"""The instance's methods about runs: reading, tagging, deleting, creating and ending them from outside."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from tidewheel.errors import CheckError, NotSupportedError, RunAlreadyExists, RunNotFoundError
from tidewheel.runtime.instance.instance_parts import PAGE, InstanceParts
from tidewheel.runtime.views.error_view import stored_error
from tidewheel.runtime.views.event_payloads import EngineEventData, JobFailureData
from tidewheel.runtime.views.event_views import view_event
from tidewheel.runtime.views.run_event import RunEvent
from tidewheel.runtime.views.run_stats import RunStats, StepStats, run_stats, step_stats
from tidewheel.runtime.views.run_views import Run, RunRecord, RunsFilter, view_run, view_run_record
from tidewheel.values import records
from tidewheel.values import tags as tag_names
from tidewheel.values.events import EngineNote, Event, EventType, Failure
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import normalize_metadata
from tidewheel.values.records import IntakeBatch, NewRun, RunFilter
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import normalize_tags

_ENDED_OUTSIDE = "Ended from outside, not by its worker."
_CREATION_ORDERS = (None, "id", "create_timestamp")
_OTHER_TIMES = ("update_timestamp", "start_time", "end_time")
_KEPT_BACK = (RunStatus.NOT_STARTED, RunStatus.MANAGED)


def _when(time: str) -> Callable[[RunRecord], tuple[bool, Any]]:
    """For sorting by a time of runs: those that do not have it yet come before all others."""

    def moment(record: RunRecord) -> tuple[bool, Any]:
        value = getattr(record, time)
        return (value is not None, value or 0)

    return moment


class RunReads(InstanceParts):
    """Questions about runs."""

    def get_runs(
        self,
        filters: RunsFilter | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        bucket_by: object = None,
        ascending: bool = False,
    ) -> Sequence[Run]:
        """Runs, newest first; ``cursor`` is the id of the run after which to go on."""
        found = self._found_runs(filters, cursor, limit, ascending, bucket_by)
        return [view_run(record) for record in found]

    def get_run_records(
        self,
        filters: RunsFilter | None = None,
        limit: int | None = None,
        order_by: str | None = None,
        ascending: bool = False,
        cursor: str | None = None,
        bucket_by: object = None,
    ) -> Sequence[RunRecord]:
        """Runs with their times, newest first. By another time than that of their creation all runs found are read.

        Raises:
            NotSupportedError: for an order that is none of the times of a run.
        """
        if order_by in _CREATION_ORDERS:
            found = self._found_runs(filters, cursor, limit, ascending, bucket_by)
            return [view_run_record(record) for record in found]
        if order_by not in _OTHER_TIMES:
            raise NotSupportedError(
                f"expected 'order_by' to be one of {[*_CREATION_ORDERS[1:], *_OTHER_TIMES]}, got {order_by!r}; "
                "sort the records yourself"
            )
        every = self._found_runs(filters, cursor, None, ascending, bucket_by)
        shown = sorted(map(view_run_record, every), key=_when(order_by), reverse=not ascending)
        return shown[:limit]

    def get_run_ids(
        self, filters: RunsFilter | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Sequence[str]:
        """The ids of runs, newest first."""
        return [record.run_id for record in self._found_runs(filters, cursor, limit, False, None)]

    def get_runs_count(self, filters: RunsFilter | None = None) -> int:
        """How many runs there are."""
        return self._ledger.count_runs(filters.to_run_filter() if filters is not None else None)

    def get_run_by_id(self, run_id: str) -> Run | None:
        """The run, or None."""
        record = self._ledger.get_run(run_id)
        return view_run(record) if record is not None else None

    def get_run_record_by_id(self, run_id: str) -> RunRecord | None:
        """The run with its times, or None."""
        record = self._ledger.get_run(run_id)
        return view_run_record(record) if record is not None else None

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of this id."""
        return self._ledger.get_run(run_id) is not None

    def get_run_group(self, run_id: str) -> tuple[str, Sequence[Run]]:
        """(id of the first run, all runs of its chain of retries, oldest first).

        Raises:
            RunNotFoundError: when there is no such run.
        """
        record = self._required_run(run_id)
        root_id = record.root_run_id or record.tags.get(tag_names.ROOT_RUN_ID) or run_id
        first = self._ledger.get_run(root_id)
        later = self._ledger.get_runs(RunFilter(root_run_id=root_id), ascending=True)
        group = [first, *later] if first is not None else later
        return root_id, [view_run(found) for found in group]

    def get_run_stats(self, run_id: str) -> RunStats:
        """Counts of steps and materialisations and the run's times; zeros for an unknown run.

        Step events fall to retention; of an old run the counts of steps are 0.
        """
        return run_stats(run_id, self._ledger.get_run(run_id), (s.event for s in self._run_log(run_id)))

    def get_run_step_stats(self, run_id: str, step_keys: Sequence[str] | None = None) -> Sequence[StepStats]:
        """Ends, times and attempts of a run's steps, in the order in which they started."""
        return step_stats(run_id, (stored.event for stored in self._run_log(run_id)), step_keys)

    def get_run_tags(
        self, tag_keys: Sequence[str], value_prefix: str | None = None, limit: int | None = None
    ) -> Sequence[tuple[str, set[str]]]:
        """For each of these tags that is in use, its values over all runs. Reads every run."""
        values: dict[str, set[str]] = {}
        for record in self._all_runs():
            for name in tag_keys:
                value = record.tags.get(name)
                if value is not None and value.startswith(value_prefix or ""):
                    values.setdefault(name, set()).add(value)
        return sorted((name, set(sorted(found)[:limit])) for name, found in values.items())

    def get_run_tag_keys(self) -> Sequence[str]:
        """The names of all tags in use that are not hidden. Reads every run."""
        names = {name for record in self._all_runs() for name in record.tags}
        return sorted(name for name in names if not name.startswith(tag_names.HIDDEN_TAG_PREFIX))

    def _found_runs(
        self,
        filters: RunsFilter | None,
        cursor: str | None,
        limit: int | None,
        ascending: bool,
        bucket_by: object,
    ) -> list[records.RunRecord]:
        if bucket_by is not None:
            raise NotSupportedError(
                "expected no 'bucket_by', which is not supported; ask once for every job or tag value"
            )
        if filters is not None and not isinstance(filters, RunsFilter):
            raise CheckError(f"expected 'filters' to be a RunsFilter, got {filters!r}")
        wanted = filters.to_run_filter() if filters is not None else None
        return self._ledger.get_runs(wanted, limit=limit, cursor=cursor, ascending=ascending)

    def _all_runs(self) -> Iterator[records.RunRecord]:
        cursor: str | None = None
        while page := self._ledger.get_runs(limit=PAGE, cursor=cursor):
            yield from page
            cursor = page[-1].run_id

    def _required_run(self, run_id: str) -> records.RunRecord:
        record = self._ledger.get_run(run_id)
        if record is None:
            raise RunNotFoundError(
                f"expected a run of id {run_id!r}, got none; instance.get_run_ids() lists those that exist"
            )
        return record


class RunWrites(RunReads):
    """Changes of runs from outside."""

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        """Add tags to a run, or give them other values.

        Raises:
            RunNotFoundError: when there is no such run.
        """
        self._required_run(run_id)
        self._ledger.add_run_tags(run_id, normalize_tags(new_tags), now=self._clock())

    def delete_run(self, run_id: str) -> None:
        """Delete a run and its log; an unknown id does nothing. Materialisations that it made stay."""
        self._ledger.delete_run(run_id)

    def create_run_for_job(
        self,
        job_def: Any,
        execution_plan: object = None,
        run_id: str | None = None,
        run_config: Mapping[str, object] | None = None,
        resolved_op_selection: Set[str] | None = None,
        status: RunStatus | str | None = None,
        tags: Mapping[str, str] | None = None,
        root_run_id: str | None = None,
        parent_run_id: str | None = None,
        op_selection: Sequence[str] | None = None,
        asset_selection: Set[AssetKey] | None = None,
        **_unused: object,
    ) -> Run:
        """Create a run of a job (an object with a ``name``) with the given status, without running anything.

        Without a status the run is QUEUED; NOT_STARTED and MANAGED keep it out of the queue. It belongs to no code
        location, so that a server does not launch it. ``execution_plan`` and the origins of other arguments are not
        needed and not used.

        Raises:
            RunAlreadyExists: when the id is taken.
        """
        if run_id is not None and self.has_run(run_id):
            raise RunAlreadyExists(
                f"expected a new run id, got {run_id!r}, which exists already; leave run_id out"
            )
        wanted = RunStatus(status) if status is not None else None
        selection = op_selection if op_selection is not None else resolved_op_selection
        all_tags = normalize_tags(tags)
        run = NewRun(
            run_id=run_id or str(uuid.uuid4()),
            job_name=job_def.name,
            location="",
            partition=all_tags.get(tag_names.PARTITION),
            assets=_texts(asset_selection),
            steps=tuple(sorted(selection)) if selection else None,
            run_config=dict(run_config or {}),
            tags=all_tags,
            root_run_id=root_run_id,
            parent_run_id=parent_run_id,
            kept_back=wanted if wanted in _KEPT_BACK else None,
        )
        self._bring_to(run, wanted)
        return view_run(self._required_run(run.run_id))

    def add_run(self, dagster_run: Run) -> Run:
        """Write a run down as it is, with its status, without running anything; for tests.

        Raises:
            RunAlreadyExists: when the id is taken.
        """
        if self.has_run(dagster_run.run_id):
            raise RunAlreadyExists(
                f"expected a new run id, got {dagster_run.run_id!r}, which exists already; make a Run with another id"
            )
        tags = dict(dagster_run.tags)
        run = NewRun(
            run_id=dagster_run.run_id,
            job_name=dagster_run.job_name,
            location=dagster_run.location_name or "",
            partition=tags.get(tag_names.PARTITION),
            assets=_texts(dagster_run.asset_selection),
            steps=tuple(sorted(dagster_run.op_selection)) if dagster_run.op_selection else None,
            run_config=dict(dagster_run.run_config),
            tags=tags,
            root_run_id=dagster_run.root_run_id,
            parent_run_id=dagster_run.parent_run_id,
            kept_back=dagster_run.status if dagster_run.status in _KEPT_BACK else None,
        )
        self._bring_to(run, dagster_run.status)
        return view_run(self._required_run(run.run_id))

    def report_run_failed(
        self, dagster_run: Run, message: str | None = None, job_failure_data: JobFailureData | None = None
    ) -> RunEvent:
        """End a run as FAILURE from outside. A run that has ended already stays as it is.

        Raises:
            RunNotFoundError: when there is no such run.
        """
        error = stored_error(job_failure_data.error) if job_failure_data is not None else None
        reason = job_failure_data.failure_reason if job_failure_data is not None else None
        return self._end(dagster_run.run_id, RunStatus.FAILURE, message, Failure(error=error, reason=reason))

    def report_run_canceled(self, dagster_run: Run, message: str | None = None) -> RunEvent:
        """End a run as CANCELED from outside. A run that has ended already stays as it is.

        Raises:
            RunNotFoundError: when there is no such run.
        """
        return self._end(dagster_run.run_id, RunStatus.CANCELED, message, Failure())

    def report_run_canceling(self, run: Run, message: str | None = None) -> None:
        """Ask a run to stop; a queued one is CANCELED at once.

        Raises:
            RunNotFoundError: when there is no such run.
        """
        self._required_run(run.run_id)
        self._ledger.request_cancel(run.run_id, now=self._clock())

    def report_engine_event(
        self,
        message: str,
        dagster_run: Run | None = None,
        engine_event_data: EngineEventData | None = None,
        cls: type | None = None,
        step_key: str | None = None,
        job_name: str | None = None,
        run_id: str | None = None,
    ) -> RunEvent:
        """Write a note of the system into a run's log.

        Raises:
            CheckError: when neither a run nor a run id is given.
        """
        of_run = dagster_run.run_id if dagster_run is not None else run_id
        if not of_run:
            raise CheckError("expected 'dagster_run' or 'run_id', got neither; a note belongs to a run's log")
        data = engine_event_data or EngineEventData()
        event = Event(
            type=EventType.ENGINE_EVENT,
            timestamp=self._clock(),
            run_id=of_run,
            job_name=dagster_run.job_name if dagster_run is not None else job_name,
            step_key=step_key,
            message=f"[{cls.__name__}] {message}" if cls is not None else message,
            payload=EngineNote(metadata=normalize_metadata(data.metadata), error=stored_error(data.error)),
        )
        self._ledger.record_events([event])
        return view_event(event)

    def _end(self, run_id: str, status: RunStatus, message: str | None, failure: Failure) -> RunEvent:
        record = self._required_run(run_id)
        text = message or _ENDED_OUTSIDE
        now = self._clock()
        self._ledger.finish_run(
            run_id, status, now=now, message=text, reason=failure.reason, error=failure.error
        )
        return view_event(
            Event(
                type=EventType.RUN_FAILURE if status == RunStatus.FAILURE else EventType.RUN_CANCELED,
                timestamp=now,
                run_id=run_id,
                job_name=record.job_name,
                message=text,
                payload=failure,
            )
        )

    def _bring_to(self, run: NewRun, status: RunStatus | None) -> None:
        now = self._clock()
        if status in (None, RunStatus.QUEUED, *_KEPT_BACK):
            self._ledger.create_runs([run], now=now)
            return
        started = self._ledger.start_in_process_run(run, now=now)
        steps = {RunStatus.STARTED: [EventType.RUN_START]}
        steps[RunStatus.SUCCESS] = [EventType.RUN_START, EventType.RUN_SUCCESS]
        if status in steps:
            events = tuple(
                Event(type=kind, timestamp=now, run_id=run.run_id, job_name=run.job_name)
                for kind in steps[status]
            )
            self._ledger.commit_intake(
                [IntakeBatch(run_id=run.run_id, epoch=started.epoch, seq=len(events), events=events)], now=now
            )
        elif status in (RunStatus.FAILURE, RunStatus.CANCELED):
            self._ledger.finish_run(run.run_id, status, now=now, message=_ENDED_OUTSIDE)
        elif status == RunStatus.CANCELING:
            self._ledger.request_cancel(run.run_id, now=now)


def _texts(keys: Set[AssetKey] | None) -> tuple[str, ...] | None:
    if keys is None:
        return None
    return tuple(sorted(AssetKey.from_coercible(key).to_escaped_user_string() for key in keys))
