"""How an asset is, in one word: tables."""

from __future__ import annotations

import pytest

from tidewheel.logic.freshness import DeadlineFreshness, WindowFreshness
from tidewheel.logic.graph.health import (
    CheckOutcome,
    Health,
    PartitionCounts,
    checks_health,
    count_checks,
    freshness_health,
    materialization_health,
    overall_health,
)

HEALTHY, WARNING, DEGRADED = Health.HEALTHY, Health.WARNING, Health.DEGRADED
UNKNOWN, NONE = Health.UNKNOWN, Health.NOT_APPLICABLE
HOUR = 3_600.0


@pytest.mark.parametrize(
    "is_made, has_failed, partitions, is_materializable, found",
    [
        (False, False, None, True, UNKNOWN),
        (True, False, None, True, HEALTHY),
        (True, True, None, True, DEGRADED),
        (False, False, None, False, NONE),
        (True, False, None, False, HEALTHY),
        (True, False, (4, 0, 0), True, UNKNOWN),
        (
            True,
            True,
            (4, 2, 0),
            True,
            HEALTHY,
        ),  # the failed one has been made since, or is no partition any more
        (True, False, (4, 2, 1), True, DEGRADED),
        (True, False, (0, 0, 0), True, UNKNOWN),
    ],
)
def test_by_events(is_made, has_failed, partitions, is_materializable, found) -> None:
    counts = (
        None if partitions is None else PartitionCounts(**dict(zip(("total", "made", "failed"), partitions)))
    )
    health = materialization_health(
        is_made=is_made, has_failed=has_failed, partitions=counts, is_materializable=is_materializable
    )
    assert health is found


PASSED, FAILED, WARNED, NOT_YET = (
    CheckOutcome(passed=True),
    CheckOutcome(passed=False),
    CheckOutcome(passed=False, is_warning=True),
    CheckOutcome(),
)


@pytest.mark.parametrize(
    "outcomes, found",
    [
        ([], NONE),
        ([PASSED], HEALTHY),
        ([PASSED, NOT_YET], UNKNOWN),
        ([NOT_YET, WARNED, PASSED], WARNING),
        ([FAILED, WARNED, NOT_YET], DEGRADED),
    ],
)
def test_by_checks(outcomes, found) -> None:
    counts = count_checks(outcomes)
    assert checks_health(counts) is found and counts.total == len(outcomes)
    assert counts.failed + counts.warned + counts.not_executed <= counts.total


WINDOW = WindowFreshness(fail_window_s=2 * HOUR, warn_window_s=HOUR)
DEADLINE = DeadlineFreshness(cron="0 0 * * *", lower_bound_s=HOUR)


@pytest.mark.parametrize(
    "rule, updated_s, found",
    [
        (None, 0.0, NONE),
        (WINDOW, None, UNKNOWN),
        (WINDOW, 10 * HOUR, HEALTHY),
        (WINDOW, 8.5 * HOUR, WARNING),
        (WINDOW, 7 * HOUR, DEGRADED),
        (DEADLINE, -0.5 * HOUR, HEALTHY),
        (DEADLINE, -2 * HOUR, DEGRADED),
    ],
)
def test_by_freshness_ten_hours_into_a_day(rule, updated_s, found) -> None:
    assert freshness_health(rule, updated_s, 10 * HOUR) is found


@pytest.mark.parametrize(
    "parts, found",
    [
        ((HEALTHY, WARNING, DEGRADED), DEGRADED),
        ((HEALTHY, WARNING, UNKNOWN), WARNING),
        ((HEALTHY, UNKNOWN, NONE), HEALTHY),
        ((UNKNOWN, NONE, NONE), UNKNOWN),
        ((NONE, NONE, NONE), NONE),
    ],
)
def test_all_of_it(parts, found) -> None:
    assert overall_health(parts) is found
