"""Declared inputs of a step are loaded by their names, whatever order they are written in; the others follow."""

from __future__ import annotations

from typing import Any

import tidewheel as tw


@tw.asset
def source() -> int:
    return 1


def test_inputs_of_assets_and_checks_are_in_the_order_of_their_names() -> None:
    @tw.asset(deps=[source], ins={"q": tw.AssetIn("a"), "c": tw.AssetIn("z")})
    def one(q: int, c: int) -> None: ...

    @tw.multi_asset(outs={"x": tw.AssetOut()}, ins={"zz": tw.AssetIn("a")})
    def several(zz: int, b: int) -> int:
        return zz + b

    @tw.asset_check(asset="a", additional_ins={"z": tw.AssetIn("z")})
    def check(z: int, a: int) -> Any: ...

    assert list(one.op.ins) == ["c", "q", "source"]
    assert list(several.op.ins) == ["b", "zz"]
    assert list(check.op.ins) == ["a", "z"]


def test_the_order_changes_nothing_of_what_the_function_is_called_with() -> None:
    @tw.op(ins={"z": tw.In(int), "b": tw.In(int)})
    def taken(z: int, a: int, b: int) -> tuple[int, int, int]:
        return z, a, b

    assert list(taken.ins) == ["b", "z", "a"]
    assert taken(1, 2, 3) == (1, 2, 3)

    @tw.op(out={"x": tw.Out(), "y": tw.Out(), "w": tw.Out()})
    def three() -> tuple[int, int, int]:
        return 1, 2, 3

    @tw.job
    def passes() -> None:
        taken(*three())

    assert passes.execute_in_process().output_for_node("taken") == (1, 2, 3)
