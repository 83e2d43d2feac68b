"""execute_job, reconstructable, re-execution from failure and by steps, on a persistent instance."""

import os
import tempfile

import pytest
from dagster import (
    DagsterInstance,
    DagsterInvariantViolationError,
    DagsterRunStatus,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Field,
    ReexecutionOptions,
    build_reconstructable_job,
    execute_job,
    file_relative_path,
    fs_io_manager,
    in_process_executor,
    instance_for_test,
    job,
    multiprocess_executor,
    op,
    reconstructable,
)

FLAG = os.path.join(tempfile.gettempdir(), "works")


@op
def source():
    return 3


@op(config_schema={"fail": Field(bool, default_value=True)})
def middle(context, n):
    if context.op_config["fail"] and not os.path.exists(FLAG):
        raise ValueError("on purpose")
    return n + 1


@op
def sink(n):
    return n * 10


@op
def beside():
    return "b"


def define_job():
    @job(executor_def=in_process_executor, tags={"owner": "me"})
    def flaky():
        sink(middle(source()))
        beside()

    return flaky


@job(executor_def=multiprocess_executor)
def parallel():
    sink(middle(source()))
    beside()


flaky = define_job()
defs = Definitions(jobs=[flaky])


def succeeded(result):
    return sorted(e.step_key for e in result.all_events if e.event_type_value == "STEP_SUCCESS")


def test_from_failure():
    if os.path.exists(FLAG):
        os.unlink(FLAG)
    with instance_for_test() as instance:
        with execute_job(reconstructable(define_job), instance, raise_on_error=False) as failed:
            assert not failed.success
            assert succeeded(failed) == ["beside", "source"]
            parent = failed.run_id
            assert failed.output_for_node("source") == 3
        open(FLAG, "w").close()
        options = ReexecutionOptions.from_failure(parent, instance)
        with execute_job(reconstructable(define_job), instance, reexecution_options=options) as again:
            assert again.dagster_run.tags.get("owner") == "me"
            assert again.success
            assert succeeded(again) == ["middle", "sink"]
            assert again.output_for_node("sink") == 40
        run = instance.get_run_by_id(again.run_id)
        assert run.parent_run_id == parent
        assert run.root_run_id == parent
        options = ReexecutionOptions(parent_run_id=again.run_id, step_selection=["sink*"])
        with execute_job(reconstructable(define_job), instance, reexecution_options=options) as third:
            assert succeeded(third) == ["sink"]
    os.unlink(FLAG)


def test_raises():
    with instance_for_test() as instance:
        with pytest.raises(ValueError):
            execute_job(reconstructable(define_job), instance, raise_on_error=True)
        (run,) = instance.get_runs()
        assert run.status == DagsterRunStatus.FAILURE
        assert run.job_name == "flaky"


def test_selection_and_config():
    with instance_for_test() as instance:
        with execute_job(
            reconstructable(define_job),
            instance,
            run_config={"ops": {"middle": {"config": {"fail": False}}}},
            tags={"extra": "1"},
        ) as result:
            assert result.success
            assert result.job_def.name == "flaky"
            assert result.dagster_run.tags["extra"] == "1"
            assert result.is_node_success("sink")
            assert not result.is_node_failed("sink")
            assert result.output_for_node("sink") == 40
        with execute_job(
            reconstructable(define_job), instance, op_selection=["source", "beside"], run_config={}
        ) as part:
            assert succeeded(part) == ["beside", "source"]


def test_in_process_reexecution():
    with instance_for_test() as instance:
        first = flaky.execute_in_process(instance=instance, raise_on_error=False)
        assert not first.success
        assert instance.get_run_stats(first.run_id).steps_failed == 1
        assert instance.get_runs_count() == 1


def test_not_reconstructable():
    with pytest.raises(DagsterInvariantViolationError):

        @job
        def local():
            source()

        reconstructable(local)


def observe():
    return {
        "name": build_reconstructable_job.__name__,
        "job": reconstructable(define_job).get_definition().name,
    }
