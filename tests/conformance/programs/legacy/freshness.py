import datetime

from dagster import Definitions, FreshnessPolicy, LegacyFreshnessPolicy, asset

modern = FreshnessPolicy.time_window(
    fail_window=datetime.timedelta(hours=24), warn_window=datetime.timedelta(hours=12)
)
by_cron = FreshnessPolicy.cron(
    deadline_cron="0 9 * * *", lower_bound_delta=datetime.timedelta(hours=1), timezone="Europe/Berlin"
)


@asset(freshness_policy=modern)
def windowed(): ...


@asset(freshness_policy=by_cron)
def deadline(): ...


@asset(
    legacy_freshness_policy=LegacyFreshnessPolicy(
        maximum_lag_minutes=60, cron_schedule="0 6 * * *", cron_schedule_timezone="UTC"
    )
)
def old_policy(): ...


defs = Definitions(assets=[windowed, deadline, old_policy])


def observe():
    import pytest

    with pytest.raises(Exception):
        FreshnessPolicy.time_window(
            fail_window=datetime.timedelta(minutes=1), warn_window=datetime.timedelta(minutes=2)
        )
    return {
        "equal": modern
        == FreshnessPolicy.time_window(
            fail_window=datetime.timedelta(hours=24), warn_window=datetime.timedelta(hours=12)
        ),
    }
