from typing import Any, Dict

from dagster import (
    ConfigurableIOManager,
    ConfigurableIOManagerFactory,
    Definitions,
    InputContext,
    IOManager,
    OutputContext,
    asset,
    materialize,
)

STORE: Dict[str, Any] = {}
LOG = []


class DictIOManager(ConfigurableIOManager):
    prefix: str = "p"

    def _name(self, context) -> str:
        return "/".join([self.prefix, *context.asset_key.path])

    def handle_output(self, context: OutputContext, obj) -> None:
        STORE[self._name(context)] = obj
        LOG.append(
            ["out", context.name, context.step_key, context.has_asset_key, context.asset_key.to_user_string()]
        )
        context.add_output_metadata({"stored_as": self._name(context), "size": len(str(obj))})

    def load_input(self, context: InputContext):
        LOG.append(
            ["in", context.name, context.upstream_output.asset_key.to_user_string(), context.asset_key.path]
        )
        return STORE[self._name(context)]


class Plain(IOManager):
    def __init__(self, factor):
        self.factor = factor

    def handle_output(self, context, obj):
        STORE[context.asset_key.path[-1]] = obj * self.factor

    def load_input(self, context):
        return STORE[context.asset_key.path[-1]]


class PlainFactory(ConfigurableIOManagerFactory):
    factor: int

    def create_io_manager(self, context) -> Plain:
        return Plain(self.factor)


@asset(key_prefix="in")
def apples():
    return [1, 2]


@asset(io_manager_key="factory")
def pears(apples=None):
    return 10


@asset(metadata={"kind": "sum"})
def fruit(pears: int):
    return pears + 1


@asset
def nothing() -> None:
    return None


defs = Definitions(
    assets=[apples, pears, fruit, nothing],
    resources={"io_manager": DictIOManager(prefix="base"), "factory": PlainFactory(factor=3)},
)


def observe():
    STORE.clear(), LOG.clear()
    result = defs.get_implicit_global_asset_job_def().execute_in_process()
    return {"success": result.success, "store": dict(STORE), "log": sorted(LOG, key=str)}
