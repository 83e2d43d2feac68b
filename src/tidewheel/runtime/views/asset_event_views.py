"""What users see of materialisations, observations and check evaluations that were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import msgspec

from tidewheel.values.asset_events import (
    AssetMaterialization,
    AssetObservation,
    MetadataEntryView,
    metadata_entries,
)
from tidewheel.values.events import CheckEvaluation, Event, Materialization, Observation
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import Metadata, normalize_metadata
from tidewheel.values.severity import AssetCheckSeverity


class CheckTargetView(msgspec.Struct, frozen=True):
    """The materialisation that a check judged. ``timestamp`` is 0.0 where it is not known."""

    storage_id: int
    run_id: str
    timestamp: float = 0.0


class CheckEvaluationView(msgspec.Struct, frozen=True):
    """A recorded evaluation of a check."""

    asset_key: AssetKey
    check_name: str
    passed: bool
    metadata: Metadata = {}
    target_materialization_data: Optional[CheckTargetView] = None
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    description: Optional[str] = None
    blocking: Optional[bool] = None
    partition: Optional[str] = None

    @property
    def asset_check_key(self) -> AssetCheckKey:
        """The check's key."""
        return AssetCheckKey(self.asset_key, self.check_name)

    @property
    def metadata_entries(self) -> list[MetadataEntryView]:
        """The metadata as labelled entries."""
        return metadata_entries(self.metadata)

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> CheckEvaluationView:
        """The same with other metadata (replaced, not merged)."""
        return msgspec.structs.replace(self, metadata=normalize_metadata(metadata))


def materialization_view(event: Event) -> AssetMaterialization:
    """The materialisation that an event tells of."""
    payload = event.payload if isinstance(event.payload, Materialization) else Materialization()
    return AssetMaterialization(
        AssetKey.from_escaped_user_string(event.asset or ""),
        payload.description,
        payload.metadata,
        event.partition,
        payload.tags,
    )


def observation_view(event: Event) -> AssetObservation:
    """The observation that an event tells of."""
    payload = event.payload if isinstance(event.payload, Observation) else Observation()
    return AssetObservation(
        AssetKey.from_escaped_user_string(event.asset or ""),
        payload.description,
        payload.metadata,
        event.partition,
        payload.tags,
    )


def check_evaluation_view(event: Event) -> CheckEvaluationView:
    """The check evaluation that an event tells of."""
    payload = event.payload if isinstance(event.payload, CheckEvaluation) else CheckEvaluation(passed=False)
    target = None
    if payload.target_event_id is not None:
        target = CheckTargetView(
            payload.target_event_id, payload.target_run_id or "", payload.target_timestamp or 0.0
        )
    return CheckEvaluationView(
        AssetKey.from_escaped_user_string(event.asset or ""),
        event.check or "",
        payload.passed,
        payload.metadata,
        target,
        AssetCheckSeverity(payload.severity),
        payload.description,
        payload.blocking,
        event.partition,
    )
