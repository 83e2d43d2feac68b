"""Dynamic partitions as they change: what was read is kept, what is new is read."""

from __future__ import annotations

import pytest

from tidewheel.runtime.dynamic_keys import read_dynamic_keys
from tidewheel.storage.ledger import SqlLedger
from tidewheel.values.records import PartitionChange


@pytest.fixture
def filled(ledger: SqlLedger) -> SqlLedger:
    for name in ("files", "letters"):
        ledger.change_dynamic_partitions(PartitionChange(name=name, add=("a", "b")), now=1.0)
    return ledger


def test_nothing_is_made_anew_where_nothing_changed(filled: SqlLedger) -> None:
    known = read_dynamic_keys(filled, {})
    assert {name: keys.keys for name, keys in known.items()} == {"files": ("a", "b"), "letters": ("a", "b")}
    assert read_dynamic_keys(filled, known) is known


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (PartitionChange(name="files", add=("c", "a")), {"a": 0, "b": 1, "c": 2}),
        (PartitionChange(name="files", delete=("a",)), {"b": 1}),
        (PartitionChange(name="files", add=("c",), delete=("b",)), {"a": 0, "c": 3}),
        (PartitionChange(name="files", delete=("a", "b")), {}),
    ],
)
def test_a_change_is_taken_over(filled: SqlLedger, change: PartitionChange, expected: dict[str, int]) -> None:
    known = read_dynamic_keys(filled, {})
    filled.change_dynamic_partitions(change, now=2.0)
    after = read_dynamic_keys(filled, known)
    assert dict(after["files"].by_key) == expected
    assert after["letters"] is known["letters"]
    assert known["files"].keys == ("a", "b")
    assert read_dynamic_keys(filled, {})["files"] == after["files"]
