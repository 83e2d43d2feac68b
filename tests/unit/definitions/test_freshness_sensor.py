from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.assets.freshness_sensor import (
    PATIENCE_S,
    CheckFacts,
    build_sensor_for_freshness_checks,
    is_due,
    load_facts,
)
from tidewheel.definitions.checks.freshness_checks import FRESH_UNTIL_KEY, build_last_update_freshness_checks
from tidewheel.definitions.clock import now_s
from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.values.evaluation import EvaluationRequest
from tidewheel.values.records import NewRun
from tidewheel.values.status import TriggerKind
from tidewheel.worker.evaluation.trigger_evaluation import evaluate_trigger

CHECKS = build_last_update_freshness_checks(assets=["a", "b"], lower_bound_delta=timedelta(minutes=30))
A, B = (tw.AssetCheckKey(tw.AssetKey(name), "freshness_check") for name in "ab")
NOW = 1000.0


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        (CheckFacts(), True),
        (CheckFacts(asked_at_s=NOW - 1), False),
        (CheckFacts(update_id=3, asked_at_s=NOW - 1), False),
        (CheckFacts(asked_at_s=NOW - PATIENCE_S), True),
        (CheckFacts(7, True, NOW + 1), False),
        (CheckFacts(7, True, NOW), True),
        (CheckFacts(7, True, NOW, asked_at_s=NOW - 1), False),
        (CheckFacts(7, True, None), False),
        (CheckFacts(7, True, NOW + 1, update_id=9), False),
        (CheckFacts(7, False, None, update_id=6), False),
        (CheckFacts(7, False, None, update_id=9), True),
        (CheckFacts(7, False, None, update_id=9, asked_at_s=NOW - 1), False),
    ],
)
def test_when_a_check_is_due(facts: CheckFacts, due: bool) -> None:
    assert is_due(facts, NOW) is due


@pytest.fixture
def instance() -> Generator[tw.Instance, None, None]:
    with tw.Instance.ephemeral() as made:
        yield made


class Context:
    def __init__(self, instance: tw.Instance) -> None:
        self.instance = instance


class Loop:
    """Evaluates the sensor again and again, and makes runs of its requests, as a server does."""

    def __init__(self, instance: tw.Instance) -> None:
        self.instance = instance
        self.sensor = build_sensor_for_freshness_checks(freshness_checks=CHECKS)
        self.asked = 0

    def tick(self) -> list[str]:
        result = self.sensor.function.call(Context(self.instance))
        if isinstance(result, tw.SkipReason):
            return []
        [request] = result.run_requests
        self.asked += 1
        checks = tuple(key.to_escaped_user_string() for key in request.asset_check_keys)
        run = NewRun(run_id=str(self.asked), job_name="j", location="l", checks=checks, planned_checks=checks)
        self.instance.ledger.create_runs([run], now=now_s())
        return [key.asset_key.to_user_string() for key in request.asset_check_keys]

    def evaluated(self, key: tw.AssetCheckKey, passed: bool, fresh_for_s: float | None = None) -> None:
        metadata = (
            {FRESH_UNTIL_KEY: tw.MetadataValue.timestamp(now_s() + fresh_for_s)}
            if fresh_for_s is not None
            else {}
        )
        self.instance.report_runless_asset_event(
            tw.AssetCheckEvaluation(key.asset_key, key.name, passed, metadata=metadata)
        )


def test_the_life_of_a_check(instance: tw.Instance) -> None:
    loop = Loop(instance)
    assert loop.tick() == ["a", "b"]
    assert loop.tick() == [], "it is being evaluated"
    loop.evaluated(A, passed=False)
    loop.evaluated(B, passed=True, fresh_for_s=1000)
    assert loop.tick() == []
    instance.report_runless_asset_event(tw.AssetMaterialization("a"))
    assert loop.tick() == ["a"], "a failed check whose asset was updated"
    loop.evaluated(A, passed=True, fresh_for_s=-1)
    assert loop.tick() == ["a"], "it passed, and may be overdue since"
    assert loop.tick() == []
    loop.evaluated(A, passed=False)
    assert loop.tick() == []
    assert loop.tick() == []


def test_facts(instance: tw.Instance) -> None:
    instance.report_runless_asset_event(tw.AssetMaterialization("a"))
    facts = load_facts(instance, [A, B])
    assert facts[A].evaluation_id == 0
    assert facts[A].update_id > 0
    assert facts[B] == CheckFacts()


def test_the_definition() -> None:
    made = build_sensor_for_freshness_checks(
        freshness_checks=CHECKS,
        minimum_interval_seconds=60,
        name="x",
        default_status=tw.DefaultSensorStatus.RUNNING,
        tags={"k": "v"},
    )
    assert (made.name, made.minimum_interval_seconds, made.tags) == ("x", 60, {"k": "v"})
    assert made.default_status == tw.DefaultSensorStatus.RUNNING
    default = build_sensor_for_freshness_checks(freshness_checks=CHECKS)
    assert (default.name, default.minimum_interval_seconds) == ("freshness_checks_sensor", 30)
    defs = tw.Definitions(
        assets=[tw.AssetSpec("a"), tw.AssetSpec("b")], asset_checks=CHECKS, sensors=[default]
    )
    assert defs.get_sensor_def("freshness_checks_sensor") is not None


def test_wrong_checks() -> None:
    with pytest.raises(CheckError, match="twice"):
        build_sensor_for_freshness_checks(freshness_checks=[*CHECKS, *CHECKS])
    with pytest.raises(ParameterCheckError, match="as a list"):
        build_sensor_for_freshness_checks(freshness_checks=CHECKS[0])  # type: ignore[arg-type]
    with pytest.raises(ParameterCheckError, match="expected freshness checks"):
        build_sensor_for_freshness_checks(freshness_checks=["a"])


def test_its_requests_become_runs_of_the_checks(instance: tw.Instance) -> None:
    made = build_sensor_for_freshness_checks(freshness_checks=CHECKS)
    defs = tw.Definitions(assets=[tw.AssetSpec("a"), tw.AssetSpec("b")], asset_checks=CHECKS, sensors=[made])
    request = EvaluationRequest(kind=TriggerKind.SENSOR, name=made.name, now=now_s())
    result = evaluate_trigger(defs, request, instance=instance, clock=now_s)
    assert result.error is None, result.error
    (run,) = result.requests
    assert run.checks == ("a:freshness_check", "b:freshness_check")
    assert run.assets == ()
    assert run.planned_assets == ()
    assert run.planned_checks == run.checks, "what later evaluations know the request by"
    assert result.cursor is None
