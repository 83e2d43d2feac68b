"""Partitions in contexts that a test makes by hand."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import CheckError


@tw.asset(partitions_def=tw.DailyPartitionsDefinition("2024-01-01"))
def daily(context: tw.AssetExecutionContext) -> int:
    return context.partition_time_window.start.day


def test_what_needs_a_partition_key_says_that_none_was_given() -> None:
    with pytest.raises(CheckError, match="partition_key"):
        daily(tw.build_asset_context())
    with pytest.raises(CheckError, match="partition_key"):
        _ = tw.build_op_context().partition_key
    assert daily(tw.build_asset_context(partition_key="2024-01-02")) == 2
