"""The older auto-materialize policies and rules, each translated into an automation condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

from tidewheel.definitions.automation.automation_condition import AutomationCondition, condition_of
from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.logic.conditions import legacy_rules
from tidewheel.logic.conditions import nodes as n


class AutoMaterializeDecisionType(Enum):
    """What a rule decides when it applies."""

    MATERIALIZE = "MATERIALIZE"
    SKIP = "SKIP"
    DISCARD = "DISCARD"


class AutoMaterializePolicyType(Enum):
    """Whether a policy runs an asset by itself."""

    EAGER = "EAGER"
    LAZY = "LAZY"


class AutoMaterializeAssetPartitionsFilter:
    """Which updates of a parent count: those whose run has all these tags."""

    def __init__(self, latest_run_required_tags: Mapping[str, str] | None = None) -> None:
        self.latest_run_required_tags = latest_run_required_tags

    @property
    def description(self) -> str:
        """What is asked, in words."""
        return f"latest run includes required tags: {dict(self.latest_run_required_tags or {})}"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AutoMaterializeAssetPartitionsFilter)
            and self.latest_run_required_tags == other.latest_run_required_tags
        )

    def __hash__(self) -> int:
        return hash(tuple(sorted((self.latest_run_required_tags or {}).items())))


class AutoMaterializeRule:
    """One reason to materialize an asset, or not to. Made with the static methods; equal rules are equal."""

    def __init__(self, decision_type: AutoMaterializeDecisionType, node: n.Condition) -> None:
        self.decision_type = decision_type
        self._node = node

    @property
    def description(self) -> str:
        """What the rule looks at."""
        return str(self._node.label)

    def to_asset_condition(self) -> AutomationCondition:
        """The condition that is true where the rule applies."""
        return condition_of(self._node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AutoMaterializeRule) and self._node == other._node

    def __hash__(self) -> int:
        return hash(self._node)

    def __repr__(self) -> str:
        return f"<AutoMaterializeRule {self.description}>"

    @staticmethod
    def materialize_on_cron(
        cron_schedule: str, timezone: str = "UTC", all_partitions: bool = False
    ) -> AutoMaterializeRule:
        """Materialize once after each tick: the latest partition, or all."""
        tick = AutomationCondition.cron_tick_passed(cron_schedule, timezone).node
        assert isinstance(tick, n.CronTickPassed)
        return _materialize(legacy_rules.on_cron(tick, all_partitions=all_partitions))

    @staticmethod
    def materialize_on_missing() -> AutoMaterializeRule:
        """Materialize what is missing, once."""
        return _materialize(legacy_rules.on_missing())

    @staticmethod
    def materialize_on_parent_updated(
        updated_parent_filter: AutoMaterializeAssetPartitionsFilter | None = None,
    ) -> AutoMaterializeRule:
        """Materialize when a parent was updated."""
        tags = updated_parent_filter.latest_run_required_tags if updated_parent_filter else None
        return _materialize(legacy_rules.on_parent_updated(tuple(sorted((tags or {}).items()))))

    @staticmethod
    def materialize_on_required_for_freshness() -> AutoMaterializeRule:
        """Accepted and never true: the freshness policies it looked at are gone."""
        return _materialize(legacy_rules.on_required_for_freshness())

    @staticmethod
    def skip_on_backfill_in_progress(all_partitions: bool = False) -> AutoMaterializeRule:
        """Skip partitions that a backfill is to make; with ``all_partitions`` all while there is one."""
        return _skip(legacy_rules.backfill_in_progress(all_partitions=all_partitions))

    @staticmethod
    def skip_on_not_all_parents_updated(
        require_update_for_all_parent_partitions: bool = False,
    ) -> AutoMaterializeRule:
        """Skip while some parent was not updated since the asset was."""
        return _skip(
            legacy_rules.not_all_parents_updated(every_partition=require_update_for_all_parent_partitions)
        )

    @staticmethod
    def skip_on_not_all_parents_updated_since_cron(
        cron_schedule: str, timezone: str = "UTC"
    ) -> AutoMaterializeRule:
        """Skip while some parent was not updated since the latest tick."""
        updated = AutomationCondition.all_deps_updated_since_cron(cron_schedule, timezone).node
        return _skip(legacy_rules.not_all_parents_updated_since_cron(updated))

    @staticmethod
    def skip_on_parent_missing() -> AutoMaterializeRule:
        """Skip while a parent is missing."""
        return _skip(legacy_rules.parent_missing())

    @staticmethod
    def skip_on_parent_outdated(minutes: float | None = None) -> AutoMaterializeRule:
        """Skip while a parent is behind its own parents.

        With ``minutes`` a parent that was made in so many minutes up to now counts as up to date.
        """
        if minutes is not None and (not isinstance(minutes, int | float) or minutes <= 0):
            raise ParameterCheckError(
                f"skip_on_parent_outdated: expected minutes greater than 0, got {minutes!r}"
            )
        return _skip(legacy_rules.parent_outdated(None if minutes is None else 60.0 * minutes))

    @staticmethod
    def skip_on_required_but_nonexistent_parents() -> AutoMaterializeRule:
        """Skip partitions that require parent partitions which do not exist."""
        return _skip(legacy_rules.nonexistent_parents())

    @staticmethod
    def skip_on_run_in_progress() -> AutoMaterializeRule:
        """Skip while a run is to make the asset."""
        return _skip(legacy_rules.run_in_progress())


class AutoMaterializePolicy:
    """Rules for when to materialize an asset: some rule says so and none says skip.

    At most ``max_materializations_per_minute`` partitions are requested at once, the latest ones, and the
    others are dropped; None: no limit.
    """

    def __init__(
        self,
        rules: AbstractSet[AutoMaterializeRule] = frozenset(),
        max_materializations_per_minute: int | None = 1,
        asset_condition: AutomationCondition | None = None,
    ) -> None:
        if not isinstance(rules, set | frozenset) or not all(
            isinstance(r, AutoMaterializeRule) for r in rules
        ):
            raise ParameterCheckError(
                f"AutoMaterializePolicy: expected a set of AutoMaterializeRules, got {rules!r}; "
                "write AutoMaterializePolicy.from_rules([...])"
            )
        limit = max_materializations_per_minute
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise CheckError(
                "AutoMaterializePolicy: expected max_materializations_per_minute of 1 or more, or None, "
                f"got {limit!r}; leave the policy away to switch it off"
            )
        if asset_condition is not None and not isinstance(asset_condition, AutomationCondition):
            raise ParameterCheckError(
                f"AutoMaterializePolicy: expected an AutomationCondition, got {asset_condition!r}"
            )
        self.rules: frozenset[AutoMaterializeRule] = frozenset(rules)
        self.max_materializations_per_minute = limit
        self.asset_condition = asset_condition

    @staticmethod
    def eager(max_materializations_per_minute: int | None = 1) -> AutoMaterializePolicy:
        """Materialize what is missing or whose parents were updated."""
        rule = AutoMaterializeRule
        more = {rule.materialize_on_missing(), rule.materialize_on_parent_updated()}
        return AutoMaterializePolicy(more | _lazy_rules(), max_materializations_per_minute)

    @staticmethod
    def lazy(max_materializations_per_minute: int | None = 1) -> AutoMaterializePolicy:
        """Materialize what others need to be fresh."""
        return AutoMaterializePolicy(_lazy_rules(), max_materializations_per_minute)

    @staticmethod
    def from_rules(
        rules: Iterable[AutoMaterializeRule], max_materializations_per_minute: int | None = 1
    ) -> AutoMaterializePolicy:
        """Exactly these rules. Not in Dagster."""
        return AutoMaterializePolicy(frozenset(rules), max_materializations_per_minute)

    @staticmethod
    def from_automation_condition(automation_condition: AutomationCondition) -> AutoMaterializePolicy:
        """A condition in the clothes of a policy."""
        return AutoMaterializePolicy(
            max_materializations_per_minute=None, asset_condition=automation_condition
        )

    def with_rules(self, *rules_to_add: AutoMaterializeRule) -> AutoMaterializePolicy:
        """The policy with more rules."""
        return self._with(self.rules | set(rules_to_add))

    def without_rules(self, *rules_to_remove: AutoMaterializeRule) -> AutoMaterializePolicy:
        """The policy with fewer rules.

        Raises:
            CheckError: when it does not have one of them.
        """
        unknown = [rule for rule in rules_to_remove if rule not in self.rules]
        if unknown:
            raise CheckError(f"without_rules: expected rules of the policy, got {unknown!r}")
        return self._with(self.rules - set(rules_to_remove))

    def to_automation_condition(self) -> AutomationCondition:
        """The condition that the policy means."""
        if self.asset_condition is not None:
            return self.asset_condition
        return condition_of(
            legacy_rules.policy(
                materialize=_nodes(self.materialize_rules),
                skip=_nodes(self.skip_rules),
                limit=self.max_materializations_per_minute,
            )
        )

    @property
    def materialize_rules(self) -> AbstractSet[AutoMaterializeRule]:
        """The rules that ask for runs."""
        return {one for one in self.rules if one.decision_type is AutoMaterializeDecisionType.MATERIALIZE}

    @property
    def skip_rules(self) -> AbstractSet[AutoMaterializeRule]:
        """The rules that hold runs back."""
        return {one for one in self.rules if one.decision_type is AutoMaterializeDecisionType.SKIP}

    @property
    def policy_type(self) -> AutoMaterializePolicyType:
        """EAGER if the policy reacts to updates of parents."""
        on_update = AutoMaterializeRule.materialize_on_parent_updated()
        return AutoMaterializePolicyType.EAGER if on_update in self.rules else AutoMaterializePolicyType.LAZY

    def _with(self, rules: frozenset[AutoMaterializeRule]) -> AutoMaterializePolicy:
        return AutoMaterializePolicy(rules, self.max_materializations_per_minute, self.asset_condition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AutoMaterializePolicy) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return (self.rules, self.max_materializations_per_minute, self.asset_condition)

    def __repr__(self) -> str:
        names = ", ".join(sorted(rule.description for rule in self.rules))
        return f"<AutoMaterializePolicy {names or self.asset_condition!r}>"


def _lazy_rules() -> set[AutoMaterializeRule]:
    rule = AutoMaterializeRule
    return {
        rule.materialize_on_required_for_freshness(),
        rule.skip_on_parent_missing(),
        rule.skip_on_parent_outdated(),
        rule.skip_on_required_but_nonexistent_parents(),
        rule.skip_on_backfill_in_progress(),
    }


def _nodes(rules: Iterable[AutoMaterializeRule]) -> tuple[n.Condition, ...]:
    return tuple(sorted((rule._node for rule in rules), key=lambda node: str(node.label)))


def _materialize(node: n.Condition) -> AutoMaterializeRule:
    return AutoMaterializeRule(AutoMaterializeDecisionType.MATERIALIZE, node)


def _skip(node: n.Condition) -> AutoMaterializeRule:
    return AutoMaterializeRule(AutoMaterializeDecisionType.SKIP, node)
