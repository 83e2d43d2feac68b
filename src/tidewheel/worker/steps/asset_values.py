"""Loads stored values of assets outside of any run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.ops.types import resolve_type
from tidewheel.definitions.resources.built_in_io_managers import DEFAULT_IO_MANAGER
from tidewheel.definitions.resources.definition import check_resource_config, coerce_resources
from tidewheel.definitions.resources.resource_context import InitResourceContext, ScopedResources
from tidewheel.runtime.instance.facade import Instance
from tidewheel.values.keys import AssetKey
from tidewheel.worker.contexts.direct_contexts import test_logger
from tidewheel.worker.contexts.input_context import InputContext
from tidewheel.worker.contexts.io_contexts import NO_RUN
from tidewheel.worker.contexts.output_context import OutputContext
from tidewheel.worker.environment.resource_scope import ResourceFactory


def load_asset_value(
    key: AssetKey,
    *,
    spec: Any,
    io_manager_key: str,
    resource_defs: Mapping[str, Any],
    instance: Any = None,
    python_type: Any = None,
    partition_key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    resource_config: Mapping[str, Any] | None = None,
) -> Any:
    """The stored value of an asset, or of one partition of it, through its IO manager.

    Without an instance the home's is used, where one is set, otherwise one in memory.
    """
    definitions = coerce_resources(resource_defs)
    definitions.setdefault("io_manager", DEFAULT_IO_MANAGER)
    config = {
        name: check_resource_config(definitions[name], (given or {}).get("config"), key=name)
        for name, given in (resource_config or {}).items()
        if name in definitions
    }
    known = instance if instance is not None else Instance.ephemeral()
    factory = ResourceFactory(
        definitions, config, context=InitResourceContext(instance=known, log_manager=test_logger())
    )
    try:
        manager = factory.open(io_manager_key)
        needed = definitions[io_manager_key].required_resource_keys
        shared: dict[str, Any] = {
            "asset_key": key,
            "partition_key": partition_key,
            "asset_partitions_def": spec.partitions_def,
            "asset_partitions_subset": [partition_key] if partition_key is not None else None,
            "resource_config": config.get(io_manager_key),
            "resources": ScopedResources({name: factory.shown[name] for name in needed}),
            "log_manager": test_logger(),
            "instance": known,
            "dagster_type": resolve_type(python_type) if python_type is not None else None,
        }
        upstream = OutputContext(
            step_key="none",
            run_id=NO_RUN,
            name=key.path[-1],
            definition_metadata=spec.metadata,
            asset_spec=spec,
            **shared,
        )
        context = InputContext(upstream_output=upstream, definition_metadata=metadata, **shared)
        return manager.load_input(context)
    finally:
        factory.close()
