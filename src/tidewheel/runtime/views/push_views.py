"""What people see of pushed events: deliveries with their state per consumer, events set aside, and replays of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

import msgspec

from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.logic.graph.specs import LocationSnapshot, SensorNode
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.ids import trigger_id
from tidewheel.values.inbox import Delivery, Redelivery, files_source, hook_source
from tidewheel.values.serde import decode

WAITING, HANDED_OVER, RETRYING, DEAD = "waiting", "handed_over", "retrying", "dead"


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor that is handed a source's deliveries, and how far it is."""

    trigger_id: str
    name: str
    source: str
    position: int
    is_known: bool = True


class DeliveryState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a delivery at one consumer: ``waiting`` | ``handed_over`` | ``retrying`` | ``dead``."""

    sensor: str
    trigger_id: str
    state: str
    attempts: int = 0
    retry_at: Optional[float] = None
    error: Optional[str] = None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery with its states."""

    delivery: Delivery
    states: tuple[DeliveryState, ...] = ()


def consumers_of(ledger: LedgerPort, snapshots: Mapping[str, bytes]) -> list[Consumer]:
    """All sensors that take deliveries, by what the code locations last defined."""
    positions = {record.trigger_id: record.position or 0 for record in ledger.get_triggers()}
    found = []
    for location, data in snapshots.items():
        for sensor in decode(data, LocationSnapshot).sensors:
            source = source_of(sensor, trigger_id(location, sensor.name))
            if source is not None:
                id_ = trigger_id(location, sensor.name)
                found.append(
                    Consumer(trigger_id=id_, name=sensor.name, source=source, position=positions.get(id_, 0))
                )
    return found


def source_of(sensor: SensorNode, id_: str) -> str | None:
    """The source of a sensor's deliveries; None when it takes none."""
    if sensor.hook is not None:
        return hook_source(sensor.hook.hook)
    return files_source(id_) if sensor.files is not None else None


def delivery_states(
    delivery: Delivery, consumers: Iterable[Consumer], redeliveries: Sequence[Redelivery]
) -> tuple[DeliveryState, ...]:
    """What became of a delivery at each of its source's consumers."""
    again = {(one.trigger_id, one.event_id): one for one in redeliveries}
    states = []
    for consumer in consumers:
        if consumer.source != delivery.source:
            continue
        one = again.get((consumer.trigger_id, delivery.id))
        if one is not None:
            state = DEAD if one.is_set_aside else RETRYING
        else:
            state = HANDED_OVER if delivery.id <= consumer.position else WAITING
        states.append(
            DeliveryState(
                sensor=consumer.name,
                trigger_id=consumer.trigger_id,
                state=state,
                attempts=one.attempts if one is not None else 0,
                retry_at=one.retry_at if one is not None else None,
                error=one.error.headline if one is not None and one.error is not None else None,
            )
        )
    return tuple(states)


def get_delivery_views(
    ledger: LedgerPort,
    snapshots: Mapping[str, bytes],
    *,
    source: str | None = None,
    state: str | None = None,
    limit: int = 30,
    before_id: int | None = None,
) -> list[DeliveryView]:
    """The newest deliveries, or the newest of those that have a state at some consumer."""
    consumers = consumers_of(ledger, snapshots)
    redeliveries = ledger.inbox.get_redeliveries()
    found: list[DeliveryView] = []
    before = before_id
    while len(found) < limit:
        page = ledger.inbox.get_deliveries(source, before_id=before, limit=max(limit, 200), newest_first=True)
        for delivery in page:
            states = delivery_states(delivery, consumers, redeliveries)
            if state is None or any(one.state == state for one in states):
                found.append(DeliveryView(delivery=delivery, states=states))
        if len(page) < max(limit, 200):
            break
        before = page[-1].id
    return found[:limit]


def replay_delivery(
    ledger: LedgerPort,
    snapshots: Mapping[str, bytes],
    delivery_id: int,
    *,
    now: float,
    sensor: str | None = None,
) -> list[Redelivery]:
    """Have a stored delivery handed over once more, to all of its consumers or to one.

    A consumer that still waits for it is left alone: it gets it anyway.

    Raises:
        InvalidInvocationError: when there is no such delivery, or no (such) consumer.
    """
    delivery = ledger.inbox.get(delivery_id)
    if delivery is None:
        raise InvalidInvocationError(
            f"expected the id of a delivery, got {delivery_id}; see 'tidewheel hook list'"
        )
    known = [one for one in consumers_of(ledger, snapshots) if one.source == delivery.source]
    chosen = [one for one in known if sensor in (None, one.name, one.trigger_id)]
    if not chosen:
        names = [one.name for one in known]
        hint = did_you_mean(sensor, names) if sensor is not None else "no loaded code has one"
        raise InvalidInvocationError(
            f"expected a sensor that takes deliveries of {delivery.source!r}, got {sensor or 'none'}; {hint}"
        )
    return [
        ledger.inbox.hand_over_again(one.trigger_id, delivery_id, now=now)
        for one in chosen
        if one.position >= delivery_id
    ]
