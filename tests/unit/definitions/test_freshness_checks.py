from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.checks.check_factories import checks_for_assets
from tidewheel.definitions.checks.freshness_checks import (
    DEADLINE_KEY,
    FRESH_UNTIL_KEY,
    LAST_UPDATED_KEY,
    LOWER_BOUND_KEY,
    build_last_update_freshness_checks,
    build_time_partition_freshness_checks,
    expected_partition,
    judge_last_update,
    judge_time_partition,
    last_update_s,
)
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.worker.runs.in_process import materialize

HOUR = timedelta(hours=1)
DAY_S = 86_400.0


def at(hour: int, minute: int = 0, day: int = 10) -> float:
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC).timestamp()


class Clock:
    """The clock of an instance, so that events can lie in the past."""

    def __init__(self) -> None:
        self.ago_s = 0.0

    def __call__(self) -> float:
        return time.time() - self.ago_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def instance(clock: Clock) -> Generator[tw.Instance, None, None]:
    with tw.Instance.ephemeral(clock=clock) as made:
        yield made


@tw.asset
def a() -> None: ...


@tw.asset(partitions_def=tw.DailyPartitionsDefinition("2024-01-01"))
def p() -> None: ...


def evaluate(instance: tw.Instance, checks: Any, *assets: Any) -> dict[str, Any]:
    selection = tw.AssetSelection.checks(*checks)
    result = materialize(
        [*(assets or (a,)), *checks], instance=instance, selection=selection, raise_on_error=False
    )
    assert result.success, result.get_step_failure_events()[0].event_specific_data.error.to_string()
    return {one.asset_key.to_user_string(): one for one in result.get_asset_check_evaluations()}


# -- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("updated", "now", "cron", "fresh", "earliest", "until"),
    [
        (None, at(12), None, False, at(11), None),
        (at(12), at(12, 30), None, True, at(11, 30), at(13)),
        (at(12), at(13), None, True, at(12), at(13)),
        (at(12), at(13, 30), None, False, at(12, 30), None),
        (at(12), at(12, 31), "30 12 * * *", True, at(11, 30), at(12, 30, day=11)),
        (at(12), at(12, 20, day=11), "30 12 * * *", True, at(11, 30), at(12, 30, day=11)),
        (at(12), at(12, 30, day=11), "30 12 * * *", False, at(11, 30, day=11), None),
    ],
)
def test_last_update(
    updated: float | None, now: float, cron: str | None, fresh: bool, earliest: float, until: float | None
) -> None:
    verdict = judge_last_update(updated, now, 3600, cron, "UTC")
    assert verdict.is_fresh is fresh
    assert verdict.times[LOWER_BOUND_KEY] == earliest
    assert verdict.times.get(FRESH_UNTIL_KEY) == until
    assert verdict.times.get(LAST_UPDATED_KEY) == updated
    assert (DEADLINE_KEY in verdict.times) is (cron is not None)


def test_verdicts_are_explained() -> None:
    text = judge_last_update(at(12), at(13, 30), 3600, None, "UTC").description
    assert text == "The last update was 1 hour, 30 minutes ago; at most 1 hour are allowed."
    assert (
        "within the allowed 1 day, 1 hour"
        in judge_last_update(at(12), at(13), DAY_S + 3600, None, "UTC").description
    )


@pytest.mark.parametrize(
    ("expected", "has_come", "updated", "fresh"),
    [(None, False, None, True), ("k", True, 1.0, True), ("k", False, 1.0, False), ("k", False, None, False)],
)
def test_time_partition(expected: str | None, has_come: bool, updated: float | None, fresh: bool) -> None:
    verdict = judge_time_partition(expected, has_come, updated, at(12), "0 9 * * *", "UTC")
    assert verdict.is_fresh is fresh
    assert verdict.times[DEADLINE_KEY] == at(9)
    assert verdict.times.get(FRESH_UNTIL_KEY) == (at(9, day=11) if fresh else None)


@pytest.mark.parametrize(
    ("definition", "deadline", "key"),
    [
        (tw.DailyPartitionsDefinition("2024-01-01"), at(9), "2024-01-09"),
        (tw.DailyPartitionsDefinition("2024-01-01"), at(0), "2024-01-09"),
        (tw.DailyPartitionsDefinition("2024-01-01", end_offset=2), at(9), "2024-01-09"),
        (tw.DailyPartitionsDefinition("2024-01-01", timezone="America/New_York"), at(3), "2024-01-08"),
        (tw.DailyPartitionsDefinition("2024-01-10"), at(9), None),
        (tw.DailyPartitionsDefinition("2024-02-10"), at(9), None),
        (tw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05"), at(9), "2024-01-04"),
    ],
)
def test_the_partition_that_is_due(definition: Any, deadline: float, key: str | None) -> None:
    assert expected_partition(definition, deadline) == key


# -- definitions ------------------------------------------------------------------------------------------------------


def test_one_definition_for_all_assets() -> None:
    (checks,) = build_last_update_freshness_checks(
        assets=[a, "b", tw.AssetKey(["x", "y"]), tw.AssetSpec("s"), tw.SourceAsset("src")],
        lower_bound_delta=HOUR,
        deadline_cron="0 9 * * *",
        timezone="Europe/Berlin",
        blocking=True,
    )
    specs = list(checks.check_specs)
    assert [spec.asset_key.to_user_string() for spec in specs] == ["a", "b", "x/y", "s", "src"]
    assert {spec.name for spec in specs} == {"freshness_check"}
    assert all(spec.blocking for spec in specs)
    assert specs[0].metadata["dagster/freshness_params"].value == {
        "timezone": "Europe/Berlin",
        "lower_bound_delta_seconds": 3600.0,
        "deadline_cron": "0 9 * * *",
    }
    assert checks.can_subset


def test_definitions_have_names_of_their_own() -> None:
    first = build_last_update_freshness_checks(assets=["a"], lower_bound_delta=HOUR)
    second = build_last_update_freshness_checks(assets=["b"], lower_bound_delta=HOUR)
    assert first[0].node_def.name != second[0].node_def.name
    again = build_last_update_freshness_checks(assets=["a"], lower_bound_delta=HOUR)
    assert first[0].node_def.name == again[0].node_def.name
    assert checks_for_assets("p", "i", [], lambda *_: tw.AssetCheckResult(passed=True)) == []


@pytest.mark.parametrize(
    ("build", "error", "problem"),
    [
        (
            lambda: build_last_update_freshness_checks(assets=[a, "a"], lower_bound_delta=HOUR),
            CheckError,
            "twice",
        ),
        (
            lambda: build_last_update_freshness_checks(assets=a, lower_bound_delta=HOUR),
            ParameterCheckError,
            "as a list",
        ),
        (
            lambda: build_last_update_freshness_checks(assets="abc", lower_bound_delta=HOUR),
            ParameterCheckError,
            "list",
        ),
        (
            lambda: build_last_update_freshness_checks(assets=[a], lower_bound_delta=3),
            ParameterCheckError,
            "timedelta",
        ),
        (
            lambda: build_last_update_freshness_checks(assets=[a], lower_bound_delta=HOUR, deadline_cron="x"),
            CheckError,
            "cron",
        ),
        (
            lambda: build_last_update_freshness_checks(assets=[a], lower_bound_delta=HOUR, timezone="Foo"),
            CheckError,
            "Foo",
        ),
        (
            lambda: build_last_update_freshness_checks(assets=[a], lower_bound_delta=HOUR, severity="WARN"),
            ParameterCheckError,
            "severity",
        ),
        (
            lambda: build_time_partition_freshness_checks(assets=[a], deadline_cron="@daily"),
            InvalidDefinitionError,
            "no partitions",
        ),
        (
            lambda: build_time_partition_freshness_checks(
                assets=[tw.AssetSpec("s", partitions_def=tw.StaticPartitionsDefinition(["x"]))],
                deadline_cron="@daily",
            ),
            InvalidDefinitionError,
            "StaticPartitionsDefinition",
        ),
    ],
)
def test_wrong_definitions(build: Any, error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        build()


# -- evaluation -------------------------------------------------------------------------------------------------------


def test_evaluation_of_last_updates(instance: tw.Instance, clock: Clock) -> None:
    checks = build_last_update_freshness_checks(assets=[a], lower_bound_delta=HOUR)
    found = evaluate(instance, checks)["a"]
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert "never materialized" in found.description

    instance.report_runless_asset_event(tw.AssetMaterialization("a"))
    found = evaluate(instance, checks)["a"]
    assert found.passed
    assert found.metadata[FRESH_UNTIL_KEY].value == pytest.approx(time.time() + 3600, abs=60)
    assert found.metadata["dagster/freshness_params"].value == {
        "timezone": "UTC",
        "lower_bound_delta_seconds": 3600.0,
    }


def test_an_old_update_fails(instance: tw.Instance, clock: Clock) -> None:
    clock.ago_s = 5400
    instance.report_runless_asset_event(tw.AssetMaterialization("a"))
    clock.ago_s = 0
    checks = build_last_update_freshness_checks(
        assets=[a], lower_bound_delta=HOUR, severity=tw.AssetCheckSeverity.ERROR
    )
    found = evaluate(instance, checks)["a"]
    assert (found.passed, found.severity.value) == (False, "ERROR")
    assert "1 hour, 30 minutes ago" in found.description


def test_an_asset_made_in_the_same_run_is_fresh(instance: tw.Instance) -> None:
    checks = build_last_update_freshness_checks(assets=[a], lower_bound_delta=HOUR)
    result = materialize([a, *checks], instance=instance)
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]


def test_only_selected_checks_are_evaluated(instance: tw.Instance) -> None:
    checks = build_last_update_freshness_checks(assets=["a", "b"], lower_bound_delta=HOUR)
    selection = tw.AssetSelection.checks(tw.AssetCheckKey(tw.AssetKey("b"), "freshness_check"))
    result = materialize([a, tw.AssetSpec("b"), *checks], instance=instance, selection=selection)
    assert [one.asset_key.to_user_string() for one in result.get_asset_check_evaluations()] == ["b"]


def told(seconds: Any) -> dict[str, Any]:
    return {LAST_UPDATED_KEY: seconds}


def test_events_may_say_when_the_data_was_updated(instance: tw.Instance) -> None:
    key = tw.AssetKey("a")
    assert last_update_s(instance, key) is None
    instance.report_runless_asset_event(tw.AssetObservation("a"))
    assert last_update_s(instance, key) is None
    instance.report_runless_asset_event(tw.AssetObservation("a", metadata=told(50.0)))
    instance.report_runless_asset_event(tw.AssetObservation("a"))
    assert last_update_s(instance, key) == 50.0, (
        "an observation that says nothing does not hide an earlier one"
    )
    instance.report_runless_asset_event(
        tw.AssetMaterialization("a", metadata=told(tw.MetadataValue.timestamp(40.0)))
    )
    assert last_update_s(instance, key) == 50.0
    instance.report_runless_asset_event(
        tw.AssetMaterialization("a", metadata=told(tw.MetadataValue.timestamp(60.0)))
    )
    assert last_update_s(instance, key) == 60.0
    instance.report_runless_asset_event(tw.AssetMaterialization("a"))
    assert last_update_s(instance, key) == pytest.approx(time.time(), abs=60)


def test_evaluation_of_time_partitions(instance: tw.Instance) -> None:
    checks = build_time_partition_freshness_checks(assets=[p], deadline_cron="* * * * *")
    due = expected_partition(p.partitions_def, time.time() // 60 * 60)
    assert due is not None
    found = evaluate(instance, checks, p)["p"]
    assert not found.passed
    assert due in found.description
    instance.report_runless_asset_event(tw.AssetMaterialization("p", partition="2024-01-02"))
    assert not evaluate(instance, checks, p)["p"].passed
    instance.report_runless_asset_event(tw.AssetMaterialization("p", partition=due))
    assert evaluate(instance, checks, p)["p"].passed


def test_observed_partitions_count(instance: tw.Instance) -> None:
    checks = build_time_partition_freshness_checks(assets=["p"], deadline_cron="* * * * *")
    due = expected_partition(p.partitions_def, time.time() // 60 * 60)
    instance.report_runless_asset_event(tw.AssetObservation("p", partition=due))
    assert evaluate(instance, checks, p)["p"].passed


def test_a_key_whose_asset_is_not_partitioned_fails_at_evaluation(instance: tw.Instance) -> None:
    checks = build_time_partition_freshness_checks(assets=["a"], deadline_cron="* * * * *")
    result = materialize(
        [a, *checks], instance=instance, selection=tw.AssetSelection.checks(*checks), raise_on_error=False
    )
    (failure,) = result.get_step_failure_events()
    assert "build_last_update_freshness_checks" in failure.event_specific_data.error.to_string()
