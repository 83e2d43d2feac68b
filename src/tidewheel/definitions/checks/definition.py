"""Checks as definitions: code that judges assets without making them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetCheckSpec
from tidewheel.definitions.assets.definition import AssetExecutionType, AssetsDefinition
from tidewheel.values.keys import AssetKey


class AssetChecksDefinition(AssetsDefinition):
    """One or several checks that one piece of code makes; a definition without assets of its own."""

    @staticmethod
    def create(
        *,
        keys_by_input_name: Mapping[str, AssetKey],
        node_def: Any,
        check_specs_by_output_name: Mapping[str, AssetCheckSpec],
        can_subset: bool,
        resource_defs: Mapping[str, Any] | None = None,
    ) -> AssetChecksDefinition:
        """The checks that a node's outputs are."""
        return AssetChecksDefinition(
            keys_by_input_name=keys_by_input_name,
            keys_by_output_name={},
            node_def=node_def,
            specs=[],
            check_specs_by_output_name=check_specs_by_output_name,
            can_subset=can_subset,
            resource_defs=resource_defs,
            execution_type=AssetExecutionType.MATERIALIZATION,
        )

    @property
    def name(self) -> str:
        """The only check's name."""
        return self.check_key.name

    @property
    def asset_key(self) -> AssetKey:
        """The asset that the only check judges."""
        return self.check_key.asset_key

    @property
    def partitions_def(self) -> Any:
        """The partitions that all checks here have in common."""
        found = {spec.partitions_def for spec in self.check_specs}
        found.discard(None)
        return next(iter(found), None) if len(found) == 1 else None

    def __repr__(self) -> str:
        return (
            f"AssetChecksDefinition of {', '.join(sorted(key.to_user_string() for key in self.check_keys))}"
        )
