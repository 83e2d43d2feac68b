"""What the events of a run look like from outside: kinds, order, data, helper properties."""

from dagster import (
    AssetMaterialization,
    DagsterEventType,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Failure,
    In,
    Nothing,
    Out,
    Output,
    RetryRequested,
    failure_hook,
    job,
    op,
    success_hook,
)


@success_hook
def ok_hook(_):
    pass


@success_hook
def raising_hook(_):
    raise ValueError("in hook")


@op(out={"a": Out(metadata={"x": 1}), "b": Out(is_required=False)})
def source(context):
    yield AssetMaterialization("m", partition="p")
    yield Output(1, "a", metadata={"rows": 3})


@op
def takes(x, y=2):
    return x + y


@op
def skipped(z):
    return z


@op
def fails(x):
    try:
        raise KeyError("inner")
    except KeyError as e:
        raise RuntimeError("outer") from e


@op
def chained_context(x):
    try:
        raise KeyError("inner")
    except KeyError:
        raise RuntimeError("during")


@job(hooks={ok_hook, raising_hook})
def eventful():
    a, b = source()
    takes(a)
    skipped(b)
    fails(a)
    chained_context(a)


defs = Definitions(jobs=[eventful])


def error_chain(error):
    found = []
    while error is not None:
        found.append(error.cls_name.split(".")[-1].removeprefix("Dagster"))
        error = error.cause
    return found


def observe():
    result = eventful.execute_in_process(raise_on_error=False)
    shown = {
        "kinds": [
            e.event_type_value
            for e in result.all_events
            if e.step_key in ("source", "takes")
            and not e.event_type_value.startswith(("RESOURCE", "LOGS", "HOOK"))
        ],
        "hooks": sorted(
            e.event_type_value
            for e in result.all_events
            if e.event_type_value.startswith("HOOK") and e.step_key == "takes"
        ),
        "skips": [e.step_key for e in result.all_events if e.is_step_skipped],
        "failed": sorted(e.step_key for e in result.all_events if e.is_step_failure),
        "run_end": result.all_events[-1].event_type_value,
        "job_name": result.all_events[0].job_name,
        "output": next(
            [
                e.step_output_data.output_name,
                e.step_output_data.step_output_handle.step_key,
                sorted(e.step_output_data.metadata),
            ]
            for e in result.all_events
            if e.event_type == DagsterEventType.STEP_OUTPUT
        ),
        "input": next(
            e.event_specific_data.input_name
            for e in result.all_events
            if e.event_type == DagsterEventType.STEP_INPUT
        ),
        "loaded": next(
            [
                e.event_specific_data.input_name,
                e.event_specific_data.manager_key,
                e.event_specific_data.upstream_output_name,
                e.event_specific_data.upstream_step_key,
            ]
            for e in result.all_events
            if e.event_type == DagsterEventType.LOADED_INPUT
        ),
        "handled": next(
            [e.event_specific_data.output_name, e.event_specific_data.manager_key]
            for e in result.all_events
            if e.event_type == DagsterEventType.HANDLED_OUTPUT
        ),
        "materialization": next(
            [e.asset_key.to_user_string(), e.partition, e.is_step_materialization]
            for e in result.all_events
            if e.event_type == DagsterEventType.ASSET_MATERIALIZATION
        ),
        "duration": all(e.step_success_data.duration_ms >= 0 for e in result.get_step_success_events()),
        "failed_keys": sorted(result.get_failed_step_keys()),
        "chain": {
            e.step_key: error_chain(e.step_failure_data.error) for e in result.get_step_failure_events()
        },
        "message": [
            e.step_failure_data.error.cause.message.strip().split("\n")[0]
            for e in result.get_step_failure_events()
            if e.step_key == "fails"
        ],
        "handle": sorted({str(e.node_handle) for e in result.all_events if e.node_handle})
        if hasattr(result.all_events[0], "node_handle")
        else None,
        "is": [
            sum(e.is_hook_event for e in result.all_events) > 0,
            sum(e.is_step_event for e in result.all_events) > 0,
            result.all_events[-1].is_failure,
        ],
        "run_failure": result.get_run_failure_event().job_failure_data.failure_reason.value
        if hasattr(result, "get_run_failure_event")
        else None,
    }
    try:
        shown["success_event"] = result.get_run_success_event().event_type_value
    except Exception as e:
        shown["success_event"] = type(e).__name__.removeprefix("Dagster").removeprefix("Tidewheel")
    return shown
