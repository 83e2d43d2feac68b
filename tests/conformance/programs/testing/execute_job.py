from dagster import (
    DagsterInstance,
    Definitions,
    ReexecutionOptions,
    asset,
    define_asset_job,
    execute_job,
    fs_io_manager,
    in_process_executor,
    instance_for_test,
    job,
    op,
    reconstructable,
    Nothing,
    In,
)


@op
def make():
    return 3


@op(config_schema={"fail": bool})
def maybe(context, n):
    if context.op_config["fail"]:
        raise ValueError("asked to fail")
    return n + 1


@op
def after(n):
    return n * 10


@job(resource_defs={"io_manager": fs_io_manager}, executor_def=in_process_executor)
def chain():
    after(maybe(make()))


defs = Definitions(jobs=[chain])


def config(fail):
    return {"ops": {"maybe": {"config": {"fail": fail}}}}


def test_execute_job():
    with instance_for_test() as instance:
        with execute_job(
            reconstructable(chain), instance=instance, run_config=config(False), tags={"x": "y"}
        ) as result:
            assert result.success
            assert result.output_for_node("after") == 40
            assert result.dagster_run.tags["x"] == "y"
        assert instance.get_runs_count() == 1


def test_reexecution_from_failure():
    with instance_for_test() as instance:
        with execute_job(
            reconstructable(chain), instance=instance, run_config=config(True), raise_on_error=False
        ) as failed:
            assert not failed.success
            parent = failed.run_id
        options = ReexecutionOptions.from_failure(parent, instance)
        with execute_job(
            reconstructable(chain), instance=instance, run_config=config(False), reexecution_options=options
        ) as again:
            assert again.success
            assert sorted(event.step_key for event in again.get_step_success_events()) == ["after", "maybe"]
            assert again.dagster_run.parent_run_id == parent
            assert again.dagster_run.root_run_id == parent


def test_reexecution_of_steps():
    with instance_for_test() as instance:
        with execute_job(reconstructable(chain), instance=instance, run_config=config(False)) as first:
            parent = first.run_id
        options = ReexecutionOptions(parent_run_id=parent, step_selection=["after"])
        with execute_job(
            reconstructable(chain), instance=instance, run_config=config(False), reexecution_options=options
        ) as again:
            assert [event.step_key for event in again.get_step_success_events()] == ["after"]


def test_op_selection():
    with instance_for_test() as instance:
        with execute_job(reconstructable(chain), instance=instance, op_selection=["make"]) as result:
            assert result.success
            assert [event.step_key for event in result.get_step_success_events()] == ["make"]
