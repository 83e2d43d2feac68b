from dagster import AssetExecutionContext, AssetKey, Definitions, asset, define_asset_job, materialize

SEEN = {}


@asset(tags={"domain": "weather"}, metadata={"station": "north"}, code_version="2")
def readings(context: AssetExecutionContext):
    SEEN["asset_key"] = context.asset_key.to_user_string()
    SEEN["has_partition_key"] = context.has_partition_key
    SEEN["selected"] = sorted(key.to_user_string() for key in context.selected_asset_keys)
    SEEN["job_name"] = context.job_name
    SEEN["run_is_same"] = context.run.run_id == context.run_id
    SEEN["tag"] = context.run.tags.get("purpose")
    SEEN["has_tag"] = context.has_tag("purpose")
    SEEN["get_tag"] = context.get_tag("purpose")
    SEEN["op_name"] = context.op_execution_context.op.name
    SEEN["metadata"] = dict(context.assets_def.metadata_by_key[context.asset_key])["station"]
    SEEN["output_name"] = context.assets_def.get_output_name_for_asset_key(context.asset_key)
    SEEN["retry_number"] = context.retry_number
    SEEN["instance_is_ephemeral"] = context.instance.is_ephemeral
    context.log.debug("debug")
    context.log.warning("warning")
    context.log.error("error")
    return 5


@asset
def summary(context, readings):
    SEEN["untyped"] = context.asset_key.path
    SEEN["input_key"] = context.asset_key_for_input("readings").to_user_string()
    return readings * 2


purpose_job = define_asset_job("purpose_job", [readings, summary], tags={"purpose": "demo"})
defs = Definitions(assets=[readings, summary], jobs=[purpose_job])


def observe():
    result = defs.get_job_def("purpose_job").execute_in_process()
    return {"seen": dict(SEEN), "success": result.success, "value": result.output_for_node("summary")}


def test_materialize_with_tags():
    assert materialize([readings, summary], tags={"purpose": "test"}).success
    assert SEEN["tag"] == "test"
    assert SEEN["selected"] == ["readings"]
    assert AssetKey("readings") in {
        event.asset_key for event in materialize([readings]).get_asset_materialization_events()
    }
