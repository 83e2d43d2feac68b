"""The joined reads of the ledger that the resolvers of one operation share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from tidewheel.api.graphql.loading import Loader
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.keys import nameable_ordinal
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.conditions import EvaluationRow
from tidewheel.values.events import StoredEvent
from tidewheel.values.inbox import Redelivery
from tidewheel.values.records import (
    AssetPartitionState,
    AssetState,
    CheckState,
    EventFilter,
    RunFilter,
    RunRecord,
    TickRecord,
)
from tidewheel.values.status import RunStatus, TickStatus
from tidewheel.values.tags import BACKFILL

CHUNK = 500
"""Keys in one query; the ledger refuses much longer lists."""

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class TickPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which ticks of one trigger, newest first."""

    trigger_id: str
    limit: int
    before_id: int | None = None
    statuses: tuple[TickStatus, ...] | None = None


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest runs of a trigger, of a backfill, or of a job of a location."""

    limit: int
    trigger_id: str | None = None
    job_name: str | None = None
    location: str | None = None
    cursor: str | None = None
    backfill_id: str | None = None
    statuses: tuple[RunStatus, ...] | None = None

    def filters(self) -> RunFilter:
        """As the ledger takes it."""
        return RunFilter(
            trigger_id=self.trigger_id,
            job_name=self.job_name,
            location=self.location,
            statuses=self.statuses,
            tags={} if self.backfill_id is None else {BACKFILL: (self.backfill_id,)},
        )


class Loaders:
    """One loader for each kind of read. All reads of a loader's keys are one call to a database thread."""

    def __init__(self, database: Database, catalog: Catalog, now: float) -> None:
        self._database = database
        self._catalog = catalog
        self._now = now
        self._views: Loader[None, PartitionView] = Loader(self._read_view)
        self.runs: Loader[str, RunRecord] = self._loader(_read_runs)
        self.run_logs: Loader[str, list[StoredEvent]] = self._loader(_read_logs)
        self.run_pages: Loader[RunPage, list[RunRecord]] = self._loader(_read_run_pages)
        self.run_counts: Loader[RunPage, int] = self._loader(_read_run_counts)
        self.tick_pages: Loader[TickPage, list[TickRecord]] = self._loader(_read_ticks)
        self.events: Loader[int, StoredEvent] = self._loader(_read_events)
        self.redeliveries: Loader[str, list[Redelivery]] = self._loader(_read_redeliveries)
        self.asset_states: Loader[str, AssetState] = self._loader(_read_asset_states)
        self.check_states: Loader[str, CheckState] = self._loader(_read_check_states)
        self.held_slots: Loader[str, int] = self._loader(_read_held_slots)
        self.newest_evaluations: Loader[tuple[str, int | None], EvaluationRow] = self._loader(
            _read_newest_evaluations
        )
        self.partition_states: Loader[str, AssetPartitionState] = Loader(self._read_partition_states)

    async def view(self) -> PartitionView:
        """Which partitions exist now; the dynamic ones are read once."""
        found = await self._views.load(None)
        assert found is not None
        return found

    async def _read_view(self, keys: Sequence[None]) -> Mapping[None, PartitionView]:
        dynamic = await self._database.read(self._database.dynamic_keys.read, self._database.ledger)
        return {None: PartitionView(now=self._now, dynamic_keys=dynamic)}

    def _loader(self, read: Callable[[LedgerPort, Sequence[K]], Mapping[K, V]]) -> Loader[K, V]:
        async def carry_out(keys: Sequence[K]) -> Mapping[K, V]:
            return await self._database.read(read, self._database.ledger, keys)

        return Loader(carry_out)

    async def _read_partition_states(self, assets: Sequence[str]) -> Mapping[str, AssetPartitionState]:
        found = await self._database.read(self._database.ledger.get_asset_partition_states, assets)
        for asset, state in found.items():
            node = self._catalog.asset(asset)
            if node is None or node.partitions is None:
                continue
            wanted = fingerprint(node.partitions)
            if (
                state.spec_fingerprint != wanted
            ):  # its partitions were defined otherwise when this was written
                keys = await self._database.read(self._database.ledger.get_partition_keys, asset)
                view = await self.view()
                places = {key: nameable_ordinal(node.partitions, key, view) for key in keys}
                ordinals = {key: ordinal for key, ordinal in places.items() if ordinal is not None}
                found[asset] = await self._database.write(
                    self._database.ledger.rebuild_partition_state, asset, wanted, ordinals
                )
        return found


def _chunks(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def _read_runs(ledger: LedgerPort, run_ids: Sequence[str]) -> dict[str, RunRecord]:
    if len(run_ids) == 1:
        run = ledger.get_run(run_ids[0])
        return {} if run is None else {run.run_id: run}
    return {
        run.run_id: run
        for chunk in _chunks(run_ids)
        for run in ledger.get_runs(RunFilter(run_ids=tuple(chunk)))
    }


def _read_logs(ledger: LedgerPort, run_ids: Sequence[str]) -> dict[str, list[StoredEvent]]:
    return {run_id: ledger.get_run_log(run_id) for run_id in run_ids}


def _read_run_pages(ledger: LedgerPort, pages: Sequence[RunPage]) -> dict[RunPage, list[RunRecord]]:
    found = ledger.get_run_pages([(page.filters(), page.limit, page.cursor) for page in pages])
    return dict(zip(pages, found, strict=True))


def _read_run_counts(ledger: LedgerPort, pages: Sequence[RunPage]) -> dict[RunPage, int]:
    return {page: ledger.count_runs(page.filters()) for page in pages}


def _read_ticks(ledger: LedgerPort, pages: Sequence[TickPage]) -> dict[TickPage, list[TickRecord]]:
    found = ledger.get_tick_pages(
        [(page.trigger_id, page.statuses, page.limit, page.before_id) for page in pages]
    )
    return dict(zip(pages, found, strict=True))


def _read_events(ledger: LedgerPort, ids: Sequence[int]) -> dict[int, StoredEvent]:
    return {
        stored.id: stored
        for chunk in _chunks(ids)
        for stored in ledger.get_events(EventFilter(ids=tuple(chunk)))
    }


def _read_redeliveries(ledger: LedgerPort, trigger_ids: Sequence[str]) -> dict[str, list[Redelivery]]:
    found: dict[str, list[Redelivery]] = {}
    for one in ledger.inbox.get_redeliveries(trigger_ids[0] if len(trigger_ids) == 1 else None):
        found.setdefault(one.trigger_id, []).append(one)
    return found


def _read_held_slots(ledger: LedgerPort, run_ids: Sequence[str]) -> dict[str, int]:
    claims = (claim for pool in ledger.pools.get_all() for claim in pool.claims)
    held = Counter(claim.run_id for claim in claims if claim.held_since is not None)
    return {run_id: held[run_id] for run_id in run_ids if run_id in held}


def _read_newest_evaluations(
    ledger: LedgerPort, wanted: Sequence[tuple[str, int | None]]
) -> dict[tuple[str, int | None], EvaluationRow]:
    found: dict[tuple[str, int | None], EvaluationRow] = {}
    for as_of in {one for _, one in wanted}:
        names = [name for name, one in wanted if one == as_of]
        rows = ledger.conditions.get_newest_evaluations("asset", names, as_of=as_of)
        found |= {(name, as_of): row for name, row in rows.items()}
    return found


def _read_asset_states(ledger: LedgerPort, assets: Sequence[str]) -> dict[str, AssetState]:
    return ledger.get_asset_states(assets)


def _read_check_states(ledger: LedgerPort, checks: Sequence[str]) -> dict[str, CheckState]:
    return ledger.get_check_states(sorted({check.rpartition(":")[0] for check in checks}))
