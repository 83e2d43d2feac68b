from dagster import Definitions, job, op
from dagster._core.definitions.decorators.hook_decorator import event_list_hook
from dagster._core.definitions.events import HookExecutionResult

SEEN = []


@event_list_hook(name="watcher", required_resource_keys=set())
def watcher(context, event_list):
    kinds = [event.event_type_value for event in event_list]
    SEEN.append([context.op.name, "STEP_SUCCESS" in kinds])
    return HookExecutionResult(hook_name="watcher", is_skipped="STEP_SUCCESS" not in kinds)


@op
def fine():
    return 1


@op
def fails():
    raise ValueError


@watcher
@job
def watched():
    fine()
    fails()


defs = Definitions(jobs=[watched])


def observe():
    watched.execute_in_process(raise_on_error=False)
    return {"seen": sorted(SEEN)}
