"""The user code of the simulated locations: what they define, and what their functions answer.

Triggers with policies and those that listen to deliveries are in ``code_listening``; assets and pools in ``code_assets``.

Everything that a function answers follows from the request and from the world's facts, as it should be in real code: a
repeated evaluation asks for the same.
"""

from __future__ import annotations

import msgspec

from tests.simulation import code_assets, code_listening, code_policies
from tests.simulation.source import Source
from tidewheel.logic.graph.specs import (
    FixedRequest,
    JobNode,
    LocationSnapshot,
    RunStatusSource,
    ScheduleNode,
    SensorNode,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult, RequestedRun
from tidewheel.values.events import EventType
from tidewheel.values.launch import LaunchRequest, PreparedLaunch
from tidewheel.values.records import PartitionChange, RequestError

FIXED = ScheduleNode(
    name="fixed",
    crons=("*/10 * * * *",),
    zone="America/New_York",
    job_name="plain",
    default_running=True,
    fixed=FixedRequest(tags={"kind": "fixed"}),
    max_catchup=10_000,
)
NIGHTLY = ScheduleNode(
    name="nightly",
    crons=("30 1 * * *", "30 2 * * *"),
    zone="America/New_York",
    job_name="plain",
    default_running=True,
    fixed=FixedRequest(),
    max_catchup=10_000,
)
ASKED = ScheduleNode(
    name="asked",
    crons=("*/15 * * * *",),
    zone="Europe/Berlin",
    job_name="limited",
    default_running=True,
    max_catchup=10_000,
    max_tick_retries=1_000,
)
ITEMS = SensorNode(name="items", jobs=("plain",), minimum_interval_s=20.0, default_running=True)
FOLLOW = SensorNode(
    name="follow",
    kind="run_status",
    jobs=("follower",),
    minimum_interval_s=30.0,
    default_running=True,
    run_status=RunStatusSource(event_types=(EventType.RUN_SUCCESS.value,), jobs=("plain",)),
)
JOBS = tuple(JobNode(name=name) for name in ("plain", "limited", "follower", "manual", "policed"))

DEFINED = {
    "one": LocationSnapshot(
        name="one",
        assets=code_assets.ASSETS,
        jobs=(*JOBS, code_assets.POOLED),
        schedules=(FIXED, NIGHTLY),
        sensors=(ITEMS, FOLLOW, *code_listening.SENSORS),
    ),
    "two": LocationSnapshot(
        name="two",
        jobs=JOBS,
        schedules=(ASKED, *code_policies.SCHEDULES),
        sensors=code_policies.SENSORS,
    ),
}


def evaluate(location: str, request: EvaluationRequest, source: Source) -> EvaluationResult:
    """What user code answers."""
    match request.name:
        case "asked":
            assert request.scheduled_for is not None
            nominal = int(request.scheduled_for)
            if nominal % 7 == 3:
                return EvaluationResult(skip_reason="nothing on such a moment")
            return EvaluationResult(
                requests=tuple(
                    RequestedRun(
                        job_name="limited", run_key=f"{nominal}-{index}", tags={"part": str(index % 2)}
                    )
                    for index in range(1 + nominal // 900 % 3)
                )
            )
        case "items":
            return _items(request, source)
        case "follow":
            runs = [run for run in request.runs if run is not None]
            return EvaluationResult(
                requests=tuple(RequestedRun(job_name="follower", tags={"of": run.run_id}) for run in runs)
            )
    if request.name in code_listening.NAMES:
        return code_listening.evaluate(request, source)
    return code_policies.evaluate(request, source)


def _items(request: EvaluationRequest, source: Source) -> EvaluationResult:
    seen = int(request.cursor or 0)
    upto = min(source.count, seen + 5)
    if upto == seen:
        return EvaluationResult(skip_reason="nothing new")
    bad = tuple(
        RequestError(index=number, message="no such job", run_key=f"item-{number}")
        for number in range(seen, upto)
        if is_bad_item(number)
    )
    return EvaluationResult(
        requests=tuple(
            RequestedRun(job_name="plain", run_key=f"item-{number}")
            for number in range(seen, upto)
            if not is_bad_item(number)
        ),
        request_errors=bad,
        partition_changes=(PartitionChange(name="items", add=tuple(f"i{n}" for n in range(seen, upto))),),
        cursor=str(upto),
        cursor_changed=True,
    )


def is_bad_item(number: int) -> bool:
    """Items whose request cannot become a run."""
    return number % 11 == 7


def failed_evaluation() -> EvaluationResult:
    """User code raised."""
    return EvaluationResult(error=ErrorInfo(cls_name="ValueError", message="user code is out of luck"))


def prepare(request: LaunchRequest) -> PreparedLaunch:
    """Every launch is in order."""
    return PreparedLaunch(run=RequestedRun(job_name=request.job_name or "manual", tags=request.tags))


def edited(snapshot: LocationSnapshot, edition: int) -> LocationSnapshot:
    """The same definitions after an edit that changes no trigger."""
    jobs = tuple(msgspec.structs.replace(job, description=f"edition {edition}") for job in snapshot.jobs)
    return msgspec.structs.replace(snapshot, jobs=jobs)
