"""The sensor that evaluates freshness checks when their verdict may have changed, and at no other time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.checks.check_factories import require_list
from tidewheel.definitions.checks.freshness_checks import FRESH_UNTIL_KEY
from tidewheel.definitions.clock import now_s
from tidewheel.definitions.triggers.run_request import RunRequest, SensorResult, SkipReason
from tidewheel.definitions.triggers.sensors import DefaultSensorStatus, SensorDefinition
from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetCheckKey
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.records import EventFilter

DEFAULT_NAME = "freshness_checks_sensor"
PATIENCE_S = 3600.0
"""A run that has not evaluated its check after this time is no longer waited for."""

_DESCRIPTION = (
    "Evaluates freshness checks: those never evaluated, those that passed and may have become overdue since, and those "
    "that failed when their asset was updated since."
)


class CheckFacts(NamedTuple):
    """What is known of one check: its latest evaluation, and its asset's latest event. Ids are 0 where there is none.

    ``asked_at_s``: when a run that shall evaluate it was created, where no evaluation came since.
    """

    evaluation_id: int = 0
    has_passed: bool = False
    fresh_until_s: float | None = None
    update_id: int = 0
    asked_at_s: float | None = None


def build_sensor_for_freshness_checks(
    *,
    freshness_checks: Sequence[Any],
    minimum_interval_seconds: int | None = None,
    name: str = DEFAULT_NAME,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    tags: Mapping[str, Any] | None = None,
    policy: TriggerPolicy | None = None,
) -> SensorDefinition:
    """A sensor that evaluates freshness checks.

    A check that was never evaluated is evaluated at once. One that passed is evaluated again when its asset may have
    become too old. One that failed is not, until its asset is updated.

    Raises:
        CheckError: when a check is there twice.
    """
    keys = _keys(freshness_checks)

    def evaluate(context: Any) -> SensorResult | SkipReason:
        now = now_s()
        facts = load_facts(context.instance, keys)
        due = [key for key in keys if is_due(facts[key], now)]
        if not due:
            return SkipReason(
                "nothing to evaluate: all checks are fresh, have failed, or are being evaluated"
            )
        return SensorResult(run_requests=[RunRequest(asset_selection=[], asset_check_keys=due)])

    return SensorDefinition(
        name,
        evaluation_fn=evaluate,
        minimum_interval_seconds=minimum_interval_seconds,
        description=_DESCRIPTION,
        asset_selection=AssetSelection.checks(*keys),
        default_status=default_status,
        tags=tags,
        policy=policy,
    )


def is_due(facts: CheckFacts, now: float) -> bool:
    """Whether a check must be evaluated, and no run is about to do so."""
    if facts.asked_at_s is not None and now - facts.asked_at_s < PATIENCE_S:
        return False
    if facts.evaluation_id == 0:
        return True
    if facts.has_passed:
        return facts.fresh_until_s is not None and facts.fresh_until_s <= now
    return facts.update_id > facts.evaluation_id


def load_facts(instance: Any, keys: Sequence[AssetCheckKey]) -> dict[AssetCheckKey, CheckFacts]:
    """What the instance knows of the checks."""
    assets = sorted({key.asset_key for key in keys})
    updates = {
        record.asset_entry.asset_key: record.asset_entry.last_event_storage_id or 0
        for record in instance.get_asset_records(assets)
    }
    found = {}
    for key in keys:
        record = instance.get_latest_asset_check_evaluation_record(key)
        update_id = updates.get(key.asset_key, 0)
        if record is None or record.evaluation is None:
            found[key] = CheckFacts(update_id=update_id, asked_at_s=_asked_at(instance, key, None))
            continue
        until = record.evaluation.metadata.get(FRESH_UNTIL_KEY)
        found[key] = CheckFacts(
            evaluation_id=record.id,
            has_passed=record.evaluation.passed,
            fresh_until_s=until.value if until is not None else None,
            update_id=update_id,
            asked_at_s=_asked_at(instance, key, record.id),
        )
    return found


def _asked_at(instance: Any, key: AssetCheckKey, after_id: int | None) -> float | None:
    plans = EventFilter(
        types=(EventType.ASSET_CHECK_EVALUATION_PLANNED.value,),
        assets=(key.asset_key.to_escaped_user_string(),),
        check=key.name,
        after_id=after_id,
    )
    newest = instance.ledger.get_events(plans, limit=1, ascending=False)
    return newest[0].event.timestamp if newest else None


def _keys(freshness_checks: Any) -> list[AssetCheckKey]:
    keys: list[AssetCheckKey] = []
    for one in require_list(freshness_checks, "freshness_checks"):
        found = getattr(one, "check_keys", None)
        if found is None:
            raise ParameterCheckError(
                f"expected freshness checks, got {one!r}; pass what the builders return"
            )
        keys += sorted(found)
    twice = sorted({key.to_escaped_user_string() for key in keys if keys.count(key) > 1})
    if twice:
        raise CheckError(f"expected each check once, got {twice} twice; drop one")
    return keys
