import pytest

from tests.contract.stories import (
    FINGERPRINT,
    NOW,
    TRIGGER,
    by_number,
    checked,
    failed,
    happened,
    line,
    made,
    new_run,
    running,
    sensor,
    sets_of,
    started,
    succeeded,
    tick_of,
    worker,
)
from tidewheel.storage.bitmaps import load_ordinals
from tidewheel.values.events import EventType, Observation
from tidewheel.values.records import AssetState, CheckState, EventFilter
from tidewheel.values.status import RunStatus


@pytest.fixture
def numbered(ledger):
    ledger.use_resolver(by_number)
    return ledger


def observed(asset, version=None, run=""):
    tags = {} if version is None else {"dagster/data_version": version}
    return happened(EventType.ASSET_OBSERVATION, run, asset=asset, payload=Observation(tags=tags))


# -- latest facts -----------------------------------------------------------------------------------------------------


def test_the_latest_materialisation_counts(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(made("a", run=run, version="v1"), made("a", run=run, version="v2"))
    first = ledger.get_asset_states()["a"]
    assert first.last_materialization_id == ledger.last_event_id()
    assert (first.last_data_version, first.last_materialization_run_id) == ("v2", run)
    [id_] = ledger.record_events([made("a", "p1")])
    assert ledger.get_asset_states() == {
        "a": AssetState(
            asset="a",
            last_materialization_id=id_,
            last_materialization_at=NOW + 5,
            last_materialization_partition="p1",
        )
    }


def test_states_are_given_for_the_asked_assets(ledger):
    ledger.record_events([made("a"), made("b")])
    assert set(ledger.get_asset_states()) == {"a", "b"}
    assert set(ledger.get_asset_states(["b", "c"])) == {"b"}
    assert ledger.get_asset_states([]) == {}


def test_an_observation_gives_the_version_of_what_is_never_made(ledger):
    [id_] = ledger.record_events([observed("source", "v1")])
    state = ledger.get_asset_states()["source"]
    assert (state.last_observation_id, state.last_observation_at) == (id_, NOW + 5)
    assert (state.last_materialization_id, state.last_data_version) == (None, "v1")
    ledger.record_events([made("source", version="made"), observed("source", "seen")])
    assert ledger.get_asset_states()["source"].last_data_version == "made"
    ledger.record_events([observed("source", "seen again")])
    assert ledger.get_asset_states()["source"].last_data_version == "made"


def test_the_latest_check_counts(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(checked("a", "fresh", True, run=run), checked("b/c", "fresh", True, run=run))
    runner.report(checked("a", "fresh", False, run=run))
    states = ledger.get_check_states()
    assert set(states) == {"a:fresh", "b/c:fresh"}
    assert states["a:fresh"] == CheckState(
        asset="a",
        check="fresh",
        last_evaluation_id=ledger.last_event_id(),
        last_evaluation_at=NOW + 5,
        last_run_id=run,
        passed=False,
        severity="WARN",
    )
    assert set(ledger.get_check_states(["b/c"])) == {"b/c:fresh"}


# -- planned, in progress, failed, without partitions ---------------------------------------------------------------------


def planned(ledger, asset="a"):
    state = ledger.get_asset_states([asset]).get(asset, AssetState(asset=asset))
    return state.last_planned_run_id, state.last_failed_run_id


def test_a_planned_asset_is_in_progress_until_it_is_made(ledger):
    [waiting] = ledger.create_runs([new_run(planned_assets=("a", "b"))], now=NOW)
    run = waiting.run_id
    assert planned(ledger) == (run, None)
    ledger.launch_run(run, now=NOW)
    assert planned(ledger) == (run, None)
    ledger.record_events([made("a", run=run)])
    assert planned(ledger) == (None, None)
    assert planned(ledger, "b") == (run, None)


def test_of_several_runs_that_plan_an_asset_the_newest_is_named(ledger):
    one, two = worker(ledger, planned_assets=("a",)), worker(ledger, planned_assets=("a",))
    assert planned(ledger) == (two.run.run_id, None)
    two.report(made("a", run=two.run.run_id))
    assert planned(ledger) == (one.run.run_id, None)
    one.report(started(one.run.run_id), succeeded(one.run.run_id))
    assert planned(ledger) == (None, None)


def test_another_runs_materialisation_does_not_end_the_plan(ledger):
    one, two = worker(ledger, planned_assets=("a",)), worker(ledger)
    two.report(made("a", run=two.run.run_id))
    assert planned(ledger) == (one.run.run_id, None)


@pytest.mark.parametrize("end", [RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED])
@pytest.mark.parametrize("by", ["worker", "outside"])
def test_only_a_failure_makes_what_was_not_made_failed(ledger, end, by):
    runner = worker(ledger, planned_assets=("a", "b"))
    run = runner.run.run_id
    runner.report(started(run), made("b", run=run))
    if by == "outside":
        ledger.finish_run(run, end, now=NOW, message="")
    else:
        ends = {
            RunStatus.SUCCESS: EventType.RUN_SUCCESS,
            RunStatus.FAILURE: EventType.RUN_FAILURE,
            RunStatus.CANCELED: EventType.RUN_CANCELED,
        }
        runner.report(happened(ends[end], run))
    assert planned(ledger, "a") == (None, run if end is RunStatus.FAILURE else None)
    assert planned(ledger, "b") == (None, None)


def test_an_asset_has_failed_until_it_is_made(ledger):
    runner = worker(ledger, planned_assets=("a",))
    run = runner.run.run_id
    runner.report(started(run), failed(run))
    again = worker(ledger, planned_assets=("a",))
    assert planned(ledger) == (again.run.run_id, run)
    again.report(made("a", run=again.run.run_id))
    assert planned(ledger) == (None, None)


def test_what_a_cancelled_or_deleted_run_planned_is_not_in_progress(ledger):
    cancelled, deleted = new_run(planned_assets=("a",)), new_run(planned_assets=("b",))
    ledger.create_runs([cancelled, deleted], now=NOW)
    ledger.request_cancel(cancelled.run_id, now=NOW)
    ledger.delete_run(deleted.run_id)
    assert ledger.get_asset_states() == {}


def test_made_and_failed_in_one_batch_is_made(ledger):
    runner = worker(ledger, planned_assets=("a", "b"))
    run = runner.run.run_id
    runner.report(started(run), made("a", run=run), failed(run))
    assert planned(ledger, "a") == (None, None)
    assert planned(ledger, "b") == (None, run)


def test_in_one_commit_the_later_of_failure_and_materialisation_counts(ledger):
    def story(asset, failure_first):
        one, two = worker(ledger, planned_assets=(asset,)), worker(ledger)
        batches = [
            one.batch(started(one.run.run_id), failed(one.run.run_id)),
            two.batch(made(asset, run=two.run.run_id)),
        ]
        ledger.commit_intake(batches if failure_first else batches[::-1], now=NOW)
        return one.run.run_id

    story("a", failure_first=True)
    assert planned(ledger, "a") == (None, None)
    run = story("b", failure_first=False)
    assert planned(ledger, "b") == (None, run)


def test_a_reported_failure_of_an_asset_counts_at_once(ledger):
    runner = worker(ledger, planned_assets=("a",))
    run = runner.run.run_id
    runner.report(started(run), happened(EventType.ASSET_FAILED_TO_MATERIALIZE, run, asset="a"))
    assert planned(ledger) == (None, run)


# -- partitions -------------------------------------------------------------------------------------------------------


def partitioned(ledger, key, assets=("a",), **more):
    return worker(ledger, partition=key, planned_assets=assets, **more)


def test_partitions_go_from_in_progress_to_made_or_failed(numbered):
    good, bad, stopped = (partitioned(numbered, f"p{n}") for n in (1, 2, 3))
    assert sets_of(numbered, "a") == {"materialized": set(), "failed": set(), "in_progress": {1, 2, 3}}
    good.report(started(good.run.run_id), made("a", "p1", run=good.run.run_id))
    assert sets_of(numbered, "a") == {"materialized": {1}, "failed": set(), "in_progress": {2, 3}}
    bad.report(started(bad.run.run_id), failed(bad.run.run_id))
    assert sets_of(numbered, "a") == {"materialized": {1}, "failed": {2}, "in_progress": {3}}
    numbered.request_cancel(stopped.run.run_id, now=NOW)
    stopped.report(happened(EventType.RUN_CANCELED, stopped.run.run_id))
    assert sets_of(numbered, "a") == {"materialized": {1}, "failed": {2}, "in_progress": set()}
    numbered.record_events([made("a", "p2")])
    assert sets_of(numbered, "a") == {"materialized": {1, 2}, "failed": set(), "in_progress": set()}


def test_a_partition_that_was_made_can_fail_later(numbered):
    numbered.record_events([made("a", "p1")])
    run = partitioned(numbered, "p1").run.run_id
    assert sets_of(numbered, "a") == {"materialized": {1}, "failed": set(), "in_progress": {1}}
    numbered.finish_run(run, RunStatus.FAILURE, now=NOW, message="")
    assert sets_of(numbered, "a") == {"materialized": {1}, "failed": {1}, "in_progress": set()}


def test_a_partition_stays_in_progress_while_another_run_is_to_make_it(numbered):
    one, two = partitioned(numbered, "p1"), partitioned(numbered, "p1")
    one.report(made("a", "p1", run=one.run.run_id))
    assert sets_of(numbered, "a")["in_progress"] == {1}
    numbered.delete_run(two.run.run_id)
    assert sets_of(numbered, "a")["in_progress"] == set()


def test_partitions_of_ticks_runs_are_in_progress(numbered):
    runs = tuple(new_run(partition=f"p{n}", planned_assets=("a",)) for n in (4, 5))
    numbered.commit_tick(tick_of(sensor(numbered), runs=runs))
    assert sets_of(numbered, "a")["in_progress"] == {4, 5}


def test_the_resolver_of_a_call_is_enough(ledger):
    runner = worker(ledger)
    runner.report(made("a", "p7", run=runner.run.run_id), resolve=by_number)
    ledger.record_events([made("a", "p8")], resolve=by_number)
    assert sets_of(ledger, "a")["materialized"] == {7, 8}


def test_ordinals_of_64_bits_are_kept(ledger):
    big = (5 << 32) | 3
    ledger.record_events([made("a", "x")], resolve=lambda asset, key: ("wide", big))
    state = ledger.get_asset_partition_states(["a"])["a"]
    assert set(load_ordinals(state.materialized)) == {big}


def test_partition_events_are_the_latest_by_key(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    runner.report(made("a", "p1", run=run), made("a", "p2", run=run), made("a", run=run))
    [id_] = ledger.record_events([made("a", "p1")])
    found = ledger.get_partition_events("a")
    assert found["p1"] == (id_, NOW + 5, "")
    assert found["p2"] == (id_ - 2, NOW + 5, run)
    assert set(found) == {"p1", "p2"}
    assert ledger.get_partition_events("a", ["p2", "p3"]) == {"p2": found["p2"]}
    assert ledger.get_partition_events("a", []) == {}
    assert ledger.get_partition_events("b") == {}


def test_failed_partitions_have_no_partition_event(ledger):
    runner = partitioned(ledger, "p1")
    runner.report(started(runner.run.run_id), failed(runner.run.run_id))
    assert ledger.get_partition_events("a") == {}
    assert ledger.get_partition_keys("a") == ["p1"]


def test_keys_that_were_heard_of_are_known(ledger):
    ledger.record_events([made("a", "p2")])
    partitioned(ledger, "p1")
    assert ledger.get_partition_keys("a") == ["p1", "p2"]
    assert ledger.count_partitions(["a", "b"]) == {"a": 1}
    assert ledger.get_partition_keys("b") == []


def test_without_ordinals_the_sets_are_to_be_built(ledger):
    ledger.record_events([made("a", "p1")])
    runner = partitioned(ledger, "p2")
    bad = partitioned(ledger, "p3")
    bad.report(started(bad.run.run_id), failed(bad.run.run_id))
    assert ledger.get_asset_partition_states(["a"])["a"].spec_fingerprint == ""
    built = ledger.rebuild_partition_state("a", FINGERPRINT, {"p1": 1, "p2": 2, "p3": 3})
    assert built == ledger.get_asset_partition_states(["a"])["a"]
    assert built.spec_fingerprint == FINGERPRINT
    assert sets_of(ledger, "a") == {"materialized": {1}, "failed": {3}, "in_progress": {2}}
    # and from here on changes without ordinals make them unknown again, until somebody knows
    runner.report(made("a", "p2", run=runner.run.run_id))
    assert ledger.get_asset_partition_states(["a"])["a"].spec_fingerprint == ""
    ledger.use_resolver(by_number)
    assert sets_of(ledger, "a") == {"materialized": {1, 2}, "failed": {3}, "in_progress": set()}


def test_what_was_set_aside_is_taken_in_by_the_next_change(ledger):
    ledger.record_events([made("a", "p1")], resolve=by_number)
    partitioned(ledger, "p2")
    ledger.record_events([made("a", "p3")], resolve=by_number)
    assert sets_of(ledger, "a") == {"materialized": {1, 3}, "failed": set(), "in_progress": {2}}


def test_a_key_that_is_not_known_yet_waits_for_the_day_it_is(numbered):
    numbered.record_events([made("a", "p1"), made("a", "new")])
    assert sets_of(numbered, "a")["materialized"] == {1}
    later = {"new": (FINGERPRINT, 100)}
    numbered.use_resolver(lambda asset, key: later.get(key) or by_number(asset, key))
    assert sets_of(numbered, "a")["materialized"] == {1, 100}
    numbered.record_events([made("a", "p2")])
    numbered.use_resolver(by_number)
    assert sets_of(numbered, "a")["materialized"] == {1, 2, 100}


def test_a_changed_definition_is_met_by_building_again(numbered):
    numbered.record_events([made("a", "p1"), made("a", "p2")])
    numbered.use_resolver(lambda asset, key: ("spec two", int(key[1:]) + 10))
    numbered.record_events([made("a", "p3")])
    assert numbered.get_asset_partition_states(["a"])["a"].spec_fingerprint == "spec two"
    assert sets_of(numbered, "a")["materialized"] == {11, 12, 13}


def test_a_changed_definition_of_many_partitions_is_left_to_the_reader(ledger, monkeypatch):
    monkeypatch.setattr("tidewheel.storage.partitions.REBUILD_AT_ONCE_MAX", 1)
    ledger.use_resolver(by_number)
    ledger.record_events([made("a", "p1"), made("a", "p2")])
    ledger.use_resolver(lambda asset, key: ("spec two", int(key[1:]) + 10))
    ledger.record_events([made("a", "p3")])
    ledger.record_events([made("a", "p4")])
    assert ledger.get_asset_partition_states(["a"])["a"].spec_fingerprint == ""
    keys = ledger.get_partition_keys("a")
    ledger.rebuild_partition_state("a", "spec two", {key: int(key[1:]) + 10 for key in keys})
    assert sets_of(ledger, "a")["materialized"] == {11, 12, 13, 14}


def test_an_unpartitioned_asset_in_a_partitioned_run_leaves_nothing_behind(numbered):
    runner = partitioned(numbered, "x1", assets=("plain",))
    assert numbered.get_asset_states()["plain"].last_planned_run_id == runner.run.run_id
    runner.report(made("plain", run=runner.run.run_id))
    assert numbered.get_asset_states()["plain"].last_planned_run_id is None
    assert numbered.stats()["rows"]["unsettled_partition"] == 0
    assert numbered.get_asset_partition_states(["plain"]) == {}


def test_many_partitions_of_one_commit(numbered):
    runner = worker(numbered)
    run = runner.run.run_id
    runner.report(*(made("a", f"p{n}", run=run) for n in range(7_000)))
    assert sets_of(numbered, "a")["materialized"] == set(range(7_000))
    state = numbered.get_asset_partition_states(["a"])["a"]
    assert len(state.materialized) < 100
    assert len(numbered.get_partition_events("a", [f"p{n}" for n in range(6_000)])) == 6_000


def test_states_of_unknown_assets_are_left_out(numbered):
    assert numbered.get_asset_partition_states(["a"]) == {}
    assert numbered.get_asset_partition_states([]) == {}


# -- wiping -----------------------------------------------------------------------------------------------------------


def test_a_wiped_asset_is_as_if_never_made(numbered):
    runner = partitioned(numbered, "p5")
    numbered.record_events([made("a", "p1"), made("a"), observed("a", "v"), made("b", "p1")])
    last = numbered.last_event_id()
    numbered.wipe_asset("a")
    assert numbered.get_partition_events("a") == {}
    assert sets_of(numbered, "a") == {"materialized": set(), "failed": set(), "in_progress": {5}}
    assert numbered.get_asset_states(["a"]) == {
        "a": AssetState(asset="a", last_planned_run_id=runner.run.run_id)
    }
    assert numbered.get_events(EventFilter(assets=("a",))) == []
    assert sets_of(numbered, "b")["materialized"] == {1}
    [next_id] = numbered.record_events([made("a", "p1")])
    assert next_id > last


def test_ids_are_not_used_again_after_everything_is_wiped(ledger):
    first = ledger.record_events([made("a"), line("x")])
    ledger.wipe_asset("a")
    ledger.prune(chatter_before=NOW + 1e6, ticks_before=None)
    assert ledger.last_event_id() == 0
    second = ledger.record_events([made("a"), line("x")])
    assert (second[0] > first[0], second[1] > first[1]) == (True, True)


def test_some_partitions_can_be_wiped(numbered):
    ids = numbered.record_events([made("a", "p1", version="one"), made("a", "p2"), made("a", "p3")])
    numbered.wipe_asset("a", ["p2", "p3", "p9"])
    assert sets_of(numbered, "a")["materialized"] == {1}
    assert set(numbered.get_partition_events("a")) == {"p1"}
    state = numbered.get_asset_states()["a"]
    assert (state.last_materialization_id, state.last_materialization_partition) == (ids[0], "p1")
    assert state.last_data_version == "one"
    numbered.wipe_asset("a", ["p1"])
    assert numbered.get_asset_states()["a"] == AssetState(asset="a")


def test_the_key_of_a_trigger_is_no_asset(ledger):
    running(ledger)
    assert ledger.get_asset_states([TRIGGER]) == {}
