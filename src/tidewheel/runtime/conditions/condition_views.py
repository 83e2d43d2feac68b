"""What people are told of automation conditions: why something was or was not requested, who evaluates what, plans."""

from __future__ import annotations

from typing import Optional

import msgspec

from tidewheel.logic.conditions.explain import TargetExplanation
from tidewheel.values.conditions import Cause


class RequestedRunView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that a condition asked for, and what became of it; without a status it was deleted."""

    run_id: str
    status: str = ""
    ended_at: Optional[float] = None


class RequestView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that was made: what caused it, how the condition stood, and the runs or backfills that it became."""

    evaluation_id: int
    at: float
    requested: int = 0
    partitions: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    runs: tuple[RequestedRunView, ...] = ()
    backfill_ids: tuple[str, ...] = ()
    explanation: Optional[TargetExplanation] = None
    error: Optional[str] = None
    is_first: bool = False


class OwedView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something owed. `state`: `running` | `due` | `waiting` (until `next_try_at`) | `stopped` | `waived`."""

    target: str
    kind: str
    state: str
    requested_at: float
    partition: str = ""
    run_id: str = ""
    failures: int = 0
    error: str = ""
    next_try_at: Optional[float] = None


class HeldView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A first request of many partitions that waits for a yes. `status`: WAITING | APPROVED | DECLINED."""

    target: str
    kind: str
    at: float
    count: int
    status: str
    partitions: tuple[str, ...] = ()


class StandingView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a target stands. `state`: `made` | `missing` | `in progress` | `failed` | `cancelled`.

    `made_by`: the run that made it last (empty: reported from outside). `run_id`: the newest run that was to make it and
    has not, with its `error` if it failed. Of a partitioned asset it is about its newest event. `reported_at`: when
    another system said that it makes the target, or could not; no run is behind that.
    """

    state: str
    made_at: Optional[float] = None
    made_by: str = ""
    run_id: str = ""
    run_ended_at: Optional[float] = None
    reported_at: Optional[float] = None
    error: str = ""


class WhyAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about one target's automation. `now`: its condition as it stands, seen from the last evaluation.

    `partition`: the one that was asked about. `standing`: what became of the newest run of it. `asked_by`: the schedules
    and sensors whose jobs make it, whatever its condition. `notes`: what a reader must know besides (a stopped sensor).
    """

    target: str
    kind: str
    at: float
    partition: Optional[str] = None
    condition: str = ""
    standing: Optional[StandingView] = None
    asked_by: tuple[str, ...] = ()
    sensor: Optional[str] = None
    sensor_is_running: bool = False
    last_evaluated_at: Optional[float] = None
    now: Optional[TargetExplanation] = None
    notes: tuple[str, ...] = ()
    requests: tuple[RequestView, ...] = ()
    owed: tuple[OwedView, ...] = ()
    held: Optional[HeldView] = None


class AutomationView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One automation sensor: what it looks after and how it stands. `errors`: by target, why it cannot be evaluated."""

    name: str
    location: str
    is_running: bool
    targets: int
    last_evaluated_at: Optional[float] = None
    position: Optional[int] = None
    next_look_at: Optional[float] = None
    errors: dict[str, str] = {}
    held: tuple[HeldView, ...] = ()


class PlannedWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run or backfill that would be asked for. `kind`: `run` | `backfill` | `held`."""

    kind: str
    targets: tuple[str, ...]
    partition: Optional[str] = None
    count: int = 1


class PlanView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one sensor would ask for if it were evaluated now; nothing is written."""

    sensor: str
    location: str
    is_running: bool
    is_first: bool
    at: float
    work: tuple[PlannedWork, ...] = ()
    errors: dict[str, str] = {}
