"""How an asset is: made or failed, its checks, its freshness, and all of it in one word."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Optional

import msgspec

from tidewheel.logic.freshness import FreshnessRule, freshness_state


class Health(str, Enum):
    """``UNKNOWN``: nothing has happened yet that would say; ``NOT_APPLICABLE``: nothing can."""

    HEALTHY = "HEALTHY"
    WARNING = "WARNING"
    DEGRADED = "DEGRADED"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class PartitionCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Partitions that exist now; what is in progress is neither made nor failed."""

    total: int
    made: int
    failed: int

    @property
    def missing(self) -> int:
        """Those that were never made and did not fail."""
        return self.total - self.made - self.failed


class CheckOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The newest evaluation of a check; ``passed`` None: there is none."""

    passed: Optional[bool] = None
    is_warning: bool = False


class CheckCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Of an asset's checks: failed, failed with a warning only, not evaluated yet, all."""

    failed: int = 0
    warned: int = 0
    not_executed: int = 0
    total: int = 0


_FRESHNESS = {
    "passed": Health.HEALTHY,
    "warned": Health.WARNING,
    "failed": Health.DEGRADED,
    None: Health.UNKNOWN,
}


def materialization_health(
    *, is_made: bool, has_failed: bool, partitions: PartitionCounts | None, is_materializable: bool
) -> Health:
    """By its events: a failure since it was last made degrades it; of partitions, one failed one does."""
    if partitions is not None and is_materializable:
        is_made, has_failed = partitions.made > 0, partitions.failed > 0
    if has_failed:
        return Health.DEGRADED
    if is_made:
        return Health.HEALTHY
    return Health.UNKNOWN if is_materializable else Health.NOT_APPLICABLE


def count_checks(outcomes: Sequence[CheckOutcome]) -> CheckCounts:
    """How many checks are in which state."""
    failed = [one for one in outcomes if one.passed is False]
    return CheckCounts(
        failed=sum(not one.is_warning for one in failed),
        warned=sum(one.is_warning for one in failed),
        not_executed=sum(one.passed is None for one in outcomes),
        total=len(outcomes),
    )


def checks_health(counts: CheckCounts) -> Health:
    """By the newest evaluation of each check."""
    if not counts.total:
        return Health.NOT_APPLICABLE
    if counts.failed:
        return Health.DEGRADED
    if counts.warned:
        return Health.WARNING
    return Health.UNKNOWN if counts.not_executed else Health.HEALTHY


def freshness_health(rule: FreshnessRule | None, updated_s: float | None, now_s: float) -> Health:
    """By its freshness rule; an asset that was never made is of unknown freshness."""
    return Health.NOT_APPLICABLE if rule is None else _FRESHNESS[freshness_state(rule, updated_s, now_s)]


def overall_health(parts: Sequence[Health]) -> Health:
    """The worst of them; unknown only if none of them says anything."""
    for worst in (Health.DEGRADED, Health.WARNING, Health.HEALTHY, Health.UNKNOWN):
        if worst in parts:
            return worst
    return Health.NOT_APPLICABLE
