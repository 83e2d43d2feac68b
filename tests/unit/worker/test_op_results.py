"""What a returned value means for the outputs of an op."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw

RESULTS = [tw.MaterializeResult(metadata={"rows": 1})]


@tw.asset
def plain() -> Any:
    return RESULTS


@tw.asset
def unannotated():  # type: ignore[no-untyped-def]
    return (tw.AssetCheckResult(passed=True),)


@tw.multi_asset(specs=[tw.AssetSpec("one"), tw.AssetSpec("two")])
def several() -> Any:
    return [tw.MaterializeResult(asset_key=name) for name in ("one", "two")]


@pytest.mark.parametrize(
    ("assets_def", "made", "kind"),
    [(plain, 1, list), (unannotated, 1, tuple), (several, 2, None)],
)
def test_a_list_of_results_is_the_value_of_a_plain_asset(assets_def: Any, made: int, kind: Any) -> None:
    result = tw.materialize_to_memory([assets_def])
    events = [event for event in result.all_events if event.is_step_materialization]
    assert [event.materialization.metadata for event in events] == [{}] * made
    if kind is not None:
        assert isinstance(result.output_for_node(assets_def.op.name), kind)
