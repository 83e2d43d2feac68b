"""What users see of a run, and how they ask for runs: ``Run``, ``RunRecord``, ``RunsFilter``."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Optional

import msgspec

from tidewheel.errors import CheckError, NotSupportedError, ParameterCheckError
from tidewheel.runtime.clock import as_datetime, as_seconds
from tidewheel.values import records
from tidewheel.values import tags as tag_names
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.replacing import Replaceable
from tidewheel.values.status import FINISHED_STATUSES, RunStatus


def _new_run_id() -> str:
    return str(uuid.uuid4())


class Run(Replaceable, msgspec.Struct, frozen=True):
    """A run as it was when it was read. ``asset_selection`` None: everything in the job."""

    job_name: str
    run_id: str = msgspec.field(default_factory=_new_run_id)
    run_config: Mapping[str, Any] = {}
    asset_selection: Optional[Set[AssetKey]] = None
    asset_check_selection: Optional[Set[AssetCheckKey]] = None
    op_selection: Optional[Sequence[str]] = None
    resolved_op_selection: Optional[Set[str]] = None
    step_keys_to_execute: Optional[Sequence[str]] = None
    status: RunStatus = RunStatus.NOT_STARTED
    tags: Mapping[str, str] = {}
    root_run_id: Optional[str] = None
    parent_run_id: Optional[str] = None
    location_name: Optional[str] = None
    start_timestamp: Optional[float] = None
    """When the run's worker began, in seconds since the epoch."""
    end_timestamp: Optional[float] = None

    def __post_init__(self) -> None:
        for name in ("tags", "run_config"):
            if getattr(self, name) is None:
                msgspec.structs.force_setattr(self, name, {})
        for name, kind in (("job_name", str), ("run_id", str), ("tags", Mapping), ("run_config", Mapping)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise ParameterCheckError(f"expected {name!r} to be a {kind.__name__}, got {value!r}")

    @property
    def start_time(self) -> datetime | None:
        """When the run began, with the zone UTC; None before that."""
        return as_datetime(self.start_timestamp) if self.start_timestamp is not None else None

    @property
    def end_time(self) -> datetime | None:
        """When the run ended, with the zone UTC; None before that."""
        return as_datetime(self.end_timestamp) if self.end_timestamp is not None else None

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED_STATUSES

    @property
    def is_success(self) -> bool:
        return self.status == RunStatus.SUCCESS

    @property
    def is_failure(self) -> bool:
        return self.status == RunStatus.FAILURE

    @property
    def is_failure_or_canceled(self) -> bool:
        return self.status in (RunStatus.FAILURE, RunStatus.CANCELED)

    @property
    def is_cancelable(self) -> bool:
        """Whether the run can be asked to stop: it is queued or started."""
        return self.status in (RunStatus.QUEUED, RunStatus.STARTED)

    @property
    def is_resume_retry(self) -> bool:
        """Whether the run repeats only what failed in its parent."""
        return self.tags.get(tag_names.IS_RESUME_RETRY) == "true"

    @property
    def is_complete_and_waiting_to_retry(self) -> bool:
        """Whether the run failed and a retry is to come that does not exist yet."""
        return (
            self.is_finished
            and self.tags.get(tag_names.WILL_RETRY) == "true"
            and tag_names.AUTO_RETRY_RUN_ID not in self.tags
        )

    @property
    def is_partitioned(self) -> bool:
        """Whether the run is of a partition or of a range of partitions."""
        return tag_names.PARTITION in self.tags or tag_names.RANGE_START in self.tags

    @property
    def previous_run_id(self) -> str | None:
        """The run that this one repeats."""
        return self.parent_run_id

    @property
    def entity_selection(self) -> Set[AssetKey | AssetCheckKey] | None:
        """The selected assets and checks; None: everything in the job."""
        if self.asset_selection is None and self.asset_check_selection is None:
            return None
        return frozenset(self.asset_selection or ()) | frozenset(self.asset_check_selection or ())

    @property
    def dagster_execution_info(self) -> Mapping[str, str]:
        """Labels that tell this run from others, for the things that it starts elsewhere."""
        info = {"dagster/run-id": self.run_id, "dagster/job": self.job_name}
        if tag_names.PARTITION in self.tags:
            info[tag_names.PARTITION] = self.tags[tag_names.PARTITION]
        return info

    def get_root_run_id(self) -> str | None:
        """The first run of the chain of retries that this one belongs to."""
        return self.root_run_id or self.tags.get(tag_names.ROOT_RUN_ID)

    def get_parent_run_id(self) -> str | None:
        """The run that this one repeats."""
        return self.parent_run_id or self.tags.get(tag_names.PARENT_RUN_ID)

    def tags_for_storage(self) -> Mapping[str, str]:
        """The tags that are kept with the run."""
        return dict(self.tags)

    def with_status(self, status: RunStatus) -> Run:
        """The same with another status (nothing is stored)."""
        return msgspec.structs.replace(self, status=RunStatus(status))

    def with_tags(self, tags: Mapping[str, str]) -> Run:
        """The same with other tags, replaced and not merged (nothing is stored)."""
        return msgspec.structs.replace(self, tags=tags)

    @staticmethod
    def tags_for_schedule(schedule: Any) -> Mapping[str, str]:
        """The tag on runs of a schedule."""
        return {tag_names.SCHEDULE_NAME: schedule.name}

    @staticmethod
    def tags_for_sensor(sensor: Any) -> Mapping[str, str]:
        """The tag on runs of a sensor."""
        return {tag_names.SENSOR_NAME: sensor.name}

    @staticmethod
    def tags_for_backfill_id(backfill_id: str) -> Mapping[str, str]:
        """The tag on runs of a backfill."""
        return {tag_names.BACKFILL: backfill_id}

    @staticmethod
    def tags_for_tick_id(tick_id: str, has_evaluations: bool = False) -> Mapping[str, str]:
        """The tag on runs of a tick."""
        return {tag_names.TICK: tick_id}


class RunRecord(Replaceable, msgspec.Struct, frozen=True, kw_only=True):
    """A run with its times: creation and last change as datetimes (UTC), start and end in seconds since the epoch.

    ``storage_id`` grows in the order of creation (microseconds since the epoch).
    """

    storage_id: int
    dagster_run: Run
    create_timestamp: datetime
    update_timestamp: datetime
    start_time: Optional[float] = None
    end_time: Optional[float] = None


class RunsFilter(msgspec.Struct, frozen=True):
    """Which runs: every given field must match. A tag may have several allowed values; times are exclusive bounds.

    Raises:
        CheckError: when ``run_ids`` is empty or an argument has the wrong type.
    """

    run_ids: Optional[Sequence[str]] = None
    job_name: Optional[str] = None
    statuses: Sequence[RunStatus] = ()
    tags: Mapping[str, str | Sequence[str]] = {}
    snapshot_id: Optional[str] = None
    updated_after: Optional[datetime] = None
    updated_before: Optional[datetime] = None
    created_after: Optional[datetime] = None
    created_before: Optional[datetime] = None
    exclude_subruns: Optional[bool] = None

    def __post_init__(self) -> None:
        if self.run_ids is not None and (isinstance(self.run_ids, str) or not self.run_ids):
            raise CheckError(f"expected 'run_ids' to be a list with at least one id, got {self.run_ids!r}")
        if self.job_name is not None and not isinstance(self.job_name, str):
            raise ParameterCheckError(f"expected 'job_name' to be a string, got {self.job_name!r}")
        for status in self.statuses or ():
            if not isinstance(status, RunStatus):
                raise CheckError(f"expected 'statuses' to hold RunStatus values, got {status!r}")
        for name, value in (self.tags or {}).items():
            if not isinstance(value, (str, list, tuple, set, frozenset)):
                raise CheckError(f"expected tag {name!r} to be a string or a list of strings, got {value!r}")
        for name in ("updated_after", "updated_before", "created_after", "created_before"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, datetime):
                raise ParameterCheckError(f"expected {name!r} to be a datetime, got {value!r}")

    @staticmethod
    def for_schedule(schedule: Any) -> RunsFilter:
        """The runs of a schedule."""
        return RunsFilter(tags=Run.tags_for_schedule(schedule))

    @staticmethod
    def for_sensor(sensor: Any) -> RunsFilter:
        """The runs of a sensor."""
        return RunsFilter(tags=Run.tags_for_sensor(sensor))

    @staticmethod
    def for_backfill(backfill_id: str) -> RunsFilter:
        """The runs of a backfill."""
        return RunsFilter(tags=Run.tags_for_backfill_id(backfill_id))

    def to_run_filter(self) -> records.RunFilter:
        """The filter as the ledger takes it; datetimes without a zone count as UTC.

        Raises:
            NotSupportedError: for ``snapshot_id`` and ``exclude_subruns``.
        """
        for name in ("snapshot_id", "exclude_subruns"):
            if getattr(self, name):
                raise NotSupportedError(
                    f"expected RunsFilter without {name!r}, which is not supported; filter by job_name or tags"
                )
        return records.RunFilter(
            run_ids=tuple(self.run_ids) if self.run_ids is not None else None,
            job_name=self.job_name,
            statuses=tuple(self.statuses) if self.statuses else None,
            tags={k: (v,) if isinstance(v, str) else tuple(v) for k, v in (self.tags or {}).items()},
            created_after=_seconds(self.created_after),
            created_before=_seconds(self.created_before),
            updated_after=_seconds(self.updated_after),
            updated_before=_seconds(self.updated_before),
        )


def view_run(record: records.RunRecord) -> Run:
    """The view of a stored run; what it knows of partition, parent and root is in its tags too."""
    known = {
        tag_names.PARTITION: record.partition,
        tag_names.PARENT_RUN_ID: record.parent_run_id,
        tag_names.ROOT_RUN_ID: record.root_run_id,
    }
    steps = list(record.steps) if record.steps is not None else None
    is_local = not record.location and record.epoch > 0  # a script or test ran it: Dagster has no None there
    return Run(
        job_name=record.job_name,
        run_id=record.run_id,
        run_config=record.run_config,
        asset_selection=frozenset() if is_local and record.assets is None else _keys(record.assets),
        asset_check_selection=_check_keys(record.checks),
        op_selection=steps,
        resolved_op_selection=frozenset(steps) if steps is not None else None,
        step_keys_to_execute=list(record.step_keys) if record.step_keys is not None else steps,
        status=record.status,
        tags={name: value for name, value in known.items() if value} | record.tags,
        root_run_id=record.root_run_id,
        parent_run_id=record.parent_run_id,
        location_name=record.location or None,
        start_timestamp=record.started_at,
        end_timestamp=record.ended_at,
    )


def view_run_record(record: records.RunRecord) -> RunRecord:
    """The view of a stored run with its times."""
    return RunRecord(
        storage_id=round(record.created_at * 1_000_000),
        dagster_run=view_run(record),
        create_timestamp=as_datetime(record.created_at),
        update_timestamp=as_datetime(record.updated_at),
        start_time=record.started_at,
        end_time=record.ended_at,
    )


def _keys(texts: tuple[str, ...] | None) -> frozenset[AssetKey] | None:
    return frozenset(AssetKey.from_escaped_user_string(t) for t in texts) if texts is not None else None


def _check_keys(texts: tuple[str, ...] | None) -> frozenset[AssetCheckKey] | None:
    return frozenset(AssetCheckKey.from_escaped_user_string(t) for t in texts) if texts is not None else None


def _seconds(moment: datetime | None) -> float | None:
    return as_seconds(moment) if moment is not None else None
