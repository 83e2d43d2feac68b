"""Assets that others make: specs, a sensor that reports them, asset sensors on them, freshness."""

import datetime
import json

import dagster as dg

bucket_files = dg.AssetSpec("bucket_files", group_name="partner", metadata={"bucket": "b"}, kinds={"s3"})
exports = [
    dg.AssetSpec(["partner", name], deps=[bucket_files], owners=["team:partner"]) for name in ("a", "b")
]


@dg.asset(deps=exports, automation_condition=dg.AutomationCondition.eager())
def joined(context: dg.AssetExecutionContext):
    return 2


@dg.asset(deps=[joined])
def downstream(): ...


@dg.op
def work(context: dg.OpExecutionContext):
    context.log.info(str(sorted(context.run_tags) if hasattr(context, "run_tags") else []))
    return context.run.job_name


@dg.job(tags={"by": "sensor"})
def after_export():
    work()


@dg.sensor(minimum_interval_seconds=60)
def report_exports(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    seen = json.loads(context.cursor) if context.cursor else {}
    fresh = {"partner/a": 3, "partner/b": 5}
    events = [
        dg.AssetMaterialization(dg.AssetKey(key.split("/")), metadata={"version": version})
        for key, version in fresh.items()
        if seen.get(key) != version
    ]
    return dg.SensorResult(asset_events=events, cursor=json.dumps(fresh))


@dg.asset_sensor(
    asset_key=dg.AssetKey("joined"), job=after_export, default_status=dg.DefaultSensorStatus.RUNNING
)
def on_joined(context: dg.SensorEvaluationContext, event: dg.EventLogEntry):
    made = event.dagster_event.event_specific_data.materialization
    yield dg.RunRequest(
        run_key=None if context.cursor is None else f"after-{made.asset_key.to_user_string()}",
        tags={"asset": made.asset_key.to_user_string()},
    )


@dg.run_failure_sensor(monitored_jobs=[after_export])
def on_failure(context: dg.RunFailureSensorContext):
    return dg.SkipReason(context.dagster_run.job_name)


freshness = dg.build_last_update_freshness_checks(
    assets=["joined"], lower_bound_delta=datetime.timedelta(hours=25), deadline_cron="0 9 * * *"
)

defs = dg.Definitions(
    assets=[bucket_files, *exports, joined, downstream],
    asset_checks=[*freshness],
    jobs=[after_export],
    sensors=[report_exports, on_joined, on_failure],
    schedules=[
        dg.ScheduleDefinition(
            name="joining",
            target=dg.AssetSelection.assets(joined).downstream(),
            cron_schedule=["0 6 * * *", "0 18 * * *"],
            tags={"how": "schedule"},
        )
    ],
)


def test_report():
    with dg.DagsterInstance.ephemeral() as instance:
        result = report_exports(dg.build_sensor_context(instance=instance))
        assert [one.asset_key.path for one in result.asset_events] == [["partner", "a"], ["partner", "b"]]
        again = report_exports(dg.build_sensor_context(instance=instance, cursor=result.cursor))
        assert again.asset_events == []


def test_asset_sensor():
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([joined], instance=instance)
        context = dg.build_sensor_context(instance=instance, definitions=defs)
        tick = on_joined.evaluate_tick(context)
        assert [one.tags["asset"] for one in tick.run_requests] == ["joined"]


def test_automation():
    with dg.DagsterInstance.ephemeral() as instance:
        first = dg.evaluate_automation_conditions(defs=defs, instance=instance)
        for spec in exports:
            instance.report_runless_asset_event(dg.AssetMaterialization(spec.key))
        second = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=first.cursor)
        assert [first.total_requested, second.total_requested] == [0, 1]
        assert second.get_num_requested(joined.key) == 1
