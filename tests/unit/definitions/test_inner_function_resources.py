"""Resources made by functions inside resource classes: their config, and where it may come from."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import InvalidDefinitionError


@tw.resource(config_schema={"prefix": tw.Field(str, default_value="-")})
def with_default(context):
    return lambda text: context.resource_config["prefix"] + text


@tw.resource(config_schema={"prefix": str})
def without_default(context):
    return lambda text: context.resource_config["prefix"] + text


class Writer(tw.ConfigurableResource):
    write: tw.ResourceDependency[object]


@tw.asset
def written(writer: Writer) -> str:
    return writer.write("x")


@pytest.mark.parametrize(
    ("inner", "expected"),
    [(with_default, "-x"), (with_default.configured({"prefix": "+"}), "+x"), (str.upper, "X")],
)
def test_an_inner_function_gets_its_config(inner, expected) -> None:
    result = tw.materialize([written], resources={"writer": Writer(write=inner)})
    assert result.output_for_node("written") == expected


def test_config_that_is_still_to_come_needs_a_top_level_resource() -> None:
    alone = tw.Definitions(assets=[written], resources={"writer": Writer(write=without_default)})
    with pytest.raises(InvalidDefinitionError, match=r"Writer\.write"):
        tw.Definitions.validate_loadable(alone)
    both = {"inner": without_default, "writer": Writer(write=without_default)}
    job = tw.Definitions(assets=[written], resources=both).resolve_implicit_global_asset_job_def()
    config = {"resources": {"inner": {"config": {"prefix": "*"}}}}
    assert job.execute_in_process(config).output_for_node("written") == "*x"
