from dagster import (
    Definitions,
    HookContext,
    ResourceDefinition,
    asset,
    build_hook_context,
    define_asset_job,
    failure_hook,
    graph,
    job,
    op,
    success_hook,
)

CALLED = []


@success_hook
def on_success(context: HookContext):
    CALLED.append(
        [
            "success",
            context.op.name,
            context.step_key,
            context.job_name,
            context.op_output_values.get("result") if context.op_output_values else None,
        ]
    )


@failure_hook(required_resource_keys={"pager"}, name="page_someone")
def on_failure(context: HookContext):
    CALLED.append(["failure", context.op.name, type(context.op_exception).__name__, context.resources.pager])
    context.log.info("paged for %s", context.run_id)


@success_hook(name="broken_hook")
def broken(context):
    raise RuntimeError("hook trouble")


@op
def fine():
    return 4


@op(config_schema={"x": int})
def fails(context):
    raise ValueError("no")


pager = {"pager": ResourceDefinition.hardcoded_resource("beep")}


@on_success
@on_failure
@job(resource_defs=pager, config={"ops": {"fails": {"config": {"x": 1}}}})
def hooked():
    fine()
    fails()


@job(hooks={on_success}, resource_defs=pager)
def hooked_by_argument():
    fine()


@job(resource_defs=pager)
def per_op():
    fine.with_hooks({on_success, on_failure})()
    fine.alias("unhooked")()


@job
def hook_breaks():
    fine.with_hooks({broken})()


@graph
def shape():
    fine()


from_graph = shape.to_job(name="from_graph", hooks={on_success})


@asset(hooks={on_success})
def hooked_asset():
    return 9


asset_job = define_asset_job("asset_job", [hooked_asset], hooks={on_success})

defs = Definitions(
    assets=[hooked_asset], jobs=[hooked, hooked_by_argument, per_op, hook_breaks, from_graph, asset_job]
)


def observe():
    CALLED.clear()
    hooked.execute_in_process(raise_on_error=False)
    per_op.execute_in_process()
    return {
        "called": sorted(CALLED, key=str),
        "name": on_failure.name,
        "hooks": sorted(hook.name for hook in hooked.hook_defs),
    }


def test_direct():
    CALLED.clear()
    context = build_hook_context(
        resources={"pager": "boop"}, op=fails, op_exception=KeyError("k"), job_name="j", run_id="r"
    )
    on_failure(context)
    assert CALLED == [["failure", "fails", "KeyError", "boop"]]


def test_broken_hook_does_not_fail_the_run():
    assert hook_breaks.execute_in_process(raise_on_error=False).success
