import dagster as dg


@dg.asset
def root(): ...


@dg.asset(deps=[root])
def leaf(): ...


daily_when_ready = dg.define_asset_job(
    "daily_when_ready",
    selection=[root, leaf],
    automation_condition=dg.AutomationCondition.all_job_root_assets_match(
        dg.AutomationCondition.cron_tick_passed("@daily")
    ),
)
any_missing = dg.define_asset_job(
    "any_missing",
    selection="*",
    automation_condition=dg.AutomationCondition.any_job_root_assets_match(dg.AutomationCondition.missing()),
)

defs = dg.Definitions(assets=[root, leaf], jobs=[daily_when_ready, any_missing])


def observe():
    return {
        name: defs.get_job_def(name).automation_condition is not None
        for name in ("daily_when_ready", "any_missing")
    }
