import dagster as dg
from harbour.components.fleet import Crate


@dg.component_instance
def oil(context: dg.ComponentLoadContext) -> Crate:
    return Crate(dg.AssetKey(["crates", "oil"]), weight=1)


@dg.asset
def wick(): ...
