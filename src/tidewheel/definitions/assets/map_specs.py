"""Changes the specs of several assets with a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.checks.definition import AssetChecksDefinition


def map_asset_specs(func: Callable[[AssetSpec], AssetSpec], iterable: Iterable[Any]) -> list[Any]:
    """Specs and definitions, each spec in them gone through a function; source assets and checks stay as they are."""
    return [_mapped(func, one) for one in iterable]


def _mapped(func: Callable[[AssetSpec], AssetSpec], one: Any) -> Any:
    if isinstance(one, AssetSpec):
        return func(one)
    if isinstance(one, AssetsDefinition) and not isinstance(one, AssetChecksDefinition):
        return one.map_asset_specs(func)
    return one
