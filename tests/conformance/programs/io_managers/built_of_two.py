import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr


class TextFiles(dg.ConfigurableIOManager, dg.UPathIOManager):
    """Configured as one base class does it, storing as the other."""

    extension: str = ".txt"
    folder: str = "tides"
    _base_path: Any = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        self._base_path = Path(context.instance.storage_directory()) / self.folder

    def dump_to_path(self, context: dg.OutputContext, obj: str, path: Path) -> None:
        path.write_text(obj)

    def load_from_path(self, context: dg.InputContext, path: Path) -> str:
        event = context.step_context.instance.get_latest_materialization_event(context.asset_key)
        return f"{path.read_text()} {event.asset_materialization.metadata['level'].value}"


class Gauge(dg.ConfigurableResource):
    harbour: str
    _open: bool = PrivateAttr(default=False)

    @asynccontextmanager
    async def yield_for_execution(self, context: dg.InitResourceContext):
        await asyncio.sleep(0)
        self._open = True
        yield self

    async def read(self) -> str:
        await asyncio.sleep(0)
        return f"{self.harbour} {self._open}"


@dg.asset(group_name="water")
async def reading(context: dg.AssetExecutionContext, gauge: Gauge):
    """ what the gauge says """  # fmt: skip
    context.add_output_metadata({"level": 2.5, "name": "north"})
    return await gauge.read()


@dg.asset(resource_defs={"unit": dg.ResourceDefinition.hardcoded_resource("cm")})
def report(context, reading):
    """
    Reading with its unit.

      indented
    """
    return f"{reading} {context.resources.unit}"


@dg.asset_check(asset=reading)
def says_nothing(context):
    context.log.info("looked")


@dg.asset_check(asset=report)
def says_something_else():
    """ gives a pair """  # fmt: skip
    return True, "fine"


defs = dg.Definitions(
    assets=[reading, report],
    asset_checks=[says_nothing, says_something_else],
    resources={"io_manager": TextFiles(), "gauge": Gauge(harbour="Husum")},
)


def test_windows_of_freshness():
    from datetime import timedelta

    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2))
    assert policy.fail_window.to_timedelta() == timedelta(hours=2)
