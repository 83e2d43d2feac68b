"""Each invariant is broken on purpose; the database must name it."""

import pytest
import sqlalchemy as sa

from tests.contract.stories import NOW, TRIGGER, line, made, new_run, running, sensor, tick_of
from tidewheel.storage.tables.complete import metadata
from tidewheel.values.records import PartitionChange
from tidewheel.values.status import TriggerKind

RUN_KEY_COLUMNS = "trigger_id, run_key, job_name, scheduled_for, run_seq"


def prepare(ledger):
    running(ledger, new_run(tags={"a": "b"}, planned_assets=("a",)))
    trigger = sensor(ledger, TRIGGER, TriggerKind.SCHEDULE)
    ledger.commit_tick(tick_of(trigger, scheduled_for=NOW, runs=(new_run(run_key="k"),)))
    ledger.change_dynamic_partitions(PartitionChange(name="n", add=("k",)), now=NOW)
    ledger.record_events([made("a"), line("x")])


BROKEN = {
    "ck_run_status": "UPDATE run SET status = 'RUNNING'",
    "ck_run_ended_exactly_if_finished": "UPDATE run SET status = 'SUCCESS'",
    "ck_run_ended_exactly_if_finished ": "UPDATE run SET ended_at = 5.0",
    "ck_tick_status": "UPDATE tick SET status = 'FINE'",
    "ck_trigger_status": "UPDATE trigger SET status = 'ON'",
    "ck_trigger_kind": "UPDATE trigger SET kind = 'ALARM'",
    "uq_tick_trigger_scheduled_for": (
        "INSERT INTO tick (trigger_id, status, started_at, ended_at, scheduled_for, attempt, body)"
        " SELECT trigger_id, status, started_at, ended_at, scheduled_for, attempt, body FROM tick"
    ),
    "uq_run_run_id": "UPDATE run SET run_id = 'same'",
    "pk_run_key": f"INSERT INTO run_key ({RUN_KEY_COLUMNS}) SELECT {RUN_KEY_COLUMNS} FROM run_key",
    "uq_dynamic_partition_ordinal": (
        "INSERT INTO dynamic_partition (name, key, ordinal, added_at) VALUES ('n', 'other', 0, 0)"
    ),
    "fk_run_key_run_seq": "UPDATE run_key SET run_seq = 12345",
    "fk_run_tag_run_seq": "UPDATE run_tag SET run_seq = 12345",
    "fk_planned_asset_run_seq": "UPDATE planned_asset SET run_seq = 12345",
}
SQLITE_SAYS = {
    # of unique and foreign keys SQLite tells the columns, or that there is one; names only of checks
    "uq_tick_trigger_scheduled_for": "UNIQUE constraint failed: tick.trigger_id, tick.scheduled_for",
    "uq_run_run_id": "UNIQUE constraint failed: run.run_id",
    "pk_run_key": "UNIQUE constraint failed: run_key.trigger_id, run_key.run_key",
    "uq_dynamic_partition_ordinal": "UNIQUE constraint failed: dynamic_partition.name",
    "fk": "FOREIGN KEY constraint failed",
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_invariant_is_held_by_a_constraint_with_a_name(ledger, name):
    prepare(ledger)
    expected = name.strip()
    if ledger.backend.name == "sqlite":
        expected = SQLITE_SAYS.get(expected, SQLITE_SAYS["fk"] if expected.startswith("fk") else expected)
    with pytest.raises(sa.exc.IntegrityError, match=expected), ledger.backend.write() as conn:
        conn.exec_driver_sql(BROKEN[name])


@pytest.mark.parametrize("table", ["event", "run_log"])
def test_a_place_in_a_runs_log_is_taken_once(ledger, table):
    run = running(ledger)
    ledger.record_events([line("x", run.run_id), line("y", run.run_id)])
    with pytest.raises(sa.exc.IntegrityError), ledger.backend.write() as conn:
        conn.exec_driver_sql(f"UPDATE {table} SET position = 1")


def test_a_failed_write_leaves_nothing(ledger):
    with pytest.raises(RuntimeError), ledger.backend.write() as conn:
        conn.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('a', 'b')")
        raise RuntimeError
    assert ledger.get_setting("a") is None
    ledger.put_setting("a", "c")
    assert ledger.get_setting("a") == "c"


def test_every_constraint_and_index_has_a_name(ledger):
    inspector = sa.inspect(ledger.backend.engine)
    for table in inspector.get_table_names():
        key = inspector.get_pk_constraint(table)
        # SQLite's own growing ids are declared with their column, where there is no place for a name
        grows = ledger.backend.name == "sqlite" and bool(
            metadata.tables[table].kwargs.get("sqlite_autoincrement")
        )
        assert key["name"] or grows, table
        for found in (
            inspector.get_unique_constraints(table),
            inspector.get_check_constraints(table),
            inspector.get_foreign_keys(table),
            inspector.get_indexes(table),
        ):
            assert all(each["name"] for each in found), table
