from dataclasses import dataclass
from typing import Literal, Optional, Union

import dagster as dg
from pydantic import Field


class Leg(dg.Model, dg.Resolvable):
    port: str
    days: int = 1


class Fleet(dg.Component, dg.Model, dg.Resolvable):
    """Makes one asset for each boat."""

    boats: list[dg.ResolvedAssetSpec]
    route: list[Leg] = Field(default_factory=list)
    speed: Literal["slow", "fast"] = "slow"
    flag: Union[int, list[str], None] = None

    @classmethod
    def get_additional_scope(cls):
        return {"days": dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")}

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        @dg.multi_asset(name=f"fleet_{context.path.name}", specs=self.boats, can_subset=True)
        def sail(context: dg.AssetExecutionContext):
            for key in sorted(context.selected_asset_keys):
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata={
                        "ports": [leg.port for leg in self.route],
                        "days": sum(leg.days for leg in self.route),
                        "speed": self.speed,
                        "flag": repr(self.flag),
                    },
                )

        return dg.Definitions(assets=[sail])


@dataclass
class Crate(dg.Component, dg.Resolvable):
    key: dg.ResolvedAssetKey
    weight: Optional[int] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        @dg.asset(key=self.key, group_name="cargo")
        def crate():
            return self.weight

        job = dg.define_asset_job(f"load_{self.key.path[-1]}", [crate])
        schedule = dg.ScheduleDefinition(job=job, cron_schedule="0 6 * * *")
        return dg.Definitions(assets=[crate], jobs=[job], schedules=[schedule])
