"""Groups of the assets of a graph."""

import pytest

import tidewheel as tw


@tw.op
def one() -> int:
    return 1


@pytest.mark.parametrize(("given", "expected"), [(None, "default"), ("whole", "whole")])
def test_all_assets_of_a_graph_are_of_its_group(given, expected):
    outs = {"first": tw.AssetOut(), "second": tw.AssetOut(group_name="own", is_required=False)}

    @tw.graph_multi_asset(outs=outs, group_name=given, can_subset=True)
    def pair():
        return {"first": one(), "second": one.alias("two")()}

    assert {spec.group_name for spec in pair.specs} == {expected}
    assert [spec.skippable for spec in pair.specs] == [False, False]  # the ops inside decide
