from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from dagster import AssetExecutionContext, Definitions, Output, asset, materialize


class Point(NamedTuple):
    x: int
    y: int


@asset
def points(context: AssetExecutionContext) -> List[Point]:
    return [Point(1, 2)]


@asset
def table(points: List[Point]) -> Dict[str, Any]:
    return {"points": points}


@asset
def maybe(table: Dict[str, Any]) -> Optional[Tuple[int, ...]]:
    return None


@asset
def either(table) -> Union[int, str]:
    return "text"


@asset
def modern(points: list[Point], maybe: tuple[int, ...] | None = None) -> dict[str, int] | None:
    return {"n": len(points)}


defs = Definitions(assets=[points, table, maybe, either, modern])


def test_types():
    assert materialize([points, table, maybe, either, modern]).success
