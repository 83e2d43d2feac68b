"""Every form of sensor in the seed documents loads and asks for the runs that the document describes."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tidewheel.dagster as dg


def materialized(
    instance: Any, name: str | list[str], *, metadata: Any = None, partition: str | None = None
) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset_key=dg.AssetKey(name), metadata=metadata, partition=partition)
    )


def evaluated(module: ModuleType, name: str, instance: Any, cursor: str | None = None) -> Any:
    repository = module.defs.get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=repository, sensor_name=name
    )
    return repository.get_sensor_def(name).evaluate_tick(context)


@pytest.fixture
def instance() -> Any:
    return dg.DagsterInstance.ephemeral()


def test_files_become_requests(triggers: ModuleType, inbox: Path, instance: Any) -> None:
    assert evaluated(triggers, "new_files", instance).skip_message == "no new files"
    (inbox / "a.csv").write_text("x")
    os.utime(inbox / "a.csv", (1_700_000_000, 1_700_000_000))
    (request,) = evaluated(triggers, "new_files", instance).run_requests
    assert request.run_key == "file_a.csv_1700000000"
    assert request.run_config["ops"]["take_in"]["config"]["input_file"] == str(inbox / "a.csv")
    assert request.tags == {"file_name": "a.csv", "dagster/sensor_name": "new_files"}


def test_a_cursor_holds_the_last_update(triggers: ModuleType, instance: Any) -> None:
    first = evaluated(triggers, "api_watch", instance)
    assert (len(first.run_requests), first.cursor) == (1, "2024-05-01T10:00:00")
    again = evaluated(triggers, "api_watch", instance, first.cursor)
    assert again.run_requests == [] and again.skip_message.startswith("no news since")
    triggers.FEED["last_update"] = "rubbish"
    assert evaluated(triggers, "api_watch", instance).skip_message.startswith("failed: ")


def test_several_requests_of_one_evaluation(triggers: ModuleType, instance: Any) -> None:
    later = datetime.now() + timedelta(days=1)
    triggers.CHANGES[:] = [{"at": later, "table": name} for name in ("orders", "users", "orders")]
    found = evaluated(triggers, "table_watch", instance)
    assert [one.tags["count"] for one in found.run_requests] == ["2", "1"]
    assert found.cursor == later.isoformat()


def test_an_interval_is_30_seconds_unless_given(triggers: ModuleType) -> None:
    @dg.sensor(job=triggers.sync)
    def plain(context: Any) -> None: ...

    assert plain.minimum_interval_seconds == 30
    assert triggers.api_watch.minimum_interval_seconds == 300
    assert plain.default_status is dg.DefaultSensorStatus.STOPPED


def test_the_event_of_an_asset_sensor(triggers: ModuleType, instance: Any) -> None:
    materialized(instance, "raw_sales", metadata={"records": 5000})
    found = evaluated(triggers, "sales_arrived", instance)
    (request,) = found.run_requests
    assert request.tags["by"] == "AssetKey(['raw_sales'])" and request.tags["count"] == "5000"
    assert request.tags["is_materialization"] == "True"
    assert (
        request.run_key.startswith(f"analytics_{found.cursor}_") and request.tags["event_id"] == found.cursor
    )
    materialized(instance, "raw_sales", metadata={"records": 10})
    assert evaluated(triggers, "sales_arrived", instance, found.cursor).skip_message == "too few (10)"
    assert str(dg.AssetKey(["a", "b"])) == "AssetKey(['a', 'b'])"


def test_an_asset_sensor_called_directly_with_its_event(triggers: ModuleType, instance: Any) -> None:
    materialized(instance, "raw_sales", metadata={"records": 5000})
    event = instance.get_latest_materialization_event(dg.AssetKey("raw_sales"))
    context = dg.build_sensor_context(instance=instance)
    assert isinstance(triggers.sales_arrived(context, event), dg.RunRequest)
    assert isinstance(triggers.sales_arrived(context, asset_event=event), dg.RunRequest)


def test_the_latest_materializations_of_others(triggers: ModuleType, instance: Any) -> None:
    materialized(instance, "processed_sales")
    assert evaluated(triggers, "all_fresh", instance).skip_message == "stale: [\"AssetKey(['customers'])\"]"
    materialized(instance, "customers")
    (request,) = evaluated(triggers, "all_fresh", instance).run_requests
    assert request.tags["fresh"] == "AssetKey(['customers']),AssetKey(['processed_sales'])"


def test_a_multi_asset_sensor_needs_no_advance(triggers: ModuleType, instance: Any) -> None:
    materialized(instance, ["raw", "users"])
    waiting = evaluated(triggers, "both_tables", instance)
    assert waiting.skip_message == "waiting"
    materialized(instance, ["raw", "orders"])
    found = evaluated(triggers, "both_tables", instance, waiting.cursor)
    assert len(found.run_requests) == 1
    again = evaluated(triggers, "both_tables", instance, found.cursor)
    assert again.skip_message == "waiting"  # what it was shown is consumed


def test_a_multi_asset_sensor_called_directly(triggers: ModuleType, instance: Any) -> None:
    for name in ("users", "orders"):
        materialized(instance, ["raw", name])
    context = dg.build_multi_asset_sensor_context(
        monitored_assets=[dg.AssetKey(["raw", "users"]), dg.AssetKey(["raw", "orders"])],
        instance=instance,
        repository_def=triggers.defs.get_repository_def(),
    )
    returned = triggers.both_tables(context)
    assert isinstance(returned, dg.RunRequest) and returned.run_key.startswith("both_")


def test_the_partition_of_an_event(triggers: ModuleType, instance: Any) -> None:
    materialized(instance, "daily_sales", partition="2024-05-03")
    found = evaluated(triggers, "per_partition", instance)
    (request,) = found.run_requests
    assert request.partition_key == "2024-05-03" and request.tags["dagster/partition"] == "2024-05-03"
    materialized(instance, "daily_sales", partition="2024-01-03")
    assert (
        evaluated(triggers, "per_partition", instance, found.cursor).skip_message == "2024-01-03 is history"
    )
    materialized(instance, "daily_sales")
    assert evaluated(triggers, "per_partition", instance, "2").skip_message == "no partition"


def test_a_failure_is_told_with_its_cause_and_address(triggers: ModuleType, instance: Any) -> None:
    result = triggers.doomed.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        dagster_run=result.dagster_run, dagster_event=result.get_run_failure_event(), instance=instance
    )
    triggers.failure_alert(context)
    (mail,) = triggers.MAILS
    assert mail.startswith(f"doomed {result.run_id} {datetime.now().year}-")
    assert "Unknown error" not in mail and "explode" in mail
    assert mail.endswith(f"/runs/{result.run_id}")


def test_a_failure_sensor_takes_dagsters_spelling_of_the_context(triggers: ModuleType, instance: Any) -> None:
    result = triggers.doomed.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="failure_alert",
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
    )
    triggers.failure_alert(context.for_run_failure())
    assert len(triggers.MAILS) == 1
    (step,) = context.for_run_failure().get_step_failure_events()
    assert "the table is gone" in step.step_failure_data.error.message


def test_the_failure_event_alone_says_everything(triggers: ModuleType, instance: Any) -> None:
    result = triggers.doomed.execute_in_process(instance=instance, raise_on_error=False)
    event = result.get_run_failure_event()
    assert abs(event.timestamp - datetime.now().timestamp()) < 60
    assert event.dagster_event is event
    assert event.engine_event_data.error.message


def test_the_tests_of_the_document(triggers: ModuleType, instance: Any) -> None:
    triggers.test_files()
    result = triggers.doomed.execute_in_process(instance=instance, raise_on_error=False)
    triggers.test_failure_alert(result.dagster_run, result.get_run_failure_event())


@pytest.mark.parametrize("stored", [True, False])
def test_the_duration_of_a_run(triggers: ModuleType, instance: Any, stored: bool) -> None:
    result = triggers.sync.execute_in_process(instance=instance)
    context = dg.build_run_status_sensor_context(
        sensor_name="success_note",
        dagster_run=instance.get_run_by_id(result.run_id) if stored else result.dagster_run,
        dagster_event=result.get_run_success_event(),
        dagster_instance=instance,
    )
    assert triggers.success_note(context) is None
    assert triggers.SLACK[0].startswith("sync in 0:00:")


def test_a_started_run(triggers: ModuleType, instance: Any) -> None:
    result = triggers.sync.execute_in_process(instance=instance)
    context = dg.build_run_status_sensor_context(
        sensor_name="scale_up",
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
        dagster_instance=instance,
    )
    triggers.scale_up(context)
    assert [(result.run_id, "up")] == triggers.SCALED


@pytest.mark.parametrize(
    "status", ["QUEUED", "STARTING", "STARTED", "SUCCESS", "FAILURE", "CANCELING", "CANCELED"]
)
def test_every_status_with_an_event_can_be_watched(status: str) -> None:
    @dg.run_status_sensor(run_status=dg.DagsterRunStatus[status])
    def watching(context: Any) -> None: ...

    assert watching.sensor_type.name == "RUN_STATUS"


def test_a_bare_failure_sensor() -> None:
    @dg.run_failure_sensor
    def bare(context: Any) -> None: ...

    assert (bare.name, bare.default_status) == ("bare", dg.DefaultSensorStatus.STOPPED)


def test_files_without_partition_become_partitions(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: Any
) -> None:
    monkeypatch.setenv("LESSON_SOURCE", str(tmp_path))
    lesson = load("lesson")
    (tmp_path / "one.csv").touch()
    found = evaluated(lesson, "file_sensor", instance)
    assert [one.run_key for one in found.run_requests] == ["one.csv"]
    assert '"one.csv"' in found.cursor
    returned = lesson.file_sensor(dg.build_sensor_context(cursor='{"one.csv": 1.5}', instance=instance))
    assert returned.run_requests == [] and returned.cursor == "{}"
