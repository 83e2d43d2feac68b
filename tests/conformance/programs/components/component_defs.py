import dagster as dg
from dagster.components import Component, ComponentLoadContext, Model, Resolvable


class TableSet(Component, Model, Resolvable):
    """Makes an asset for each table."""

    tables: list[str]
    group: str = "tables"

    def build_defs(self, context: ComponentLoadContext) -> dg.Definitions:
        def make(name: str) -> dg.AssetsDefinition:
            @dg.asset(name=name, group_name=self.group)
            def table():
                return name

            return table

        return dg.Definitions(assets=[make(name) for name in self.tables])


component = TableSet(tables=["one", "two"], group="made")
defs = component.build_defs(None)


def observe():
    return {"fields": sorted(TableSet.model_fields), "component": isinstance(component, Component)}
