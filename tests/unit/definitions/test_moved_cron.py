"""The cron string of a cadence, moved within it."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import CheckError

HOURLY = tw.HourlyPartitionsDefinition("2024-01-01-00:00")
DAILY = tw.DailyPartitionsDefinition("2024-01-01")
WEEKLY = tw.WeeklyPartitionsDefinition("2024-01-01")
MONTHLY = tw.MonthlyPartitionsDefinition("2024-01-01", hour_offset=12)


@pytest.mark.parametrize(
    ("partitions", "moves", "cron"),
    [
        (MONTHLY, {"day_of_week": 1, "hour_of_day": 20}, "0 20 1 * *"),
        (WEEKLY, {"day_of_month": 3, "hour_of_day": 7}, "0 7 * * 0"),
        (HOURLY, {"day_of_week": 1, "minute_of_hour": 5}, "5 * * * *"),
        (MONTHLY, {}, "0 12 1 * *"),
    ],
)
def test_a_day_of_another_cadence_is_ignored(
    partitions: tw.TimeWindowPartitionsDefinition, moves: dict[str, int], cron: str
) -> None:
    assert partitions.get_cron_schedule(**moves) == cron


@pytest.mark.parametrize(
    ("partitions", "moves"),
    [(DAILY, {"day_of_week": 1}), (DAILY, {"day_of_month": 1}), (HOURLY, {"hour_of_day": 1})],
)
def test_what_does_not_fit_is_refused(
    partitions: tw.TimeWindowPartitionsDefinition, moves: dict[str, int]
) -> None:
    with pytest.raises(CheckError, match=next(iter(moves))):
        partitions.get_cron_schedule(**moves)


def test_schedules_of_partitioned_jobs_refuse_every_foreign_parameter() -> None:
    with pytest.raises(CheckError, match="day_of_week"):
        MONTHLY.moved_cron(day_of_week=1)
