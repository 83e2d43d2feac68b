from dagster import (
    AssetKey,
    AssetSelection,
    Config,
    Definitions,
    RunConfig,
    ScheduleDefinition,
    asset,
    define_asset_job,
    in_process_executor,
    multiprocess_executor,
    load_assets_from_current_module,
    AssetExecutionContext,
)


class LimitConfig(Config):
    limit: int = 10


@asset(group_name="ingest", tags={"pii": "true"})
def raw_a(config: LimitConfig):
    return list(range(config.limit))


@asset(group_name="ingest", owners=["a@b.com"])
def raw_b(context: AssetExecutionContext):
    return context.run.tags.get("env", "none")


@asset(group_name="marts", kinds={"sql"})
def joined(raw_a, raw_b):
    return len(raw_a), raw_b


@asset(key_prefix=["marts", "x"], group_name="marts")
def final(context, joined):
    context.log.info(context.asset_key.to_user_string())
    return joined


jobs = [
    define_asset_job("by_group", AssetSelection.groups("ingest"), description="ingest", tags={"env": "prod"}),
    define_asset_job(
        "upstream",
        AssetSelection.assets(AssetKey(["marts", "x", "final"])).upstream(),
        config={"ops": {"raw_a": {"config": {"limit": 3}}}},
    ),
    define_asset_job(
        "upstream_one", AssetSelection.keys("joined").upstream(depth=1) - AssetSelection.keys("raw_b")
    ),
    define_asset_job("strings", "joined+"),
    define_asset_job(
        "query", "group:ingest and tag:pii=true", config=RunConfig(ops={"raw_a": LimitConfig(limit=1)})
    ),
    define_asset_job("star", "*joined", executor_def=in_process_executor),
    define_asset_job("roots", AssetSelection.all().roots(), run_tags={"r": "1"}),
    define_asset_job("sinks", AssetSelection.all().sinks() | AssetSelection.tag("pii", "true")),
    define_asset_job("owned", AssetSelection.owner("a@b.com")),
    define_asset_job("prefixed", AssetSelection.key_prefixes(["marts"])),
    define_asset_job("objs", selection=[raw_a, raw_b]),
]
hourly = ScheduleDefinition(name="hourly", target=AssetSelection.groups("marts"), cron_schedule="0 * * * *")
defs = Definitions(
    assets=load_assets_from_current_module(),
    jobs=jobs,
    schedules=[
        hourly,
        ScheduleDefinition(job=jobs[0], cron_schedule="5 4 * * *", execution_timezone="US/Pacific"),
    ],
)


def test_selection():
    r = defs.resolve_job_def("upstream").execute_in_process()
    assert r.success and r.output_for_node("joined") == ([0, 1, 2].__len__(), "none")
    assert r.output_for_node("marts__x__final") == (3, "none")


def test_tags():
    r = defs.resolve_job_def("by_group").execute_in_process()
    assert r.output_for_node("raw_b") == "prod"
    r = defs.resolve_job_def("by_group").execute_in_process(
        tags={"env": "dev"}, asset_selection=[AssetKey("raw_b")]
    )
    assert r.output_for_node("raw_b") == "dev"


def observe():
    graph = defs.resolve_asset_graph()
    return {
        text: sorted(k.to_user_string() for k in AssetSelection.from_string(text).resolve(graph))
        for text in (
            "*",
            "+joined",
            'key:"marts/x/*"',
            "kind:sql",
            "not group:ingest",
            'owner:"a@b.com"',
            "sinks(*)",
        )
    }
