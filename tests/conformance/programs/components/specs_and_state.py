"""Component classes with specs as fields, made of plain values, and one whose definitions follow from a state."""

import dagster as dg
from dagster.components.resolved.base import Resolvable as ResolvableBelow


class Listed(dg.Component, dg.Resolvable, dg.Model):
    """Makes an asset of every spec."""

    assets: list[dg.AssetSpec]
    key: dg.ResolvedAssetKey

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        @dg.multi_asset(specs=self.assets, name="listed")
        def listed():
            for spec in self.assets:
                yield dg.MaterializeResult(asset_key=spec.key, metadata={"key": self.key.to_user_string()})

        return dg.Definitions(assets=[listed])


class Fetched(dg.StateBackedComponent, dg.Model, dg.Resolvable):
    """Makes an asset of every line of a state."""

    def write_state_to_path(self, state_path):
        state_path.write_text("one\ntwo")

    def build_defs_from_state(self, context, state_path):
        return dg.Definitions(assets=[dg.AssetSpec(line) for line in state_path.read_text().split()])


context = dg.ComponentTree.for_test().load_context
specs = [dg.AssetSpec("a"), dg.AssetSpec("b", deps=["a"])]
defs = Listed(assets=specs, key=dg.AssetKey(["x", "y"])).build_defs(context)


def observe():
    return {
        "same": ResolvableBelow is dg.Resolvable,
        "path": context.path == context.project_root == context.defs_module_path,
        "component": issubclass(Fetched, dg.Component),
    }
