"""Takes in what is sent to hooks: which hooks there are, whether the sender is genuine, and the stored delivery."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Optional

import msgspec

from tidewheel.logic.graph.specs import HookSpec, LocationSnapshot, SecretRef
from tidewheel.logic.hooks.signatures import SCHEMES, Verdict, verify
from tidewheel.runtime.masking import know_secrets
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.triggers.inbox import InboxFullError, InboxWriter
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.ids import trigger_id
from tidewheel.values.inbox import NewDelivery, hook_source
from tidewheel.values.serde import decode

logger = logging.getLogger("tidewheel.hooks")

DROPPED_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "connection", "host"})
MAX_HEADERS_BYTES = 16_384


class HookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender is told: an HTTP status and a body. ``retry_after_s``: when to come again."""

    status: int
    body: dict[str, object]
    retry_after_s: Optional[int] = None


class HookAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A hook: what its sensors demand of a request. One that several sensors share has to satisfy all of them."""

    name: str
    specs: tuple[HookSpec, ...]

    @property
    def max_body_bytes(self) -> int:
        """The largest body that all its sensors take."""
        return min(spec.max_body_bytes for spec in self.specs)


class Hooks:
    """Hooks by name, and the way of a request into the inbox.

    Those of stored snapshots count from the start, so that nothing is refused while code is still loading.
    """

    def __init__(
        self,
        inbox: InboxWriter,
        *,
        clock: Callable[[], float],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._environ = environ
        self._by_name: dict[str, HookAddress] = {}
        self._stored: dict[str, LocationSnapshot] = {}
        self._is_complete = False
        self._warned: set[str] = set()

    def restore(self, ledger: LedgerPort, locations: list[str]) -> None:
        """Take the hooks of what these locations defined when they were last loaded, where the consumer exists."""
        known = {record.trigger_id for record in ledger.get_triggers()}
        for record in ledger.get_locations():
            if record.snapshot is not None and record.name in locations:
                snapshot = decode(record.snapshot, LocationSnapshot)
                sensors = tuple(one for one in snapshot.sensors if trigger_id(record.name, one.name) in known)
                self._stored[record.name] = msgspec.structs.replace(snapshot, sensors=sensors)
        self._by_name = _addresses(self._stored.values())

    def follow(self, catalog: Catalog) -> None:
        """Take the catalog's hooks; their consumers' triggers must exist by now, since they say where each begins."""
        # a location that does not load any more keeps the hooks that it had
        self._by_name = _addresses((self._stored | dict(catalog.snapshots)).values())

    def complete(self) -> None:
        """All locations have loaded or failed: a hook that is not known now does not exist."""
        self._is_complete = True

    def get(self, name: str) -> HookAddress | None:
        """A hook."""
        return self._by_name.get(name)

    @property
    def names(self) -> list[str]:
        """All hooks' names."""
        return sorted(self._by_name)

    def unknown(self) -> HookAnswer:
        """The answer where there is no such hook (or where this is not known yet)."""
        if not self._is_complete:
            return _refusal(503, "starting", "code is still being loaded; send it again", 1)
        return _refusal(404, "unknown_hook", "there is no such hook")

    async def take(self, address: HookAddress, headers: Mapping[str, str], body: bytes) -> HookAnswer:
        """Check a request and store its delivery; the answer is given once it is on the disk."""
        now = self._clock()
        verdict = Verdict()
        for spec in address.specs:
            secrets = self._secrets(spec)
            if secrets is None:
                return _refusal(503, "not_configured", "the hook's secret is not set on the server")
            verdict = verify(spec, secrets, headers, body, now)
            if verdict.problem is not None:
                logger.info("hook %s: a request was refused: %s", address.name, verdict.problem)
                return _refusal(
                    401, "not_verified", "the request's signature or secret is not right, or too old"
                )
        if verdict.challenge is not None:
            return HookAnswer(status=200, body={"challenge": verdict.challenge})
        delivery = NewDelivery(
            source=hook_source(address.name),
            delivery_id=verdict.delivery_id or f"unnamed-{uuid.uuid4()}",
            received_at=now,
            body=body,
            headers=kept_headers(headers, address.specs),
        )
        try:
            receipt = await self._inbox.put(delivery)
        except InboxFullError:
            return _refusal(503, "busy", "too many requests wait for the disk; send it again", 1)
        except Exception:
            logger.exception("hook %s: a delivery could not be stored", address.name)
            return _refusal(503, "not_stored", "the delivery could not be stored; send it again", 10)
        if receipt.is_conflict:
            return _refusal(
                409, "conflict", f"delivery id {delivery.delivery_id!r} was used before, with another body"
            )
        return HookAnswer(
            status=200 if receipt.is_duplicate else 202,
            body={
                "id": receipt.id,
                "delivery_id": delivery.delivery_id,
                "is_duplicate": receipt.is_duplicate,
            },
        )

    def _secrets(self, spec: HookSpec) -> list[bytes] | None:
        """The secrets' values now; None when there should be some and none is set."""
        found = [value for value in (self._secret(ref) for ref in spec.secrets) if value]
        if spec.secrets and not found:
            if spec.hook not in self._warned:
                self._warned.add(spec.hook)
                places = ", ".join(ref.env or ref.file or "?" for ref in spec.secrets)
                logger.error(
                    "hook %s: expected a secret in %s, got none; requests are refused", spec.hook, places
                )
            return None
        return found

    def _secret(self, ref: SecretRef) -> bytes:
        if ref.env is not None:
            value = self._environ.get(ref.env, "").encode()
        else:
            try:
                value = Path(ref.file or "").read_bytes().strip()
            except OSError:
                return b""
        know_secrets([value.decode("utf-8", "replace")])
        return value


def kept_headers(headers: Mapping[str, str], specs: tuple[HookSpec, ...]) -> dict[str, str]:
    """The headers that a delivery keeps: none that carries a secret, and not endlessly many."""
    secret = {spec.header.lower() for spec in specs if spec.scheme == "shared_secret" and spec.header}
    kept: dict[str, str] = {}
    left = MAX_HEADERS_BYTES
    for name, value in headers.items():
        left -= len(name) + len(value)
        if left < 0:
            break
        if name not in DROPPED_HEADERS and name not in secret:
            kept[name] = value
    return kept


def _addresses(snapshots: Iterable[LocationSnapshot]) -> dict[str, HookAddress]:
    found: dict[str, list[HookSpec]] = {}
    for snapshot in snapshots:
        for sensor in snapshot.sensors:
            # a scheme that this version does not know is not served, rather than not checked
            if sensor.hook is not None and sensor.hook.scheme in SCHEMES:
                found.setdefault(sensor.hook.hook, []).append(sensor.hook)
    return {name: HookAddress(name=name, specs=tuple(specs)) for name, specs in found.items()}


def _refusal(status: int, kind: str, message: str, retry_after_s: int | None = None) -> HookAnswer:
    return HookAnswer(status=status, body={"kind": kind, "message": message}, retry_after_s=retry_after_s)
