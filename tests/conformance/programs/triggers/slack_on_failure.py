"""A failing run is told to a chat; a mock stands for the client."""

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    Definitions,
    Failure,
    RunFailureSensorContext,
    RunStatusSensorContext,
    build_run_status_sensor_context,
    job,
    op,
    run_failure_sensor,
    run_status_sensor,
)


class Chat:
    def __init__(self):
        self.sent = []

    def chat_postMessage(self, channel, text):
        self.sent.append((channel, text))


CHAT = Chat()


@op
def breaks():
    raise Failure("the disk is full", metadata={"free": 0})


@op
def fine():
    return 1


@job
def breaking():
    breaks()


@job
def healthy():
    fine()


@run_failure_sensor(default_status=DefaultSensorStatus.RUNNING, minimum_interval_seconds=10)
def tell_chat(context: RunFailureSensorContext):
    run = context.dagster_run
    lines = [event.step_key for event in context.get_step_failure_events()]
    CHAT.chat_postMessage("#alerts", f"{run.job_name} {run.status.value} at {','.join(lines)}")
    return None


@run_failure_sensor(monitored_jobs=[breaking], name="only_breaking")
def tell_more(context):
    """Only this job."""
    for event in context.get_step_failure_events():
        error = event.event_specific_data.error
        CHAT.chat_postMessage("#breaking", (error.cause or error).message.splitlines()[0])


@run_status_sensor(run_status=DagsterRunStatus.SUCCESS)
def tell_success(context: RunStatusSensorContext):
    CHAT.chat_postMessage("#ok", context.dagster_run.job_name)


defs = Definitions(jobs=[breaking, healthy], sensors=[tell_chat, tell_more, tell_success])


def context_of(result, instance, name):
    return build_run_status_sensor_context(
        sensor_name=name,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()


def test_chat():
    CHAT.sent.clear()
    with DagsterInstance.ephemeral() as instance:
        result = breaking.execute_in_process(instance=instance, raise_on_error=False)
        tell_chat(context_of(result, instance, "tell_chat"))
    assert CHAT.sent == [("#alerts", "breaking FAILURE at breaks")]


def test_message():
    with DagsterInstance.ephemeral() as instance:
        result = breaking.execute_in_process(instance=instance, raise_on_error=False)
        context = context_of(result, instance, "only_breaking")
        assert context.failure_event.is_failure
        assert "breaking" in context.failure_event.message
        assert context.dagster_run.run_id == result.run_id
        (event,) = context.get_step_failure_events()
        assert event.step_key == "breaks" and event.is_step_failure


def test_success():
    CHAT.sent.clear()
    with DagsterInstance.ephemeral() as instance:
        result = healthy.execute_in_process(instance=instance)
        context = build_run_status_sensor_context(
            sensor_name="tell_success",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_success_event(),
        )
        tell_success(context)
    assert CHAT.sent == [("#ok", "healthy")]


def observe():
    return [
        [one.name, one.description, one.minimum_interval_seconds, one.default_status.name]
        for one in (tell_chat, tell_more, tell_success)
    ]
