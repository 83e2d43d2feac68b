from dagster import AssetKey, Config, Definitions, RunConfig, asset, define_asset_job, materialize


class A(Config):
    value: str = "a"


@asset(key_prefix=["deep", "path"])
def configured(config: A):
    return config.value


@asset(name="with_dash_not", key_prefix="deep")
def other(context, configured=None):
    return context.op_execution_context.op.name


@asset(config_schema={"n": int})
def old_config(context):
    return context.op_execution_context.op_config["n"]


job = define_asset_job(
    "prefixed", selection=[configured], config=RunConfig({"deep__path__configured": A(value="from job")})
)
defs = Definitions(assets=[configured, other, old_config], jobs=[job])


def test_config_by_node_name():
    result = materialize(
        [configured], run_config={"ops": {"deep__path__configured": {"config": {"value": "x"}}}}
    )
    assert result.output_for_node("deep__path__configured") == "x"
    assert result.asset_value(AssetKey(["deep", "path", "configured"])) == "x"
    assert (
        materialize([old_config], run_config={"ops": {"old_config": {"config": {"n": 3}}}}).output_for_node(
            "old_config"
        )
        == 3
    )
