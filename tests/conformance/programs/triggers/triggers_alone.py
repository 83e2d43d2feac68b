"""Triggers whose resources another file gives, crons of partitions, and runs made by hand."""

from datetime import datetime

import dagster as dg
from dagster._core.test_utils import create_run_for_test

WAITING = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.MANAGED, dg.DagsterRunStatus.STARTED]
monthly = dg.MonthlyPartitionsDefinition("2024-01-01", hour_offset=12, end_offset=-1)
weekly = dg.WeeklyPartitionsDefinition("2024-01-01")


@dg.op
def send() -> int:
    return 1


@dg.job(tags={"kind": "mail"})
def outbox():
    send()


class Mailbox(dg.ConfigurableResource):
    address: str


@dg.sensor(job=outbox)
def new_mail(context: dg.SensorEvaluationContext, mailbox: Mailbox):
    return dg.RunRequest(run_key=mailbox.address)


@dg.run_failure_sensor(monitored_jobs=[outbox])
def lost_mail(context: dg.RunFailureSensorContext, mailbox: Mailbox):
    return dg.SkipReason(mailbox.address)


@dg.schedule(job=outbox, cron_schedule="*/10 * * * *")
def unless_active(context: dg.ScheduleEvaluationContext):
    active = context.instance.get_runs(dg.RunsFilter(job_name="outbox", statuses=WAITING))
    return dg.SkipReason(active[0].status.value) if active else dg.RunRequest(run_key="go")


def test_with_the_resource() -> None:
    context = dg.build_sensor_context(resources={"mailbox": Mailbox(address="a@b")})
    assert new_mail(context).run_key == "a@b"


def test_active_runs_stop_the_schedule() -> None:
    with dg.instance_for_test() as instance:
        for status in WAITING:
            run = instance.create_run_for_job(outbox, status=status)
            with dg.build_schedule_context(
                instance=instance, scheduled_execution_time=datetime(2024, 1, 1)
            ) as context:
                assert unless_active.evaluate_tick(context).skip_message == status.value
            instance.delete_run(run.run_id)
        create_run_for_test(instance, job_name="outbox", status=dg.DagsterRunStatus.SUCCESS)
        with dg.build_schedule_context(
            instance=instance, scheduled_execution_time=datetime(2024, 1, 1)
        ) as context:
            assert len(unless_active.evaluate_tick(context).run_requests) == 1


def observe():
    return {
        "monthly": monthly.get_cron_schedule(day_of_week=1, hour_of_day=20),
        "weekly": weekly.get_cron_schedule(day_of_month=4, minute_of_hour=5),
    }
