"""No Definitions object: the file's assets, jobs, schedules and sensors are picked up as they are."""

from dagster import RunRequest, ScheduleDefinition, SkipReason, asset, define_asset_job, sensor


@asset
def lemons():
    return 3


@asset
def lemonade(lemons):
    return lemons * 0.2


stand = define_asset_job("stand", selection="lemonade")
morning = ScheduleDefinition(name="morning", job=stand, cron_schedule="0 7 * * *")


@sensor(job=stand)
def thirsty(context):
    if not context.cursor:
        context.update_cursor("1")
        return SkipReason("nobody came")
    return RunRequest(run_key="customer")
