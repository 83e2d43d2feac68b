"""A change and its audit entry are one transaction: both last, or neither."""

from __future__ import annotations

import pytest

from tidewheel.values.access import NewAudit
from tidewheel.values.records import PartitionChange

ENTRY = NewAudit(at=1.0, user="ann", via="local", operation="edit_dynamic_partitions", what={})


def add_key(ledger) -> None:
    ledger.change_dynamic_partitions(PartitionChange(name="days", add=("a",)), now=1.0)


def test_both_are_there(ledger) -> None:
    ledger.change_with_entry(lambda: add_key(ledger), lambda result: ENTRY)
    assert [key for key, _ in ledger.get_dynamic_partitions("days")] == ["a"]
    assert [entry.user for entry in ledger.audit.get()] == ["ann"]


def test_without_an_entry_there_is_no_change(ledger) -> None:
    def entry_of(result: object) -> NewAudit:
        raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError, match="power"):
        ledger.change_with_entry(lambda: add_key(ledger), entry_of)
    assert ledger.get_dynamic_partitions("days") == []
    add_key(ledger)  # and the next change is one of its own again
    assert [key for key, _ in ledger.get_dynamic_partitions("days")] == ["a"]


def test_a_change_that_fails_leaves_nothing(ledger) -> None:
    def change() -> None:
        add_key(ledger)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        ledger.change_with_entry(change, lambda result: ENTRY)
    assert ledger.get_dynamic_partitions("days") == [] and ledger.audit.get() == []
