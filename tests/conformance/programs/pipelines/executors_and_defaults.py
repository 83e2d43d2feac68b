"""Executors with config, a custom one, defaults of Definitions, priorities, pools, tags for the run."""

import pytest
from dagster import (
    DagsterInvalidConfigError,
    Definitions,
    ExecutorDefinition,
    ExecutorRequirement,
    Field,
    InitExecutorContext,
    RunConfig,
    asset,
    define_asset_job,
    execute_job,
    executor,
    in_process_executor,
    instance_for_test,
    job,
    materialize,
    multi_or_in_process_executor,
    multiple_process_executor_requirements,
    multiprocess_executor,
    op,
    reconstructable,
)

ORDER = []


@op(tags={"dagster/priority": "-1"})
def low():
    ORDER.append("low")


@op
def normal():
    ORDER.append("normal")


@op(tags={"dagster/priority": 5}, pool="database")
def high():
    ORDER.append("high")


@executor(
    name="custom",
    config_schema={"n": Field(int, default_value=2)},
    requirements=multiple_process_executor_requirements(),
)
def custom_executor(init_context: InitExecutorContext):
    raise NotImplementedError


@job
def prioritized():
    low()
    normal()
    high()


@job(executor_def=in_process_executor)
def in_process():
    normal()


@job(
    executor_def=multiprocess_executor.configured(
        {
            "max_concurrent": 3,
            "retries": {"disabled": {}},
            "tag_concurrency_limits": [{"key": "k", "value": "v", "limit": 1}],
        }
    )
)
def limited():
    normal()


@job(executor_def=custom_executor)
def custom():
    normal()


@job(
    config={
        "execution": {
            "config": {
                "multiprocess": {
                    "max_concurrent": 2,
                    "start_method": {"forkserver": {"preload_modules": ["json"]}},
                }
            }
        }
    }
)
def with_config():
    normal()


@job(config=RunConfig(execution={"config": {"in_process": {"retries": {"enabled": {}}}}}))
def with_run_config():
    normal()


@asset(pool="db", op_tags={"dagster/priority": "3"})
def pooled():
    return 1


asset_job = define_asset_job(
    "asset_job",
    selection="*",
    executor_def=in_process_executor,
    config={"execution": {"config": {"retries": {"disabled": {}}}}},
    run_tags={"only": "runs"},
    tags={"both": "x"},
)
defs = Definitions(
    jobs=[prioritized, in_process, limited, custom, with_config, with_run_config, asset_job], assets=[pooled]
)
with_default = Definitions(jobs=[prioritized], executor=in_process_executor)


def observe():
    ORDER.clear()
    prioritized.execute_in_process()
    shown = {"order": list(ORDER)}
    shown["names"] = [j.executor_def.name for j in (prioritized, in_process, limited, custom)]
    shown["default"] = with_default.resolve_job_def("prioritized").executor_def.name
    shown["pool"] = [high.pool, pooled.op.pool]
    shown["schema"] = multiprocess_executor.config_schema is not None
    shown["tags"] = [defs.resolve_job_def("asset_job").tags, defs.resolve_job_def("asset_job").run_tags]
    shown["description"] = custom_executor.description
    return shown


def test_execute_with_in_process():
    with instance_for_test() as instance:
        with execute_job(reconstructable(in_process), instance) as result:
            assert result.success
            assert result.job_def.executor_def.name == "in_process"
