"""Keeps what is known of assets' partitions: one row per partition, and the same once more as bitmaps of ordinals.

The rows (``asset_partition``: made and failed; ``planned_asset`` and, for runs of ranges, ``planned_partition``: in
progress) are the truth. The bitmaps answer for a
million partitions with one row. A transaction that changes partitions changes the bitmaps too, if it can learn the
ordinals (``PartitionResolver``). Keys whose ordinals are not known at that time are written down as *unsettled*, and are
taken in by the next change of the same asset, or by a rebuild. A set whose fingerprint is empty, or not the current
one, must be built again (``rebuild``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import sqlalchemy as sa
from pyroaring import BitMap64
from sqlalchemy import bindparam, select, tuple_

from tidewheel.storage.bitmaps import EMPTY, dump_ordinals, load_ordinals
from tidewheel.storage.engines.backend import Unit, Upsert, in_chunks
from tidewheel.storage.ports.ledger import PartitionResolver
from tidewheel.storage.tables.main import (
    asset_partition,
    asset_partition_set,
    planned_asset,
    planned_partition,
    unsettled_partition,
)
from tidewheel.values.records import AssetPartitionState, PartitionRow

Pair = tuple[str, str]
"""(asset, partition key)."""

REBUILD_AT_ONCE_MAX = 2_000
"""Partitions, besides those that change, up to which a changed fingerprint is answered inside the transaction that meets
it; more of them wait for a ``rebuild`` by whoever reads them, so that no commit of events becomes slow."""
UNSETTLED_TAKEN_MAX = 1_000

_STATE_COLUMNS = ("materialized", "failed", "in_progress")
_UPSERT_SET = Upsert(asset_partition_set, update=("spec_fingerprint", *_STATE_COLUMNS))
_ADD_UNSETTLED = Upsert(unsettled_partition, update=())
_DROP_UNSETTLED = unsettled_partition.delete().where(
    unsettled_partition.c.asset == bindparam("b_asset"),
    unsettled_partition.c.partition == bindparam("b_partition"),
)
_IS_DIRTY = select(unsettled_partition.c.asset).limit(1)
_COUNT_ROWS = select(sa.func.count()).where(asset_partition.c.asset == bindparam("asset"))
_MADE_AND_FAILED = select(
    asset_partition.c.partition, asset_partition.c.last_materialization_id, asset_partition.c.failed_run_id
).where(asset_partition.c.asset == bindparam("asset"))
_PLANNED = (
    select(planned_asset.c.partition)
    .where(planned_asset.c.asset == bindparam("asset"), planned_asset.c.partition.is_not(None))
    .union(select(planned_partition.c.partition).where(planned_partition.c.asset == bindparam("asset")))
)


class PartitionChanges:
    """The changes of partitions that one transaction has made to the rows, to be made to the bitmaps at its end."""

    __slots__ = ("failed", "materialized", "progress")

    def __init__(self) -> None:
        self.materialized: dict[Pair, bool] = {}
        self.failed: dict[Pair, bool] = {}
        self.progress: set[Pair] = set()
        """Pairs whose planned runs have changed."""

    def made(self, asset: str, partition: str) -> None:
        """The partition was materialised."""
        self.materialized[asset, partition] = True
        self.failed[asset, partition] = False

    def forgotten(self, asset: str, partition: str) -> None:
        """The partition's history was wiped."""
        self.materialized[asset, partition] = self.failed[asset, partition] = False

    def pairs(self) -> set[Pair]:
        """All that changed."""
        return self.progress | self.materialized.keys() | self.failed.keys()


def settle(unit: Unit, changes: PartitionChanges) -> None:
    """Bring the bitmaps up to the rows."""
    pairs = changes.pairs()
    if not pairs:
        return
    resolve = unit.resolve
    if resolve is None:
        _set_aside(unit, pairs)
        return
    assets = sorted({asset for asset, _ in pairs})
    pairs |= _take_unsettled(unit, assets, changes)
    stored = _load_sets(unit.conn, assets)
    in_progress = _planned_among(unit.conn, changes.progress)
    unknown: set[Pair] = set()
    written: list[dict[str, Any]] = []
    by_asset: dict[str, list[str]] = {}
    for asset, partition in pairs:
        by_asset.setdefault(asset, []).append(partition)
    for asset, partitions in by_asset.items():
        found = [(partition, resolve(asset, partition)) for partition in partitions]
        unknown.update((asset, partition) for partition, place in found if place is None)
        places = {partition: place for partition, place in found if place is not None}
        if not places:
            continue
        fingerprint = next(iter(places.values()))[0]
        state = stored.get(asset)
        if state is None or (state.spec_fingerprint and state.spec_fingerprint != fingerprint):
            written.append(_rebuilt_or_stale(unit, asset, fingerprint, resolve, len(places)))
        elif state.spec_fingerprint:
            ordinals = {partition: place[1] for partition, place in places.items()}
            written.append(_changed(state, ordinals, changes, in_progress))
    unit.upsert(_UPSERT_SET, written)
    _set_aside(unit, unknown)


def _changed(
    state: AssetPartitionState, ordinals: Mapping[str, int], changes: PartitionChanges, in_progress: set[Pair]
) -> dict[str, Any]:
    asset = state.asset
    row: dict[str, Any] = {"asset": asset, "spec_fingerprint": state.spec_fingerprint}
    progress = {pair: pair in in_progress for pair in changes.progress}
    for column, wanted in zip(_STATE_COLUMNS, (changes.materialized, changes.failed, progress), strict=True):
        data: bytes = getattr(state, column)
        touched = [(ordinal, wanted.get((asset, partition))) for partition, ordinal in ordinals.items()]
        if any(is_in is not None for _, is_in in touched):
            bits = load_ordinals(data)
            bits.update([ordinal for ordinal, is_in in touched if is_in is True])
            bits.difference_update(BitMap64([ordinal for ordinal, is_in in touched if is_in is False]))
            data = dump_ordinals(bits)
        row[column] = data
    return row


def _take_unsettled(unit: Unit, assets: Sequence[str], changes: PartitionChanges) -> set[Pair]:
    """Add what was left over of these assets to the changes."""
    if unit.execute(_IS_DIRTY).first() is None:
        return set()
    taken: set[Pair] = set()
    for chunk in in_chunks(assets):
        statement = select(unsettled_partition).where(unsettled_partition.c.asset.in_(chunk))
        for row in unit.execute(statement.limit(UNSETTLED_TAKEN_MAX)):
            taken.add((row.asset, row.partition))
    _add_row_states(unit.conn, taken, changes)
    unit.write_rows(_DROP_UNSETTLED, [{"b_asset": asset, "b_partition": part} for asset, part in taken])
    return taken


def _add_row_states(conn: sa.Connection, pairs: Iterable[Pair], changes: PartitionChanges) -> None:
    """Fill in what the rows say about pairs of which no change is known."""
    pairs = list(pairs)
    known = {(row.asset, row.partition): row for row in _partition_rows(conn, pairs)}
    for pair in pairs:
        row = known.get(pair)
        changes.materialized.setdefault(pair, row is not None and row.last_materialization_id is not None)
        changes.failed.setdefault(pair, row is not None and row.failed_run_id is not None)
        changes.progress.add(pair)


def _partition_rows(conn: sa.Connection, pairs: Iterable[Pair]) -> Iterator[sa.Row[Any]]:
    for chunk in in_chunks(pairs):
        yield from conn.execute(
            select(asset_partition).where(
                tuple_(asset_partition.c.asset, asset_partition.c.partition).in_(chunk)
            )
        )


def _planned_among(conn: sa.Connection, pairs: Iterable[Pair]) -> set[Pair]:
    """Those pairs that a live run is still to make."""
    found: set[Pair] = set()
    for chunk in in_chunks(pairs):
        for planned in (planned_asset.c, planned_partition.c):
            is_one = tuple_(planned.asset, planned.partition).in_(chunk)
            rows = conn.execute(select(planned.asset, planned.partition).where(is_one))
            found.update((row.asset, row.partition) for row in rows)
    return found


def _set_aside(unit: Unit, pairs: Iterable[Pair]) -> None:
    unit.upsert(_ADD_UNSETTLED, [{"asset": asset, "partition": part} for asset, part in sorted(pairs)])


def settle_unpartitioned(unit: Unit, pairs: Iterable[Pair]) -> None:
    """Forget pairs that turned out to be an unpartitioned asset in a partitioned run."""
    unit.write_rows(_DROP_UNSETTLED, [{"b_asset": asset, "b_partition": part} for asset, part in pairs])


def _rebuilt_or_stale(
    unit: Unit, asset: str, fingerprint: str, resolve: PartitionResolver, changed: int
) -> dict[str, Any]:
    rows = unit.execute(_COUNT_ROWS, {"asset": asset}).scalar() or 0
    if rows > REBUILD_AT_ONCE_MAX + changed:
        return dict.fromkeys(_STATE_COLUMNS, EMPTY) | {"asset": asset, "spec_fingerprint": ""}

    def ordinal_of(partition: str) -> int | None:
        place = resolve(asset, partition)
        return place[1] if place is not None and place[0] == fingerprint else None

    return _built(unit.conn, asset, fingerprint, ordinal_of)


def _built(
    conn: sa.Connection, asset: str, fingerprint: str, ordinal_of: Callable[[str], Optional[int]]
) -> dict[str, Any]:
    made, failed = [], []
    for partition, event_id, failed_run_id in conn.execute(_MADE_AND_FAILED, {"asset": asset}):
        ordinal = ordinal_of(partition)
        if ordinal is None:
            continue
        if event_id is not None:
            made.append(ordinal)
        if failed_run_id is not None:
            failed.append(ordinal)
    planned = [ordinal_of(partition) for (partition,) in conn.execute(_PLANNED, {"asset": asset})]
    return {
        "asset": asset,
        "spec_fingerprint": fingerprint,
        "materialized": dump_ordinals(made),
        "failed": dump_ordinals(failed),
        "in_progress": dump_ordinals(ordinal for ordinal in planned if ordinal is not None),
    }


def rebuild(
    unit: Unit, asset: str, fingerprint: str, ordinals_by_key: Mapping[str, int]
) -> AssetPartitionState:
    """Build an asset's bitmaps again, under a definition's fingerprint.

    Keys without an ordinal are left out; they stay unsettled, since a key of a dynamic definition may be added yet.
    """
    row = _built(unit.conn, asset, fingerprint, ordinals_by_key.get)
    unit.upsert(_UPSERT_SET, [row])
    left = unit.execute(
        select(unsettled_partition.c.partition).where(unsettled_partition.c.asset == asset)
    ).scalars()
    known = [{"b_asset": asset, "b_partition": part} for part in left if part in ordinals_by_key]
    unit.write_rows(_DROP_UNSETTLED, known)
    return AssetPartitionState(**row)


def _load_sets(conn: sa.Connection, assets: Iterable[str]) -> dict[str, AssetPartitionState]:
    found = {}
    for chunk in in_chunks(assets):
        rows = conn.execute(select(asset_partition_set).where(asset_partition_set.c.asset.in_(chunk)))
        found.update({row.asset: AssetPartitionState(**row._mapping) for row in rows})
    return found


def load_states(
    conn: sa.Connection, assets: Sequence[str], resolve: PartitionResolver | None
) -> dict[str, AssetPartitionState]:
    """The bitmaps of those assets of which anything is known; an empty fingerprint asks for a rebuild."""
    found = _load_sets(conn, assets)
    if conn.execute(_IS_DIRTY).first() is None:
        return found
    unsettled: dict[str, list[str]] = {}
    for chunk in in_chunks(assets):
        rows = conn.execute(select(unsettled_partition).where(unsettled_partition.c.asset.in_(chunk)))
        for asset, partition in rows:
            unsettled.setdefault(asset, []).append(partition)
    for asset, partitions in unsettled.items():
        state = found.get(asset, AssetPartitionState(asset=asset))
        found[asset] = _with_unsettled(conn, state, partitions, resolve)
    return found


def _with_unsettled(
    conn: sa.Connection,
    state: AssetPartitionState,
    partitions: Sequence[str],
    resolve: PartitionResolver | None,
) -> AssetPartitionState:
    stale = AssetPartitionState(asset=state.asset)
    if resolve is None or not state.spec_fingerprint:
        return stale
    places = {partition: resolve(state.asset, partition) for partition in partitions}
    ordinals = {partition: place[1] for partition, place in places.items() if place is not None}
    if any(place is not None and place[0] != state.spec_fingerprint for place in places.values()):
        return stale
    changes = PartitionChanges()
    _add_row_states(conn, [(state.asset, partition) for partition in ordinals], changes)
    in_progress = _planned_among(conn, changes.progress)
    return AssetPartitionState(**_changed(state, ordinals, changes, in_progress))


def count_materialized(conn: sa.Connection, assets: Sequence[str]) -> dict[str, int]:
    """By asset, how many partitions were ever made; assets without any are left out."""
    made = asset_partition.c.last_materialization_id.is_not(None)
    counts: dict[str, int] = {}
    for some in in_chunks(assets):
        wanted = asset_partition.c.asset.in_(some)
        statement = (
            select(asset_partition.c.asset, sa.func.count())
            .where(wanted, made)
            .group_by(asset_partition.c.asset)
        )
        counts.update((row[0], row[1]) for row in conn.execute(statement))
    return counts


def load_keys(conn: sa.Connection, asset: str) -> list[str]:
    """All partition keys of an asset that the ledger has heard of: made, failed or in progress."""
    keys = {row.partition for row in conn.execute(_MADE_AND_FAILED, {"asset": asset})}
    keys.update(conn.execute(_PLANNED, {"asset": asset}).scalars())
    return sorted(keys)


def load_partition_events(
    conn: sa.Connection, asset: str, partitions: Sequence[str] | None
) -> dict[str, tuple[int, float, str]]:
    """Per materialised key: (event id, time, run id)."""
    columns = asset_partition.c
    statement = select(
        columns.partition,
        columns.last_materialization_id,
        columns.last_materialization_at,
        columns.last_materialization_run_id,
    ).where(columns.asset == asset, columns.last_materialization_id.is_not(None))
    chunks: Iterable[Any]
    if partitions is None:
        chunks = (statement,)
    else:
        chunks = (statement.where(columns.partition.in_(chunk)) for chunk in in_chunks(partitions))
    return {row[0]: (row[1], row[2], row[3] or "") for chunk in chunks for row in conn.execute(chunk)}


_ROW_COLUMNS = (
    asset_partition.c.asset,
    asset_partition.c.partition,
    asset_partition.c.last_materialization_id,
    asset_partition.c.last_materialization_at,
    asset_partition.c.last_materialization_run_id,
    asset_partition.c.failed_run_id,
)


def load_rows(
    conn: sa.Connection, assets: Sequence[str], partitions: Sequence[str] | None
) -> dict[str, list[PartitionRow]]:
    """Per asset what is known of its partitions, or of these."""
    found: dict[str, list[PartitionRow]] = {}
    some_partitions = [None] if partitions is None else list(in_chunks(partitions))
    for chunk in in_chunks(assets):
        for some in some_partitions:
            statement = select(*_ROW_COLUMNS).where(asset_partition.c.asset.in_(chunk))
            if some is not None:
                statement = statement.where(asset_partition.c.partition.in_(some))
            # by position: there may be a million rows
            for asset, partition, made_id, made_at, made_run_id, failed_run_id in conn.execute(statement):
                row = PartitionRow(
                    partition=partition,
                    last_materialization_id=made_id,
                    last_materialization_at=made_at,
                    last_materialization_run_id=made_run_id,
                    failed_run_id=failed_run_id,
                )
                found.setdefault(asset, []).append(row)
    return found
