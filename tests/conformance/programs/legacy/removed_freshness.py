from dagster import FreshnessPolicy, asset


@asset(freshness_policy=FreshnessPolicy(maximum_lag_minutes=60))
def report():
    return 1
