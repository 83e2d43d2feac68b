"""Answers a POST that comes again under the same idempotency key with what was answered the first time."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidewheel.api.problems import MEDIA_TYPE, problem, problem_body
from tidewheel.api.rest.context import Rest
from tidewheel.values.access import IdempotentAnswer

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
MAX_KEY = 200
KEPT_S = 24 * 3600.0
ABANDONED_S = 60.0
"""A request that has been carried out for so long has died with its server; the next one under its key takes over."""
LOGIN = "/login"
"""Anybody may send it: nothing is kept of it, and its own limit is the first thing that it meets."""
REFUSED = 400
"""Answers from this status on are not kept: nothing was changed, and the same request may be answered otherwise later."""


class _Kept(msgspec.Struct, frozen=True):
    """An answer as it is stored."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class RepeatedRequests:
    """An ASGI application around the routes."""

    def __init__(self, app: ASGIApp, rest: Rest) -> None:
        self._app = app
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        key = request.headers.get(HEADER)
        if key is None or scope["path"].endswith(LOGIN):
            await self._app(scope, receive, send)
            return
        if not 0 < len(key) <= MAX_KEY or not key.isprintable():
            answer = problem(
                400, "bad_idempotency_key", f"expected a key of 1 to {MAX_KEY} printable characters"
            )
            await answer(scope, receive, send)
            return
        await self._carry_out(scope, await request.body(), key, send)

    async def _carry_out(self, scope: Scope, body: bytes, key: str, send: Send) -> None:
        principal = scope.get("state", {}).get("principal")
        user = principal.name if principal is not None else ""
        database, access = self._rest.database, self._rest.ledger.access
        now = self._rest.server.control.now()
        fingerprint = await asyncio.to_thread(_fingerprint, scope, body, key)
        known = await database.write(
            access.claim_answer, user, key, fingerprint, now=now, forget_before=now - KEPT_S
        )
        if known is not None:
            answer = _answer_again(known, fingerprint, now)
            if answer is not None:
                await answer(scope, _nothing, send)
                return
        begun_at = now if known is None else known.created_at
        scope["state"]["claimed_key"] = (user, key, begun_at)
        status, messages = 500, list[Message]()
        try:
            status, messages = await self._collect(scope, body)
        finally:
            # kept before it is sent: whoever has seen the answer gets it again
            if status >= REFUSED:
                await database.write(access.drop_answer, user, key)
            elif scope["state"].get("is_told_once"):
                kept = msgspec.msgpack.encode(_TOLD)
                await database.write(access.put_answer, user, key, status=409, body=kept)
            else:
                kept = msgspec.msgpack.encode(_kept(messages))
                await database.write(access.put_answer, user, key, status=status, body=kept)
        for message in messages:
            await send(message)

    async def _collect(self, scope: Scope, body: bytes) -> tuple[int, list[Message]]:
        """Carry the request out; (status, the answer's messages)."""
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def collect(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, collect)
        return messages[0]["status"], messages


def _kept(messages: list[Message]) -> _Kept:
    headers = [
        (name, value)
        for name, value in messages[0].get("headers", ())
        if name in (b"content-type", b"location")
    ]
    return _Kept(headers, b"".join(message.get("body", b"") for message in messages[1:]))


_TOLD = _Kept(
    [(b"content-type", MEDIA_TYPE.encode())],
    msgspec.json.encode(
        problem_body(
            409,
            "told_once",
            "expected a new key, got that of a request whose answer held a secret: it was told once and is not kept; "
            "should it be lost, revoke what was made and make another",
        )
    ),
)
"""What is answered again in place of a secret."""


def _fingerprint(scope: Scope, body: bytes, key: str) -> bytes:
    """What tells one request from another. It is stored, and must not help with guessing a password in the body."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (scope["path"].encode(), scope["query_string"], body):
        digest.update(len(part).to_bytes(8, "big") + part)
    if b"password" not in body:
        return digest.digest()
    return hashlib.scrypt(digest.digest(), salt=key.encode(), n=2**14, r=8, p=1, dklen=16)


def _answer_again(known: IdempotentAnswer, fingerprint: bytes, now: float) -> Response | None:
    """What to say to a key that is taken; None: carry the request out."""
    if known.fingerprint != fingerprint:
        return problem(
            409,
            "idempotency_conflict",
            "expected the request that this idempotency key was used for, got another",
        )
    if known.status is None:
        if now - known.created_at >= ABANDONED_S:
            return None
        detail = "expected one request at a time under this key; the first is still being carried out"
        return problem(409, "request_in_progress", detail, headers={"retry-after": "1"})
    kept = msgspec.msgpack.decode(known.body, type=_Kept)
    response = Response(kept.body, known.status, headers={REPLAYED: "true"})
    response.raw_headers.extend(kept.headers)
    return response


async def _nothing() -> Any:
    return {"type": "http.disconnect"}
