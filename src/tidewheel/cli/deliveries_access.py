"""Deliveries as commands work with them: of a home here, or of a server elsewhere."""

from __future__ import annotations

from typing import Any

import msgspec

from tidewheel.cli.home import OpenHome, OpenServer
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.remote.rest_client import ProblemError, RestClient
from tidewheel.runtime.views.push_views import (
    DeliveryView,
    consumers_of,
    delivery_states,
    get_delivery_views,
    replay_delivery,
)
from tidewheel.values.inbox import Redelivery


class LocalDeliveries:
    """Over the ledger of a home."""

    def __init__(self, opened: OpenHome) -> None:
        self._ledger = opened.ledger
        self._control = opened.control

    def get_all(self, source: str | None, state: str | None, limit: int) -> list[DeliveryView]:
        """The newest, with their states."""
        snapshots = self._control.get_snapshots()
        return get_delivery_views(self._ledger, snapshots, source=source, state=state, limit=limit)

    def get(self, delivery_id: int) -> DeliveryView | None:
        """One delivery with its states."""
        delivery = self._ledger.inbox.get(delivery_id)
        if delivery is None:
            return None
        consumers = consumers_of(self._ledger, self._control.get_snapshots())
        states = delivery_states(delivery, consumers, self._ledger.inbox.get_redeliveries())
        return DeliveryView(delivery=delivery, states=states)

    def replay(self, delivery_id: int, sensor: str | None) -> list[Redelivery]:
        """Hand a delivery over once more."""
        snapshots = self._control.get_snapshots()
        return replay_delivery(self._ledger, snapshots, delivery_id, now=now_s(), sensor=sensor)


class RemoteDeliveries:
    """Over REST."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    def get_all(self, source: str | None, state: str | None, limit: int) -> list[DeliveryView]:
        """The newest, with their states."""
        return list(self._client.items("/deliveries", DeliveryView, most=limit, source=source, state=state))

    def get(self, delivery_id: int) -> DeliveryView | None:
        """One delivery with its states."""
        try:
            return self._client.get(f"/deliveries/{delivery_id}", DeliveryView)
        except ProblemError as error:
            if error.status == 404:
                return None
            raise

    def replay(self, delivery_id: int, sensor: str | None) -> list[Redelivery]:
        """Hand a delivery over once more."""
        found = self._client.send(
            "POST", f"/deliveries/{delivery_id}/replay", {"sensor": sensor}, dict[str, Any]
        )
        return msgspec.convert(found["items"], list[Redelivery])


def deliveries_of(opened: OpenHome) -> LocalDeliveries | RemoteDeliveries:
    """The deliveries of what was opened."""
    return RemoteDeliveries(opened.client) if isinstance(opened, OpenServer) else LocalDeliveries(opened)


def find_delivery(opened: OpenHome, delivery_id: int) -> DeliveryView:
    """One delivery with its states.

    Raises:
        InvalidInvocationError: when there is none.
    """
    found = deliveries_of(opened).get(delivery_id)
    if found is None:
        raise InvalidInvocationError(
            f"expected the id of a delivery, got {delivery_id}; see 'tidewheel hook list'"
        )
    return found
