"""Two teams' definitions merged, each with triggers of its own."""

from dagster import (
    AssetKey,
    AssetSpec,
    Definitions,
    RunRequest,
    ScheduleDefinition,
    asset,
    asset_sensor,
    define_asset_job,
    sensor,
)


def team(name):
    @asset(key_prefix=[name], name="table", group_name=name)
    def table():
        return name

    @asset(key_prefix=name, name="view", group_name=name, ins={}, deps=[AssetKey([name, "table"])])
    def view(): ...

    job = define_asset_job(f"{name}_job", selection=f'key:"{name}/table"+')

    @sensor(name=f"{name}_sensor", job=job)
    def polls():
        return RunRequest(run_key=name)

    return Definitions(
        assets=[table, view],
        jobs=[job],
        schedules=[ScheduleDefinition(name=f"{name}_schedule", job=job, cron_schedule="@weekly")],
        sensors=[polls],
    )


@asset(deps=[AssetSpec(["red", "view"]), AssetSpec(["blue", "view"])])
def shared(): ...


shared_job = define_asset_job("shared_job", selection=[shared])


@asset_sensor(asset_key=AssetKey(["red", "view"]), job=shared_job)
def on_red(context, asset_event):
    return RunRequest(run_key=context.cursor)


defs = Definitions.merge(
    team("red"), team("blue"), Definitions(assets=[shared], jobs=[shared_job], sensors=[on_red])
)


def observe():
    repo = defs.get_repository_def()
    return [sorted(one.name for one in repo.sensor_defs), sorted(one.name for one in repo.schedule_defs)]
