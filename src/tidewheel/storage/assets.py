"""Keeps the latest facts about assets and checks, as events about them come in and runs that planned them end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from tidewheel.storage import partitions
from tidewheel.storage.engines.backend import Unit, Upsert, in_chunks
from tidewheel.storage.events import Fact
from tidewheel.storage.partitions import Pair, PartitionChanges
from tidewheel.storage.tables.main import (
    asset_partition,
    asset_partition_set,
    asset_state,
    check_state,
    event,
    planned_asset,
    planned_partition,
    run,
    unsettled_partition,
)
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization, Observation
from tidewheel.values.keys import check_text
from tidewheel.values.records import AssetState, CheckState
from tidewheel.values.serde import decode
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import DATA_VERSION


class RunPlan(NamedTuple):
    """What must be known of a run to judge its events."""

    seq: int
    partition: Optional[str]


class EndedRun(NamedTuple):
    """A run that ended in this transaction, with the id of the event that ended it."""

    seq: int
    run_id: str
    status: RunStatus
    event_id: int


_MADE_COLUMNS = (
    "last_materialization_id",
    "last_materialization_at",
    "last_materialization_run_id",
    "last_materialization_partition",
    "last_failed_run_id",
    "last_data_version",
)
_UPSERT_MADE = Upsert(asset_state, update=_MADE_COLUMNS)
_UPSERT_OBSERVED = Upsert(
    asset_state,
    update=("last_observation_id", "last_observation_at"),
    # what was made says more about an asset's version than what was seen of it
    keep={
        "last_data_version": sa.case(
            (
                asset_state.c.last_materialization_id.is_(None),
                sa.literal_column("excluded.last_data_version"),
            ),
            else_=asset_state.c.last_data_version,
        )
    },
)
_UPSERT_FAILED = Upsert(asset_state, update=("last_failed_run_id",))
_UPSERT_PARTITION_MADE = Upsert(
    asset_partition,
    update=(
        "last_materialization_id",
        "last_materialization_at",
        "last_materialization_run_id",
        "data_version",
        "failed_run_id",
    ),
)
_UPSERT_PARTITION_FAILED = Upsert(asset_partition, update=("failed_run_id",))
_UPSERT_CHECK = Upsert(
    check_state,
    update=("last_evaluation_id", "last_evaluation_at", "last_run_id", "passed", "severity", "partition"),
)
_INSERT_PLANNED = planned_asset.insert()
_DELETE_PLANNED = planned_asset.delete().where(
    planned_asset.c.run_seq == bindparam("b_run_seq"), planned_asset.c.asset == bindparam("b_asset")
)
_PLANNED_OF = select(planned_asset.c.asset, planned_asset.c.partition).where(
    planned_asset.c.run_seq == bindparam("seq")
)
_DELETE_PLAN = planned_asset.delete().where(planned_asset.c.run_seq == bindparam("seq"))
_INSERT_PLANNED_PARTITION = planned_partition.insert()
_DELETE_PLANNED_PARTITION = planned_partition.delete().where(
    planned_partition.c.run_seq == bindparam("b_run_seq"),
    planned_partition.c.asset == bindparam("b_asset"),
    planned_partition.c.partition == bindparam("b_partition"),
)
_PLANNED_PARTITIONS_OF = select(planned_partition.c.asset, planned_partition.c.partition).where(
    planned_partition.c.run_seq == bindparam("seq")
)
_DELETE_PARTITION_PLAN = planned_partition.delete().where(planned_partition.c.run_seq == bindparam("seq"))


def plan_assets(
    unit: Unit, plans: Iterable[tuple[RunPlan, Sequence[str]]], changes: PartitionChanges
) -> None:
    """Assets become in progress: new runs are to make them."""
    rows = []
    for plan, assets in plans:
        for asset in dict.fromkeys(assets):
            rows.append({"run_seq": plan.seq, "asset": asset, "partition": plan.partition})
            if plan.partition is not None:
                changes.progress.add((asset, plan.partition))
    unit.write_rows(_INSERT_PLANNED, rows)


def plan_partitions(unit: Unit, seq: int, pairs: Sequence[Pair], changes: PartitionChanges) -> None:
    """Partitions of assets become in progress: a new run for a range is to make them."""
    unit.write_rows(
        _INSERT_PLANNED_PARTITION,
        [{"run_seq": seq, "asset": asset, "partition": partition} for asset, partition in pairs],
    )
    changes.progress.update(pairs)


class _Latest:
    """The rows that a sequence of facts leads to; a later fact about the same thing replaces an earlier one."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self.observed: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, dict[str, Any]] = {}
        self.partitions_made: dict[Pair, dict[str, Any]] = {}
        self.partitions_failed: dict[Pair, dict[str, Any]] = {}
        self.checks: dict[Pair, dict[str, Any]] = {}
        self.unplanned: dict[tuple[int, str], None] = {}
        self.unplanned_partitions: dict[tuple[int, str, str], None] = {}
        self.not_partitioned: set[Pair] = set()

    def take_made(self, id_: int, happened: Event, asset: str) -> None:
        version = _data_version(happened)
        self.made[asset] = {
            "asset": asset,
            "last_materialization_id": id_,
            "last_materialization_at": happened.timestamp,
            "last_materialization_run_id": happened.run_id or None,
            "last_materialization_partition": happened.partition,
            "last_failed_run_id": None,
            "last_data_version": version,
        }
        self.failed.pop(asset, None)
        if happened.partition is not None:
            pair = (asset, happened.partition)
            self.partitions_made[pair] = {
                "asset": asset,
                "partition": happened.partition,
                "last_materialization_id": id_,
                "last_materialization_at": happened.timestamp,
                "last_materialization_run_id": happened.run_id or None,
                "data_version": version,
                "failed_run_id": None,
            }
            self.partitions_failed.pop(pair, None)

    def take_failed(self, asset: str, partition: str | None, run_id: str) -> None:
        self.failed[asset] = {"asset": asset, "last_failed_run_id": run_id}
        if partition is not None:
            self.partitions_failed[asset, partition] = {
                "asset": asset,
                "partition": partition,
                "failed_run_id": run_id,
            }

    def take_observed(self, id_: int, happened: Event, asset: str) -> None:
        self.observed[asset] = {
            "asset": asset,
            "last_observation_id": id_,
            "last_observation_at": happened.timestamp,
            "last_data_version": _data_version(happened),
        }

    def take_check(self, id_: int, happened: Event, asset: str, check: str) -> None:
        result = happened.payload
        if isinstance(result, CheckEvaluation):
            self.checks[asset, check] = {
                "asset": asset,
                "check_name": check,
                "last_evaluation_id": id_,
                "last_evaluation_at": happened.timestamp,
                "last_run_id": happened.run_id or None,
                "passed": result.passed,
                "severity": result.severity,
                "partition": happened.partition,
            }

    def write(self, unit: Unit) -> None:
        unit.upsert(_UPSERT_MADE, list(self.made.values()))
        unit.upsert(_UPSERT_OBSERVED, list(self.observed.values()))
        unit.upsert(_UPSERT_FAILED, list(self.failed.values()))
        unit.upsert(_UPSERT_PARTITION_MADE, list(self.partitions_made.values()))
        unit.upsert(_UPSERT_PARTITION_FAILED, list(self.partitions_failed.values()))
        unit.upsert(_UPSERT_CHECK, list(self.checks.values()))


def _data_version(happened: Event) -> str | None:
    payload = happened.payload
    return payload.tags.get(DATA_VERSION) if isinstance(payload, Materialization | Observation) else None


def apply_facts(
    unit: Unit,
    facts: Iterable[Fact],
    runs: Mapping[str, RunPlan],
    ended: Sequence[EndedRun],
    changes: PartitionChanges,
) -> None:
    """Bring the latest facts up to some newly stored events and run ends.

    What a run has made is not in progress by it any more; what a failed run planned and did not make has failed, and
    what a successful or cancelled one did not make is neither.
    """
    latest = _Latest()
    for id_, happened in facts:
        if happened.asset is not None:
            _take_fact(latest, id_, happened, happened.asset, runs.get(happened.run_id), changes)
    unit.write_rows(
        _DELETE_PLANNED, [{"b_run_seq": seq, "b_asset": asset} for seq, asset in latest.unplanned]
    )
    unit.write_rows(
        _DELETE_PLANNED_PARTITION,
        [
            {"b_run_seq": seq, "b_asset": asset, "b_partition": partition}
            for seq, asset, partition in latest.unplanned_partitions
        ],
    )
    for end in ended:
        _end_plan(unit, latest, end, changes)
    latest.write(unit)
    partitions.settle_unpartitioned(unit, latest.not_partitioned)


def _take_fact(
    latest: _Latest, id_: int, happened: Event, asset: str, plan: RunPlan | None, changes: PartitionChanges
) -> None:
    match happened.type:
        case EventType.ASSET_MATERIALIZATION:
            latest.take_made(id_, happened, asset)
            if happened.partition is not None:
                changes.made(asset, happened.partition)
            _unplan(latest, happened, asset, plan, changes)
        case EventType.ASSET_FAILED_TO_MATERIALIZE:
            latest.take_failed(asset, happened.partition, happened.run_id)
            if happened.partition is not None:
                changes.failed[asset, happened.partition] = True
            _unplan(latest, happened, asset, plan, changes)
        case EventType.ASSET_OBSERVATION:
            latest.take_observed(id_, happened, asset)
        case EventType.ASSET_CHECK_EVALUATION if happened.check is not None:
            latest.take_check(id_, happened, asset, happened.check)


def _unplan(
    latest: _Latest, happened: Event, asset: str, plan: RunPlan | None, changes: PartitionChanges
) -> None:
    if plan is None:
        return
    latest.unplanned[plan.seq, asset] = None
    if plan.partition is None:
        if happened.partition is not None:  # of a run for a range, or one that says which partition it made
            latest.unplanned_partitions[plan.seq, asset, happened.partition] = None
            changes.progress.add((asset, happened.partition))
        return
    if happened.partition is None:
        # an unpartitioned asset in a run for a partition: there is no such partition of it
        latest.not_partitioned.add((asset, plan.partition))
        changes.progress.discard((asset, plan.partition))
    else:
        changes.progress.add((asset, plan.partition))


def _end_plan(unit: Unit, latest: _Latest, end: EndedRun, changes: PartitionChanges) -> None:
    left = _planned_of(unit, end.seq)
    if not left:
        return
    _delete_plan(unit, end.seq)
    for row in left:
        asset, partition = row.asset, row.partition
        if partition is not None:
            changes.progress.add((asset, partition))
        if end.status is not RunStatus.FAILURE:
            continue
        made = latest.made.get(asset) if partition is None else latest.partitions_made.get((asset, partition))
        if made is not None and made["last_materialization_id"] > end.event_id:
            continue  # another run has made it since, in this very transaction
        latest.take_failed(asset, partition, end.run_id)
        if partition is not None:
            changes.failed[asset, partition] = True


def drop_plan(unit: Unit, seq: int, changes: PartitionChanges) -> None:
    """A run is deleted: what it planned is not in progress by it any more."""
    for row in _planned_of(unit, seq):
        if row.partition is not None:
            changes.progress.add((row.asset, row.partition))
    _delete_plan(unit, seq)


def _planned_of(unit: Unit, seq: int) -> list[sa.Row[Any]]:
    whole = unit.execute(_PLANNED_OF, {"seq": seq}).all()
    return [*whole, *unit.execute(_PLANNED_PARTITIONS_OF, {"seq": seq}).all()]


def _delete_plan(unit: Unit, seq: int) -> None:
    unit.execute(_DELETE_PLAN, {"seq": seq})
    unit.execute(_DELETE_PARTITION_PLAN, {"seq": seq})


# -- reading ----------------------------------------------------------------------------------------------------------

_newest_plans = (
    select(planned_asset.c.asset, sa.func.max(planned_asset.c.run_seq).label("seq"))
    .group_by(planned_asset.c.asset)
    .subquery()
)
_NEWEST_PLANS = select(_newest_plans.c.asset, run.c.run_id).join(run, run.c.seq == _newest_plans.c.seq)
_NEWEST_PLANS_OF = _NEWEST_PLANS.where(_newest_plans.c.asset.in_(bindparam("assets", expanding=True)))
_STATES = select(asset_state)
_STATES_OF = _STATES.where(asset_state.c.asset.in_(bindparam("assets", expanding=True)))


def load_asset_states(conn: sa.Connection, assets: Sequence[str] | None) -> dict[str, AssetState]:
    """The latest facts about assets, of those of which there are any."""
    rows: dict[str, dict[str, Any]] = {}
    for some in [None] if assets is None else in_chunks(assets):
        values = {} if some is None else {"assets": some}
        states = conn.execute(_STATES if some is None else _STATES_OF, values)
        rows.update({row.asset: dict(row._mapping) for row in states})
        for asset, run_id in conn.execute(_NEWEST_PLANS if some is None else _NEWEST_PLANS_OF, values):
            rows.setdefault(asset, {"asset": asset})["last_planned_run_id"] = run_id
    return {asset: AssetState(**row) for asset, row in rows.items()}


def load_check_states(conn: sa.Connection, assets: Sequence[str] | None) -> dict[str, CheckState]:
    """The latest facts about checks, by check text."""
    found = {}
    for statement in _per_chunk(select(check_state), check_state.c.asset, assets):
        for row in conn.execute(statement):
            values = dict(row._mapping)
            name = values.pop("check_name")
            found[check_text(row.asset, name)] = CheckState(check=name, **values)
    return found


def _per_chunk(
    statement: sa.Select[Any], column: Any, values: Sequence[str] | None
) -> Iterable[sa.Select[Any]]:
    if values is None:
        return (statement,)
    return (statement.where(column.in_(chunk)) for chunk in in_chunks(values))


# -- wiping -----------------------------------------------------------------------------------------------------------

_WIPED_TYPES = (
    EventType.ASSET_MATERIALIZATION.value,
    EventType.ASSET_OBSERVATION.value,
    EventType.ASSET_FAILED_TO_MATERIALIZE.value,
    EventType.ASSET_MATERIALIZATION_PLANNED.value,
)
_EVENTS_OF = event.delete().where(event.c.asset == bindparam("asset"), event.c.type.in_(_WIPED_TYPES))
_NEWEST_MADE = (
    select(event.c.id, event.c.body)
    .where(event.c.asset == bindparam("asset"), event.c.type == EventType.ASSET_MATERIALIZATION.value)
    .order_by(event.c.id.desc())
    .limit(1)
)


def wipe(unit: Unit, asset: str, keys: Sequence[str] | None) -> None:
    """Forget an asset's history, or that of some of its partitions. What is in progress stays so."""
    if keys is None:
        unit.execute(_EVENTS_OF, {"asset": asset})
        for table in (asset_state, asset_partition):
            unit.execute(table.delete().where(table.c.asset == asset))
        # the bitmaps are built again when they are next needed: what is in progress must stay in them
        for table in (asset_partition_set, unsettled_partition):
            unit.execute(table.delete().where(table.c.asset == asset))
        planned = select(planned_asset.c.partition).where(
            planned_asset.c.asset == asset, planned_asset.c.partition.is_not(None)
        )
        ranged = select(planned_partition.c.partition).where(planned_partition.c.asset == asset)
        changes = PartitionChanges()
        for statement in (planned, ranged):
            changes.progress.update((asset, key) for key in unit.execute(statement).scalars())
        partitions.settle(unit, changes)
        return
    changes = PartitionChanges()
    for chunk in in_chunks(keys):
        unit.execute(_EVENTS_OF.where(event.c.partition.in_(chunk)), {"asset": asset})
        unit.execute(
            asset_partition.delete().where(
                asset_partition.c.asset == asset, asset_partition.c.partition.in_(chunk)
            )
        )
        for key in chunk:
            changes.forgotten(asset, key)
    _restore_newest(unit, asset)
    partitions.settle(unit, changes)


def _restore_newest(unit: Unit, asset: str) -> None:
    """Point an asset's state to the newest materialisation that is left."""
    row = unit.execute(_NEWEST_MADE, {"asset": asset}).first()
    if row is None:
        cleared = dict.fromkeys(_MADE_COLUMNS) | {"asset": asset}
        unit.upsert(_UPSERT_MADE, [cleared])
        return
    latest = _Latest()
    latest.take_made(row.id, decode(row.body, Event), asset)
    latest.partitions_made.clear()
    latest.write(unit)
