import dagster as dg

milking = dg.define_asset_job("milking", selection="group:animals")


@dg.schedule(cron_schedule="0 5 * * *", target=milking)
def early(context: dg.ScheduleEvaluationContext):
    return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())


@dg.sensor(target=milking)
def gate(context):
    return dg.SkipReason("closed")
