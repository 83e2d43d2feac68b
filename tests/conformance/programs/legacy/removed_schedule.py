from dagster import ScheduleDefinition

nightly = ScheduleDefinition(name="nightly", cron_schedule="0 0 * * *", pipeline_name="old", mode="prod")
