"""Turns what user code reports from outside of runs into events."""

from __future__ import annotations

from enum import Enum
from typing import Any

from tidewheel.errors import InvariantViolationError
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization, Observation
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import normalize_metadata
from tidewheel.values.tags import normalize_tags


def event_from_outside(reported: Any, *, timestamp: float) -> Event:
    """The event of a reported materialisation, observation or check evaluation.

    Users' classes live in a layer that this one may not import, so that objects are known by the names of their
    classes and bases.

    Raises:
        InvariantViolationError: when it is none of these.
    """
    if isinstance(reported, AssetMaterialization):
        return _asset_event(reported, timestamp, EventType.ASSET_MATERIALIZATION, Materialization)
    if isinstance(reported, AssetObservation):
        return _asset_event(reported, timestamp, EventType.ASSET_OBSERVATION, Observation)
    names = {cls.__name__ for cls in type(reported).__mro__}
    if names & {"AssetCheckEvaluation", "CheckEvaluationView"}:
        return _check_event(reported, timestamp)
    raise InvariantViolationError(
        f"expected an AssetMaterialization, AssetObservation or AssetCheckEvaluation, got {reported!r}; "
        "report one of these"
    )


def _asset_event(
    reported: Any, timestamp: float, kind: EventType, payload_type: type[Materialization] | type[Observation]
) -> Event:
    return Event(
        type=kind,
        timestamp=timestamp,
        asset=_asset_text(reported),
        partition=reported.partition,
        message=reported.description or "",
        payload=payload_type(
            metadata=normalize_metadata(reported.metadata),
            tags=normalize_tags(reported.tags),
            description=reported.description,
        ),
    )


def _check_event(reported: Any, timestamp: float) -> Event:
    severity = reported.severity
    target = getattr(reported, "target_materialization_data", None)
    return Event(
        type=EventType.ASSET_CHECK_EVALUATION,
        timestamp=timestamp,
        asset=_asset_text(reported),
        check=reported.check_name,
        partition=getattr(reported, "partition", None),
        message=reported.description or "",
        payload=CheckEvaluation(
            passed=bool(reported.passed),
            severity=str(severity.value if isinstance(severity, Enum) else severity),
            blocking=bool(getattr(reported, "blocking", False)),
            metadata=normalize_metadata(reported.metadata),
            description=reported.description,
            target_event_id=getattr(target, "storage_id", None),
            target_run_id=getattr(target, "run_id", None),
            target_timestamp=getattr(target, "timestamp", None) or None,
        ),
    )


def _asset_text(reported: Any) -> str:
    return AssetKey.from_coercible(reported.asset_key).to_escaped_user_string()
