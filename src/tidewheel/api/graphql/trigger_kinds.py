"""The names that the schema has for kinds of sensors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SENSOR_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "standard": "STANDARD",
        "run_status": "RUN_STATUS",
        "asset": "ASSET",
        "multi_asset": "MULTI_ASSET",
        "automation": "AUTOMATION",
    }
)
"""By ``SensorNode.kind``."""
