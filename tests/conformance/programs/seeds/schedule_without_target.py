from dagster import Definitions, RunRequest, job, op, schedule


@op
def work(): ...


@job
def one():
    work()


@job
def two():
    work()


@schedule(cron_schedule="0 1 * * *")
def both_jobs(context):
    return [RunRequest(job_name="one", run_key="a"), RunRequest(job_name="two", run_key="b")]


defs = Definitions(jobs=[one, two], schedules=[both_jobs])
