from datetime import timedelta
from dagster import (
    AssetSpec,
    Definitions,
    FreshnessPolicy,
    asset,
    build_last_update_freshness_checks,
    build_sensor_for_freshness_checks,
    build_time_partition_freshness_checks,
    DailyPartitionsDefinition,
    materialize,
    DagsterInstance,
    apply_freshness_policy,
    build_metadata_bounds_checks,
    MaterializeResult,
    AssetCheckSeverity,
)


@asset(
    freshness_policy=FreshnessPolicy.time_window(
        fail_window=timedelta(hours=24), warn_window=timedelta(hours=12)
    )
)
def windowed():
    return 1


@asset(freshness_policy=FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=timedelta(hours=1)))
def by_cron():
    return MaterializeResult(metadata={"rows": 50})


@asset(partitions_def=DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01"))
def daily():
    return 1


external = AssetSpec("external", group_name="outside")
last = build_last_update_freshness_checks(
    assets=[windowed, by_cron],
    lower_bound_delta=timedelta(hours=2),
    deadline_cron="0 9 * * *",
    timezone="UTC",
)
part = build_time_partition_freshness_checks(
    assets=[daily], deadline_cron="0 10 * * *", severity=AssetCheckSeverity.ERROR
)
bounds = build_metadata_bounds_checks(assets=[by_cron], metadata_key="rows", min_value=10, max_value=100)
sensor = build_sensor_for_freshness_checks(freshness_checks=[*last, *part], minimum_interval_seconds=60)
defs = Definitions(
    assets=[windowed, by_cron, daily, external], asset_checks=[*last, *part, *bounds], sensors=[sensor]
)


def test_names():
    names = sorted(k.to_user_string() for c in [*last, *part, *bounds] for k in c.check_keys)
    assert len(names) == 4


def test_fresh():
    r = materialize(
        [
            windowed,
            *build_last_update_freshness_checks(assets=[windowed], lower_bound_delta=timedelta(days=1)),
        ]
    )
    assert r.success
    e = r.get_asset_check_evaluations()
    assert [x.passed for x in e] == [True]
    assert e[0].check_name == "freshness_check"


def test_policy():
    p = windowed.specs_by_key[windowed.key].freshness_policy
    assert p.warn_window.to_timedelta() == timedelta(hours=12)
    spec = apply_freshness_policy(external, p)
    assert spec.freshness_policy == p


def observe():
    return sorted((k.to_user_string()) for c in [*last, *part, *bounds] for k in c.check_keys)
