from dagster import (
    AutomationCondition,
    AutoMaterializePolicy,
    Definitions,
    define_asset_job,
    load_asset_checks_from_package_module,
    load_asset_checks_from_modules,
    load_assets_from_modules,
    load_assets_from_package_module,
    load_assets_from_package_name,
    ScheduleDefinition,
)

import shop_assets
from shop_assets import core, marketing
from shop_assets.reports import weekly

core_assets = load_assets_from_modules([core], group_name="core", key_prefix="shop")
marketing_assets = load_assets_from_modules(modules=[marketing])
report_assets = load_assets_from_package_module(shop_assets.reports, group_name="reports")
package_checks = load_asset_checks_from_package_module(shop_assets)
everything = load_assets_from_package_name("shop_assets")

reports_job = define_asset_job("reports_job", selection="group:reports")
defs = Definitions(
    assets=[*core_assets, *marketing_assets, *report_assets],
    jobs=[reports_job],
    schedules=[ScheduleDefinition(job=reports_job, cron_schedule="0 6 * * 1")],
)


def observe():
    return {
        "everything": sorted(key.to_user_string() for one in everything for key in one.keys),
        "checks": len(package_checks),
        "core_deps": {
            key.to_user_string(): sorted(d.to_user_string() for d in deps)
            for one in core_assets
            for key, deps in one.asset_deps.items()
        },
    }
