"""Which nodes, inputs and outputs of a job's graph are assets and checks.

The runner executes ops; this table tells it which outputs are asset materialisations or check results, which inputs
are upstream assets, and what is known of each. Made once when a job over assets is resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidewheel.values.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, AssetSpec
    from tidewheel.definitions.assets.definition import AssetsDefinition
    from tidewheel.definitions.partitions.definition import PartitionsDefinition
    from tidewheel.definitions.partitions.partition_mappings import PartitionMapping

NodePath = tuple[str, ...]
"""Names from the job's top graph down to the op, e.g. ``("graph_asset_name", "inner_op")``."""


@dataclass(frozen=True, kw_only=True)
class AssetLayer:
    """Asset knowledge of one job (or of one subset of it).

    ``outputs``, ``check_outputs`` and ``inputs`` are keyed by (path of the op, output or input name): for
    graph-backed assets that is the inner op whose output the graph's output mapping names. ``by_node`` is keyed by
    the top-level node's name.
    """

    by_node: Mapping[str, AssetsDefinition] = field(default_factory=dict)
    outputs: Mapping[tuple[NodePath, str], AssetKey] = field(default_factory=dict)
    check_outputs: Mapping[tuple[NodePath, str], AssetCheckKey] = field(default_factory=dict)
    inputs: Mapping[tuple[NodePath, str], AssetKey] = field(default_factory=dict)
    specs: Mapping[AssetKey, AssetSpec] = field(default_factory=dict)
    """Every asset that the job makes or reads, external ones included."""
    check_specs: Mapping[AssetCheckKey, AssetCheckSpec] = field(default_factory=dict)
    partitions_defs: Mapping[AssetKey, PartitionsDefinition] = field(default_factory=dict)
    mappings: Mapping[tuple[AssetKey, AssetKey], PartitionMapping] = field(default_factory=dict)
    """(downstream, upstream) → the mapping given by the user; absent = the default one."""
    io_manager_keys: Mapping[AssetKey, str] = field(default_factory=dict)
    """Of assets that the job reads or makes; absent = ``"io_manager"``."""
    selected_assets: frozenset[AssetKey] = frozenset()
    selected_checks: frozenset[AssetCheckKey] = frozenset()

    @property
    def selected_asset_keys(self) -> frozenset[AssetKey]:
        """As ``selected_assets`` (older spelling)."""
        return self.selected_assets
