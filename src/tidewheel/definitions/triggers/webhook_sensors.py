"""Sensors that outside systems call: ``@webhook_sensor``, its deliveries, and how their senders prove who they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tidewheel.definitions.config.env_var import EnvVar
from tidewheel.definitions.triggers.sensors import DefaultSensorStatus, SensorDefinition, remember
from tidewheel.definitions.triggers.trigger_functions import function_name
from tidewheel.errors import InvalidDefinitionError, TidewheelError
from tidewheel.logic.graph.specs import HookSpec, SecretRef
from tidewheel.values.limits import MAX_DELIVERY_BYTES
from tidewheel.values.policies import TriggerPolicy

ONE_BY_ONE, BATCH, NEWEST = "one_by_one", "batch", "newest"
_HOOK_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")


class DeliveryBodyError(TidewheelError):
    """The body of a delivery is not what it was read as."""


class SecretFile:
    """A file that holds a secret; the server reads it when it needs it, the snapshot only has its path."""

    def __init__(self, path: str) -> None:
        self.path = str(path)

    def __repr__(self) -> str:
        return f"SecretFile({self.path!r})"


Secret = EnvVar | SecretFile | Sequence[EnvVar | SecretFile]
"""Where a secret is; several while it is being changed (any of them counts)."""


class HookAuth(msgspec.Struct, frozen=True, kw_only=True):
    """How the senders of a hook prove who they are; made by its class methods."""

    scheme: str
    secrets: tuple[SecretRef, ...] = ()
    header: str | None = None
    timestamp_header: str | None = None
    id_header: str | None = None
    tolerance_s: float = 300.0

    @classmethod
    def github(cls, secret: Secret) -> HookAuth:
        """GitHub's scheme: ``X-Hub-Signature-256``; deliveries are told apart by ``X-GitHub-Delivery``."""
        return cls(scheme="github", secrets=_refs(secret))

    @classmethod
    def stripe(cls, secret: Secret, *, tolerance_s: float = 300.0) -> HookAuth:
        """Stripe's scheme: ``Stripe-Signature`` with a signed moment; deliveries are told apart by the event's id."""
        return cls(scheme="stripe", secrets=_refs(secret), tolerance_s=_tolerance(tolerance_s))

    @classmethod
    def slack(cls, secret: Secret, *, tolerance_s: float = 300.0) -> HookAuth:
        """Slack's scheme: ``X-Slack-Signature`` with a signed moment; its check of the address is answered too."""
        return cls(scheme="slack", secrets=_refs(secret), tolerance_s=_tolerance(tolerance_s))

    @classmethod
    def signed(
        cls,
        secret: Secret,
        *,
        header: str = "X-Signature-256",
        timestamp_header: str | None = None,
        id_header: str | None = "X-Delivery-Id",
        tolerance_s: float = 300.0,
    ) -> HookAuth:
        """HMAC-SHA256 of the body (hex, ``sha256=`` before it or not) in a header.

        With ``timestamp_header`` (seconds since the epoch) the signature is of ``<timestamp>.<body>``, and too old ones are
        refused. A delivery is then known by what is signed; ``id_header``, which is not, serves only without a timestamp.
        """
        return cls(
            scheme="signed",
            secrets=_refs(secret),
            header=header,
            timestamp_header=timestamp_header,
            id_header=id_header,
            tolerance_s=_tolerance(tolerance_s),
        )

    @classmethod
    def shared_secret(
        cls, secret: Secret, *, header: str = "X-Hook-Secret", id_header: str | None = "X-Delivery-Id"
    ) -> HookAuth:
        """The secret itself in a header: only over encrypted connections."""
        return cls(scheme="shared_secret", secrets=_refs(secret), header=header, id_header=id_header)

    @classmethod
    def open(cls, *, id_header: str | None = "X-Delivery-Id") -> HookAuth:
        """No proof: whoever reaches the server can send."""
        return cls(scheme="open", id_header=id_header)


def _refs(secret: Any) -> tuple[SecretRef, ...]:
    given = list(secret) if isinstance(secret, list | tuple) else [secret]
    found = []
    for one in given:
        if isinstance(one, EnvVar):
            found.append(SecretRef(env=one.env_var_name))
        elif isinstance(one, SecretFile):
            found.append(SecretRef(file=one.path))
        else:
            # the value is not shown: it may well be the secret
            raise InvalidDefinitionError(
                f"expected the secret of a webhook as EnvVar('NAME') or SecretFile('/path'), got a {type(one).__name__}; "
                "secrets are read by the server when they are needed and are kept nowhere"
            )
    if not found:
        raise InvalidDefinitionError("expected at least one secret of a webhook, got none")
    return tuple(found)


def _tolerance(seconds: float) -> float:
    if not 0 < seconds <= 86_400:
        raise InvalidDefinitionError(f"expected tolerance_s between 0 and a day, got {seconds!r}")
    return float(seconds)


class WebhookDelivery:
    """One verified request: its body, headers (by name in any case), delivery id, and when it came."""

    def __init__(
        self,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        delivery_id: str = "",
        received_at: float = 0.0,
        id: int = 0,
    ) -> None:
        self.body = body
        self.headers: Mapping[str, str] = _Headers(headers or {})
        self.delivery_id = delivery_id
        self.received_at = received_at
        self.id = id

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            DeliveryBodyError: when it is none.
        """
        try:
            return msgspec.json.decode(self.body)
        except msgspec.MsgspecError as exc:
            raise DeliveryBodyError(
                f"expected delivery {self.delivery_id!r} to have a JSON body, got another one: {exc}"
            ) from exc

    @property
    def text(self) -> str:
        """The body as text in UTF-8, what is none replaced."""
        return self.body.decode(errors="replace")

    def __repr__(self) -> str:
        return f"WebhookDelivery({self.delivery_id!r}, {len(self.body)} bytes)"


class _Headers(dict[str, str]):
    """Headers by name in any case."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__({str(name).lower(): str(value) for name, value in given.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def require_hand_over(hand_over: str, what: str, choices: Sequence[str] = (ONE_BY_ONE, BATCH)) -> str:
    """One of the ways in which a function gets several events.

    Raises:
        InvalidDefinitionError: for another one.
    """
    if hand_over not in choices:
        raise InvalidDefinitionError(
            f"{what}: expected hand_over as one of {', '.join(map(repr, choices))}, got {hand_over!r}"
        )
    return hand_over


class WebhookSensorDefinition(SensorDefinition):
    """A sensor whose function is called with what outside systems send to ``/hooks/<hook>``.

    Deliveries are stored before their sender is answered, each once, and are handed over in the order of their arrival,
    also those that came while code was loading or the sensor did not run.
    """

    kind = "webhook"

    def __init__(
        self,
        name: str,
        *,
        webhook_fn: Callable[..., Any],
        auth: HookAuth | None,
        hook: str | None = None,
        hand_over: str = ONE_BY_ONE,
        max_body_bytes: int = 1_048_576,
        **more: Any,
    ) -> None:
        super().__init__(name, evaluation_fn=webhook_fn, **more)
        if not isinstance(auth, HookAuth):
            raise InvalidDefinitionError(
                f"{self.what}: expected auth as HookAuth, got {type(auth).__name__}; use for example "
                "HookAuth.github(EnvVar('NAME')), or HookAuth.open() to let everybody send"
            )
        self.hook = hook or self.name
        if not _HOOK_NAME.match(self.hook):
            raise InvalidDefinitionError(
                f"{self.what}: expected hook of letters, digits, '_', '-' and '.', got {self.hook!r}"
            )
        if not 0 < max_body_bytes <= MAX_DELIVERY_BYTES:
            raise InvalidDefinitionError(
                f"{self.what}: expected max_body_bytes between 1 and {MAX_DELIVERY_BYTES}, got {max_body_bytes!r}"
            )
        self.auth = auth
        self.hand_over = require_hand_over(hand_over, self.what)
        self.max_body_bytes = max_body_bytes

    @property
    def spec(self) -> HookSpec:
        """What the server needs to take deliveries in."""
        auth = self.auth
        return HookSpec(
            hook=self.hook,
            scheme=auth.scheme,
            secrets=auth.secrets,
            header=auth.header,
            timestamp_header=auth.timestamp_header,
            id_header=auth.id_header,
            tolerance_s=auth.tolerance_s,
            max_body_bytes=self.max_body_bytes,
        )


def webhook_sensor(
    *,
    auth: HookAuth,
    hook: str | None = None,
    name: str | None = None,
    hand_over: str = ONE_BY_ONE,
    max_body_bytes: int = 1_048_576,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    job_name: str | None = None,
    target: Any = None,
    asset_selection: Any = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    required_resource_keys: set[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
    policy: TriggerPolicy | None = None,
) -> Callable[[Callable[..., Any]], WebhookSensorDefinition]:
    """Decorate a function that is called with what is sent to ``/hooks/<hook>`` (by default the sensor's name).

    Its context has the delivery (``context.delivery``: body, headers, delivery id), or with ``hand_over="batch"`` all that
    wait (``context.deliveries``). It may return all that a sensor's function may.
    """

    def decorate(fn: Callable[..., Any]) -> WebhookSensorDefinition:
        made = WebhookSensorDefinition(
            name or function_name(fn, "sensor function"),
            webhook_fn=fn,
            auth=auth,
            hook=hook,
            hand_over=hand_over,
            max_body_bytes=max_body_bytes,
            description=description or fn.__doc__,
            job=job,
            jobs=jobs,
            job_name=job_name,
            target=target,
            asset_selection=asset_selection,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            owners=owners,
            policy=policy,
        )
        return remember(made, fn)  # type: ignore[no-any-return]

    return decorate
