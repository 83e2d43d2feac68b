"""The inbox on both databases: what was taken in is there once, in order, for as long as somebody waits for it."""

from concurrent.futures import ThreadPoolExecutor

from tests.contract.stories import NOW, TRIGGER
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.inbox import (
    Backlog,
    FileChange,
    FileStat,
    ListingCommit,
    NewDelivery,
    Redelivery,
    files_source,
)


def sent(name, body=b"{}", source="hook:shop", at=NOW):
    return NewDelivery(
        source=source, delivery_id=name, received_at=at, body=body, headers={"content-type": "text/plain"}
    )


def test_a_delivery_comes_back_as_it_was_sent(ledger):
    [receipt] = ledger.inbox.put([sent("one", b"\x00\xff body")])
    delivery = ledger.inbox.get(receipt.id)
    assert (delivery.delivery_id, delivery.body, delivery.headers, delivery.received_at) == (
        "one",
        b"\x00\xff body",
        {"content-type": "text/plain"},
        NOW,
    )
    assert ledger.inbox.get(receipt.id + 1) is None


def test_a_repeated_delivery_is_stored_once_and_a_different_one_under_its_name_is_a_conflict(ledger):
    first, again = ledger.inbox.put([sent("one", b"a"), sent("one", b"a")])
    assert (again.id, again.is_duplicate, again.is_conflict) == (first.id, True, False)
    later, other, elsewhere = ledger.inbox.put(
        [sent("one", b"a"), sent("one", b"b"), sent("one", b"b", source="hook:bank")]
    )
    assert (later.id, later.is_duplicate, later.is_conflict) == (first.id, True, False)
    assert (other.id, other.is_duplicate, other.is_conflict) == (first.id, True, True)
    assert not elsewhere.is_duplicate
    assert [one.body for one in ledger.inbox.get_deliveries()] == [b"a", b"b"]


def test_ids_follow_the_order_of_arrival_over_all_sources(ledger):
    ledger.inbox.put([sent("a"), sent("b", source="hook:bank"), sent("c")])
    ledger.inbox.put([sent("d")])
    everything = ledger.inbox.get_deliveries()
    assert [one.delivery_id for one in everything] == ["a", "b", "c", "d"]
    shop = ledger.inbox.get_deliveries("hook:shop", after_id=everything[0].id)
    assert [one.delivery_id for one in shop] == ["c", "d"]
    newest = ledger.inbox.get_deliveries("hook:shop", limit=2, newest_first=True)
    assert [one.delivery_id for one in newest] == ["d", "c"]
    assert ledger.inbox.last_delivery_id() == everything[-1].id


def test_a_backlog_is_counted_from_a_position(ledger):
    assert ledger.inbox.count_waiting("hook:shop", 0) == Backlog()
    receipts = ledger.inbox.put([sent(str(n), at=NOW + n) for n in range(5)])
    assert ledger.inbox.count_waiting("hook:shop", receipts[1].id) == Backlog(count=3, oldest_at=NOW + 2)
    assert ledger.inbox.count_waiting("hook:shop", 0, limit=2).count == 2


def test_many_deliveries_in_one_transaction(ledger):
    receipts = ledger.inbox.put([sent(str(n % 7_000)) for n in range(12_000)])
    assert sum(one.is_duplicate for one in receipts) == 5_000
    assert receipts[7_003].id == receipts[3].id


def test_what_is_handed_over_again_is_kept_until_it_is_settled(ledger):
    asked = ledger.inbox.hand_over_again(TRIGGER, 7, now=NOW)
    assert ledger.inbox.get_redeliveries(TRIGGER) == [asked]
    assert asked == Redelivery(trigger_id=TRIGGER, event_id=7, attempts=0, retry_at=NOW)
    ledger.inbox.hand_over_again("shop/other", 7, now=NOW + 1)
    assert ledger.inbox.forget_redelivery(TRIGGER, 7)
    assert not ledger.inbox.forget_redelivery(TRIGGER, 7)
    assert [one.trigger_id for one in ledger.inbox.get_redeliveries()] == ["shop/other"]


def test_a_listing_and_its_changes_are_stored_together(ledger):
    a, b = FileStat(path="a", size=1, modified_at=NOW), FileStat(path="b", size=2, version="etag")
    assert ledger.inbox.get_listing(TRIGGER) is None
    ledger.inbox.commit_listing(ListingCommit(trigger_id=TRIGGER, now=NOW))
    assert ledger.inbox.get_listing(TRIGGER) == []
    put = ledger.inbox.commit_listing(
        ListingCommit(
            trigger_id=TRIGGER,
            now=NOW,
            changes=(FileChange(change="added", path="a", size=1),),
            present=(a, b),
        )
    )
    assert put == 1
    assert ledger.inbox.get_listing(TRIGGER) == [a, b]
    grown = FileStat(path="b", size=3, version="etag2")
    again = FileChange(change="added", path="a", size=1)
    ledger.inbox.commit_listing(
        ListingCommit(trigger_id=TRIGGER, now=NOW + 1, changes=(again,), present=(grown,), gone=("a",))
    )
    assert ledger.inbox.get_listing(TRIGGER) == [grown]
    assert len(ledger.inbox.get_deliveries(files_source(TRIGGER))) == 2, (
        "the same change again is another event"
    )


def test_retention_spares_what_somebody_waits_for(ledger):
    receipts = ledger.inbox.put([sent(str(n), at=NOW + n) for n in range(6)])
    ledger.inbox.put([sent("x", source="hook:gone", at=NOW)])
    ledger.inbox.hand_over_again(TRIGGER, receipts[0].id, now=NOW)
    deleted = ledger.inbox.prune(before=NOW + 5, positions={"hook:shop": receipts[2].id})
    left = [one.delivery_id for one in ledger.inbox.get_deliveries()]
    assert (deleted, left) == (3, ["0", "3", "4", "5"])


def test_ids_are_never_used_again(ledger):
    [receipt] = ledger.inbox.put([sent("a")])
    ledger.inbox.prune(before=NOW + 1, positions={})
    [later] = ledger.inbox.put([sent("a")])
    assert later.id > receipt.id
    assert not later.is_duplicate


def test_a_delivery_is_there_after_the_ledger_is_opened_again(lasting_address):
    ledger = open_ledger(lasting_address)
    ledger.inbox.put([sent("a")])
    ledger.close()
    ledger = open_ledger(lasting_address)
    assert ledger.inbox.put([sent("a")])[0].is_duplicate
    ledger.close()


def test_writers_at_the_same_time_store_a_delivery_once(lasting_address):
    ledger = open_ledger(lasting_address)
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _: ledger.inbox.put([sent(str(n)) for n in range(50)]), range(4)))
    assert sum(not one.is_duplicate for receipts in rounds for one in receipts) == 50
    ids = {tuple(one.id for one in receipts) for receipts in rounds}
    assert len(ids) == 1
    ledger.close()
