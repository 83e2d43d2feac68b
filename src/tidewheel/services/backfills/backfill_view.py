"""Reads what decisions about backfills need besides the backfill itself: which partitions exist, and what is made."""

from __future__ import annotations

from collections.abc import Iterable

from pyroaring import FrozenBitMap, FrozenBitMap64

from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import MultiPartitions, PartitionsSpec, PartitionView
from tidewheel.logic.partitions.keys import find_ordinal, nameable_ordinal
from tidewheel.logic.partitions.sets import PartitionSet, everything, from_ordinals, nothing
from tidewheel.logic.planning.backfill_requests import KnownPartitions
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.database import Database
from tidewheel.storage.bitmaps import load_narrow_ordinals, load_ordinals
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus

RUNS_PAGE = 2_000


def load_view(database: Database, now: float) -> PartitionView:
    """Which partitions exist now. In a thread of the database."""
    return PartitionView(now=now, dynamic_keys=database.dynamic_keys.read(database.ledger))


def load_known_partitions(
    ledger: LedgerPort, catalog: Catalog, names: Iterable[str], view: PartitionView
) -> dict[str, KnownPartitions]:
    """What of some assets was made and what failed. Builds sets again that belong to older definitions (a write)."""
    wanted = [name for name in names if name in catalog.located]
    states = ledger.get_asset_states(wanted)
    partitioned = [name for name in wanted if catalog.located[name].node.partitions is not None]
    stored = ledger.get_asset_partition_states(partitioned)
    found = {}
    for name in wanted:
        spec = catalog.located[name].node.partitions
        if spec is None:
            state = states.get(name)
            has_failed = state is not None and state.last_failed_run_id is not None
            is_made = state is not None and state.last_materialization_id is not None
            whole, empty = everything(None, view), nothing(None)
            found[name] = KnownPartitions(
                made=whole if is_made else empty, failed=whole if has_failed else empty
            )
            continue
        sets = stored.get(name)
        if sets is not None and sets.spec_fingerprint != fingerprint(spec):
            places = {key: nameable_ordinal(spec, key, view) for key in ledger.get_partition_keys(name)}
            ordinals = {key: place for key, place in places.items() if place is not None}
            sets = ledger.rebuild_partition_state(name, fingerprint(spec), ordinals)
        found[name] = KnownPartitions(
            made=_bits(spec, sets.materialized if sets else b""),
            failed=_bits(spec, sets.failed if sets else b""),
        )
    return found


def load_job_partitions(
    ledger: LedgerPort, location: str, job_name: str, spec: PartitionsSpec, view: PartitionView
) -> KnownPartitions:
    """The partitions of a job whose newest run succeeded, and those whose newest run failed. Reads all runs of the job."""
    newest: dict[str, RunStatus] = {}
    cursor = None
    while True:
        page = ledger.get_runs(
            RunFilter(job_name=job_name, location=location), limit=RUNS_PAGE, cursor=cursor
        )
        for run in page:
            if run.partition is not None and run.is_finished:
                newest.setdefault(run.partition, run.status)
        if len(page) < RUNS_PAGE:
            break
        cursor = page[-1].run_id

    def with_status(status: RunStatus) -> PartitionSet:
        keys = (key for key, found in newest.items() if found is status)
        ordinals = (find_ordinal(spec, key, view) for key in keys)
        return from_ordinals(spec, [ordinal for ordinal in ordinals if ordinal is not None])

    return KnownPartitions(made=with_status(RunStatus.SUCCESS), failed=with_status(RunStatus.FAILURE))


def _bits(spec: PartitionsSpec, data: bytes) -> PartitionSet:
    if isinstance(spec, MultiPartitions):
        return PartitionSet(spec, FrozenBitMap64(load_ordinals(data)))
    return PartitionSet(spec, FrozenBitMap(load_narrow_ordinals(data)))
