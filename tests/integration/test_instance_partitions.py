from __future__ import annotations

from collections.abc import Iterator

import pytest

from tidewheel.errors import ParameterCheckError
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.runtime.instance.facade import Instance


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as made:
        yield made


def test_keys_keep_the_order_of_addition(instance: Instance) -> None:
    instance.add_dynamic_partitions("d", ["b", "a"])
    instance.add_dynamic_partitions("d", ["a", "c"])
    instance.add_dynamic_partitions("other", ["x"])
    assert list(instance.get_dynamic_partitions("d")) == ["b", "a", "c"]
    assert list(instance.get_dynamic_partitions("unknown")) == []
    assert instance.has_dynamic_partition("d", "a")
    assert not instance.has_dynamic_partition("d", "x")
    assert instance.get_existing_dynamic_partitions("d", ["a", "x"]) == {"a"}


def test_deleting(instance: Instance) -> None:
    instance.add_dynamic_partitions("d", ["a", "b"])
    instance.delete_dynamic_partition("d", "a")
    instance.delete_dynamic_partition("d", "unknown")
    instance.add_dynamic_partitions("d", ["a"])
    assert list(instance.get_dynamic_partitions("d")) == ["b", "a"]


@pytest.mark.parametrize("ascending", [True, False])
def test_pages(instance: Instance, ascending: bool) -> None:
    keys = ["e", "d", "c", "b", "a"]
    instance.add_dynamic_partitions("d", keys)
    seen, cursor, more = [], None, True
    while more:
        page = instance.get_paginated_dynamic_partitions("d", limit=2, ascending=ascending, cursor=cursor)
        seen += page.results
        cursor, more = page.cursor, page.has_more
    assert seen == (keys if ascending else keys[::-1])


def test_wrong_keys_and_names(instance: Instance) -> None:
    with pytest.raises(ParameterCheckError, match=r"\['abc'\]"):
        instance.add_dynamic_partitions("d", "abc")
    for wrong in ([""], [None], ["a...b"]):
        with pytest.raises(PartitionError):
            instance.add_dynamic_partitions("d", wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterCheckError, match="DynamicPartitionsDefinition"):
        instance.get_dynamic_partitions("")
    assert list(instance.get_dynamic_partitions("d")) == []
