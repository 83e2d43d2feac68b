"""Random histories: the bitmaps, kept up step by step, equal a naive model and what a rebuild from the rows gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.stories import (
    FINGERPRINT,
    NOW,
    Worker,
    by_number,
    happened,
    made,
    new_run,
    running,
    sets_of,
)
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.events import EventType
from tidewheel.values.status import RunStatus

KEYS = ["p0", "p1", "p2"]
ENDS = {
    "fails": EventType.RUN_FAILURE,
    "succeeds": EventType.RUN_SUCCESS,
    "stops": EventType.RUN_CANCELED,
}
places = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(KEYS)),
    st.tuples(st.just("report"), st.sampled_from(KEYS)),
    st.tuples(st.just("wipe"), st.sampled_from(KEYS)),
    st.tuples(st.just("wipe all"), st.none()),
    st.tuples(st.sampled_from(["make", "lost", "delete", *ENDS]), places),
    st.tuples(st.just("know ordinals"), st.booleans()),
)


class Model:
    """What should be so, in the plainest form."""

    def __init__(self):
        self.live: dict[str, str] = {}
        self.materialized: set[str] = set()
        self.failed: set[str] = set()

    def make(self, key, run=None):
        self.materialized.add(key)
        self.failed.discard(key)
        self.live.pop(run, None)

    def end(self, run, failed):
        key = self.live.pop(run, None)
        if key is not None and failed:
            self.failed.add(key)

    def sets(self):
        parts = (self.materialized, self.failed, set(self.live.values()))
        names = ("materialized", "failed", "in_progress")
        return {name: {int(key[1:]) for key in part} for name, part in zip(names, parts, strict=True)}


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=25))
def test_bitmaps_follow_any_history(history):
    ledger = open_ledger(":memory:")
    ledger.use_resolver(by_number)
    model = Model()
    workers: list[Worker] = []
    partition_of: dict[str, str] = {}
    for step, value in history:
        if step == "create":
            run = running(ledger, new_run(partition=value, planned_assets=("a", "other")))
            workers.append(Worker(ledger, run))
            partition_of[run.run_id] = model.live[run.run_id] = value
        elif step == "report":
            ledger.record_events([made("a", value)])
            model.make(value)
        elif step == "wipe":
            ledger.wipe_asset("a", [value])
            model.materialized.discard(value)
            model.failed.discard(value)
        elif step == "wipe all":
            ledger.wipe_asset("a")
            model.materialized.clear()
            model.failed.clear()
        elif step == "know ordinals":
            ledger.use_resolver(by_number if value else None)
        elif value < len(workers):
            act(ledger, model, workers, step, value, partition_of)
    expected = model.sets()
    ledger.use_resolver(by_number)
    if history and ledger.get_asset_partition_states(["a"]).get("a") is not None:
        state = ledger.get_asset_partition_states(["a"])["a"]
        if state.spec_fingerprint:
            assert sets_of(ledger, "a") == expected
    ledger.rebuild_partition_state("a", FINGERPRINT, {key: int(key[1:]) for key in KEYS})
    assert sets_of(ledger, "a") == expected
    ledger.close()


def act(ledger, model, workers, step, place, partition_of):
    run = workers[place].run.run_id
    if step == "make":
        if not workers[place].report(made("a", partition_of[run], run=run)).refused:
            model.make(partition_of[run], run)
    elif step == "lost":
        if ledger.finish_run(run, RunStatus.FAILURE, now=NOW, message="") is not None:
            model.end(run, failed=True)
    elif step == "delete":
        ledger.delete_run(run)
        model.live.pop(run, None)
    elif not workers[place].report(happened(ENDS[step], run)).refused:
        model.end(run, failed=step == "fails")


def test_the_bitmaps_are_known_after_any_history_with_ordinals():
    """Guards the property above: it must not pass because every set was given up as unknown."""
    ledger = open_ledger(":memory:")
    ledger.use_resolver(by_number)
    ledger.record_events([made("a", "p1")])
    ledger.wipe_asset("a")
    ledger.record_events([made("a", "p2")])
    assert ledger.get_asset_partition_states(["a"])["a"].spec_fingerprint == FINGERPRINT
    ledger.close()
