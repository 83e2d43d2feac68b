import enum
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Iterator, Literal, Mapping, Optional, Union

import dagster as dg
import pytest
from pydantic import Field, PrivateAttr

os.environ.setdefault("PUBLIC_MODERN_TOKEN", "tok")


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Cat(dg.Config):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(dg.Config):
    kind: Literal["dog"] = "dog"
    name: str


class PetConfig(dg.Config):
    pet: Union[Cat, Dog] = Field(discriminator="kind")
    mode: Mode = Mode.FAST
    extras: dict[str, Any] = {}
    limit: Annotated[int, Field(gt=0)] = 1
    note: Optional[str] = None


class Api(dg.ConfigurableResource):
    base_url: str = "https://example.com"
    token: str
    _session: Any = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Api"]:
        self._session = [self.token]
        yield self
        self._session = None

    def get(self, path: str) -> list:
        return [{"url": f"{self.base_url}/{path}", "token": (self._session or ["-"])[0]}]


class Db(dg.ConfigurableResource):
    api: dg.ResourceDependency[Api]
    path: str

    def rows(self, q: str) -> list:
        return self.api.get(q)


@dg.asset(group_name="raw", kinds={"python"}, pool="api", description="Pets")
def pets(context: dg.AssetExecutionContext, config: PetConfig, api: Api) -> dg.MaterializeResult[list]:
    rows = api.get(f"{config.pet.kind}?limit={config.limit}&mode={config.mode.value}")
    return (
        dg.MaterializeResult(
            value=rows,
            metadata={
                "rows": len(rows),
                "mode": config.mode.name,
                "column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn("url", "text", constraints=dg.TableColumnConstraints(nullable=False))
                    ]
                ),
            },
            check_results=[dg.AssetCheckResult(check_name="non_empty", passed=bool(rows))],
        )
        if False
        else dg.MaterializeResult(value=rows, metadata={"rows": len(rows), "mode": config.mode.name})
    )


@dg.multi_asset(
    specs=[
        dg.AssetSpec("users", group_name="raw", skippable=True, kinds={"duckdb"}, deps=["pets"]),
        dg.AssetSpec(
            ["mart", "teams"], tags={"pii": "no"}, owners=["team:a"], metadata={"dagster/table_name": "t"}
        ),
    ],
    can_subset=True,
    check_specs=[dg.AssetCheckSpec("unique", asset="users")],
)
def dump(context: dg.AssetExecutionContext, db: Db):
    for key in sorted(context.selected_asset_keys):
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": len(db.rows("x"))}, tags={"v": "1"})
    for ck in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=ck.asset_key,
            check_name=ck.name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="dups",
        )


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec("a", asset="pets"), dg.AssetCheckSpec("b", asset="users", blocking=True)]
)
def several(context: dg.AssetCheckExecutionContext):
    yield dg.AssetCheckResult(passed=True, asset_key="pets", check_name="a")
    yield dg.AssetCheckResult(passed=True, asset_key="users", check_name="b", metadata={"x": [1, 2]})


external = dg.AssetSpec("s3_bucket", automation_condition=None, metadata={"bucket": "b"})


@dg.observable_source_asset(auto_observe_interval_minutes=10)
def api_version() -> dg.DataVersion:
    return dg.DataVersion("3")


@dg.asset(
    deps=[external, api_version, dg.AssetKey(["mart", "teams"])],
    automation_condition=dg.AutomationCondition.on_cron("@hourly") & ~dg.AutomationCondition.in_progress(),
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=__import__("datetime").timedelta(hours=24)),
)
def report(context: dg.AssetExecutionContext):
    context.log_event(dg.AssetObservation(asset_key="report", metadata={"seen": 1}))
    return dg.ObserveResult() if False else None


def factory(name: str, upstream: str) -> dg.AssetsDefinition:
    @dg.asset(name=name, key_prefix=["f"], deps=[upstream], op_tags={"k": {"cpu": 1}})
    def _a() -> str:
        return name

    return _a


made = [factory(n, "report") for n in ("one", "two")]
fresh = dg.build_last_update_freshness_checks(
    assets=[report], lower_bound_delta=__import__("datetime").timedelta(hours=5), deadline_cron="0 9 * * *"
)
schema_checks = dg.build_column_schema_change_checks(assets=[report])
job = dg.define_asset_job(
    "all_job",
    selection="group:raw or key:f/*",
    executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2}),
    hooks=set(),
    op_retry_policy=dg.RetryPolicy(max_retries=1),
)
core = dg.Definitions(
    assets=[pets, dump, external, api_version, report, *made], asset_checks=[several, *fresh, *schema_checks]
)
defs = dg.Definitions.merge(
    core,
    dg.Definitions(
        jobs=[job],
        sensors=[dg.build_sensor_for_freshness_checks(freshness_checks=fresh)],
        schedules=[
            dg.ScheduleDefinition(
                name="s",
                target=dg.AssetSelection.groups("raw"),
                cron_schedule="*/15 * * * *",
                default_status=dg.DefaultScheduleStatus.RUNNING,
            )
        ],
        resources={"api": (api := Api(token=dg.EnvVar("PUBLIC_MODERN_TOKEN"))), "db": Db(api=api, path="x")},
    ),
)


def test_pets():
    r = dg.materialize(
        [pets],
        resources={"api": Api(token="t")},
        run_config=dg.RunConfig(ops={"pets": PetConfig(pet=Dog(name="rex"), mode=Mode.SLOW)}),
    )
    assert r.output_for_node("pets") == [{"url": "https://example.com/dog?limit=1&mode=slow", "token": "t"}]
    r = dg.materialize(
        [pets],
        resources={"api": Api(token="t")},
        run_config={"ops": {"pets": {"config": {"pet": {"cat": {"lives": 2}}, "mode": "SLOW"}}}},
    )
    assert r.asset_value("pets")[0]["url"].endswith("cat?limit=1&mode=slow")


def test_dump_subset():
    r = dg.materialize(
        [dump], selection=[dg.AssetKey(["mart", "teams"])], resources={"db": Db(api=Api(token="q"), path="p")}
    )
    assert [m.asset_key.to_user_string() for m in r.get_asset_materialization_events() if False] == []
    assert [
        e.materialization.asset_key.to_user_string()
        for e in [m.step_materialization_data for m in r.get_asset_materialization_events()]
    ] == ["mart/teams"]


def test_env_missing():
    with pytest.raises(Exception):
        dg.materialize(
            [pets],
            resources={"api": Api(token=dg.EnvVar("PUBLIC_NOT_SET"))},
            run_config={"ops": {"pets": {"config": {"pet": {"cat": {}}}}}},
        )


def test_direct():
    assert pets(dg.build_asset_context(), PetConfig(pet=Cat()), api=Api(token="z")).metadata["rows"] == 1
    ctx = dg.build_asset_context(resources={"api": Api(token="k")}, instance=dg.DagsterInstance.ephemeral())
    assert ctx.resources.api.token == "k" and ctx.log is not None
    assert PetConfig(pet={"kind": "dog", "name": "a"}).pet.name == "a"
    with pytest.raises(Exception):
        PetConfig(pet=Cat(), limit=0)


def test_specs():
    assert {s.key.to_user_string() for s in defs.resolve_all_asset_specs()} >= {"f/one", "s3_bucket"}
    changed = dg.map_asset_specs(lambda s: s.replace_attributes(group_name="new"), [pets])[0]
    assert changed.get_asset_spec().group_name == "new"
    assert defs.get_job_def("all_job") if hasattr(defs, "get_job_def") else True
    assert dg.AssetSpec("a").with_io_manager_key("k").metadata["dagster/io_manager_key"] == "k"
    assert (
        defs.resolve_asset_graph().get(dg.AssetKey("report")).parent_keys
        if hasattr(defs, "resolve_asset_graph")
        else True
    )
