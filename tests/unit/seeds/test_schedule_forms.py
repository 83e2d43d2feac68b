"""Every form of schedule in the seed documents loads and asks for the runs that the document describes."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime
from types import ModuleType
from typing import Any

import pytest

import tidewheel.dagster as dg
from tidewheel.errors import CheckError, DefinitionsError, InvalidInvocationError, UnknownPartitionError

MONDAY = datetime(2024, 5, 6, 8, tzinfo=UTC)


def ticked(module: ModuleType, name: str, moment: datetime = MONDAY, instance: Any = None) -> Any:
    repository = module.defs.get_repository_def()
    context = dg.build_schedule_context(
        instance=instance or dg.DagsterInstance.ephemeral(),
        scheduled_execution_time=moment,
        repository_def=repository,
    )
    return repository.get_schedule_def(name).evaluate_tick(context)


def test_a_dict_is_run_config(triggers: ModuleType) -> None:
    (request,) = ticked(triggers, "every_night").run_requests
    assert (request.run_key, request.run_config) == (None, {})
    assert request.tags == {"dagster/schedule_name": "every_night"}


def test_a_run_request_has_key_config_and_tags(triggers: ModuleType) -> None:
    (request,) = ticked(triggers, "mondays").run_requests
    assert request.run_key == "monday_2024_05_06"
    assert request.run_config["ops"]["extract"]["config"]["day"] == "2024-05-06"
    assert request.run_config["resources"]["warehouse"]["config"] == {"timeout": 300}
    assert request.tags["date"] == "2024-05-06T08:00:00+00:00"


def test_conditional_requests_and_skips(triggers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(ticked(triggers, "when_there_is_news").run_requests) == 1
    monkeypatch.setattr(triggers, "last_data_update", lambda: datetime(2024, 5, 1, 5))
    skipped = ticked(triggers, "when_there_is_news")
    assert skipped.run_requests == [] and skipped.skip_message.startswith("nothing since")


def test_without_a_target_requests_name_their_jobs(triggers: ModuleType) -> None:
    schedule = triggers.everywhere
    assert schedule.job_name is None
    found = ticked(triggers, "everywhere").run_requests
    assert [one.job_name for one in found] == ["deployment"] * 3
    assert [one.tags["where"] for one in found] == ["staging", "prod", "dr"]


def test_without_a_target_partitions_find_their_job(triggers: ModuleType) -> None:
    found = ticked(triggers, "backfill_schedule").run_requests
    assert [one.partition_key for one in found] == [f"2024-05-0{day}" for day in (5, 4, 3, 2, 1)] + [
        "2024-04-30",
        "2024-04-29",
    ]
    assert {one.job_name for one in found} == {"daily_sales_job"}
    assert found[0].tags["dagster/partition"] == "2024-05-05"


def test_all_arguments_of_the_decorator(triggers: ModuleType) -> None:
    made = triggers.defs.get_repository_def().get_schedule_def("named_otherwise")
    assert (made.execution_timezone, made.description, made.tags) == (
        "Europe/Berlin",
        "by hand",
        {"team": "shop"},
    )
    assert made.default_status is dg.DefaultScheduleStatus.RUNNING
    assert triggers.every_night.default_status is dg.DefaultScheduleStatus.STOPPED
    assert {one.name for one in dg.DefaultScheduleStatus} == {"RUNNING", "STOPPED"}


def test_a_partitioned_schedule_takes_a_timezone(triggers: ModuleType) -> None:
    made = triggers.daily_sales_schedule
    assert (made.name, made.description) == ("daily_sales_schedule", "each day")
    assert (made.cron_schedule, made.execution_timezone) == ("0 2 * * *", "America/New_York")
    (request,) = ticked(triggers, "daily_sales_schedule", datetime(2024, 5, 6, 6, tzinfo=UTC)).run_requests
    assert (request.partition_key, request.run_key) == ("2024-05-05", "2024-05-05")


def test_the_history_of_runs_decides(triggers: ModuleType) -> None:
    with dg.instance_for_test() as instance:
        assert (
            ticked(triggers, "business_days", instance=instance).run_requests[0].run_key == "etl_20240506_8"
        )
        for _ in range(3):
            triggers.nightly.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"ops": {"extract": {"config": {"full": True, "batch": 1, "day": "x"}}}},
            )
        moment = datetime.now(UTC)
        assert ticked(
            triggers, "business_days", moment, instance
        ).run_requests  # three successes are no reason


def test_failures_of_the_last_day_skip(triggers: ModuleType) -> None:
    @dg.job(name="nightly")
    def failing() -> None:
        triggers.explode()

    with dg.instance_for_test() as instance:
        for _ in range(3):
            failing.execute_in_process(instance=instance, raise_on_error=False)
        skipped = ticked(triggers, "business_days", datetime.now(UTC), instance)
    assert skipped.skip_message == "too many failures (3)"


def test_direct_calls(triggers: ModuleType) -> None:
    assert triggers.every_night() == {}
    with pytest.raises(InvalidInvocationError, match="expected a context"):
        triggers.business_days()
    assert isinstance(triggers.result, dg.RunRequest)  # called at the top of the file
    with pytest.raises(CheckError, match="scheduled_execution_time"):
        _ = dg.build_schedule_context().scheduled_execution_time


def test_a_schedule_made_by_its_class_is_called_like_a_decorated_one() -> None:
    fixed = dg.ScheduleDefinition("fixed", cron_schedule="@daily", job_name="j")
    with pytest.raises(InvalidInvocationError, match="without execution_fn"):
        fixed(dg.build_schedule_context())
    asks = dg.ScheduleDefinition(
        "asks", cron_schedule="@daily", job_name="j", execution_fn=lambda _: dg.RunRequest("key")
    )
    assert asks(dg.build_schedule_context()).run_key == "key"
    with pytest.raises(InvalidInvocationError, match="expected a context"):
        asks()


def test_a_context_for_tests_keeps_naive_times(triggers: ModuleType) -> None:
    moment = datetime(2023, 1, 16, 8, 0)
    context = dg.build_schedule_context(
        scheduled_execution_time=moment, instance=dg.DagsterInstance.ephemeral()
    )
    assert context.scheduled_execution_time is moment
    assert list(context.instance.get_runs(limit=5)) == []
    assert context.scheduled_execution_time.date() == date(2023, 1, 16)


def test_the_tests_of_the_document(triggers: ModuleType) -> None:
    triggers.test_business_days()


def test_an_asset_in_a_job_runs_as_an_op(triggers: ModuleType) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = triggers.daily_sales_job.execute_in_process(partition_key="2024-05-05", instance=instance)
    assert result.output_for_node("daily_sales") == "sales of 2024-05-05"
    assert result.get_asset_materialization_events() == []


@pytest.mark.parametrize(
    "cron",
    ["0 2 * * *", "0 6 * * 1", "0 */4 * * *", "0 1 * * *", "0 3 * * *", "0 8 * * 1-5", "0 18 * * *",
     "0 0 * * *", "0 2 * * 6"],
)  # fmt: skip
def test_the_crons_of_the_documents(cron: str) -> None:
    assert dg.ScheduleDefinition("s", cron_schedule=cron, job_name="j").cron_schedule == cron


@pytest.mark.parametrize(
    "module, name",
    [
        ("decorators.schedule_decorator", "schedule"),
        ("partitions.partitioned_schedule", "build_schedule_from_partitioned_job"),
        ("schedule_definition", "ScheduleEvaluationContext"),
        ("decorators.sensor_decorator", "sensor"),
        ("decorators.sensor_decorator", "asset_sensor"),
        ("decorators.sensor_decorator", "multi_asset_sensor"),
        ("run_status_sensor_definition", "run_failure_sensor"),
        ("run_status_sensor_definition", "run_status_sensor"),
        ("auto_materialize_policy", "AutoMaterializePolicy"),
        ("declarative_automation.automation_condition", "AutomationCondition"),
    ],
)
def test_the_module_paths_of_the_documents(module: str, name: str) -> None:
    found = importlib.import_module(f"tidewheel.dagster._core.definitions.{module}")
    assert getattr(found, name) is getattr(dg, name)


@dg.asset
def one_asset() -> None: ...


@dg.asset(deps=[one_asset])
def another() -> None: ...


JOB = dg.define_asset_job("both", selection="*")


@pytest.mark.parametrize(
    "target, expected",
    [
        ([one_asset], ["one_asset"]),
        ([dg.AssetKey("one_asset")], ["one_asset"]),
        (dg.AssetSelection.assets("one_asset").downstream(), ["another", "one_asset"]),
        ("key:one_asset+", ["another", "one_asset"]),
        (JOB, ["another", "one_asset"]),
    ],
)
def test_schedules_and_sensors_take_jobs_and_selections(target: Any, expected: list[str]) -> None:
    schedule = dg.ScheduleDefinition("timed", cron_schedule="0 2 * * *", target=target)

    @dg.sensor(target=target)
    def polled(context: Any) -> Any:
        return dg.RunRequest(run_key="k")

    jobs = [JOB] if target is JOB else []
    defs = dg.Definitions(assets=[one_asset, another], jobs=jobs, schedules=[schedule], sensors=[polled])
    name = "both" if target is JOB else "__anonymous_asset_job_timed"
    assert schedule.job_name == name
    found = defs.get_job_def(name).asset_layer.selected_assets
    assert sorted(key.to_user_string() for key in found) == expected


def test_run_requests_of_selections(triggers: ModuleType) -> None:
    @dg.schedule(cron_schedule="0 2 * * *", target="*")
    def narrow(context: Any) -> Any:
        return dg.RunRequest(asset_selection=[dg.AssetKey("another")])

    defs = dg.Definitions(assets=[one_asset, another], schedules=[narrow])
    context = dg.build_schedule_context(
        scheduled_execution_time=MONDAY, repository_def=defs.get_repository_def()
    )
    (request,) = narrow.evaluate_tick(context).run_requests
    assert request.asset_selection == [dg.AssetKey("another")]


def test_a_daily_job_takes_a_cron_of_its_own(load: Any) -> None:
    lesson = load("lesson")
    made = lesson.defs.get_repository_def().get_schedule_def("day_job_schedule")
    assert made.cron_schedule == "0 6 * * *"
    found = ticked(lesson, "day_job_schedule", datetime(2018, 1, 23, 6, tzinfo=UTC))
    assert [one.partition_key for one in found.run_requests] == ["2018-01-22"]


PARTITIONS: dict[str, Any] = {
    "hourly": (dg.HourlyPartitionsDefinition("2024-05-01-00:00"), {"minute_of_hour": 15}, "15 * * * *"),
    "daily": (
        dg.DailyPartitionsDefinition("2024-05-01"),
        {"hour_of_day": 4, "minute_of_hour": 30},
        "30 4 * * *",
    ),
    "weekly": (
        dg.WeeklyPartitionsDefinition("2024-04-28"),
        {"day_of_week": 3, "hour_of_day": 1},
        "0 1 * * 3",
    ),
    "monthly": (
        dg.MonthlyPartitionsDefinition("2024-01-01"),
        {"day_of_month": 5, "minute_of_hour": 10},
        "10 0 5 * *",
    ),
    "of a cron": (
        dg.TimeWindowPartitionsDefinition(start="2024-05-01", fmt="%Y-%m-%d", cron_schedule="0 6 * * *"),
        {},
        "0 6 * * *",
    ),
    "static": (dg.StaticPartitionsDefinition(["a", "b"]), {"cron_schedule": "5 5 * * *"}, "5 5 * * *"),
    "multi": (
        dg.MultiPartitionsDefinition(
            {
                "day": dg.DailyPartitionsDefinition("2024-05-01"),
                "shop": dg.StaticPartitionsDefinition(["x", "y"]),
            }
        ),
        {"hour_of_day": 3},
        "0 3 * * *",
    ),
    "dynamic": (
        dg.DynamicPartitionsDefinition(name="shops"),
        {"cron_schedule": "5 5 * * *"},
        "5 5 * * *",
    ),
    "multi without time": (
        dg.MultiPartitionsDefinition(
            {
                "kind": dg.StaticPartitionsDefinition(["a", "b"]),
                "shop": dg.DynamicPartitionsDefinition(name="shops"),
            }
        ),
        {"cron_schedule": "5 5 * * *"},
        "5 5 * * *",
    ),
}
KEYS = {
    "hourly": ["2024-05-06-07:00"],
    "daily": ["2024-05-05"],
    "weekly": ["2024-04-28"],
    "monthly": ["2024-04-01"],
    "of a cron": ["2024-05-05"],
    "static": ["a", "b"],
    "multi": ["2024-05-05|x", "2024-05-05|y"],
    "dynamic": ["north", "south"],
    "multi without time": ["a|north", "a|south", "b|north", "b|south"],
}


@pytest.mark.parametrize("kind", PARTITIONS)
@pytest.mark.parametrize("over_assets", [False, True])
def test_partitioned_schedules_of_every_kind(kind: str, over_assets: bool) -> None:
    definition, arguments, cron = PARTITIONS[kind]

    @dg.asset(partitions_def=definition)
    def cut() -> None: ...

    @dg.op
    def work() -> None: ...

    @dg.job(partitions_def=definition)
    def of_ops() -> None:
        work()

    job = dg.define_asset_job("of_assets", selection=[cut]) if over_assets else of_ops
    schedule = dg.build_schedule_from_partitioned_job(
        job,
        description="all of it",
        tags={"by": "schedule"},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        metadata={"why": "test"},
        **arguments,
    )
    defs = dg.Definitions(assets=[cut], jobs=[job], schedules=[schedule])
    repository = defs.get_repository_def()
    made = repository.get_schedule_def(f"{job.name}_schedule")
    assert (made.cron_schedule, made.description) == (cron, "all of it")
    assert made.default_status is dg.DefaultScheduleStatus.RUNNING
    assert made.metadata["why"].value == "test"
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("shops", ["north", "south"])
    context = dg.build_schedule_context(
        scheduled_execution_time=MONDAY, repository_def=repository, instance=instance
    )
    found = made.evaluate_tick(context).run_requests
    assert [one.partition_key for one in found] == KEYS[kind]
    assert all(one.tags["by"] == "schedule" and one.run_key == one.partition_key for one in found)


def test_partitions_without_time_need_a_cron_of_their_own() -> None:
    @dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="shops"))
    def cut() -> None: ...

    job = dg.define_asset_job("of_shops", selection=[cut])
    defs = dg.Definitions(
        assets=[cut], jobs=[job], schedules=[dg.build_schedule_from_partitioned_job(job, hour_of_day=3)]
    )
    with pytest.raises(DefinitionsError, match="expected cron_schedule"):
        dg.Definitions.validate_loadable(defs)


def test_two_zones_of_a_partitioned_schedule_are_refused(load: Any) -> None:
    job = load("lesson").defs.get_repository_def().get_schedule_def("day_job_schedule").job
    with pytest.raises(CheckError, match="keep one"):
        dg.build_schedule_from_partitioned_job(job, timezone="UTC", execution_timezone="Europe/Berlin")


def test_a_partition_of_two_jobs_needs_a_job_name() -> None:
    daily = dg.DailyPartitionsDefinition("2024-05-01")

    @dg.op
    def work() -> None: ...

    def job(name: str, definition: Any = daily) -> Any:
        @dg.job(name=name, partitions_def=definition)
        def made() -> None:
            work()

        return made

    @dg.schedule(cron_schedule="0 3 * * *")
    def of_some_job(context: Any) -> Any:
        return dg.RunRequest(partition_key="2024-05-02")

    def tick(*jobs: Any) -> Any:
        repository = dg.Definitions(jobs=list(jobs), schedules=[of_some_job]).get_repository_def()
        context = dg.build_schedule_context(scheduled_execution_time=MONDAY, repository_def=repository)
        return of_some_job.evaluate_tick(context).run_requests

    later = job("later", dg.DailyPartitionsDefinition("2024-05-03"))
    assert [one.job_name for one in tick(job("one"), job("unpartitioned", None), later)] == ["one"]
    with pytest.raises(UnknownPartitionError, match="'one', 'two', which all have it"):
        tick(job("one"), job("two"))
    with pytest.raises(UnknownPartitionError, match="none that has it"):
        tick(later)
