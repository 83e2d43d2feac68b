"""Whole numbers of any size in metadata: written, read again, shown; small ones stay what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.api.rest.answers import shown_bytes
from tidewheel.values.metadata import Metadata, normalize_metadata
from tidewheel.values.serde import decode, encode

NUMBERS = [0, -1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**40]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    given: Metadata = normalize_metadata({"n": number, "data": {"in": [number]}})
    assert given["n"].value == number
    assert json.dumps(given["data"].value) == json.dumps({"in": [number]})
    read = decode(encode(given), Metadata)
    assert read["n"].value == number
    assert type(read["n"].value) in (int, type(given["n"].value))
    assert encode(read) == encode(given)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_shown_with_all_its_digits(number: int) -> None:
    read = decode(encode(normalize_metadata({"n": number})), Metadata)
    assert str(number).encode() in shown_bytes(read)


def test_a_run_whose_metadata_is_wide_succeeds_and_is_found() -> None:
    @tw.asset
    def wide() -> Any:
        return tw.MaterializeResult(metadata={"wei": 10**40, "all": [10**40, 1]})

    with tw.Instance.ephemeral() as instance:
        assert tw.materialize_to_memory([wide], instance=instance).success
        event = instance.get_latest_materialization_event(tw.AssetKey("wide"))
        assert event is not None
        assert event.asset_materialization.metadata["wei"].value == 10**40
