"""Sensors of the simulation that are handed deliveries: two consumers of one webhook, and one of a bucket's files.

What each is handed it writes down as an event of an asset of its own, in the tick's transaction: so every handover can be
counted.
"""

from __future__ import annotations

import json

from tests.simulation.source import Source
from tidewheel.logic.graph.specs import FileSource, HookSpec, SensorNode
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationRequest, EvaluationResult
from tidewheel.values.events import Event, EventType
from tidewheel.values.inbox import Delivery

HOOK = "orders"
_SPEC = HookSpec(hook=HOOK, scheme="open", id_header="x-delivery")
SENSORS = (
    SensorNode(name="orders_a", kind="webhook", hook=_SPEC, minimum_interval_s=1.0, default_running=True),
    SensorNode(name="orders_b", kind="webhook", hook=_SPEC, minimum_interval_s=45.0, default_running=True),
    SensorNode(
        name="bucket",
        kind="file",
        files=FileSource(patterns=("s3://bucket/*",), is_local=False, stable_s=2.0, poll_s=20.0),
        minimum_interval_s=5.0,
        default_running=True,
    ),
)
NAMES = frozenset(sensor.name for sensor in SENSORS)


def is_poison(body: bytes) -> bool:
    """Deliveries on which the first consumer always raises."""
    return bool(json.loads(body).get("poison"))


def evaluate(request: EvaluationRequest, source: Source) -> EvaluationResult:
    """What these sensors answer."""
    if request.wants_listing:
        return EvaluationResult(listing=tuple(source.files.values()))
    failed = tuple(
        (one.id, ErrorInfo(cls_name="ValueError", message="cannot read this order"))
        for one in request.deliveries
        if request.name == "orders_a" and is_poison(one.body)
    )
    bad = {event_id for event_id, _ in failed}
    return EvaluationResult(
        events=tuple(_note(request, one) for one in request.deliveries if one.id not in bad),
        failed_events=failed,
        position=request.deliveries[-1].id if request.deliveries else None,
    )


def _note(request: EvaluationRequest, delivery: Delivery) -> Event:
    return Event(
        type=EventType.ASSET_OBSERVATION,
        timestamp=request.now,
        asset=f"seen-by-{request.name}",
        partition=str(delivery.id),
    )
