from typing import Any

from dagster import (
    ConfigurableResource,
    Definitions,
    IOManager,
    InitResourceContext,
    ResourceDefinition,
    ResourceParam,
    asset,
    asset_check,
    AssetCheckResult,
    multi_asset,
    AssetSpec,
    MaterializeResult,
    graph_asset,
    op,
    resource,
    sensor,
    schedule,
    SkipReason,
)


class Raw:
    def __init__(self, text):
        self.text = text


class Pydantic(ConfigurableResource):
    n: int = 1


@resource
def yielding(context: InitResourceContext):
    try:
        yield Raw("yielded")
    finally:
        pass


@asset
def by_param(raw: ResourceParam[Raw], yielded: ResourceParam[Any]):
    return [raw.text, yielded.text]


@multi_asset(specs=[AssetSpec("x"), AssetSpec("y")])
def several(pyd: Pydantic):
    for key in ("x", "y"):
        yield MaterializeResult(asset_key=key, metadata={"n": pyd.n})


@asset_check(asset=by_param)
def checked(pyd: Pydantic, by_param):
    return AssetCheckResult(passed=pyd.n == 1)


@op
def inner(pyd: Pydantic):
    return pyd.n


@graph_asset
def graphed():
    return inner()


@asset(required_resource_keys={"raw", "literal"})
def by_keys(context):
    return [context.resources.raw.text, context.resources.literal]


defs = Definitions(
    assets=[by_param, several, graphed, by_keys],
    asset_checks=[checked],
    resources={"raw": Raw("plain object"), "yielded": yielding, "pyd": Pydantic(), "literal": 42},
)
