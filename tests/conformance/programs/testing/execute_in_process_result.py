from dagster import (
    DagsterEventType,
    DagsterInvariantViolationError,
    Definitions,
    In,
    Nothing,
    Out,
    Output,
    asset,
    graph,
    job,
    materialize,
    op,
)


@op(out={"a": Out(), "b": Out(is_required=False)})
def produce():
    yield Output("A", "a")


@op
def consume(x):
    return x.lower()


@graph
def inner(x):
    return consume(x)


@op
def explode(x):
    raise LookupError(x)


@job
def whole():
    a, b = produce()
    inner(a)
    explode(a)
    consume.alias("skipped")(b)


@asset
def five():
    return 5


defs = Definitions(assets=[five], jobs=[whole])


def observe():
    result = whole.execute_in_process(
        raise_on_error=False, tags={"one": "tag"}, run_id="11111111-2222-3333-4444-555555555555"
    )
    return {
        "success": result.success,
        "run_id": result.run_id == "11111111-2222-3333-4444-555555555555",
        "tags": result.dagster_run.tags.get("one"),
        "status": result.dagster_run.status.value,
        "job_def": result.job_def.name,
        "failed_nodes": [
            result.is_node_failed("explode"),
            result.is_node_success("produce"),
            result.is_node_skipped("skipped"),
            result.is_node_untouched("inner"),
        ],
        "outputs": [
            result.output_for_node("produce", "a"),
            result.output_for_node("inner"),
            result.output_for_node("inner.consume"),
        ],
        "failures": [
            [event.step_key, event.step_failure_data.error.cause.cls_name]
            for event in result.get_step_failure_events()
        ],
        "failed_keys": sorted(result.get_failed_step_keys()),
        "skips": [event.step_key for event in result.get_step_skipped_events()],
        "successes": sorted(event.step_key for event in result.get_step_success_events()),
        "events_for_node": [
            event.event_type_value
            for event in result.events_for_node("produce")
            if event.event_type_value.startswith("STEP_")
        ],
        "filter": len(result.filter_events(lambda event: event.event_type == DagsterEventType.STEP_OUTPUT)),
        "run_failure": result.get_run_failure_event().event_type_value,
        "is_failure": [
            event.is_failure for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"
        ],
    }


def test_missing_output():
    import pytest

    result = whole.execute_in_process(raise_on_error=False)
    with pytest.raises(DagsterInvariantViolationError):
        result.output_for_node("produce", "b")
    with pytest.raises(DagsterInvariantViolationError):
        result.output_for_node("produce", "no_such_output")
    with pytest.raises(DagsterInvariantViolationError):
        result.output_for_node("no_such_node")


def test_asset_value():
    result = materialize([five])
    assert result.asset_value("five") == 5
    assert result.output_for_node("five") == 5
