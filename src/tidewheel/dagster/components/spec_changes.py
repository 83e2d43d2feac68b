"""What components take to change the specs of assets: the attributes that a spec may have, each of which may be left out."""

from __future__ import annotations

import dataclasses
from typing import Any

from tidewheel.dagster.components.fields import Resolvable


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSpecKeyUpdateKwargs(Resolvable):
    """What changes the key of an asset's spec: another key, or a prefix."""

    key: Any = None
    key_prefix: Any = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSpecUpdateKwargs(AssetSpecKeyUpdateKwargs):
    """What changes an asset's spec: any of its attributes."""

    deps: Any = None
    description: Any = None
    metadata: Any = None
    group_name: Any = None
    skippable: Any = None
    code_version: Any = None
    owners: Any = None
    tags: Any = None
    kinds: Any = None
    automation_condition: Any = None
    partitions_def: Any = None
    freshness_policy: Any = None
