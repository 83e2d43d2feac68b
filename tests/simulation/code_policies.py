"""Triggers of the simulation that have policies: overlap, catch-up, pauses, budgets, a breaker and lifetimes of run keys."""

from __future__ import annotations

from tests.simulation.source import Source
from tidewheel.logic.graph.specs import FixedRequest, ScheduleNode, SensorNode
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult, RequestedRun
from tidewheel.values.policies import Breaker, CatchUp, TriggerPolicy

PERIOD_S = 600
RUNS_PER_HOUR = 6
FAILURES = 3
DELAY_S = 300.0
KEY_SPAN_S = 1_800.0
CATCHES_UP = {"lonely": 1, "latest": 1, "few": 3}
"""By schedule, how many missed nominal times are run."""


def _schedule(name: str, policy: TriggerPolicy) -> ScheduleNode:
    return ScheduleNode(
        name=name,
        crons=("*/10 * * * *",),
        job_name="policed",
        default_running=True,
        fixed=FixedRequest(),
        policy=policy,
        max_catchup=10_000 if policy.catch_up is None else 1,
    )


SCHEDULES = (
    _schedule("lonely", TriggerPolicy(overlap="queue_one", catch_up="latest")),
    _schedule("latest", TriggerPolicy(catch_up="latest", overlap="skip")),
    _schedule("few", TriggerPolicy(catch_up=CatchUp.all(max=3), overlap="replace")),
    _schedule("resting", TriggerPolicy(missed_while_paused="skip")),
)
SENSORS = (
    SensorNode(
        name="bursts",
        jobs=("policed",),
        minimum_interval_s=20.0,
        default_running=True,
        policy=TriggerPolicy(max_runs_per_hour=RUNS_PER_HOUR),
    ),
    SensorNode(
        name="shaky",
        jobs=("policed",),
        minimum_interval_s=20.0,
        default_running=True,
        policy=TriggerPolicy(breaker=Breaker(failures=FAILURES, delay_s=DELAY_S)),
    ),
    SensorNode(
        name="stubborn",
        jobs=("policed",),
        minimum_interval_s=60.0,
        default_running=True,
        policy=TriggerPolicy(run_key_until_failed=True),
    ),
)
OVERLAPPING = ("lonely", "latest", "few")
"""Schedules that may not have two unfinished runs."""


def evaluate(request: EvaluationRequest, source: Source) -> EvaluationResult:
    """What these sensors answer."""
    match request.name:
        case "bursts":
            seen = int(request.cursor or 0)
            return EvaluationResult(
                requests=tuple(
                    RequestedRun(job_name="policed", run_key=f"wish-{number}")
                    for number in range(seen, source.wishes)
                ),
                skip_reason=None if source.wishes > seen else "no wish",
                cursor=str(source.wishes),
                cursor_changed=source.wishes > seen,
            )
        case "shaky":
            if request.now < source.down_until:
                return EvaluationResult(error=ErrorInfo(cls_name="OSError", message="the service is down"))
            return EvaluationResult(skip_reason="the service is up")
        case "stubborn":
            key = f"span-{int(request.now // KEY_SPAN_S)}"
            return EvaluationResult(requests=(RequestedRun(job_name="policed", run_key=key),))
    raise AssertionError(f"unexpected trigger {request.name}")
