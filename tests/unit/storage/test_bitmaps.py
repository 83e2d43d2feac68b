import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap, BitMap64

from tidewheel.storage.bitmaps import EMPTY, dump_ordinals, load_narrow_ordinals, load_ordinals

NARROW = st.integers(0, (1 << 32) - 1)
WIDE = st.integers(0, (1 << 64) - 1)


@given(st.sets(NARROW))
def test_narrow_sets_come_back_in_both_kinds(ordinals):
    data = dump_ordinals(ordinals)
    assert load_ordinals(data) == BitMap64(ordinals)
    assert load_narrow_ordinals(data) == BitMap(ordinals)


@given(st.sets(WIDE))
def test_wide_sets_come_back(ordinals):
    data = dump_ordinals(ordinals)
    assert set(load_ordinals(data)) == ordinals
    if any(ordinal >= 1 << 32 for ordinal in ordinals):
        with pytest.raises(ValueError, match="read two-dimensional partitions with load_ordinals"):
            load_narrow_ordinals(data)


def test_the_empty_set_is_no_bytes():
    assert dump_ordinals([]) == EMPTY
    assert not load_ordinals(EMPTY)
    assert not load_narrow_ordinals(EMPTY)


def test_a_million_partitions_in_a_row_are_small():
    assert len(dump_ordinals(range(1_000_000))) < 300
