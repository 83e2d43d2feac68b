"""Stands before every route: recognises who asks, lets in only those who may see anything, protects browsers."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tidewheel.api.auth.headers import with_security_headers
from tidewheel.api.auth.origins import (
    SAFE_METHODS,
    is_for_loopback,
    is_same_origin,
    is_surely_same_origin,
)
from tidewheel.api.problems import problem
from tidewheel.errors import LoginRefusedError
from tidewheel.logic.access.decide import ANYWHERE, decide_access
from tidewheel.logic.access.operations import VIEW
from tidewheel.services.access.guard import Caller
from tidewheel.services.access.identity import Identity
from tidewheel.values.access import LOCAL, Principal

COOKIE = "tidewheel_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
PUBLIC = re.compile(r"/(?:healthz|readyz|api/v1/login|login(?:/.*)?|logout|hooks/.*|favicon\.ico)")
"""What can be asked for without a login. Webhooks are vouched for by their signatures."""
UNCHECKED_ORIGIN = re.compile(r"/hooks/.*")
"""Who sends webhooks is no page of ours, and calls the server by the name of whatever leads to it (a tunnel, a proxy)."""
MAX_CREDENTIAL = 4_096


class AccessMiddleware:
    """An ASGI application around another; it leaves the principal at ``request.state.principal``."""

    def __init__(self, app: ASGIApp, identity: Identity, *, public_url: str | None = None) -> None:
        self._app = app
        self._identity = identity
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        send = with_security_headers(scope, send)
        try:
            principal = await self._recognise(connection)
        except LoginRefusedError as refused:
            await _refuse(scope, receive, send, _unauthorized(str(refused)))
            return
        refusal = self._refusal(connection, principal)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
            return
        state = scope.setdefault("state", {})
        state["principal"] = principal
        state["is_still"] = lambda: self._is_still(connection, principal)
        await self._app(scope, receive, send)

    async def _recognise(self, connection: HTTPConnection) -> Principal | None:
        """Who asks: by token, by session, or whoever is on this machine while no login is needed.

        Raises:
            LoginRefusedError: for a token that is not valid.
        """
        token = bearer_token(connection)
        if token is not None:
            return await self._identity.of_token(token)
        cookie = session_cookie(connection)
        if cookie is not None:
            principal = await self._identity.of_session(cookie)
            if principal is not None:
                return principal
        return await self._identity.anonymous()

    async def _is_still(self, connection: HTTPConnection, principal: Principal | None) -> bool:
        """Whether what a connection brought still makes it this principal, with the same grants."""
        try:
            return await self._recognise(connection) == principal
        except LoginRefusedError:
            return False

    def _refusal(self, connection: HTTPConnection, principal: Principal | None) -> Response | None:
        path = connection.scope["path"]
        is_hook = UNCHECKED_ORIGIN.fullmatch(path) is not None
        if principal is LOCAL and not is_hook and not is_for_loopback(connection):
            return problem(
                421,
                "misdirected_request",
                "expected a request to localhost, got another host name: a server without a login answers to its own "
                "machine only; add a user (tidewheel user add) to serve others",
            )
        is_page_of_ours = is_surely_same_origin if _is_by_session(principal) else is_same_origin
        if (
            connection.scope["type"] == "http"
            and connection.scope["method"] not in SAFE_METHODS
            and not is_hook
            and not is_page_of_ours(connection, self._public_url)
        ):
            return problem(403, "foreign_origin", "expected a request from a page of this server")
        if PUBLIC.fullmatch(path) is not None:
            return None
        decision = decide_access(principal, VIEW, ANYWHERE)
        if decision.is_allowed:
            return None
        if principal is not None:
            return problem(403, "access_refused", decision.reason or "")
        return _login_wanted(connection, decision.reason or "")


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token that a request brings in its ``Authorization`` header."""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip()[:MAX_CREDENTIAL] if kind.lower() == "bearer" else None


def session_cookie(connection: HTTPConnection) -> str | None:
    """The value of the session's cookie."""
    value = connection.cookies.get(SECURE_COOKIE) or connection.cookies.get(COOKIE)
    return value[:MAX_CREDENTIAL] if value else None


def caller_of(connection: HTTPConnection, surface: str) -> Caller:
    """Who asks, as the guard wants to know it."""
    client = connection.client
    return Caller(
        principal=getattr(connection.state, "principal", None),
        surface=surface,
        address=client.host if client is not None else None,
    )


async def is_still_who_asked(connection: HTTPConnection) -> bool:
    """Whether the login of a connection that stays open holds: it has not ended, nor have its grants changed."""
    check = getattr(connection.state, "is_still", None)
    return check is None or await check()


def _is_by_session(principal: Principal | None) -> bool:
    return principal is not None and principal.via == "session"


def _login_wanted(connection: HTTPConnection, reason: str) -> Response:
    is_page = (
        connection.scope["type"] == "http"
        and connection.scope["method"] == "GET"
        and "text/html" in connection.headers.get("accept", "")
    )
    if is_page:
        return RedirectResponse(f"/login?next={quote(connection.scope['path'])}", 303)
    return _unauthorized(reason)


def _unauthorized(reason: str) -> Response:
    return problem(401, "login_needed", reason, headers={"www-authenticate": 'Bearer realm="tidewheel"'})


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await receive()  # the connect message
        await send({"type": "websocket.close", "code": 4401, "reason": "a login is needed"})
        return
    if "content-length" in (headers := HTTPConnection(scope).headers) or "transfer-encoding" in headers:
        # what is still being sent is not read: the connection ends with this answer
        response.headers["connection"] = "close"
    await response(scope, receive, send)
