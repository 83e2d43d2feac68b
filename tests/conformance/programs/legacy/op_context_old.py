from dagster import (
    Field,
    In,
    Int,
    Nothing,
    Out,
    Output,
    String,
    AssetMaterialization,
    graph,
    job,
    op,
    repository,
    fs_io_manager,
    mem_io_manager,
    get_dagster_logger,
)

log = get_dagster_logger()


@op(
    config_schema={
        "table": Field(String, is_required=False, default_value="people", description="which"),
        "limit": Field(Int, is_required=False),
    },
    out=Out(dagster_type=list, io_manager_key="lake"),
    required_resource_keys=set(),
    description="old spelling",
    tags={"kind": "sql"},
)
def select(context):
    table = context.op_config["table"]
    log.info(f"selecting from {table}")
    limit = context.op_config.get("limit")
    rows = [table] * (limit or 2)
    yield AssetMaterialization(
        asset_key=f"table_{table}", description="selected", metadata={"rows": len(rows)}
    )
    yield Output(rows)


@op(ins={"rows": In(list)})
def count(context, rows):
    context.log.info(f"{context.op_def.name} in {context.job_name}")
    return len(rows)


@op(ins={"start": In(dagster_type=Nothing)})
def vacuum(context):
    context.log.warn("old warn")


@job(resource_defs={"lake": mem_io_manager}, config={"ops": {"select": {"config": {"limit": 3}}}})
def selecting():
    vacuum(count(select()))


@repository
def repo():
    return [selecting]


def test_selecting():
    result = selecting.execute_in_process()
    assert result.output_for_node("count") == 3
    assert result.asset_materializations_for_node("select")[0].asset_key.path == ["table_people"]
