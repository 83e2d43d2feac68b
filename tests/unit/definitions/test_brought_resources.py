"""Resources in ``resource_defs`` are at hand without being named again."""

from __future__ import annotations

from typing import Any

import tidewheel as tw

BROUGHT = {"rate": tw.ResourceDefinition.hardcoded_resource(4)}


@tw.asset(resource_defs=BROUGHT)
def single(context: tw.AssetExecutionContext) -> int:
    return context.resources.rate  # type: ignore[no-any-return]


@tw.multi_asset(outs={"several": tw.AssetOut()}, resource_defs=BROUGHT)
def many(context: tw.AssetExecutionContext) -> int:
    return context.resources.rate + 1  # type: ignore[no-any-return]


@tw.asset_check(asset=single, resource_defs=BROUGHT)
def judged(context) -> tw.AssetCheckResult:
    return tw.AssetCheckResult(passed=context.resources.rate == 4)


def test_used_without_being_named() -> None:
    result = tw.materialize([single, many, judged])
    assert result.output_for_node("single") == 4
    assert result.output_for_node("many", "several") == 5
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]


def test_they_count_as_required() -> None:
    assert {"rate"} <= single.required_resource_keys
    assert {"rate"} <= many.required_resource_keys
    assert {"rate"} <= judged.required_resource_keys
