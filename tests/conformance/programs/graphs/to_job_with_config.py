from dagster import (
    ConfigMapping,
    Definitions,
    RetryPolicy,
    config_mapping,
    graph,
    op,
    resource,
    ResourceDefinition,
    job,
)


@op(config_schema={"n": int})
def number(context):
    return context.op_config["n"]


@op(required_resource_keys={"factor"})
def scale(context, value):
    return value * context.resources.factor


@graph
def scaling():
    scale(number())


@graph(
    config=ConfigMapping(
        config_schema={"base": int}, config_fn=lambda outer: {"number": {"config": {"n": outer["base"] + 1}}}
    )
)
def mapped():
    return scale(number())


@resource(config_schema={"value": int})
def factor(init_context):
    return init_context.resource_config["value"]


by_two = scaling.to_job(
    name="by_two",
    resource_defs={"factor": ResourceDefinition.hardcoded_resource(2)},
    config={"ops": {"number": {"config": {"n": 5}}}},
)
by_config = scaling.to_job(
    name="by_config", resource_defs={"factor": factor}, op_retry_policy=RetryPolicy(max_retries=1)
)


@config_mapping(config_schema={"all": int})
def simple(value):
    return {
        "ops": {"number": {"config": {"n": value["all"]}}},
        "resources": {"factor": {"config": {"value": value["all"]}}},
    }


by_mapping = scaling.to_job(name="by_mapping", resource_defs={"factor": factor}, config=simple)


@job(resource_defs={"factor": ResourceDefinition.hardcoded_resource(10)})
def outer():
    mapped()


defs = Definitions(jobs=[by_two, by_config, by_mapping, outer])


def test_mappings():
    assert by_mapping.execute_in_process(run_config={"all": 3}).output_for_node("scale") == 9
    result = outer.execute_in_process(run_config={"ops": {"mapped": {"config": {"base": 6}}}})
    assert result.output_for_node("mapped") == 70
    result = by_config.execute_in_process(
        run_config={
            "ops": {"number": {"config": {"n": 1}}},
            "resources": {"factor": {"config": {"value": 4}}},
        }
    )
    assert result.output_for_node("scale") == 4


def test_mapping_misuse():
    import pytest
    from dagster import DagsterInvalidConfigError

    with pytest.raises(DagsterInvalidConfigError):
        by_mapping.execute_in_process(run_config={"ops": {}})
