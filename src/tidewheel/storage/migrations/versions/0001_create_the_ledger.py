"""Create the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema. Ledgers are not taken back: restore a backup instead."""
    op.create_table(
        "asset_partition",
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("partition", sa.Text, nullable=False),
        sa.Column("last_materialization_id", BIG_ID),
        sa.Column("last_materialization_at", sa.Double),
        sa.Column("last_materialization_run_id", sa.Text),
        sa.Column("data_version", sa.Text),
        sa.Column("failed_run_id", sa.Text),
        sa.PrimaryKeyConstraint("asset", "partition", name="pk_asset_partition"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "asset_partition_set",
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("spec_fingerprint", sa.Text, nullable=False, comment="empty: to be built again"),
        sa.Column("materialized", sa.LargeBinary, nullable=False),
        sa.Column("failed", sa.LargeBinary, nullable=False),
        sa.Column("in_progress", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("asset", name="pk_asset_partition_set"),
        comment="asset_partition and planned_asset once more, as bitmaps of ordinals",
    )
    op.create_table(
        "asset_state",
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("last_materialization_id", BIG_ID),
        sa.Column("last_materialization_at", sa.Double),
        sa.Column("last_materialization_run_id", sa.Text),
        sa.Column("last_materialization_partition", sa.Text),
        sa.Column("last_observation_id", BIG_ID),
        sa.Column("last_observation_at", sa.Double),
        sa.Column("last_failed_run_id", sa.Text),
        sa.Column("last_data_version", sa.Text),
        sa.PrimaryKeyConstraint("asset", name="pk_asset_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "check_state",
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("check_name", sa.Text, nullable=False),
        sa.Column("last_evaluation_id", BIG_ID),
        sa.Column("last_evaluation_at", sa.Double),
        sa.Column("last_run_id", sa.Text),
        sa.Column("passed", sa.Boolean),
        sa.Column("severity", sa.Text),
        sa.Column("partition", sa.Text),
        sa.PrimaryKeyConstraint("asset", "check_name", name="pk_check_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dynamic_partition",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("ordinal", BIG_ID, nullable=False),
        sa.Column("added_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", "key", name="pk_dynamic_partition"),
        sa.UniqueConstraint("name", "ordinal", name="uq_dynamic_partition_ordinal"),
    )
    op.create_table(
        "dynamic_partition_set",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("next_ordinal", BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_dynamic_partition_set"),
    )
    op.create_table(
        "event",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, comment="in the run's log"),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("timestamp", sa.Double, nullable=False),
        sa.Column("job_name", sa.Text),
        sa.Column("asset", sa.Text),
        sa.Column("partition", sa.Text),
        sa.Column("check_name", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="the event, msgpack"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        comment="what lasts: asset and run events",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_event_asset",
        "event",
        ["asset", "id"],
        sqlite_where=sa.text("asset IS NOT NULL"),
        postgresql_where=sa.text("asset IS NOT NULL"),
    )
    op.create_index(
        "ix_event_partition",
        "event",
        ["asset", "partition", "id"],
        sqlite_where=sa.text("partition IS NOT NULL"),
        postgresql_where=sa.text("partition IS NOT NULL"),
    )
    op.create_index("ix_event_type", "event", ["type", "id"])
    op.create_index("uq_event_run_position", "event", ["run_id", "position"], unique=True)
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, comment="nobody when null"),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "location",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("snapshot", sa.LargeBinary),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("loaded_at", sa.Double),
        sa.Column("failed_at", sa.Double),
        sa.Column("errors", sa.LargeBinary, nullable=False, comment="msgpack"),
        sa.PrimaryKeyConstraint("name", name="pk_location"),
    )
    op.create_table(
        "run",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("job_name", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("queued_at", sa.Double),
        sa.Column("launched_at", sa.Double),
        sa.Column("started_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("not_before", sa.Double),
        sa.Column("heartbeat_at", sa.Double),
        sa.Column("worker_pid", sa.Integer),
        sa.Column("trigger_id", sa.Text),
        sa.Column("tick_id", BIG_ID),
        sa.Column("run_key", sa.Text),
        sa.Column("partition", sa.Text),
        sa.Column("parent_run_id", sa.Text),
        sa.Column("root_run_id", sa.Text),
        sa.Column("retry_number", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("failure_reason", sa.Text),
        sa.Column("intake_seq", sa.Integer, nullable=False),
        sa.Column(
            "log_count", sa.Integer, nullable=False, comment="events in the run's log, chatter included"
        ),
        sa.Column("tags", sa.Text, nullable=False, comment="JSON"),
        sa.Column(
            "body", sa.LargeBinary, nullable=False, comment="what to execute: selection and config, msgpack"
        ),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('SUCCESS', 'FAILURE', 'CANCELED'))",
            name="ck_run_ended_exactly_if_finished",
        ),
        sa.CheckConstraint(
            "status IN ('QUEUED', 'NOT_STARTED', 'MANAGED', 'STARTING', "
            "'STARTED', 'SUSPENDED', 'SUCCESS', 'FAILURE', 'CANCELING', 'CANCELED')",
            name="ck_run_status",
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_run"),
        sa.UniqueConstraint("run_id", name="uq_run_run_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_created", "run", ["created_at"])
    op.create_index("ix_run_job", "run", ["job_name", "seq"])
    op.create_index(
        "ix_run_parent_run_id",
        "run",
        ["parent_run_id", "seq"],
        sqlite_where=sa.text("parent_run_id IS NOT NULL"),
        postgresql_where=sa.text("parent_run_id IS NOT NULL"),
    )
    op.create_index("ix_run_queue", "run", ["status", sa.literal_column("priority DESC"), "seq"])
    op.create_index(
        "ix_run_root_run_id",
        "run",
        ["root_run_id", "seq"],
        sqlite_where=sa.text("root_run_id IS NOT NULL"),
        postgresql_where=sa.text("root_run_id IS NOT NULL"),
    )
    op.create_index("ix_run_status", "run", ["status", "seq"])
    op.create_index(
        "ix_run_trigger_id",
        "run",
        ["trigger_id", "seq"],
        sqlite_where=sa.text("trigger_id IS NOT NULL"),
        postgresql_where=sa.text("trigger_id IS NOT NULL"),
    )
    op.create_index("ix_run_updated", "run", ["updated_at"])
    op.create_table(
        "run_log",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, comment="in the run's log"),
        sa.Column("timestamp", sa.Double, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="the event, msgpack"),
        sa.PrimaryKeyConstraint("id", name="pk_run_log"),
        comment="chatter: log lines and step events, until retention takes them",
        sqlite_autoincrement=True,
    )
    op.create_index("uq_run_log_run_position", "run_log", ["run_id", "position"], unique=True)
    op.create_table(
        "setting",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_setting"),
    )
    op.create_table(
        "tick",
        sa.Column("tick_id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("scheduled_for", sa.Double, comment="a schedule's nominal time"),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column(
            "body", sa.LargeBinary, nullable=False, comment="reasons, errors, run ids, log lines, msgpack"
        ),
        sa.CheckConstraint("status IN ('STARTED', 'SKIPPED', 'SUCCESS', 'FAILURE')", name="ck_tick_status"),
        sa.PrimaryKeyConstraint("tick_id", name="pk_tick"),
        sa.UniqueConstraint("trigger_id", "scheduled_for", name="uq_tick_trigger_scheduled_for"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_tick_skipped",
        "tick",
        ["ended_at"],
        sqlite_where=sa.text("status = 'SKIPPED'"),
        postgresql_where=sa.text("status = 'SKIPPED'"),
    )
    op.create_index("ix_tick_trigger", "tick", ["trigger_id", "tick_id"])
    op.create_table(
        "trigger",
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("frontier", sa.Double),
        sa.Column("cursor", sa.Text),
        sa.Column("position", BIG_ID),
        sa.Column("last_run_key", sa.Text),
        sa.Column("last_tick_at", sa.Double),
        sa.Column("failures_in_a_row", sa.Integer, nullable=False),
        sa.Column("definition", sa.Text),
        sa.CheckConstraint("kind IN ('SCHEDULE', 'SENSOR')", name="ck_trigger_kind"),
        sa.CheckConstraint("status IN ('RUNNING', 'STOPPED', 'DECLARED_IN_CODE')", name="ck_trigger_status"),
        sa.PrimaryKeyConstraint("trigger_id", name="pk_trigger"),
    )
    op.create_index("ix_trigger_location", "trigger", ["location"])
    op.create_table(
        "unsettled_partition",
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("partition", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("asset", "partition", name="pk_unsettled_partition"),
        comment="changed while their ordinals were not known; not yet in the bitmaps",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "planned_asset",
        sa.Column("run_seq", BIG_ID, nullable=False),
        sa.Column("asset", sa.Text, nullable=False),
        sa.Column("partition", sa.Text),
        sa.ForeignKeyConstraint(
            ["run_seq"], ["run.seq"], name="fk_planned_asset_run_seq", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_seq", "asset", name="pk_planned_asset"),
        comment="what live runs are still to make",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_planned_asset_asset", "planned_asset", ["asset", "partition", "run_seq"])
    op.create_table(
        "run_key",
        sa.Column("trigger_id", sa.Text, nullable=False),
        sa.Column("run_key", sa.Text, nullable=False),
        sa.Column("job_name", sa.Text, nullable=False),
        sa.Column(
            "scheduled_for",
            sa.Double,
            nullable=False,
            comment="a schedule's keys count within one nominal time",
        ),
        sa.Column("run_seq", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["run_seq"], ["run.seq"], name="fk_run_key_run_seq", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trigger_id", "run_key", "job_name", "scheduled_for", name="pk_run_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_key_run", "run_key", ["run_seq"])
    op.create_table(
        "run_tag",
        sa.Column("run_seq", BIG_ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["run_seq"], ["run.seq"], name="fk_run_tag_run_seq", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_seq", "name", name="pk_run_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_run_tag_value", "run_tag", ["name", "value", "run_seq"])
