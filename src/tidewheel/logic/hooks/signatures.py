"""Checks that a request to a hook was sent by somebody who knows its secret, and finds its delivery id.

Header names are lower case here. All comparisons with anything secret take the same time whatever is compared. A scheme
without a signed moment (GitHub's, shared secrets) cannot tell an old request from a new one: there the delivery id, once
taken, keeps a repeated request from counting twice for as long as deliveries are kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Optional

import msgspec

from tidewheel.logic.graph.specs import HookSpec

MAX_ID_LENGTH = 200
MAX_SIGNATURES = 16
CLOCK_SKEW_S = 60.0
"""How far ahead a sender's clock may be."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``problem`` is None for a genuine request. ``delivery_id`` is None where the sender gives none."""

    problem: Optional[str] = None
    delivery_id: Optional[str] = None
    challenge: Optional[str] = None
    """The sender only checks the address and wants this text back."""


def verify(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    """Whether a request is genuine, by any of the secrets."""
    if spec.scheme != "open" and not secrets:
        return Verdict(problem="no secret")
    return _SCHEMES[spec.scheme](spec, secrets, headers, body, now)


def _github(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    given = _without_prefix(headers.get("x-hub-signature-256", ""))
    if not _matches(secrets, body, [given]):
        return Verdict(problem="bad signature")
    return Verdict(delivery_id=_id(headers.get("x-github-delivery")))


def _stripe(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    parts = [part.partition("=") for part in headers.get("stripe-signature", "").split(",")]
    moments = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(moments) != 1 or not given:
        return Verdict(problem="bad signature")
    if not _matches(secrets, moments[0].encode() + b"." + body, given):
        return Verdict(problem="bad signature")
    return _in_window(spec, moments[0], now) or Verdict(
        delivery_id=_body_field(body, "id") or _fingerprint(moments[0], body)
    )


def _slack(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    moment = headers.get("x-slack-request-timestamp", "")
    given = headers.get("x-slack-signature", "")
    if not given.startswith("v0=") or not _matches(
        secrets, b"v0:" + moment.encode() + b":" + body, [given[3:]]
    ):
        return Verdict(problem="bad signature")
    late = _in_window(spec, moment, now)
    if late is not None:
        return late
    if _body_field(body, "type") == "url_verification":
        return Verdict(challenge=_body_field(body, "challenge"))
    return Verdict(delivery_id=_body_field(body, "event_id") or _fingerprint(moment, body))


def _signed(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    given = _without_prefix(headers.get((spec.header or "").lower(), ""))
    own_id = _id(headers.get((spec.id_header or "").lower()))
    if spec.timestamp_header is None:
        if not _matches(secrets, body, [given]):
            return Verdict(problem="bad signature")
        return Verdict(delivery_id=own_id)
    moment = headers.get(spec.timestamp_header.lower(), "")
    if not _matches(secrets, moment.encode() + b"." + body, [given]):
        return Verdict(problem="bad signature")
    # the header with the id is not signed: whoever repeats a captured request could write another into it
    return _in_window(spec, moment, now) or Verdict(delivery_id=_fingerprint(moment, body))


def _shared_secret(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    given = headers.get((spec.header or "").lower(), "").encode()
    known = [hmac.compare_digest(_hash(given), _hash(secret)) for secret in secrets]
    if not any(known):
        return Verdict(problem="bad secret")
    return Verdict(delivery_id=_id(headers.get((spec.id_header or "").lower())))


def _open(
    spec: HookSpec, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float
) -> Verdict:
    return Verdict(delivery_id=_id(headers.get((spec.id_header or "").lower())))


_SCHEMES = {
    "github": _github,
    "stripe": _stripe,
    "slack": _slack,
    "signed": _signed,
    "shared_secret": _shared_secret,
    "open": _open,
}
SCHEMES = frozenset(_SCHEMES)


def signature(secret: bytes, message: bytes) -> str:
    """HMAC-SHA256 as hex."""
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def _matches(secrets: Sequence[bytes], message: bytes, given: Sequence[str]) -> bool:
    found = False
    for secret in secrets:
        wanted = signature(secret, message).encode()
        for one in given[:MAX_SIGNATURES]:
            # every pair is compared, and bytes, since texts that are not ASCII are refused with an error
            found |= hmac.compare_digest(wanted, one.encode())
    return found


def _in_window(spec: HookSpec, moment: str, now: float) -> Verdict | None:
    """Why a signed moment does not count, or None. Only asked once the signature is right."""
    if not (moment.isascii() and moment.isdigit() and len(moment) < 16):
        return Verdict(problem="bad signature")
    age = now - float(moment)
    if age > spec.tolerance_s or age < -max(CLOCK_SKEW_S, spec.tolerance_s):
        return Verdict(problem="too old")
    return None


def _without_prefix(text: str) -> str:
    return text.strip().removeprefix("sha256=")


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _id(text: str | None) -> str | None:
    """A delivery id as it is, or, where it is very long, its hash."""
    if not text:
        return None
    return text if len(text) <= MAX_ID_LENGTH else hashlib.sha256(text.encode()).hexdigest()


def _fingerprint(moment: str, body: bytes) -> str:
    """The same signed request always has the same id, so that repeating it changes nothing."""
    return hashlib.sha256(moment.encode() + b"\0" + body).hexdigest()


class _KnownFields(msgspec.Struct):
    id: object = None
    event_id: object = None
    type: object = None
    challenge: object = None


def _body_field(body: bytes, name: str) -> str | None:
    try:
        value = getattr(msgspec.json.decode(body, type=_KnownFields), name)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return _id(value) if isinstance(value, str) else None
