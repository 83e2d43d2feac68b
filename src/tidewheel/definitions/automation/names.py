"""The public names of declarative automation."""

from __future__ import annotations

from tidewheel.definitions.automation.auto_materialize import (
    AutoMaterializeAssetPartitionsFilter,
    AutoMaterializeDecisionType,
    AutoMaterializePolicy,
    AutoMaterializePolicyType,
    AutoMaterializeRule,
)
from tidewheel.definitions.automation.automation_condition import AutomationCondition
from tidewheel.definitions.automation.automation_context import (
    AutomationContext,
    AutomationResult,
    EntitySubset,
)

__all__ = [
    "AutoMaterializeAssetPartitionsFilter",
    "AutoMaterializeDecisionType",
    "AutoMaterializePolicy",
    "AutoMaterializePolicyType",
    "AutoMaterializeRule",
    "AutomationCondition",
    "AutomationContext",
    "AutomationResult",
    "EntitySubset",
]
