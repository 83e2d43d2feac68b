"""How bad it is when a check does not pass."""

from __future__ import annotations

from enum import Enum


class AssetCheckSeverity(Enum):
    """``ERROR`` fails the check and, where it blocks, what depends on the asset; ``WARN`` only tells."""

    WARN = "WARN"
    ERROR = "ERROR"
