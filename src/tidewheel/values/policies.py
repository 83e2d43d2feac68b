"""Policies of triggers: what happens to missed ticks, overlapping runs, bursts, taken keys, floods and repeated failures."""

from __future__ import annotations

import math
from typing import Any, Literal, Optional, Union, get_args

import msgspec

from tidewheel.errors import InvalidDefinitionError, did_you_mean

Overlap = Literal["allow", "skip", "queue_one", "replace"]
OverBudget = Literal["hold", "drop"]
Missed = Literal["catch_up", "skip"]
MAX_CATCH_UP_TICKS = 10_000
MAX_HELD = 10_000
"""Requests of one trigger that may wait at the same time; further ones are dropped, visibly."""


class CatchUp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which nominal times are run that passed while nobody could run them (downtime, pause).

    The latest ``max_ticks`` of them, and of these only those that are at most ``window_s`` seconds old.
    """

    max_ticks: int = 1
    window_s: Optional[float] = None

    def __post_init__(self) -> None:
        _require_count("CatchUp", "max_ticks", self.max_ticks, at_least=0, at_most=MAX_CATCH_UP_TICKS)
        _require_seconds("CatchUp", "window_s", self.window_s)

    @staticmethod
    def none() -> CatchUp:
        """Nothing that was missed is run."""
        return CatchUp(max_ticks=0)

    @staticmethod
    def latest() -> CatchUp:
        """The latest missed tick is run, however old."""
        return CatchUp()

    @staticmethod
    def all(max: int = 100, window: Optional[float] = None) -> CatchUp:
        """Every missed tick, at most the latest ``max``, none older than ``window`` seconds."""
        return CatchUp(max_ticks=max, window_s=window)


class Debounce(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Requests for the same job and partition are joined into one run when none came for ``quiet_s`` seconds.

    ``max_wait_s`` after the first of them, the run is made even if they still come.
    """

    quiet_s: float
    max_wait_s: Optional[float] = None

    def __post_init__(self) -> None:
        _require_seconds("Debounce", "quiet_s", self.quiet_s, optional=False)
        _require_seconds("Debounce", "max_wait_s", self.max_wait_s)
        if self.max_wait_s is not None and self.max_wait_s < self.quiet_s:
            raise InvalidDefinitionError(
                f"Debounce: expected max_wait_s of at least quiet_s ({self.quiet_s:g}), got {self.max_wait_s:g}; "
                "raise it or leave it out"
            )


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Requests for the same job and partition are joined into one run: ``max_requests`` of them, or those of ``max_wait_s``."""

    max_requests: int
    max_wait_s: float

    def __post_init__(self) -> None:
        _require_count("Batch", "max_requests", self.max_requests, at_least=2)
        _require_seconds("Batch", "max_wait_s", self.max_wait_s, optional=False)


class Breaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Stops a trigger after so many equal failures in a row (of its evaluations, or of its runs).

    After ``delay_s`` seconds it is tried once: a success closes the breaker, one more failure opens it again.
    """

    failures: int = 5
    delay_s: float = 300.0

    def __post_init__(self) -> None:
        _require_count("Breaker", "failures", self.failures, at_least=1, at_most=1_000)
        _require_seconds("Breaker", "delay_s", self.delay_s, optional=False)


class TriggerPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one trigger may do beyond asking for runs; the defaults change nothing.

    ``catch_up``: ``"none"``, ``"latest"`` (the default) or ``CatchUp.all(max, window)``.
    ``overlap``: while runs of this trigger are unfinished, new requests are made all the same (``allow``), dropped
    (``skip``), kept back until those have ended, of which the newest tick's win (``queue_one``), or the same with the
    unfinished ones cancelled (``replace``).
    ``debounce`` / ``batch``: requests are joined before anything else is decided.
    ``run_key_lifetime_s``, ``run_key_until_failed``: when a taken run key is free again (default: never).
    ``max_runs_per_tick``, ``max_runs_per_hour``: budgets; ``over_budget`` says whether the surplus stays owed or is dropped.
    ``breaker``: when to stop after repeated failures. ``missed_while_paused``: whether ticks and events of a pause are
    caught up afterwards, as after downtime.
    """

    catch_up: Union[CatchUp, Literal["none", "latest"], None] = None
    overlap: Overlap = "allow"
    debounce: Optional[Debounce] = None
    batch: Optional[Batch] = None
    run_key_lifetime_s: Optional[float] = None
    run_key_until_failed: bool = False
    max_runs_per_tick: Optional[int] = None
    max_runs_per_hour: Optional[int] = None
    over_budget: OverBudget = "hold"
    breaker: Optional[Breaker] = None
    missed_while_paused: Missed = "catch_up"

    def __post_init__(self) -> None:
        if not (self.catch_up in (None, "none", "latest") or isinstance(self.catch_up, CatchUp)):
            raise InvalidDefinitionError(
                f"TriggerPolicy: expected catch_up as 'none', 'latest' or CatchUp.all(max, window), got {self.catch_up!r}"
            )
        _require_word("overlap", self.overlap, get_args(Overlap))
        _require_word("over_budget", self.over_budget, get_args(OverBudget))
        _require_word("missed_while_paused", self.missed_while_paused, get_args(Missed))
        _require_kind("debounce", self.debounce, Debounce)
        _require_kind("batch", self.batch, Batch)
        _require_kind("breaker", self.breaker, Breaker)
        if self.debounce is not None and self.batch is not None:
            raise InvalidDefinitionError("TriggerPolicy: expected debounce or batch, got both; keep one")
        _require_seconds("TriggerPolicy", "run_key_lifetime_s", self.run_key_lifetime_s)
        if not isinstance(self.run_key_until_failed, bool):
            raise InvalidDefinitionError(
                f"TriggerPolicy: expected run_key_until_failed as a bool, got {self.run_key_until_failed!r}"
            )
        for name in ("max_runs_per_tick", "max_runs_per_hour"):
            value = getattr(self, name)
            if value is not None:
                _require_count("TriggerPolicy", name, value, at_least=1)

    @property
    def catches_up(self) -> CatchUp | None:
        """``catch_up`` in one form; None: not said."""
        if isinstance(self.catch_up, str):
            return CatchUp.none() if self.catch_up == "none" else CatchUp.latest()
        return self.catch_up

    @property
    def shapes_requests(self) -> bool:
        """Whether requests may become something else than runs at once."""
        return (
            self.overlap != "allow"
            or self.debounce is not None
            or self.batch is not None
            or self.max_runs_per_tick is not None
            or self.max_runs_per_hour is not None
        )


Action = Literal["held", "dropped", "joined"]
Cause = Literal[
    "debounce", "batch", "overlap", "replaced", "runs_per_tick", "runs_per_hour", "too_many_held", "joined"
]
_CAUSES: dict[str, str] = {
    "debounce": "it waits for a quiet moment, to be joined with others",
    "batch": "it waits for more requests to be joined with",
    "overlap": "an earlier run of this trigger has not ended",
    "replaced": "a newer request takes its place",
    "runs_per_tick": "the trigger's budget of runs per tick is used up",
    "runs_per_hour": "the trigger's budget of runs per hour is used up",
    "too_many_held": f"{MAX_HELD} requests of this trigger wait already",
    "joined": "it is part of one run with others",
}


class SetAside(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that did not become a run at once: held for later, dropped, or joined with another.

    ``run_id``: of what it will be (held), of the run in its way or that it became part of (dropped, joined).
    """

    action: Action
    cause: Cause
    job_name: str
    run_key: Optional[str] = None
    run_id: Optional[str] = None

    def describe(self) -> str:
        """The sentence for people."""
        key = f" with run key {self.run_key!r}" if self.run_key is not None else ""
        run = f" (run {self.run_id})" if self.run_id is not None else ""
        return f"{self.action}: request for {self.job_name!r}{key}: {_CAUSES[self.cause]}{run}"


AUTOMATION = "AUTOMATION"
"""The kind in a selection that means the sensors of conditions, and no others."""


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which triggers: every given part must match; none given means all. ``name`` and ``tag`` values may have ``*``."""

    kind: Optional[str] = None
    name: Optional[str] = None
    location: Optional[str] = None
    tags: dict[str, str] = {}

    def describe(self) -> str:
        """The sentence for people."""
        what = {"SCHEDULE": "schedules", "SENSOR": "sensors", AUTOMATION: "automation sensors"}.get(
            self.kind or "", "triggers"
        )
        parts = [f"named {self.name!r}"] if self.name is not None else []
        parts += [f"of location {self.location!r}"] if self.location is not None else []
        parts += [f"tagged {name}={value}" for name, value in self.tags.items()]
        return f"all {what}" if not parts else f"{what} {' and '.join(parts)}"


class PauseRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pause of some triggers, with its reason. ``expires_at``: it ends by itself then; ``ended_at``: it was ended.

    ``missed``: what becomes of its missed ticks and events; None: as each trigger's own policy says.
    """

    pause_id: int
    selection: Selection
    created_at: float
    reason: str = ""
    by: Optional[str] = None
    expires_at: Optional[float] = None
    ended_at: Optional[float] = None
    missed: Optional[Missed] = None

    @property
    def ends_at(self) -> float:
        """When it is over; infinite when nobody knows."""
        ends = [moment for moment in (self.expires_at, self.ended_at) if moment is not None]
        return min(ends, default=math.inf)


def _require_word(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        hint = did_you_mean(value, list(known)) if isinstance(value, str) else f"one of {', '.join(known)}"
        raise InvalidDefinitionError(
            f"TriggerPolicy: expected {name} as one of {', '.join(map(repr, known))}, got {value!r}; {hint}"
        )


def _require_kind(name: str, value: Any, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise InvalidDefinitionError(
            f"TriggerPolicy: expected {name} as {kind.__name__}(...), got {value!r} ({type(value).__name__})"
        )


def _require_count(what: str, name: str, value: Any, *, at_least: int, at_most: int | None = None) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < at_least
        or value > (at_most or value)
    ):
        upto = f" and at most {at_most}" if at_most is not None else ""
        raise InvalidDefinitionError(
            f"{what}: expected {name} as a whole number of at least {at_least}{upto}, got {value!r}"
        )


def _require_seconds(what: str, name: str, value: Any, *, optional: bool = True) -> None:
    if value is None and optional:
        return
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not math.isfinite(value) or value <= 0:
        raise InvalidDefinitionError(f"{what}: expected {name} as a number of seconds above 0, got {value!r}")
