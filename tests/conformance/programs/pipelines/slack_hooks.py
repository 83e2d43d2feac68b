"""Hooks that notify through a Slack-like resource, on jobs, ops and with_hooks."""

from unittest import mock

from dagster import (
    Definitions,
    HookContext,
    ResourceDefinition,
    build_hook_context,
    failure_hook,
    file_relative_path,
    graph,
    job,
    op,
    resource,
    success_hook,
)


class FakeSlack:
    def __init__(self, token):
        self.token = token
        self.sent = []

    def chat_postMessage(self, channel, text):
        self.sent.append((channel, text))


SLACK = FakeSlack("x")


@resource(config_schema={"token": str})
def slack_resource(context):
    SLACK.token = context.resource_config["token"]
    return SLACK


@success_hook(required_resource_keys={"slack"})
def slack_message_on_success(context: HookContext):
    message = f"Op {context.op.name} finished successfully"
    context.resources.slack.chat_postMessage(channel="#foo", text=message)


@failure_hook(required_resource_keys={"slack"})
def slack_message_on_failure(context: HookContext):
    message = f"Op {context.op.name} failed with {type(context.op_exception).__name__}"
    context.resources.slack.chat_postMessage(channel="#foo", text=message)


@failure_hook
def log_only(context):
    context.log.info("failed " + context.step_key)
    SLACK.sent.append(
        ("log", context.hook_def.name, context.job_name, len(context.run_id), context.op_config)
    )


@op
def a():
    return 1


@op(config_schema={"n": int})
def b(context, x):
    raise ValueError("not today")


@job(
    resource_defs={"slack": slack_resource},
    config={"resources": {"slack": {"config": {"token": "t"}}}, "ops": {"b": {"config": {"n": 3}}}},
)
def selective():
    x = a.with_hooks({slack_message_on_success})()
    b.with_hooks(hook_defs={slack_message_on_failure, log_only})(x)


@slack_message_on_failure
@slack_message_on_success
@job(resource_defs={"slack": ResourceDefinition.hardcoded_resource(FakeSlack("h"))})
def everywhere():
    a()
    a.alias("again")()


@job(hooks={log_only})
def by_argument():
    a()


@graph
def plain():
    a()


with_graph = plain.to_job(
    name="with_graph", hooks={slack_message_on_success}, resource_defs={"slack": slack_resource}
)

defs = Definitions(jobs=[selective, everywhere, by_argument])


def test_hook_direct():
    slack = mock.MagicMock()
    context = build_hook_context(resources={"slack": slack}, op=a)
    slack_message_on_success(context)
    assert slack.chat_postMessage.call_count == 1
    failing = build_hook_context(
        resources={"slack": slack}, op=a, op_exception=ValueError("x"), run_id="r1", job_name="j"
    )
    slack_message_on_failure(failing)
    assert slack.chat_postMessage.call_args.kwargs["text"] == "Op a failed with ValueError"
    assert failing.run_id == "r1"
    assert failing.job_name == "j"


def test_missing_resource():
    from dagster import DagsterInvalidInvocationError, DagsterInvalidDefinitionError

    try:
        slack_message_on_success(build_hook_context())
    except (DagsterInvalidInvocationError, DagsterInvalidDefinitionError) as e:
        pass
    else:
        raise AssertionError("no error")


def observe():
    SLACK.sent.clear()
    result = selective.execute_in_process(raise_on_error=False)
    shown = {"sent": sorted(map(str, SLACK.sent)), "token": SLACK.token, "success": result.success}
    SLACK.sent.clear()
    with_graph.execute_in_process(run_config={"resources": {"slack": {"config": {"token": "t2"}}}})
    shown["graph"] = SLACK.sent
    shown["hooks"] = sorted(h.name for h in everywhere.hook_defs)
    return shown
