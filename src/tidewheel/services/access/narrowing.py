"""Shows of the definitions and the ledger only what somebody may see: the one place that narrows reads to their parts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec

from tidewheel.logic.access.operations import VIEW
from tidewheel.logic.graph.specs import JobNode, LocationSnapshot
from tidewheel.services.access.guard import Caller, Guard
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB, Catalog
from tidewheel.services.database import Database
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.backfills import BackfillFilter, BackfillRecord
from tidewheel.values.events import StoredEvent
from tidewheel.values.records import EventFilter, RunFilter, RunRecord, TickRecord
from tidewheel.values.status import TickStatus

T = TypeVar("T")
PAGE = 500
"""Rows that are read at once while those that may be seen are looked for."""


class Sight:
    """What one caller may see, as of one moment's definitions."""

    def __init__(self, guard: Guard, caller: Caller, catalog: Catalog) -> None:
        self._guard = guard
        self._caller = caller
        self._catalog = catalog

    @property
    def is_whole(self) -> bool:
        """Whether the caller may see everything, so that nothing has to be narrowed."""
        principal = self._caller.principal
        if principal is None:
            return False
        granted = any(grant.is_whole for grant in principal.grants)
        return granted and (principal.limits is None or any(limit.is_whole for limit in principal.limits))

    def sees(self, location: str | None, assets: Iterable[str] = ()) -> bool:
        """Whether the caller may see what belongs to this location and is about these assets."""
        return self._guard.decide(self._caller, VIEW, self._guard.resource(location, assets)).is_allowed

    def sees_location(self, name: str) -> bool:
        """Whether the caller may see the location, or at least something in it."""
        snapshot = self._catalog.snapshots.get(name)
        return self.sees(name) or any(
            self.sees(name, [node.key]) for node in (snapshot.assets if snapshot else ())
        )

    def sees_asset(self, key: str) -> bool:
        """Whether the caller may see an asset, as the location that makes it has it."""
        return self.sees(self._catalog.asset_location(key), [key])

    def sees_trigger(self, trigger_id: str) -> bool:
        """Whether the caller may see a schedule or sensor: what acts for a location is seen with all of the location."""
        found = self._catalog.trigger(trigger_id)
        return found is not None and self.sees(found[0])

    def sees_run(self, run: RunRecord) -> bool:
        """Whether the caller may see a run."""
        if run.assets is not None:
            return self.sees(run.location, run.assets)
        job = self._catalog.job(run.location, run.job_name)
        return self.sees(run.location, job.assets if job is not None else ())

    def sees_backfill(self, backfill: BackfillRecord) -> bool:
        """Whether the caller may see all that a backfill is about."""
        about = self._guard.backfill_resources(backfill.fields)
        return all(self._guard.decide(self._caller, VIEW, resource).is_allowed for resource in about)

    def sees_target(self, target: str) -> bool:
        """Whether the caller may see what people call by this name: an asset, a check (``asset:check``) or a job."""
        if self.is_whole:
            return True
        return self.sees_subject("asset", target.partition(":")[0]) or self.sees_subject("job", target)

    def sees_subject(self, kind: str, name: str) -> bool:
        """Whether the caller may see what a condition is about: an ``asset``, a ``check`` or a ``job``."""
        if kind == "job":
            places = self._catalog.locations_of_job(name)
            jobs = [(place, self._catalog.job(place, name)) for place in places]
            return any(job is not None and self.sees(place, job.assets) for place, job in jobs)
        return self.sees_asset(name if self._catalog.asset(name) is not None else name.rpartition(":")[0])

    # -- definitions --------------------------------------------------------------------------------------------
    def catalog(self) -> Catalog:
        """The definitions that the caller may see."""
        if self.is_whole:
            return self._catalog
        snapshots = self._catalog.snapshots
        return Catalog(
            {name: self._narrowed(snapshots[name]) for name in snapshots if self.sees_location(name)}
        )

    def _narrowed(self, snapshot: LocationSnapshot) -> LocationSnapshot:
        name, has_all = snapshot.name, self.sees(snapshot.name)
        keys = {node.key for node in snapshot.assets if self.sees(name, [node.key])}
        jobs = (_of_assets(job, keys) if job.name == IMPLICIT_ASSET_JOB else job for job in snapshot.jobs)
        return msgspec.structs.replace(
            snapshot,
            assets=tuple(node for node in snapshot.assets if node.key in keys),
            checks=tuple(check for check in snapshot.checks if has_all or check.asset in keys),
            jobs=tuple(job for job in jobs if self.sees(name, job.assets)),
            schedules=snapshot.schedules if has_all else (),
            sensors=snapshot.sensors if has_all else (),
            resources=snapshot.resources if has_all else (),
            warnings=snapshot.warnings if has_all else (),
            files=snapshot.files if has_all else (),
        )

    # -- the ledger ---------------------------------------------------------------------------------------------
    def database(self, database: Database) -> Database:
        """The ledger as the caller may see it; with the same threads."""
        if self.is_whole:
            return database
        narrowed = copy.copy(database)
        narrowed.ledger = cast(LedgerPort, _NarrowedLedger(database.ledger, self))
        return narrowed


def _of_assets(job: JobNode, keys: set[str]) -> JobNode:
    checks = tuple(check for check in job.checks if check.rpartition(":")[0] in keys)
    return msgspec.structs.replace(job, assets=tuple(key for key in job.assets if key in keys), checks=checks)


READS = ("get", "count", "queued_", "in_progress_", "last_", "stats", "find_")


class _Part:
    """A part of the ledger whose changes are carried out as they are (whoever asks for one was asked before), and
    whose reads exist only where they are narrowed, or named in ``OPEN``."""

    OPEN: frozenset[str] = frozenset()
    """Reads that tell nothing about a location."""

    def __init__(self, whole: Any, sight: Sight) -> None:
        self._whole = whole
        self._sight = sight

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or (name.startswith(READS) and name not in self.OPEN):
            raise AttributeError(f"expected a read that can be narrowed to a caller's parts, got {name!r}")
        return getattr(self._whole, name)


class _NarrowedLedger(_Part):
    OPEN = frozenset(
        {
            "get_dynamic_partitions",
            "get_all_dynamic_partitions",
            "get_dynamic_changes",
            "last_event_id",
            "get_setting",
        }
    )

    def __init__(self, whole: LedgerPort, sight: Sight) -> None:
        super().__init__(whole, sight)
        self.backfills = _NarrowedBackfills(whole.backfills, sight)
        self.conditions = _NarrowedConditions(whole.conditions, sight)
        self.inbox = _NarrowedInbox(whole.inbox, sight)
        self.owed = _NarrowedOwed(whole.owed, sight)
        self.policies = _NarrowedPolicies(whole.policies, sight)
        self.pools = _NarrowedPools(whole.pools, sight)

    # -- runs
    def get_run(self, run_id: str) -> RunRecord | None:
        run = self._whole.get_run(run_id)
        return run if run is not None and self._sight.sees_run(run) else None

    def get_runs(
        self,
        filters: RunFilter | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> list[RunRecord]:
        def read(after: RunRecord | None) -> list[RunRecord]:
            start = after.run_id if after is not None else cursor
            found: list[RunRecord] = self._whole.get_runs(
                filters, limit=PAGE, cursor=start, ascending=ascending
            )
            return found

        return _seen(read, self._sight.sees_run, limit)

    def get_run_pages(self, pages: Sequence[tuple[RunFilter, int, str | None]]) -> list[list[RunRecord]]:
        return [self.get_runs(filters, limit=limit, cursor=cursor) for filters, limit, cursor in pages]

    def count_runs(self, filters: RunFilter | None = None) -> int:
        return len(self.get_runs(filters))

    # -- events
    def get_run_log(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        if self.get_run(run_id) is None:
            return []
        found: list[StoredEvent] = self._whole.get_run_log(run_id, after=after, limit=limit)
        return found

    def get_events(
        self, filters: EventFilter, *, limit: int | None = None, ascending: bool = True
    ) -> list[StoredEvent]:
        bound = "after_id" if ascending else "before_id"

        def read(last: StoredEvent | None) -> list[StoredEvent]:
            here = filters if last is None else msgspec.structs.replace(filters, **{bound: last.id})
            found: list[StoredEvent] = self._whole.get_events(here, limit=PAGE, ascending=ascending)
            return found

        return _seen(read, self._sees_event, limit)

    def _sees_event(self, stored: StoredEvent) -> bool:
        event = stored.event
        if event.asset is not None:
            return self._sight.sees_asset(event.asset)
        return bool(event.run_id) and self.get_run(event.run_id) is not None

    # -- assets
    def _keys(self, assets: Sequence[str]) -> list[str]:
        return [key for key in assets if self._sight.sees_asset(key)]

    def get_asset_states(self, assets: Sequence[str] | None = None) -> dict[str, Any]:
        return self._of_assets(self._whole.get_asset_states, assets)

    def get_check_states(self, assets: Sequence[str] | None = None) -> dict[str, Any]:
        found = self._whole.get_check_states(None if assets is None else self._keys(assets))
        return {
            name: state for name, state in found.items() if self._sight.sees_asset(name.rpartition(":")[0])
        }

    def get_asset_partition_states(self, assets: Sequence[str]) -> dict[str, Any]:
        return self._of_assets(self._whole.get_asset_partition_states, assets)

    def count_partitions(self, assets: Sequence[str]) -> dict[str, int]:
        return self._of_assets(self._whole.count_partitions, assets)

    def _of_assets(
        self, read: Callable[[Any], Mapping[str, T]], assets: Sequence[str] | None
    ) -> dict[str, T]:
        found = read(None if assets is None else self._keys(assets))
        return {key: value for key, value in found.items() if self._sight.sees_asset(key)}

    def get_partition_events(self, asset: str, partitions: Sequence[str] | None = None) -> dict[str, Any]:
        return self._whole.get_partition_events(asset, partitions) if self._sight.sees_asset(asset) else {}

    def get_partition_rows(
        self, assets: Sequence[str], partitions: Sequence[str] | None = None
    ) -> dict[str, list[Any]]:
        return self._whole.get_partition_rows(self._keys(assets), partitions)  # type: ignore[no-any-return]

    def get_partition_keys(self, asset: str) -> list[str]:
        return self._whole.get_partition_keys(asset) if self._sight.sees_asset(asset) else []

    # -- triggers
    def get_trigger(self, trigger_id: str) -> Any:
        return self._whole.get_trigger(trigger_id) if self._sight.sees_trigger(trigger_id) else None

    def get_tick(self, tick_id: int) -> TickRecord | None:
        tick = self._whole.get_tick(tick_id)
        return tick if tick is not None and self._sight.sees_trigger(tick.trigger_id) else None

    def get_ticks(
        self,
        trigger_id: str | None = None,
        *,
        limit: int | None = None,
        before_id: int | None = None,
        **more: Any,
    ) -> list[TickRecord]:
        def read(last: TickRecord | None) -> list[TickRecord]:
            start = last.tick_id if last is not None else before_id
            found: list[TickRecord] = self._whole.get_ticks(trigger_id, limit=PAGE, before_id=start, **more)
            return found

        return _seen(read, lambda tick: self._sight.sees_trigger(tick.trigger_id), limit)

    def get_tick_pages(
        self, pages: Sequence[tuple[str, Sequence[TickStatus] | None, int, int | None]]
    ) -> list[list[TickRecord]]:
        return [
            self.get_ticks(trigger_id, statuses=statuses, limit=limit, before_id=before_id)
            for trigger_id, statuses, limit, before_id in pages
        ]


class _NarrowedBackfills(_Part):
    def get(self, backfill_id: str) -> BackfillRecord | None:
        found = self._whole.get(backfill_id)
        return found if found is not None and self._sight.sees_backfill(found) else None

    def get_many(
        self, filters: BackfillFilter | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> list[BackfillRecord]:
        def read(last: BackfillRecord | None) -> list[BackfillRecord]:
            start = last.backfill_id if last is not None else cursor
            found: list[BackfillRecord] = self._whole.get_many(filters, limit=PAGE, cursor=start)
            return found

        return _seen(read, self._sight.sees_backfill, limit)

    def get_count(self, filters: BackfillFilter | None = None) -> int:
        return len(self.get_many(filters))

    def get_run_counts(self, backfill_id: str) -> list[Any]:
        return self._whole.get_run_counts(backfill_id) if self.get(backfill_id) is not None else []


class _NarrowedConditions(_Part):
    def get_evaluations(self, kind: str, name: str, **more: Any) -> list[Any]:
        return self._whole.get_evaluations(kind, name, **more) if self._sight.sees_subject(kind, name) else []

    def get_newest_evaluations(self, kind: str, names: Sequence[str], **more: Any) -> dict[str, Any]:
        seen = [name for name in names if self._sight.sees_subject(kind, name)]
        return self._whole.get_newest_evaluations(kind, seen, **more) if seen else {}

    def get_evaluations_of_tick(self, tick_id: int) -> list[Any]:
        found = self._whole.get_evaluations_of_tick(tick_id)
        return [row for row in found if self._sight.sees_subject(row.evaluation.kind, row.evaluation.name)]

    def get_held(self) -> list[Any]:
        return [one for one in self._whole.get_held() if self._sight.sees_subject(one.kind, one.name)]


class _NarrowedOwed(_Part):
    def get_all(self, name: str | None = None) -> list[Any]:
        return [row for row in self._whole.get_all(name) if self._sight.sees_subject(row.kind, row.name)]


class _NarrowedPolicies(_Part):
    def get_held(self, trigger_id: str) -> list[Any]:
        return self._whole.get_held(trigger_id) if self._sight.sees_trigger(trigger_id) else []


class _NarrowedInbox(_Part):
    def get_redeliveries(self, trigger_id: str | None = None) -> list[Any]:
        found = self._whole.get_redeliveries(trigger_id)
        return [one for one in found if self._sight.sees_trigger(one.trigger_id)]


class _NarrowedPools(_Part):
    """Pools are the whole server's; who holds their slots is told to those who may see it all."""

    OPEN = frozenset({"get_slots"})

    def get_all(self) -> list[Any]:
        return []


def _seen(read: Callable[[T | None], list[T]], sees: Callable[[T], bool], limit: int | None) -> list[T]:
    """The first rows that may be seen; ``read`` gives the page after a row."""
    found: list[T] = []
    last: T | None = None
    while limit is None or len(found) < limit:
        page = read(last)
        found += [row for row in page if sees(row)]
        if len(page) < PAGE:
            break
        last = page[-1]
    return found if limit is None else found[:limit]
