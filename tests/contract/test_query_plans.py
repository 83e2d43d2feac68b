"""Hot reads use an index on SQLite, which has no statistics to help it choose."""

import pytest
import sqlalchemy as sa

from tidewheel.storage import assets, events, held_requests, run_keys, runs, ticks, upkeep
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.records import EventFilter, RunFilter
from tidewheel.values.status import RunStatus

MADE = "ASSET_MATERIALIZATION"


@pytest.fixture(scope="module")
def memory():
    ledger = open_ledger(":memory:")
    yield ledger
    ledger.close()


def plan_of(ledger, statement):
    """The steps that SQLite would take."""
    steps = []

    def explain(conn, cursor, text, parameters, context, executemany):
        return "EXPLAIN QUERY PLAN " + text, parameters

    def collect(conn, cursor, text, parameters, context, executemany):
        steps.extend(row[3] for row in cursor.fetchall())

    with ledger.backend.read() as conn:
        sa.event.listen(ledger.backend.engine, "before_cursor_execute", explain, retval=True)
        sa.event.listen(ledger.backend.engine, "after_cursor_execute", collect)
        try:
            conn.execute(statement)
        finally:
            sa.event.remove(ledger.backend.engine, "before_cursor_execute", explain)
            sa.event.remove(ledger.backend.engine, "after_cursor_execute", collect)
    return steps


def events_of(limit=None, ascending=True, **filters):
    return events.events_statement(EventFilter(**filters), limit, ascending)


def runs_of(limit=20, cursor=None, **filters):
    return runs.runs_statement(RunFilter(**filters), limit, cursor, False)


HOT = {
    "the queue": (runs._QUEUED.params(count=10), "run USING INDEX ix_run_queue (status=?)"),
    "one run": (runs._BY_ID.params(run_id="r"), "run USING INDEX sqlite_autoindex_run_1 (run_id=?)"),
    "runs of a job": (runs_of(job_name="j"), "run USING INDEX ix_run_job (job_name=?)"),
    "runs of a status": (runs_of(statuses=(RunStatus.FAILURE,)), "run USING INDEX ix_run_status (status=?)"),
    "runs of a trigger": (runs_of(trigger_id="t"), "run USING INDEX ix_run_trigger_id (trigger_id=?)"),
    "retries of a run": (runs_of(parent_run_id="r"), "run USING INDEX ix_run_parent_run_id"),
    "runs that changed": (runs_of(updated_after=5.0), "run USING INDEX ix_run_updated (updated_at>?)"),
    "runs of a time": (runs_of(limit=None, created_after=5.0), "run USING INDEX ix_run_created"),
    "tagged runs": (
        runs_of(tags={"a": ("b",)}),
        "run_tag USING COVERING INDEX ix_run_tag_value (name=? AND value=?)",
    ),
    "the next page": (runs_of(cursor="r"), "run USING INTEGER PRIMARY KEY (rowid<?)"),
    "an asset's events": (events_of(assets=("a",)), "event USING INDEX ix_event_asset (asset=?)"),
    "an asset's new materialisations": (
        events_of(assets=("a",), types=(MADE,), after_id=5),
        "event USING INDEX ix_event_asset (asset=? AND id>?)",
    ),
    "several assets' new materialisations": (
        events_of(assets=("a", "b"), types=(MADE,), after_id=5, limit=100),
        "event USING INDEX ix_event_asset (asset=? AND id>?)",
    ),
    "an asset's newest events": (
        events_of(assets=("a",), types=(MADE, "ASSET_OBSERVATION"), limit=10, ascending=False),
        "event USING INDEX ix_event_asset (asset=?)",
    ),
    "a partition's events": (
        events_of(assets=("a",), partitions=("p",), types=(MADE,)),
        "event USING INDEX ix_event_partition (asset=? AND partition=?)",
    ),
    "new run ends": (
        events_of(types=("PIPELINE_SUCCESS",), after_id=5),
        "event USING INDEX ix_event_type (type=? AND id>?)",
    ),
    "a run's lasting events": (
        events_of(run_ids=("r",), types=(MADE,)),
        "event USING INDEX uq_event_run_position (run_id=?)",
    ),
    "ticks' nominal times": (
        ticks._SAME_NOMINAL_TIMES.params(trigger_ids=["t", "u"], moments=[5.0]),
        "tick USING INDEX sqlite_autoindex_tick_1",
    ),
    "a trigger's newest tick": (
        ticks._NEWEST_TICK.params(trigger_id="t"),
        "tick USING INDEX ix_tick_trigger (trigger_id=?)",
    ),
    "a trigger's unfinished runs": (
        held_requests._UNFINISHED.params(trigger_id="t"),
        "run USING INDEX ix_run_trigger_unfinished (trigger_id=?)",
    ),
    "a trigger's waiting requests": (
        held_requests._OF_TRIGGER.params(trigger_id="t"),
        "held_request USING INDEX ix_held_request_trigger (trigger_id=?)",
    ),
    "skipped ticks to prune": (
        upkeep._OLD_TICKS.params(before=5.0, count=10),
        "tick USING INDEX ix_tick_skipped (ended_at<?)",
    ),
    "what a run planned": (assets._PLANNED_OF.params(seq=1), "planned_asset USING PRIMARY KEY (run_seq=?)"),
}


@pytest.mark.parametrize("name", HOT)
def test_a_hot_read_uses_its_index(memory, name):
    statement, wanted = HOT[name]
    plan = plan_of(memory, statement)
    assert any(wanted in step for step in plan), plan
    assert not any(step.startswith("SCAN") for step in plan), plan


@pytest.mark.parametrize(
    "name",
    [
        "the queue",
        "runs of a job",
        "runs of a status",
        "an asset's events",
        "an asset's newest events",
        "an asset's new materialisations",
        "new run ends",
        "a partition's events",
    ],
)
def test_a_hot_read_needs_no_sorting(memory, name):
    assert not any("TEMP B-TREE" in step for step in plan_of(memory, HOT[name][0]))


def test_run_keys_are_looked_up_by_key(memory):
    statement = run_keys._KEY_HOLDERS.params(trigger_id="t", scheduled_for=0.0, keys=["a", "b"])
    plan = plan_of(memory, statement)
    assert "SEARCH run_key USING PRIMARY KEY (trigger_id=? AND run_key=?)" in plan


def test_a_runs_log_is_merged_from_two_indexes(memory):
    plan = plan_of(memory, events._SOME_LOG.params(run_id="r", after=0, count=10))
    assert "SEARCH event USING INDEX uq_event_run_position (run_id=? AND position>?)" in plan
    assert "SEARCH run_log USING INDEX uq_run_log_run_position (run_id=? AND position>?)" in plan
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan)


def test_common_statuses_are_found_by_walking_back(memory):
    plan = plan_of(memory, runs_of(statuses=(RunStatus.SUCCESS, RunStatus.FAILURE)))
    assert plan == ["SCAN run"]
