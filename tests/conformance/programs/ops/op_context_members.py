from dagster import Definitions, OpExecutionContext, job, op, resource

SEEN = {}


@resource
def thing(_):
    return {"k": "v"}


@op(required_resource_keys={"thing"}, config_schema={"x": int}, tags={"memory": "high"})
def look(context: OpExecutionContext):
    SEEN.update(
        op_name=context.op.name,
        op_def=context.op_def.name,
        job_name=context.job_name,
        job_def=context.job_def.name,
        handle=context.op_handle.name,
        config=context.op_config,
        get=context.op_config.get("x"),
        resource=context.resources.thing["k"],
        run_config=dict(context.run_config),
        run_tags=context.run.tags.get("color"),
        has_tag=[context.has_tag("color"), context.has_tag("size")],
        has_partition=context.has_partition_key,
        retry=context.retry_number,
        step=context.get_step_execution_context().step.key,
        mapping_key=context.get_mapping_key(),
        has_resource=hasattr(context.resources, "other"),
        op_tags=dict(context.op_def.tags),
        as_dict=sorted(context.resources._asdict()),
    )
    return 1


@job(resource_defs={"thing": thing}, config={"ops": {"peek": {"config": {"x": 3}}}}, tags={"color": "red"})
def looking():
    look.alias("peek")()


defs = Definitions(jobs=[looking])


def observe():
    looking.execute_in_process()
    return dict(SEEN)
