"""Dynamic partitions, locations, settings, leases, retention."""

from tests.contract.stories import NOW, line, made, new_run, sensor, started, tick_of, worker
from tidewheel.storage.tables.complete import HEAD_REVISION
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.records import LocationRecord, PartitionChange
from tidewheel.values.status import TickStatus

# -- dynamic partitions -----------------------------------------------------------------------------------------------


def change(ledger, name="colours", **more):
    ledger.change_dynamic_partitions(PartitionChange(name=name, **more), now=NOW)


def test_keys_are_in_the_order_of_addition(ledger):
    change(ledger, add=("red", "blue"))
    change(ledger, add=("blue", "amber", "amber"))
    assert ledger.get_dynamic_partitions("colours") == [("red", 0), ("blue", 1), ("amber", 2)]
    assert ledger.get_dynamic_partitions("shapes") == []


def test_an_ordinal_is_never_used_again(ledger):
    change(ledger, add=("red", "blue"))
    change(ledger, delete=("blue", "unknown"))
    change(ledger, add=("green", "blue"))
    assert ledger.get_dynamic_partitions("colours") == [("red", 0), ("green", 3), ("blue", 4)]


def test_changes_are_told_without_reading_what_was_there(ledger):
    change(ledger, add=("red", "blue"))
    change(ledger, name="shapes", add=("round",))
    first = {one.name: one for one in ledger.get_dynamic_changes({})}
    assert first["colours"].pairs == (("red", 0), ("blue", 1))
    known = {one.name: one.next_ordinal for one in first.values()}
    assert ledger.get_dynamic_changes(known) == []
    change(ledger, add=("blue", "green"))
    (added,) = ledger.get_dynamic_changes(known)
    assert (added.pairs, added.is_whole, added.next_ordinal) == ((("green", 2),), False, 3)
    change(ledger, delete=("red",))
    (less,) = ledger.get_dynamic_changes({**known, "colours": 3})
    assert (less.pairs, less.is_whole) == ((("blue", 1), ("green", 2)), True)
    change(ledger, add=("amber",))
    change(ledger, delete=("amber",))
    (none,) = ledger.get_dynamic_changes({**known, "colours": less.next_ordinal})
    assert none.is_whole and len(none.pairs) == 2


def test_sets_are_apart(ledger):
    change(ledger, add=("red",))
    change(ledger, name="shapes", add=("red", "round"))
    assert ledger.get_all_dynamic_partitions() == {
        "colours": [("red", 0)],
        "shapes": [("red", 0), ("round", 1)],
    }


def test_many_keys_at_once(ledger):
    keys = tuple(f"k{n:05}" for n in range(11_000))
    change(ledger, add=keys)
    assert [key for key, _ in ledger.get_dynamic_partitions("colours")] == list(keys)
    change(ledger, add=keys, delete=keys[:10_999])
    ordinals = dict(ledger.get_dynamic_partitions("colours"))
    assert (ordinals[keys[-1]], ordinals[keys[0]]) == (10_999, 11_001)


# -- locations and settings -------------------------------------------------------------------------------------------


def test_a_location_is_stored_as_a_whole(ledger):
    good = LocationRecord(name="shop", snapshot=b"\x00\xff", fingerprint="f", loaded_at=NOW)
    ledger.put_location(good)
    ledger.put_location(LocationRecord(name="office"))
    bad = LocationRecord(
        name="shop",
        snapshot=b"old",
        fingerprint="f",
        loaded_at=NOW,
        failed_at=NOW + 1,
        errors=(ErrorInfo(cls_name="E", message="m"),),
    )
    assert ledger.get_locations() == [LocationRecord(name="office"), good]
    ledger.put_location(bad)
    assert ledger.get_locations() == [LocationRecord(name="office"), bad]


def test_settings_are_put_changed_and_removed(ledger):
    assert ledger.get_setting("pause") is None
    ledger.put_setting("pause", "yes")
    ledger.put_setting("pause", "")
    assert ledger.get_setting("pause") == ""
    ledger.put_setting("pause", None)
    ledger.put_setting("pause", None)
    assert ledger.get_setting("pause") is None


# -- leases -----------------------------------------------------------------------------------------------------------


def test_a_lease_has_one_holder_and_its_epoch_grows_with_each_change(ledger):
    def take(holder, at):
        return ledger.acquire_lease("loops", holder, now=NOW + at, ttl_s=10)

    assert take("a", 0) == 1
    assert take("a", 5) == 1
    assert take("b", 6) is None
    assert take("b", 14.9) is None
    assert take("b", 15) == 2
    assert take("a", 16) is None
    ledger.release_lease("loops", "a")
    assert take("a", 17) is None
    ledger.release_lease("loops", "b")
    assert take("a", 18) == 3
    ledger.release_lease("loops", "a")
    assert take("a", 19) == 4
    assert ledger.acquire_lease("other", "b", now=NOW, ttl_s=10) == 1


def test_an_expired_lease_that_nobody_took_is_still_its_holders(ledger):
    assert ledger.acquire_lease("loops", "a", now=NOW, ttl_s=10) == 1
    assert ledger.acquire_lease("loops", "a", now=NOW + 100, ttl_s=10) == 1


# -- retention --------------------------------------------------------------------------------------------------------


def test_old_chatter_goes_and_facts_stay(ledger):
    runner = worker(ledger)
    run = runner.run.run_id
    old, young = line("old", run), line("young", run)
    young = type(young)(type=young.type, timestamp=NOW + 100, run_id=run, message="young")
    runner.report(started(run), old, old, made("a", run=run), young)
    log = ledger.get_run_log(run)
    assert ledger.prune(chatter_before=None, ticks_before=None) == 0
    assert ledger.prune(chatter_before=NOW + 5, ticks_before=None) == 0
    assert ledger.prune(chatter_before=NOW + 50, ticks_before=None, limit=1) == 1
    assert ledger.prune(chatter_before=NOW + 50, ticks_before=None) == 1
    assert ledger.prune(chatter_before=NOW + 50, ticks_before=None) == 0
    assert ledger.get_run_log(run) == [stored for stored in log if stored.event.message != "old"]
    runner.report(line("next", run))
    assert ledger.get_run_log(run)[-1].id == log[-1].id + 1


def test_old_skipped_ticks_go_and_eventful_ones_stay(ledger):
    version = sensor(ledger).version
    for status in TickStatus.SKIPPED, TickStatus.FAILURE, TickStatus.SKIPPED, TickStatus.SUCCESS:
        version = ledger.commit_tick(tick_of(version, status=status)).version
    recent = ledger.commit_tick(tick_of(version, status=TickStatus.SKIPPED, ended_at=NOW + 500))
    assert ledger.prune(chatter_before=None, ticks_before=NOW + 100) == 2
    assert [tick.status for tick in ledger.get_ticks()] == [
        TickStatus.SKIPPED,
        TickStatus.SUCCESS,
        TickStatus.FAILURE,
    ]
    assert ledger.get_ticks()[0].tick_id == recent.tick_id


def test_the_numbers_for_the_doctor(ledger):
    ledger.create_runs([new_run(tags={"a": "b"})], now=NOW)
    stats = ledger.stats()
    assert stats["dialect"] == ledger.backend.name
    assert stats["revision"] == HEAD_REVISION
    assert (stats["rows"]["run"], stats["rows"]["run_tag"], stats["rows"]["event"]) == (1, 1, 1)
    assert stats["size_bytes"] > 10_000
