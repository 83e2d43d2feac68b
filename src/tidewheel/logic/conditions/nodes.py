"""The closed set of condition nodes: frozen data, compared by kind and value.

What a node means is said by functions over the tree: `evaluate`, `reads`, `rewrite`, `naming`, `explain`. A node
never holds code, but for `UserDefined`, whose `handle` is opaque here and absent from the stored form.
`label` is a user's name for a node; it never changes what is true.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

import msgspec

from tidewheel.logic.conditions.selections import Selection


class _Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    label: Optional[str] = None


# -- operands: facts that stay ------------------------------------------------------------------------------------------


class Missing(_Node, frozen=True, tag="missing"):
    """Never made; a check: never run for its asset's latest materialisation."""


class RunInProgress(_Node, frozen=True, tag="run_in_progress"):
    """A run that has not ended plans it and has not made it yet."""

    any_partition: bool = False
    """True everywhere while it holds for one partition."""


class BackfillInProgress(_Node, frozen=True, tag="backfill_in_progress"):
    """An active backfill is still to make it."""

    any_partition: bool = False


class ExecutionFailed(_Node, frozen=True, tag="execution_failed"):
    """The latest run that was to make it and was not cancelled failed before doing so."""


class ExecutionCanceled(_Node, frozen=True, tag="execution_canceled"):
    """The latest run that was to make it was cancelled before doing so."""


class InLatestTimeWindow(_Node, frozen=True, tag="in_latest_time_window"):
    """The last time window, or all windows that lie whole in the `lookback_s` seconds up to its end."""

    lookback_s: Optional[float] = None


class ExecutedWithRootTarget(_Node, frozen=True, tag="executed_with_root_target"):
    """The run that made it was also to make the target whose condition is evaluated."""


class ExecutedWithTags(_Node, frozen=True, tag="executed_with_tags"):
    """The run that made it has all these tags."""

    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()


class CheckResultIs(_Node, frozen=True, tag="check_result"):
    """A check ran for its asset's latest materialisation and passed, or did not pass."""

    passed: bool


FreshnessState = Literal["passed", "warned", "failed"]


class FreshnessIs(_Node, frozen=True, tag="freshness"):
    """The asset's freshness policy is in this state."""

    state: FreshnessState


class UpdatedWithin(_Node, frozen=True, tag="updated_within"):
    """Made in the last `duration_s` seconds."""

    duration_s: float


class UpdatedSinceCron(_Node, frozen=True, tag="updated_since_cron"):
    """Last made at or after the latest tick."""

    cron: str
    zone: str = "UTC"


class FailedSinceCron(_Node, frozen=True, tag="failed_since_cron"):
    """A run that was to make it failed at or after the latest tick."""

    cron: str
    zone: str = "UTC"


class ParentsNonexistent(_Node, frozen=True, tag="parents_nonexistent"):
    """A partition that requires an upstream partition which does not exist."""


class Behind(_Node, frozen=True, tag="behind"):
    """A dependency was updated since the start of the run that last made it (with `by_version`: and changed)."""

    by_version: bool = False


class RetryAllowed(_Node, frozen=True, tag="retry_allowed"):
    """Not waiting after a failed request, nor stopped by `max_failures` equal failures in a row."""

    max_failures: int = 5
    backoff_s: float = 60.0
    backoff_max_s: float = 3600.0


# -- operands: facts that flash for one evaluation ----------------------------------------------------------------------


class NewlyUpdated(_Node, frozen=True, tag="newly_updated"):
    """Made (a check: run) since the previous evaluation."""


class NewlyRequested(_Node, frozen=True, tag="newly_requested"):
    """Requested by the previous evaluation."""


class WillBeRequested(_Node, frozen=True, tag="will_be_requested"):
    """Requested by this very evaluation, in a run that the root target can join."""


class InitialEvaluation(_Node, frozen=True, tag="initial_evaluation"):
    """The target is evaluated for the first time."""


class CodeVersionChanged(_Node, frozen=True, tag="code_version_changed"):
    """The code version differs from that of the previous evaluation."""


class DataVersionChanged(_Node, frozen=True, tag="data_version_changed"):
    """Made since the previous evaluation, with another data version than before."""


class CronTickPassed(_Node, frozen=True, tag="cron_tick_passed"):
    """A tick is later than the previous evaluation, and not later than this one."""

    cron: str
    zone: str = "UTC"


class AnyNewUpdateHasRunTags(_Node, frozen=True, tag="any_new_update_has_run_tags"):
    """One of the updates since the previous evaluation comes from a run with all these tags."""

    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()


class AllNewUpdatesHaveRunTags(_Node, frozen=True, tag="all_new_updates_have_run_tags"):
    """There are updates since the previous evaluation, all from runs with all these tags."""

    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()


class UserDefined(_Node, frozen=True, tag="user_defined"):
    """A condition of the user's own class; `slot` counts those of one tree in order, and names it to user code."""

    name: str
    slot: int = 0
    handle: Any = None
    """The user's object, in the process that has it; never stored and never looked into by logic."""


# -- operators ----------------------------------------------------------------------------------------------------------


class And(_Node, frozen=True, tag="and"):
    """All operands are true."""

    operands: tuple[Condition, ...]


class Or(_Node, frozen=True, tag="or"):
    """At least one operand is true; without operands: never true."""

    operands: tuple[Condition, ...]


class Not(_Node, frozen=True, tag="not"):
    """The operand is not true."""

    operand: Condition


class NewlyTrue(_Node, frozen=True, tag="newly_true"):
    """The operand is true and was not at the previous evaluation."""

    operand: Condition


class Since(_Node, frozen=True, tag="since"):
    """The trigger has become true and the reset has not become true after it."""

    trigger: Condition
    reset: Condition


class Limited(_Node, frozen=True, tag="limited"):
    """At most the last `limit` partitions of the operand; the others are dropped until it is false for them."""

    operand: Condition
    limit: int


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the runs are to be made that a condition asks for.

    `run_config` is a JSON text. `max_partitions`: of one run of a backfill. `alone`: not together with other targets.
    """

    tags: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    run_config: str = ""
    max_partitions: Optional[int] = None
    alone: bool = False


class Requesting(_Node, frozen=True, tag="requesting"):
    """True where the operand is; what is requested for it is run with these options."""

    operand: Condition
    options: RunOptions


# -- operators over other targets ---------------------------------------------------------------------------------------


class AnyDeps(_Node, frozen=True, tag="any_deps"):
    """Some dependency has a mapped partition for which the operand is true."""

    operand: Condition
    allow: Optional[Selection] = None
    ignore: Optional[Selection] = None
    through_virtual: bool = False


class AllDeps(_Node, frozen=True, tag="all_deps"):
    """Every dependency has a mapped partition for which the operand is true."""

    operand: Condition
    allow: Optional[Selection] = None
    ignore: Optional[Selection] = None
    through_virtual: bool = False


class AnyChecks(_Node, frozen=True, tag="any_checks"):
    """The operand is true for some check of the asset."""

    operand: Condition
    blocking_only: bool = False
    allow: Optional[Selection] = None
    ignore: Optional[Selection] = None


class AllChecks(_Node, frozen=True, tag="all_checks"):
    """The operand is true for every check of the asset."""

    operand: Condition
    blocking_only: bool = False
    allow: Optional[Selection] = None
    ignore: Optional[Selection] = None


class AssetMatches(_Node, frozen=True, tag="asset_matches"):
    """The operand is true for the mapped partitions of another asset (a wire text)."""

    key: str
    operand: Condition


class RootMatches(_Node, frozen=True, tag="root_matches"):
    """Inside an operator over other targets: the operand is true for the mapped partitions of the root target."""

    operand: Condition


class AnyDownstream(_Node, frozen=True, tag="any_downstream"):
    """Some condition of a downstream asset is true for this asset."""


class AnyJobRoots(_Node, frozen=True, tag="any_job_roots"):
    """On a job: the operand is true for some root asset of it."""

    operand: Condition


class AllJobRoots(_Node, frozen=True, tag="all_job_roots"):
    """On a job: the operand is true for every root asset of it."""

    operand: Condition


Condition = Union[
    Missing,
    RunInProgress,
    BackfillInProgress,
    ExecutionFailed,
    ExecutionCanceled,
    InLatestTimeWindow,
    ExecutedWithRootTarget,
    ExecutedWithTags,
    CheckResultIs,
    FreshnessIs,
    UpdatedWithin,
    UpdatedSinceCron,
    FailedSinceCron,
    ParentsNonexistent,
    Behind,
    RetryAllowed,
    NewlyUpdated,
    NewlyRequested,
    WillBeRequested,
    InitialEvaluation,
    CodeVersionChanged,
    DataVersionChanged,
    CronTickPassed,
    AnyNewUpdateHasRunTags,
    AllNewUpdatesHaveRunTags,
    UserDefined,
    And,
    Or,
    Not,
    NewlyTrue,
    Since,
    Limited,
    Requesting,
    AnyDeps,
    AllDeps,
    AnyChecks,
    AllChecks,
    AssetMatches,
    RootMatches,
    AnyDownstream,
    AnyJobRoots,
    AllJobRoots,
]


def children_of(node: Condition) -> tuple[Condition, ...]:
    """The conditions directly inside a node, in order."""
    match node:
        case And(operands=operands) | Or(operands=operands):
            return operands
        case Since(trigger=trigger, reset=reset):
            return (trigger, reset)
        case (
            Not(operand=operand)
            | NewlyTrue(operand=operand)
            | Limited(operand=operand)
            | Requesting(operand=operand)
            | AnyDeps(operand=operand)
            | AllDeps(operand=operand)
            | AnyChecks(operand=operand)
            | AllChecks(operand=operand)
            | AssetMatches(operand=operand)
            | RootMatches(operand=operand)
            | AnyJobRoots(operand=operand)
            | AllJobRoots(operand=operand)
        ):
            return (operand,)
        case _:
            return ()


def with_children(node: Condition, children: tuple[Condition, ...]) -> Condition:
    """The node with these conditions inside, as many as it has."""
    if not children:
        return node
    if isinstance(node, And | Or):
        return msgspec.structs.replace(node, operands=children)
    if isinstance(node, Since):
        return msgspec.structs.replace(node, trigger=children[0], reset=children[1])
    return msgspec.structs.replace(node, operand=children[0])  # type: ignore[call-overload]  # has one operand
