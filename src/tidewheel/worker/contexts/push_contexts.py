"""The contexts of sensors that are called from outside: webhook sensors and file sensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.triggers.webhook_sensors import WebhookDelivery
from tidewheel.errors import InvariantViolationError, ParameterCheckError
from tidewheel.values.inbox import FileChange
from tidewheel.values.serde import to_json
from tidewheel.worker.contexts.sensor_context import SensorEvaluationContext


class WebhookSensorContext(SensorEvaluationContext):
    """What a webhook sensor's function may use: deliveries, and all that other sensors' functions may."""

    def __init__(self, deliveries: Sequence[WebhookDelivery] = (), **more: Any) -> None:
        super().__init__(**more)
        self.deliveries: Sequence[WebhookDelivery] = tuple(deliveries)

    @property
    def delivery(self) -> WebhookDelivery:
        """The only delivery.

        Raises:
            InvariantViolationError: when there are several, or none.
        """
        if len(self.deliveries) != 1:
            raise InvariantViolationError(
                f"expected one delivery, got {len(self.deliveries)}; use context.deliveries, or hand_over='one_by_one'"
            )
        return self.deliveries[0]

    @property
    def body(self) -> bytes:
        """The body of the only delivery."""
        return self.delivery.body

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the only delivery."""
        return self.delivery.headers

    @property
    def delivery_id(self) -> str:
        """The sender's name for the only delivery."""
        return self.delivery.delivery_id

    def json(self) -> Any:
        """The body of the only delivery, as JSON."""
        return self.delivery.json()


class FileSensorContext(SensorEvaluationContext):
    """What a file sensor's function may use: changes of files, and all that other sensors' functions may."""

    def __init__(self, changes: Sequence[FileChange] = (), **more: Any) -> None:
        super().__init__(**more)
        self.changes: Sequence[FileChange] = tuple(changes)

    @property
    def change(self) -> FileChange:
        """The only change.

        Raises:
            InvariantViolationError: when there are several, or none.
        """
        if len(self.changes) != 1:
            raise InvariantViolationError(
                f"expected one change, got {len(self.changes)}; use context.changes, or hand_over='one_by_one'"
            )
        return self.changes[0]

    @property
    def path(self) -> str:
        """The file of the only change."""
        return self.change.path


def build_webhook_sensor_context(
    *deliveries: WebhookDelivery,
    body: bytes | str | None = None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    delivery_id: str = "test-delivery",
    instance: Any = None,
    cursor: str | None = None,
    resources: Mapping[str, Any] | None = None,
    repository_def: Any = None,
    definitions: Any = None,
    sensor_name: str | None = None,
) -> WebhookSensorContext:
    """A context for calling a webhook sensor in a test: with deliveries, or with the body (or JSON value) of one.

    Raises:
        ParameterCheckError: when more than one of these is given.
    """
    if sum((bool(deliveries), body is not None, json is not None)) > 1:
        raise ParameterCheckError("expected deliveries, body= or json=, got several of them; keep one")
    made = list(deliveries)
    if not made and (body is not None or json is not None):
        given = body if body is not None else to_json(json)
        data = given.encode() if isinstance(given, str) else given
        made = [WebhookDelivery(data, headers, delivery_id=delivery_id)]
    return WebhookSensorContext(
        made,
        instance=instance,
        cursor=cursor,
        resources=resources,
        repository_def=repository_def if repository_def is not None else definitions,
        sensor_name=sensor_name,
    )


def build_file_sensor_context(
    *changes: FileChange,
    instance: Any = None,
    cursor: str | None = None,
    resources: Mapping[str, Any] | None = None,
    repository_def: Any = None,
    definitions: Any = None,
    sensor_name: str | None = None,
) -> FileSensorContext:
    """A context for calling a file sensor in a test."""
    return FileSensorContext(
        changes,
        instance=instance,
        cursor=cursor,
        resources=resources,
        repository_def=repository_def if repository_def is not None else definitions,
        sensor_name=sensor_name,
    )
