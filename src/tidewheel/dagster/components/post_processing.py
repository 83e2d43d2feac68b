"""What a component's file changes of the assets that the component made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.dagster.components.component_file import MERGE, REPLACE, AssetChange
from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.dagster.components.spec_fields import asset_attributes
from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.loading.collection import Definitions

_TOGETHER = ("metadata", "tags")
_FOLLOWING = ("deps", "owners")


def changed(defs: Definitions, changes: Sequence[AssetChange], context: ResolutionContext) -> Definitions:
    """Definitions with their assets changed, change by change.

    Raises:
        InvalidDefinitionError: when a change is wrong.
    """
    for number, change in enumerate(changes):
        place = context.at_path("post_processing").at_path("assets").at_path(number)
        if change.operation not in (MERGE, REPLACE):
            raise place.mistake(f"expected the operation {MERGE} or {REPLACE}, got {change.operation!r}")
        defs = defs.map_resolved_asset_specs(
            func=_change(change, place.at_path("attributes")),
            selection=AssetSelection.from_string(change.target, include_sources=True),
        )
    return defs


def _change(change: AssetChange, context: ResolutionContext) -> Any:
    def on(spec: AssetSpec) -> AssetSpec:
        given = asset_attributes(context.with_scope(asset=spec), change.attributes, spec.key)
        if "key" in given:
            raise context.mistake(
                "expected attributes that can change, got the key; set it where the asset is made"
            )
        if change.operation == REPLACE:
            return spec.replace_attributes(**given)
        return spec.replace_attributes(**{name: _merged(spec, name, one) for name, one in given.items()})

    return on


def _merged(spec: AssetSpec, name: str, value: Any) -> Any:
    if name == "kinds":
        return {*spec.kinds, *value}
    known = getattr(spec, name)
    if name == "tags":
        known = {key: one for key, one in known.items() if not key.startswith("dagster/kind/")}
    if name in _TOGETHER and isinstance(value, Mapping):
        return {**known, **value}
    if name in _FOLLOWING:
        return [*known, *value]
    return value
