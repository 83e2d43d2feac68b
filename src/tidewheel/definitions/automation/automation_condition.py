"""The public class of automation conditions: a handle on a tree of nodes, with operators and constructors.

What a condition means lives in `logic.conditions`; this class only builds trees. Users subclass it to write
conditions of their own, with `evaluate(context)` returning an AutomationResult.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tidewheel.definitions.automation.automation_selections import selection_value
from tidewheel.definitions.jobs.run_config import RunConfig
from tidewheel.definitions.triggers.run_request import config_mapping
from tidewheel.errors import CheckError, NotImplementedCheckError, ParameterCheckError
from tidewheel.logic.conditions import naming, presets, rewrite
from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.cron.errors import CronError
from tidewheel.logic.cron.expression import parse
from tidewheel.logic.cron.zones import require_zone
from tidewheel.values.keys import AssetKey
from tidewheel.values.serde import to_json
from tidewheel.values.tags import normalize_tags

if TYPE_CHECKING:
    from tidewheel.definitions.assets.selection import AssetSelection
    from tidewheel.definitions.automation.auto_materialize import AutoMaterializePolicy

T_EntityKey = TypeVar("T_EntityKey")


class AutomationCondition(Generic[T_EntityKey]):
    """When an asset, check or job is to run.

    Made with the static methods, combined with ``&``, ``|`` and ``~``. Conditions never change; every method
    returns a new one. Equal trees are equal conditions; a subclass of the user's is equal to itself only,
    unless it says otherwise.
    """

    _node: n.Condition | None = None

    @property
    def node(self) -> n.Condition:
        """The tree as data; a condition of the user's own class is one node that holds it."""
        if self._node is None:
            return n.UserDefined(name=self.name, handle=self)
        return self._node

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the outermost node, with its parameters; for a user's class the class's name."""
        return type(self).__name__ if self._node is None else naming.name_of(self._node)

    @property
    def label(self) -> str | None:
        """The label, or None."""
        return None if self._node is None else self._node.label

    def get_label(self) -> str | None:
        """The label, or None."""
        return self.label

    @property
    def description(self) -> str:
        """A few words about the outermost node."""
        return "" if self._node is None else naming.description_of(self._node)

    @property
    def operator_type(self) -> str:
        """How the outermost node combines its children: ``and``, ``or``, ``not`` or ``identity``."""
        return "identity" if self._node is None else naming.operator_type_of(self._node)

    @property
    def children(self) -> Sequence[AutomationCondition]:
        """The conditions directly inside."""
        return [] if self._node is None else [condition_of(child) for child in n.children_of(self._node)]

    @property
    def requires_cursor(self) -> bool:
        """Whether evaluations remember something for it."""
        return any(
            isinstance(
                node, n.Since | n.NewlyTrue | n.UserDefined | n.CodeVersionChanged | n.Behind | n.Limited
            )
            for node in rewrite.walk(self.node)
        )

    @property
    def is_serializable(self) -> bool:
        """Whether the server can evaluate all of it without asking user code."""
        return not any(isinstance(node, n.UserDefined) for node in rewrite.walk(self.node))

    @property
    def has_rule_condition(self) -> bool:
        """Always false: legacy rules are translated into ordinary conditions."""
        return False

    def evaluate(self, context: Any) -> Any:
        """For users' own classes to override: which of the candidates are true, as an AutomationResult.

        Raises:
            NotImplementedCheckError: for ready-made conditions; the engine evaluates their trees.
        """
        raise NotImplementedCheckError(
            f"expected a class of your own with an evaluate() method, got {self.name!r}; "
            "use evaluate_automation_conditions() to evaluate ready-made conditions"
        )

    def __eq__(self, other: object) -> bool:
        if self._node is None or not isinstance(other, AutomationCondition) or other._node is None:
            return NotImplemented
        return self._node == other._node

    def __hash__(self) -> int:
        return object.__hash__(self) if self._node is None else hash(self._node)

    def __repr__(self) -> str:
        if self._node is None:
            return f"{type(self).__name__}()"
        return f"<AutomationCondition {naming.expression_of(self._node)}>"

    # -- operators -------------------------------------------------------------------------------------------------

    def __and__(self, other: AutomationCondition) -> AutomationCondition:
        """Both conditions."""
        return _made(rewrite.conjunction(self.node, _node_of(other, "&")))

    def __or__(self, other: AutomationCondition) -> AutomationCondition:
        """Either condition."""
        return _made(rewrite.disjunction(self.node, _node_of(other, "|")))

    def __invert__(self) -> AutomationCondition:
        """Not this condition."""
        return _made(n.Not(operand=self.node))

    def since(self, reset_condition: AutomationCondition) -> AutomationCondition:
        """True from the moment this becomes true until ``reset_condition`` becomes true."""
        return _made(n.Since(trigger=self.node, reset=_node_of(reset_condition, "since")))

    def since_last_handled(self) -> AutomationCondition:
        """True from the moment this becomes true until the target is requested, updated, or first evaluated."""
        return _made(presets.since_last_handled(self.node))

    def newly_true(self) -> AutomationCondition:
        """True where this is true and was not at the previous evaluation."""
        return _made(n.NewlyTrue(operand=self.node))

    def replace(self, old: AutomationCondition | str, new: AutomationCondition) -> AutomationCondition:
        """With every ``old`` (a condition, a label or a name) replaced by ``new``."""
        if not isinstance(old, str | AutomationCondition):
            raise ParameterCheckError(f"replace: expected a condition, a label or a name, got {old!r}")
        wanted = old if isinstance(old, str) else old.node
        return condition_of(rewrite.replaced(self.node, wanted, _node_of(new, "replace")))

    def without(self, condition: AutomationCondition) -> AutomationCondition:
        """An AND less one of its operands.

        Raises:
            ParameterCheckError: when it is not an operand.
            CheckError: when fewer than two would be left.
        """
        operand = _node_of(condition, "without")
        if isinstance(self._node, n.And) and operand in self._node.operands:
            return _checked(CheckError, lambda: rewrite.without(self.node, operand))
        return _checked(ParameterCheckError, lambda: rewrite.without(self.node, operand))

    def allow(self, selection: AssetSelection) -> AutomationCondition:
        """Looking only at these dependencies (or checks)."""
        value = _selection_value(selection)
        return _checked(CheckError, lambda: rewrite.allowing(self.node, value))

    def ignore(self, selection: AssetSelection) -> AutomationCondition:
        """Leaving out these dependencies (or checks)."""
        value = _selection_value(selection)
        return _checked(CheckError, lambda: rewrite.ignoring(self.node, value))

    def resolve_through_virtual(self, value: bool = True) -> AutomationCondition:
        """Looking through virtual dependencies at what is above them."""
        return _made(rewrite.through_virtual(self.node, value))

    def with_label(self, label: str | None) -> AutomationCondition:
        """Under a label, which does not change what is true."""
        if label is not None and not isinstance(label, str):
            raise ParameterCheckError(f"with_label: expected a text, got {label!r}")
        return _made(rewrite.with_label(self.node, label))

    def with_run_options(
        self,
        *,
        tags: Mapping[str, Any] | None = None,
        priority: int = 0,
        run_config: Mapping[str, Any] | RunConfig | None = None,
        max_partitions_per_run: int | None = None,
        run_alone: bool = False,
    ) -> AutomationCondition:
        """With these options for the runs it asks for, in place of earlier ones. Not in Dagster.

        ``run_alone``: not together with other assets. Counts for the outermost condition of an asset, check or job only.
        """
        where = "with_run_options"
        if max_partitions_per_run is not None:
            _require_count(max_partitions_per_run, f"{where}: expected max_partitions_per_run", at_least=1)
        _require_count(priority, f"{where}: expected priority")
        if not isinstance(run_alone, bool):
            raise ParameterCheckError(f"{where}: expected run_alone as a bool, got {run_alone!r}")
        config = config_mapping(run_config)
        options = n.RunOptions(
            tags=tuple(sorted(normalize_tags(_require_mapping(tags, f"{where}: expected tags")).items())),
            priority=priority,
            run_config=to_json(config) if config else "",
            max_partitions=max_partitions_per_run,
            alone=run_alone,
        )
        return _made(rewrite.with_options(self.node, options))

    def as_auto_materialize_policy(self) -> AutoMaterializePolicy:
        """The condition in the clothes of the older policies."""
        from tidewheel.definitions.automation.auto_materialize import (  # noqa: PLC0415 - policies are made of conditions
            AutoMaterializePolicy,
        )

        return AutoMaterializePolicy.from_automation_condition(self)

    # -- ready-made conditions -------------------------------------------------------------------------------------

    @staticmethod
    def eager() -> AutomationCondition:
        """Run when a dependency was updated or the target is newly missing, once its dependencies are ready."""
        return _made(presets.eager())

    @staticmethod
    def on_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Run once after each tick, when all dependencies were updated since that tick."""
        return _made(presets.on_cron(*_cron(cron_schedule, cron_timezone)))

    @staticmethod
    def on_missing() -> AutomationCondition:
        """Run once when the target becomes missing and no dependency is missing."""
        return _made(presets.on_missing())

    @staticmethod
    def keep_up_to_date(
        *,
        max_failures: int = 5,
        backoff: timedelta = timedelta(minutes=1),
        backoff_max: timedelta = timedelta(hours=1),
    ) -> AutomationCondition:
        """Run while the target is missing or behind its inputs, and again after failures.

        After each failure the wait doubles, from ``backoff`` to ``backoff_max``; after ``max_failures`` equal
        failures in a row it stops until something changes. Not in Dagster.
        """
        _require_count(max_failures, "keep_up_to_date: expected max_failures", at_least=1)
        return _made(
            presets.keep_up_to_date(
                max_failures=max_failures,
                backoff_s=_seconds(backoff, "backoff"),
                backoff_max_s=_seconds(backoff_max, "backoff_max"),
            )
        )

    @staticmethod
    def missing() -> AutomationCondition:
        """Never materialized; a check: not run for its asset's latest materialization."""
        return _made(n.Missing())

    @staticmethod
    def newly_missing() -> AutomationCondition:
        """Missing, and not at the previous evaluation."""
        return _made(presets.newly_missing())

    @staticmethod
    def run_in_progress() -> AutomationCondition:
        """An unfinished run is to make it."""
        return _made(n.RunInProgress())

    @staticmethod
    def backfill_in_progress() -> AutomationCondition:
        """An unfinished backfill is to make it."""
        return _made(n.BackfillInProgress())

    @staticmethod
    def in_progress() -> AutomationCondition:
        """An unfinished run or backfill is to make it."""
        return _made(presets.in_progress())

    @staticmethod
    def execution_failed() -> AutomationCondition:
        """The latest attempt to make it failed; a later cancelled attempt does not hide that."""
        return _made(n.ExecutionFailed())

    @staticmethod
    def execution_canceled() -> AutomationCondition:
        """The latest attempt to make it was cancelled. Not in Dagster."""
        return _made(n.ExecutionCanceled())

    @staticmethod
    def newly_updated() -> AutomationCondition:
        """Updated since the previous evaluation."""
        return _made(n.NewlyUpdated())

    @staticmethod
    def newly_requested() -> AutomationCondition:
        """Requested by the previous evaluation."""
        return _made(n.NewlyRequested())

    @staticmethod
    def will_be_requested() -> AutomationCondition:
        """Requested by this evaluation, and able to run together with the target."""
        return _made(n.WillBeRequested())

    @staticmethod
    def initial_evaluation() -> AutomationCondition:
        """The target is evaluated for the first time."""
        return _made(n.InitialEvaluation())

    @staticmethod
    def code_version_changed() -> AutomationCondition:
        """The code version differs from that of the previous evaluation."""
        return _made(n.CodeVersionChanged())

    @staticmethod
    def data_version_changed() -> AutomationCondition:
        """Updated since the previous evaluation, with another data version."""
        return _made(n.DataVersionChanged())

    @staticmethod
    def cron_tick_passed(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """A tick has passed since the previous evaluation."""
        cron, zone = _cron(cron_schedule, cron_timezone)
        return _made(n.CronTickPassed(cron=cron, zone=zone))

    @staticmethod
    def in_latest_time_window(lookback_delta: timedelta | None = None) -> AutomationCondition:
        """The latest time partition; with ``lookback_delta`` all that lie in this much time up to its end."""
        if lookback_delta is None:
            return _made(n.InLatestTimeWindow())
        return _made(n.InLatestTimeWindow(lookback_s=_seconds(lookback_delta, "lookback_delta") or None))

    @staticmethod
    def executed_with_root_target() -> AutomationCondition:
        """Made by a run that was also to make the target whose condition this is."""
        return _made(n.ExecutedWithRootTarget())

    @staticmethod
    def executed_with_tags(
        *, tag_keys: AbstractSet[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """Made by a run with all these tags."""
        return _made(n.ExecutedWithTags(**_tags(tag_keys, tag_values)))

    @staticmethod
    def any_new_update_has_run_tags(
        *, tag_keys: AbstractSet[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """Updated since the previous evaluation, at least once by a run with all these tags."""
        return _made(n.AnyNewUpdateHasRunTags(**_tags(tag_keys, tag_values)))

    @staticmethod
    def all_new_updates_have_run_tags(
        *, tag_keys: AbstractSet[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """Updated since the previous evaluation, always by runs with all these tags."""
        return _made(n.AllNewUpdatesHaveRunTags(**_tags(tag_keys, tag_values)))

    @staticmethod
    def check_passed() -> AutomationCondition:
        """On a check: it ran for its asset's latest materialization and passed."""
        return _made(n.CheckResultIs(passed=True))

    @staticmethod
    def check_failed() -> AutomationCondition:
        """On a check: it ran for its asset's latest materialization and did not pass."""
        return _made(n.CheckResultIs(passed=False))

    @staticmethod
    def freshness_passed() -> AutomationCondition:
        """The asset's freshness policy is fulfilled."""
        return _made(n.FreshnessIs(state="passed", label="freshness_passed"))

    @staticmethod
    def freshness_warned() -> AutomationCondition:
        """The asset's freshness policy is in its warning window."""
        return _made(n.FreshnessIs(state="warned", label="freshness_warned"))

    @staticmethod
    def freshness_failed() -> AutomationCondition:
        """The asset's freshness policy is broken."""
        return _made(n.FreshnessIs(state="failed", label="freshness_failed"))

    @staticmethod
    def updated_within(duration: timedelta) -> AutomationCondition:
        """Materialized in this much time up to now. Not in Dagster."""
        return _made(n.UpdatedWithin(duration_s=_seconds(duration, "duration")))

    @staticmethod
    def materialized_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Materialized since the latest tick. Not in Dagster."""
        cron, zone = _cron(cron_schedule, cron_timezone)
        return _made(n.UpdatedSinceCron(cron=cron, zone=zone))

    @staticmethod
    def failed_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """An attempt to make it failed since the latest tick. Not in Dagster."""
        cron, zone = _cron(cron_schedule, cron_timezone)
        return _made(n.FailedSinceCron(cron=cron, zone=zone))

    @staticmethod
    def parent_newer() -> AutomationCondition:
        """A dependency was updated after the target was last made; stays true until it is. Not in Dagster."""
        return _made(n.Behind(label="parent_newer"))

    @staticmethod
    def parent_materialized() -> AutomationCondition:
        """No dependency is missing. Not in Dagster."""
        return _made(presets.parent_materialized())

    # -- over other targets ----------------------------------------------------------------------------------------

    @staticmethod
    def any_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """True for some dependency."""
        return _made(n.AnyDeps(operand=_node_of(condition, "any_deps_match")))

    @staticmethod
    def all_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """True for at least one mapped partition of every dependency."""
        return _made(n.AllDeps(operand=_node_of(condition, "all_deps_match")))

    @staticmethod
    def any_deps_updated() -> AutomationCondition:
        """Some dependency was updated, or will be requested."""
        return _made(presets.any_deps_updated())

    @staticmethod
    def any_deps_missing() -> AutomationCondition:
        """Some dependency is missing and will not be requested."""
        return _made(presets.any_deps_missing())

    @staticmethod
    def any_deps_in_progress() -> AutomationCondition:
        """Some dependency is in progress."""
        return _made(presets.any_deps_in_progress())

    @staticmethod
    def all_deps_updated_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Every dependency was updated since the latest tick, or will be requested."""
        return _made(presets.all_deps_updated_since_cron(*_cron(cron_schedule, cron_timezone)))

    @staticmethod
    def all_deps_blocking_checks_passed() -> AutomationCondition:
        """Every blocking check of every dependency passed for its latest materialization, or will be requested."""
        return _made(presets.all_deps_blocking_checks_passed())

    @staticmethod
    def any_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """True for some check of the asset."""
        return _made(
            n.AnyChecks(operand=_node_of(condition, "any_checks_match"), blocking_only=bool(blocking_only))
        )

    @staticmethod
    def all_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """True for every check of the asset."""
        return _made(
            n.AllChecks(operand=_node_of(condition, "all_checks_match"), blocking_only=bool(blocking_only))
        )

    @staticmethod
    def asset_matches(key: Any, condition: AutomationCondition) -> AutomationCondition:
        """True for the mapped partitions of another asset."""
        asset = AssetKey.from_coercible_or_definition(key).to_escaped_user_string()
        return _made(n.AssetMatches(key=asset, operand=_node_of(condition, "asset_matches")))

    @staticmethod
    def any_downstream_conditions() -> AutomationCondition:
        """Some condition of a downstream asset would request this asset."""
        return _made(n.AnyDownstream())

    @staticmethod
    def any_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """On an asset job: true for some root asset of it."""
        node = _node_of(condition, "any_job_root_assets_match")
        label = f"any_job_root_assets_match({naming.label_or_name(node)})"
        return _made(n.AnyJobRoots(operand=node, label=label))

    @staticmethod
    def all_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """On an asset job: true for every root asset of it."""
        node = _node_of(condition, "all_job_root_assets_match")
        label = f"all_job_root_assets_match({naming.label_or_name(node)})"
        return _made(n.AllJobRoots(operand=node, label=label))


def condition_of(node: n.Condition) -> AutomationCondition:
    """The condition of a tree; of a user-defined node that has its object, that object."""
    if (
        isinstance(node, n.UserDefined)
        and node.label is None
        and isinstance(node.handle, AutomationCondition)
    ):
        return node.handle
    return _made(node)


def _made(node: n.Condition) -> AutomationCondition:
    condition: AutomationCondition = AutomationCondition()
    condition._node = node
    return condition


def _node_of(condition: Any, where: str) -> n.Condition:
    if not isinstance(condition, AutomationCondition):
        raise ParameterCheckError(
            f"{where}: expected an AutomationCondition, got {condition!r} ({type(condition).__name__}); "
            "use for example AutomationCondition.missing()"
        )
    return condition.node


def _checked(error: type[CheckError], make: Callable[[], n.Condition]) -> AutomationCondition:
    try:
        return _made(make())
    except ConditionError as reason:
        raise error(str(reason)) from None


def _selection_value(selection: Any) -> Any:
    # selections know assets, and assets know conditions: the import has to wait until it is needed
    return selection_value(selection)


def _cron(schedule: Any, zone: Any) -> tuple[str, str]:
    if not isinstance(schedule, str) or not isinstance(zone, str):
        raise ParameterCheckError(
            f"expected one cron string and a time zone, got {schedule!r} and {zone!r}; "
            "join several schedules with |"
        )
    try:
        parse(schedule)
        return schedule, require_zone(zone)
    except CronError as reason:
        raise ParameterCheckError(str(reason)) from None


def _seconds(delta: Any, name: str) -> float:
    if not isinstance(delta, timedelta) or delta < timedelta(0):
        raise ParameterCheckError(f"{name}: expected a timedelta that is not negative, got {delta!r}")
    return delta.total_seconds()


def _require_count(value: Any, expected: str, *, at_least: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or (at_least is not None and value < at_least):
        least = "" if at_least is None else f" of {at_least} or more"
        raise ParameterCheckError(f"{expected} as a whole number{least}, got {value!r}")


def _require_mapping(value: Any, expected: str) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise ParameterCheckError(f"{expected} as a mapping, got {value!r}; use a dict")
    return value


def _tags(keys: Iterable[str] | None, values: Mapping[str, str] | None) -> dict[str, Any]:
    if isinstance(keys, str):
        raise ParameterCheckError(f"tag_keys: expected a set of tag keys, got {keys!r}; write {{{keys!r}}}")
    return {
        "tag_keys": tuple(sorted(keys or ())),
        "tag_values": tuple(sorted(normalize_tags(_require_mapping(values, "expected tag_values")).items())),
    }
