"""The ledger's tables: what lasts, what is chatter, and the invariants that the database itself holds.

Invariants are constraints with names, so that a violated one says which. Times are float seconds since the epoch.
Keys that grow (``run.seq``, ``event.id``, ``run_log.id``, ``tick.tick_id``) are never used again, not even after
deletions (F26).
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Index, Table, Text, UniqueConstraint

from tidewheel.storage.tables.metadata import BigId, Seconds, metadata
from tidewheel.values.status import (
    FINISHED_STATUSES,
    RunOrigin,
    RunStatus,
    TickStatus,
    TriggerKind,
    TriggerStatus,
)


def _one_of(column: str, values: type[RunStatus | TickStatus | TriggerKind | TriggerStatus]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


_FINISHED = ", ".join(repr(status.value) for status in FINISHED_STATUSES)

run = Table(
    "run",
    metadata,
    Column("seq", BigId, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("job_name", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("epoch", sa.Integer, nullable=False),
    Column("priority", sa.Integer, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("updated_at", Seconds, nullable=False),
    Column("queued_at", Seconds),
    Column("launched_at", Seconds),
    Column("started_at", Seconds),
    Column("ended_at", Seconds),
    Column("not_before", Seconds),
    Column("heartbeat_at", Seconds),
    Column("worker_pid", sa.Integer),
    Column("trigger_id", Text),
    Column("tick_id", BigId),
    Column("run_key", Text),
    Column("partition", Text),
    Column("parent_run_id", Text),
    Column("root_run_id", Text),
    Column("retry_number", sa.Integer, nullable=False),
    Column("cancel_requested", sa.Boolean, nullable=False),
    Column("failure_reason", Text),
    Column("intake_seq", sa.Integer, nullable=False),
    Column("log_count", sa.Integer, nullable=False, comment="events in the run's log, chatter included"),
    Column("tags", Text, nullable=False, comment="JSON"),
    Column("body", sa.LargeBinary, nullable=False, comment="what to execute: selection and config, msgpack"),
    Column(
        "origin",
        Text,
        nullable=False,
        server_default=RunOrigin.MANUAL.value,
        comment="what asked for it: schedule, event, backfill, manual",
    ),
    UniqueConstraint("run_id", name="uq_run_run_id"),
    CheckConstraint(_one_of("status", RunStatus), name="ck_run_status"),
    CheckConstraint(
        f"(ended_at IS NOT NULL) = (status IN ({_FINISHED}))", name="ck_run_ended_exactly_if_finished"
    ),
    sqlite_autoincrement=True,
)
Index("ix_run_queue", run.c.status, run.c.priority.desc(), run.c.seq)
Index("ix_run_status", run.c.status, run.c.seq)
Index(
    "ix_run_queued_origin",
    run.c.origin,
    run.c.priority.desc(),
    run.c.seq,
    sqlite_where=run.c.status == RunStatus.QUEUED.value,
)
Index("ix_run_job", run.c.job_name, run.c.seq)
Index("ix_run_created", run.c.created_at)
Index("ix_run_updated", run.c.updated_at)
for _column in ("trigger_id", "parent_run_id", "root_run_id"):
    Index(
        f"ix_run_{_column}",
        run.c[_column],
        run.c.seq,
        sqlite_where=run.c[_column].is_not(None),
    )

run_tag = Table(
    "run_tag",
    metadata,
    Column("run_seq", BigId, sa.ForeignKey("run.seq", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_run_tag_value", "name", "value", "run_seq"),
    sqlite_with_rowid=False,
)

run_key = Table(
    "run_key",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("run_key", Text, primary_key=True),
    Column("job_name", Text, primary_key=True),
    Column(
        "scheduled_for", Seconds, primary_key=True, comment="a schedule's keys count within one nominal time"
    ),
    Column("run_seq", BigId, sa.ForeignKey("run.seq", ondelete="CASCADE"), nullable=False),
    Index("ix_run_key_run", "run_seq"),
    sqlite_with_rowid=False,
)

planned_asset = Table(
    "planned_asset",
    metadata,
    Column("run_seq", BigId, sa.ForeignKey("run.seq", ondelete="CASCADE"), primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("partition", Text),
    Index("ix_planned_asset_asset", "asset", "partition", "run_seq"),
    sqlite_with_rowid=False,
    comment="what live runs are still to make",
)

planned_partition = Table(
    "planned_partition",
    metadata,
    Column("run_seq", BigId, sa.ForeignKey("run.seq", ondelete="CASCADE"), primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("partition", Text, primary_key=True),
    Index("ix_planned_partition_asset", "asset", "partition"),
    sqlite_with_rowid=False,
    comment="what live runs for a range of partitions are still to make",
)

event = Table(
    "event",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("position", sa.Integer, comment="in the run's log"),
    Column("type", Text, nullable=False),
    Column("timestamp", Seconds, nullable=False),
    Column("job_name", Text),
    Column("asset", Text),
    Column("partition", Text),
    Column("check_name", Text),
    Column("body", sa.LargeBinary, nullable=False, comment="the event, msgpack"),
    sqlite_autoincrement=True,
    comment="what lasts: asset and run events",
)
Index("ix_event_type", event.c.type, event.c.id)
# events of no run have no position, and nulls differ from each other
Index("uq_event_run_position", event.c.run_id, event.c.position, unique=True)
Index(
    "ix_event_asset",
    event.c.asset,
    event.c.id,
    sqlite_where=event.c.asset.is_not(None),
)
Index(
    "ix_event_partition",
    event.c.asset,
    event.c.partition,
    event.c.id,
    sqlite_where=event.c.partition.is_not(None),
)

run_log = Table(
    "run_log",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("position", sa.Integer, comment="in the run's log"),
    Column("timestamp", Seconds, nullable=False),
    Column("body", sa.LargeBinary, nullable=False, comment="the event, msgpack"),
    sqlite_autoincrement=True,
    comment="chatter: log lines and step events, until retention takes them",
)
Index("uq_run_log_run_position", run_log.c.run_id, run_log.c.position, unique=True)

asset_state = Table(
    "asset_state",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("last_materialization_id", BigId),
    Column("last_materialization_at", Seconds),
    Column("last_materialization_run_id", Text),
    Column("last_materialization_partition", Text),
    Column("last_observation_id", BigId),
    Column("last_observation_at", Seconds),
    Column("last_failed_run_id", Text),
    Column("last_data_version", Text),
    sqlite_with_rowid=False,
)

asset_partition = Table(
    "asset_partition",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("partition", Text, primary_key=True),
    Column("last_materialization_id", BigId),
    Column("last_materialization_at", Seconds),
    Column("last_materialization_run_id", Text),
    Column("data_version", Text),
    Column("failed_run_id", Text),
    sqlite_with_rowid=False,
)

asset_partition_set = Table(
    "asset_partition_set",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("spec_fingerprint", Text, nullable=False, comment="empty: to be built again"),
    Column("materialized", sa.LargeBinary, nullable=False),
    Column("failed", sa.LargeBinary, nullable=False),
    Column("in_progress", sa.LargeBinary, nullable=False),
    comment="asset_partition and planned_asset once more, as bitmaps of ordinals",
)

unsettled_partition = Table(
    "unsettled_partition",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("partition", Text, primary_key=True),
    sqlite_with_rowid=False,
    comment="changed while their ordinals were not known; not yet in the bitmaps",
)

check_state = Table(
    "check_state",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("check_name", Text, primary_key=True),
    Column("last_evaluation_id", BigId),
    Column("last_evaluation_at", Seconds),
    Column("last_run_id", Text),
    Column("passed", sa.Boolean),
    Column("severity", Text),
    Column("partition", Text),
    sqlite_with_rowid=False,
)

trigger = Table(
    "trigger",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", sa.Integer, nullable=False),
    Column("started_at", Seconds),
    Column("frontier", Seconds),
    Column("cursor", Text),
    Column("position", BigId),
    Column("last_run_key", Text),
    Column("last_tick_at", Seconds),
    Column("failures_in_a_row", sa.Integer, nullable=False),
    Column("definition", Text),
    Index("ix_trigger_location", "location"),
    CheckConstraint(_one_of("kind", TriggerKind), name="ck_trigger_kind"),
    CheckConstraint(_one_of("status", TriggerStatus), name="ck_trigger_status"),
)

tick = Table(
    "tick",
    metadata,
    Column("tick_id", BigId, primary_key=True, autoincrement=True),
    Column("trigger_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", Seconds, nullable=False),
    Column("ended_at", Seconds, nullable=False),
    Column("scheduled_for", Seconds, comment="a schedule's nominal time"),
    Column("attempt", sa.Integer, nullable=False),
    Column("body", sa.LargeBinary, nullable=False, comment="reasons, errors, run ids, log lines, msgpack"),
    UniqueConstraint("trigger_id", "scheduled_for", name="uq_tick_trigger_scheduled_for"),
    CheckConstraint(_one_of("status", TickStatus), name="ck_tick_status"),
    sqlite_autoincrement=True,
)
Index("ix_tick_trigger", tick.c.trigger_id, tick.c.tick_id)
Index(
    "ix_tick_skipped",
    tick.c.ended_at,
    sqlite_where=tick.c.status == TickStatus.SKIPPED.value,
)

dynamic_partition = Table(
    "dynamic_partition",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("ordinal", BigId, nullable=False),
    Column("added_at", Seconds, nullable=False),
    UniqueConstraint("name", "ordinal", name="uq_dynamic_partition_ordinal"),
)

dynamic_partition_set = Table(
    "dynamic_partition_set",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_ordinal", BigId, nullable=False),
)

location = Table(
    "location",
    metadata,
    Column("name", Text, primary_key=True),
    Column("snapshot", sa.LargeBinary),
    Column("fingerprint", Text, nullable=False),
    Column("loaded_at", Seconds),
    Column("failed_at", Seconds),
    Column("errors", sa.LargeBinary, nullable=False, comment="msgpack"),
)

setting = Table(
    "setting", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False)
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, comment="nobody when null"),
    Column("epoch", sa.Integer, nullable=False),
    Column("expires_at", Seconds, nullable=False),
)

schema_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    comment="Alembic's own table; here so that a new database is stamped without loading Alembic",
)
