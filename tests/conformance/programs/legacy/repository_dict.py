from dagster import job, op, repository, schedule, RunRequest


@op(config_schema={"n": int})
def step(context):
    return context.op_config["n"]


def make_job(name):
    @job(name=name)
    def made():
        step()

    return made


first = make_job("first")


@schedule(job=first, cron_schedule="0 2 * * *")
def nightly(context):
    return RunRequest(run_config={"ops": {"step": {"config": {"n": context.scheduled_execution_time.day}}}})


@repository
def by_dict():
    return {
        "jobs": {"first": lambda: first, "second": lambda: make_job("second")},
        "schedules": {"nightly": lambda: nightly},
    }


def test_lazy():
    assert by_dict.get_job("second").name == "second"
