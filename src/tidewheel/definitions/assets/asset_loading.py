"""Loads stored values of assets outside of a run."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.definitions.jobs.execution_hooks import hooks

if TYPE_CHECKING:
    from tidewheel.definitions.loading.resolved import ResolvedDefinitions


class AssetValueLoader:
    """Loads values through the assets' IO managers; a context manager that keeps resources open between loads."""

    def __init__(self, resolved: ResolvedDefinitions, instance: Any = None) -> None:
        self._resolved = resolved
        self._instance = instance

    def load_asset_value(
        self,
        asset_key: Any,
        *,
        python_type: type | None = None,
        partition_key: str | None = None,
        input_definition_metadata: Mapping[str, Any] | None = None,
        resource_config: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> object:
        """The stored value of an asset, or of one partition of it.

        Raises:
            InvariantViolationError: when nobody declares the asset.
        """
        key = coerce_asset_key(asset_key)
        definition = self._resolved.assets_def(key)
        return hooks().load_asset_value(  # type: ignore[attr-defined]
            key,
            spec=definition.get_asset_spec(key),
            io_manager_key=definition.get_io_manager_key_for_asset_key(key),
            resource_defs={**self._resolved.resources, **definition.resource_defs},
            instance=self._instance,
            python_type=python_type,
            partition_key=partition_key,
            metadata=input_definition_metadata or metadata,
            resource_config=resource_config,
        )

    def __enter__(self) -> AssetValueLoader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None
