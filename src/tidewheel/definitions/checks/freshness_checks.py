"""Checks that an asset was updated recently enough, or that its latest time partition has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tidewheel.definitions.assets.asset_spec import AssetCheckSpec
from tidewheel.definitions.assets.freshness import require_cron
from tidewheel.definitions.checks.check_factories import (
    asset_keys_of,
    checks_for_assets,
    known_partitions_def,
    partitions_def_of,
    require_list,
    require_severity,
)
from tidewheel.definitions.checks.check_results import AssetCheckResult, AssetCheckSeverity
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.definitions.clock import now_s
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError
from tidewheel.logic.freshness import last_deadline_s, next_deadline_s
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import MetadataValue

CHECK_NAME = "freshness_check"
PARAMS_KEY = "dagster/freshness_params"
LOWER_BOUND_KEY = "dagster/freshness_lower_bound_timestamp"
DEADLINE_KEY = "dagster/latest_cron_tick_timestamp"
FRESH_UNTIL_KEY = "dagster/fresh_until_timestamp"
LAST_UPDATED_KEY = "dagster/last_updated_timestamp"
"""Metadata label under which events may say when the data was updated; without it, materialisations count as of now."""

_OBSERVATIONS_LOOKED_AT = 100


class Verdict(NamedTuple):
    """Whether an asset is fresh, why, and (times in seconds) until when it will be if nothing happens."""

    is_fresh: bool
    description: str
    times: Mapping[str, float]


def build_last_update_freshness_checks(
    *,
    assets: Sequence[Any],
    lower_bound_delta: timedelta,
    deadline_cron: str | None = None,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check for each asset that its latest update is not too long ago.

    Without a cron: not longer ago than ``lower_bound_delta``. With one: not longer before its last tick. The update is
    the latest materialisation, or observation that says when the data was updated (``dagster/last_updated_timestamp``).

    Raises:
        CheckError: when a parameter is wrong or an asset is there twice.
    """
    if not isinstance(lower_bound_delta, timedelta):
        raise ParameterCheckError(f"expected lower_bound_delta as a timedelta, got {lower_bound_delta!r}")
    require_severity(severity)
    require_cron(deadline_cron or "@daily", timezone)
    delta_s = lower_bound_delta.total_seconds()
    params: dict[str, Any] = {"timezone": timezone, "lower_bound_delta_seconds": delta_s}
    if deadline_cron is not None:
        params["deadline_cron"] = deadline_cron

    def judge(context: Any, key: AssetKey) -> AssetCheckResult:
        updated_s = last_update_s(context.instance, key)
        verdict = judge_last_update(updated_s, now_s(), delta_s, deadline_cron, timezone)
        return _result(verdict, params, severity)

    return _freshness_checks(asset_keys_of(assets), params, blocking, judge)


def build_time_partition_freshness_checks(
    *,
    assets: Sequence[Any],
    deadline_cron: str,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """A check for each time-partitioned asset that at every tick of a cron its latest complete partition was there.

    Raises:
        CheckError: when a parameter is wrong or an asset is there twice.
        InvalidDefinitionError: when an asset is known not to be partitioned by time.
    """
    require_severity(severity)
    require_cron(deadline_cron, timezone)
    for asset in require_list(assets, "assets"):
        for key in asset_keys_of([asset]):
            is_known, definition = known_partitions_def(asset, key)
            if is_known:
                _require_time(definition, key)
    params: dict[str, Any] = {"timezone": timezone, "deadline_cron": deadline_cron}

    def judge(context: Any, key: AssetKey) -> AssetCheckResult:
        definition = _require_time(partitions_def_of(context, key), key)
        now = now_s()
        expected = expected_partition(definition, last_deadline_s(deadline_cron, timezone, now))
        updated_s, has_come = partition_state(context.instance, key, expected)
        verdict = judge_time_partition(expected, has_come, updated_s, now, deadline_cron, timezone)
        return _result(verdict, params, severity)

    return _freshness_checks(asset_keys_of(assets), params, blocking, judge)


def _freshness_checks(
    keys: Sequence[AssetKey], params: Mapping[str, Any], blocking: bool, judge: Any
) -> list[AssetChecksDefinition]:
    specs = [
        AssetCheckSpec(
            CHECK_NAME,
            asset=key,
            description="Whether the asset is as fresh as it should be.",
            blocking=blocking,
            metadata={PARAMS_KEY: MetadataValue.json(dict(params))},
        )
        for key in keys
    ]
    return checks_for_assets(CHECK_NAME, CHECK_NAME, specs, judge)


def _result(verdict: Verdict, params: Mapping[str, Any], severity: AssetCheckSeverity) -> AssetCheckResult:
    metadata: dict[str, Any] = {PARAMS_KEY: MetadataValue.json(dict(params))}
    metadata.update({label: MetadataValue.timestamp(moment) for label, moment in verdict.times.items()})
    return AssetCheckResult(
        passed=verdict.is_fresh, severity=severity, description=verdict.description, metadata=metadata
    )


# -- verdicts ---------------------------------------------------------------------------------------------------------


def judge_last_update(
    updated_s: float | None, now: float, delta_s: float, deadline_cron: str | None, zone: str
) -> Verdict:
    """Whether an update at ``updated_s`` (None: there was none) is recent enough at ``now``."""
    times: dict[str, float] = {}
    if deadline_cron is None:
        earliest_s = now - delta_s
    else:
        deadline_s = last_deadline_s(deadline_cron, zone, now)
        earliest_s = deadline_s - delta_s
        times[DEADLINE_KEY] = deadline_s
    times[LOWER_BOUND_KEY] = earliest_s
    if updated_s is None:
        return Verdict(
            False, "The asset was never materialized, nor observed with the time of an update.", times
        )
    times[LAST_UPDATED_KEY] = updated_s
    age, allowed = _span(now - updated_s), _span(now - earliest_s)
    if updated_s < earliest_s:
        return Verdict(False, f"The last update was {age} ago; at most {allowed} are allowed.", times)
    times[FRESH_UNTIL_KEY] = (
        updated_s + delta_s if deadline_cron is None else next_deadline_s(deadline_cron, zone, now)
    )
    return Verdict(True, f"The last update was {age} ago, within the allowed {allowed}.", times)


def judge_time_partition(
    expected: str | None, has_come: bool, updated_s: float | None, now: float, deadline_cron: str, zone: str
) -> Verdict:
    """Whether the partition that was due at the last deadline (None: no one was) has come."""
    times = {DEADLINE_KEY: last_deadline_s(deadline_cron, zone, now)}
    until_s = next_deadline_s(deadline_cron, zone, now)
    if expected is None:
        return Verdict(True, "No partition is due yet.", {**times, FRESH_UNTIL_KEY: until_s})
    if has_come:
        return Verdict(True, f"The partition {expected} has come.", {**times, FRESH_UNTIL_KEY: until_s})
    if updated_s is None:
        return Verdict(False, f"The partition {expected} is due, and the asset was never made.", times)
    times[LAST_UPDATED_KEY] = updated_s
    return Verdict(False, f"The partition {expected} is due and has not come.", times)


def expected_partition(definition: TimeWindowPartitionsDefinition, deadline_s: float) -> str | None:
    """The key of the last partition whose time was over at a deadline; None when there was none yet."""
    moment = datetime.fromtimestamp(deadline_s, UTC)
    window = definition.get_prev_partition_window(moment)
    if window is None:  # before the first, or long after the last of partitions that have an end
        window = definition.get_last_partition_window(moment)
        if window is None or window.end.timestamp() > deadline_s:
            return None
    return definition.get_partition_key_for_timestamp(window.start.timestamp())


# -- facts ------------------------------------------------------------------------------------------------------------


def last_update_s(instance: Any, key: AssetKey) -> float | None:
    """When an asset's data was last updated, as far as its events say."""
    records = instance.get_asset_records([key])
    if not records:
        return None
    entry = records[0].asset_entry
    found: list[float] = []
    if entry.last_materialization_record is not None:
        entry_of = entry.last_materialization_record.event_log_entry
        told = _told_time(entry_of.asset_materialization.metadata)
        found.append(told if told is not None else entry_of.timestamp)
    if entry.last_observation_record is not None:
        for record in instance.fetch_observations(key, limit=_OBSERVATIONS_LOOKED_AT).records:
            told = _told_time(record.event_log_entry.asset_observation.metadata)
            if told is not None:
                found.append(told)
                break
    return max(found, default=None)


def partition_state(instance: Any, key: AssetKey, partition: str | None) -> tuple[float | None, bool]:
    """When the asset was last materialised or observed, and whether one partition ever was."""
    records = instance.get_asset_records([key])
    if not records:
        return None, False
    entry = records[0].asset_entry
    latest = [entry.last_materialization_record, entry.last_observation_record]
    updated_s = max((record.timestamp for record in latest if record is not None), default=None)
    if partition is None or updated_s is None:
        return updated_s, False
    kinds = (EventType.ASSET_MATERIALIZATION, EventType.ASSET_OBSERVATION)
    return updated_s, any(
        instance.get_latest_storage_id_by_partition(key, kind, [partition]) for kind in kinds
    )


def _told_time(metadata: Mapping[str, Any]) -> float | None:
    value = getattr(metadata.get(LAST_UPDATED_KEY), "value", None)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _require_time(definition: Any, key: AssetKey) -> TimeWindowPartitionsDefinition:
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        what = type(definition).__name__ if definition is not None else "no partitions"
        raise InvalidDefinitionError(
            f"expected {key.to_user_string()!r} to be partitioned by time, got {what}; use "
            "build_last_update_freshness_checks"
        )
    return definition


def _span(seconds: float) -> str:
    """A time span in words, its two largest units."""
    rest = round(seconds)
    parts = []
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return ", ".join(parts[:2]) or "0 seconds"
