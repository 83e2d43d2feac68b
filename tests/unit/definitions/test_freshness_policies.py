from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.assets.freshness import (
    CronFreshnessPolicy,
    FreshnessMinutes,
    FreshnessPolicy,
    LegacyFreshnessPolicy,
    TimeWindowFreshnessPolicy,
    apply_freshness_policy,
)
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.logic.freshness import DeadlineFreshness, WindowFreshness

HOUR = timedelta(hours=1)
WINDOW = FreshnessPolicy.time_window(fail_window=HOUR, warn_window=timedelta(minutes=30))
CRON = FreshnessPolicy.cron(deadline_cron="0 10 * * *", lower_bound_delta=HOUR, timezone="Europe/Berlin")


def legacy(**kwargs: Any) -> LegacyFreshnessPolicy:
    with pytest.warns(DeprecationWarning, match="LegacyFreshnessPolicy is deprecated"):
        return LegacyFreshnessPolicy(**kwargs)


def test_policies_are_values() -> None:
    assert isinstance(WINDOW, TimeWindowFreshnessPolicy)
    assert isinstance(WINDOW, FreshnessPolicy)
    assert isinstance(CRON, CronFreshnessPolicy)
    assert FreshnessPolicy.time_window(HOUR, timedelta(minutes=30)) == WINDOW
    assert hash(WINDOW) != hash(CRON)
    assert WINDOW.rule == WindowFreshness(fail_window_s=3600, warn_window_s=1800)
    assert CRON.rule == DeadlineFreshness(cron="0 10 * * *", lower_bound_s=3600, zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: FreshnessPolicy.time_window(HOUR, HOUR), "shorter than fail_window"),
        (lambda: FreshnessPolicy.time_window(timedelta(seconds=59)), "fail_window of a minute or more"),
        (lambda: FreshnessPolicy.time_window(HOUR, timedelta(seconds=1)), "warn_window of a minute or more"),
        (lambda: FreshnessPolicy.time_window(60), "as a timedelta"),  # type: ignore[arg-type]
        (lambda: FreshnessPolicy.cron("0 10 * *", HOUR), "five fields"),
        (lambda: FreshnessPolicy.cron("0 10 * * *", HOUR, timezone="Foo"), "Foo"),
        (lambda: FreshnessPolicy.cron("0 10 * * 1-5", timedelta(hours=48)), "at most 1 day"),
        (lambda: FreshnessPolicy.cron("0 10 * * *", timedelta(seconds=10)), "lower_bound_delta of a minute"),
        (lambda: FreshnessPolicy(), "FreshnessPolicy.time_window"),
    ],
)
def test_wrong_policies(make: Any, problem: str) -> None:
    with pytest.raises(CheckError, match=problem):
        make()


def test_a_day_before_a_daily_deadline_is_allowed() -> None:
    FreshnessPolicy.cron("0 10 * * *", timedelta(hours=24))


def test_assets_carry_their_policy() -> None:
    @tw.asset(freshness_policy=WINDOW)
    def a() -> None: ...

    assert a.specs_by_key[a.key].freshness_policy == WINDOW


def test_apply_policy() -> None:
    spec = tw.AssetSpec("a")
    once = apply_freshness_policy(spec, WINDOW)
    assert spec.freshness_policy is None
    assert once.freshness_policy == WINDOW
    assert apply_freshness_policy(once, CRON).freshness_policy == CRON
    assert apply_freshness_policy(once, CRON, overwrite_existing=False).freshness_policy == WINDOW
    with pytest.raises(ParameterCheckError):
        apply_freshness_policy(spec, "daily")  # type: ignore[arg-type]


def test_apply_policy_to_all_assets() -> None:
    defs = tw.Definitions(assets=[tw.AssetSpec("a"), tw.AssetSpec("b")])
    mapped = defs.map_asset_specs(func=lambda spec: apply_freshness_policy(spec, WINDOW))
    assert all(spec.freshness_policy == WINDOW for spec in mapped.get_all_asset_specs())


# -- the older policy -------------------------------------------------------------------------------------------------


def test_the_older_spelling_gives_the_older_policy() -> None:
    with pytest.warns(DeprecationWarning):
        made = FreshnessPolicy(maximum_lag_minutes=30)
    assert made == legacy(maximum_lag_minutes=30)
    assert tw.AssetSpec("a", freshness_policy=made).legacy_freshness_policy == made


def test_lateness() -> None:
    plain = legacy(maximum_lag_minutes=30)
    daily = legacy(maximum_lag_minutes=30, cron_schedule="0 9 * * *", cron_schedule_timezone="Europe/Berlin")
    now = datetime(2024, 1, 10, 12, 0, tzinfo=UTC)
    assert plain.maximum_lag_delta == timedelta(minutes=30)
    assert plain.get_evaluation_tick(now) == now
    tick = daily.get_evaluation_tick(now)
    assert tick is not None
    assert tick.isoformat() == "2024-01-10T09:00:00+01:00"
    assert plain.minutes_overdue(None, now) is None
    assert plain.minutes_overdue(now - timedelta(minutes=50), now) == FreshnessMinutes(20.0, 50.0)
    assert daily.minutes_overdue(now - timedelta(minutes=50), now) == FreshnessMinutes(0.0, 0.0)
    assert daily.minutes_overdue(datetime(2024, 1, 10, 7, 20, tzinfo=UTC), now) == FreshnessMinutes(
        10.0, 40.0
    )


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"maximum_lag_minutes": "x"}, ParameterCheckError),
        ({"maximum_lag_minutes": 1, "cron_schedule": "xx"}, InvalidDefinitionError),
        (
            {"maximum_lag_minutes": 1, "cron_schedule": "@daily", "cron_schedule_timezone": "Foo"},
            InvalidDefinitionError,
        ),
        ({"maximum_lag_minutes": 1, "cron_schedule_timezone": "UTC"}, ParameterCheckError),
    ],
)
def test_wrong_older_policies(kwargs: dict[str, Any], error: type[Exception]) -> None:
    with warnings.catch_warnings(), pytest.raises(error):
        warnings.simplefilter("ignore")
        LegacyFreshnessPolicy(**kwargs)


def test_windows_answer_as_plain_timedeltas() -> None:
    policy = FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=1))
    assert policy.fail_window.to_timedelta() == timedelta(hours=3)
    assert type(policy.warn_window.to_timedelta()) is timedelta
