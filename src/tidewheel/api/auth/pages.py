"""The pages to log in and out with: plain forms, rendered here, without scripts."""

from __future__ import annotations

import html
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tidewheel.api.auth.middleware import COOKIE, SECURE_COOKIE, caller_of, session_cookie
from tidewheel.api.auth.oidc import OidcClient, OidcError
from tidewheel.api.auth.origins import local_path
from tidewheel.errors import LoginRefusedError
from tidewheel.runtime.secrets import digest_of, is_same, new_secret
from tidewheel.services.access.guard import Caller
from tidewheel.services.server import Server
from tidewheel.values.access import Principal

FORM_COOKIE = "tidewheel_form"
OIDC_COOKIE = "tidewheel_oidc"
FORM_S = 1800
MAX_FORM_BYTES = 8 * 1024
STYLE = (
    "body{font:16px/1.5 system-ui;display:grid;place-items:center;min-height:90vh;margin:0;background:#f6f7f9;color:#16202c}"
    "main{background:#fff;padding:2rem 2.5rem;border:1px solid #dde2e8;border-radius:.6rem;width:20rem}"
    "h1{font-size:1.2rem;margin:0 0 1.2rem}label{display:block;margin:.7rem 0 .2rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.45rem;border:1px solid #b6c0cc;border-radius:.3rem}"
    "button,.button{font:inherit;margin-top:1.2rem;width:100%;padding:.55rem;border:0;border-radius:.3rem;"
    "background:#0b5cad;color:#fff;display:block;text-align:center;text-decoration:none;box-sizing:border-box}"
    ".wrong{color:#a11b1b}"
)


def login_routes(server: Server, oidc: OidcClient | None) -> list[BaseRoute]:
    """Log in by password or OIDC, log out."""
    pages = _Pages(server, oidc)
    routes: list[BaseRoute] = [
        Route("/login", pages.form, methods=["GET"]),
        Route("/login", pages.log_in, methods=["POST"]),
        Route("/logout", pages.log_out, methods=["POST"]),
    ]
    if oidc is not None:
        routes += [
            Route("/login/oidc", pages.to_provider),
            Route("/login/oidc/callback", pages.from_provider),
        ]
    return routes


class _Pages:
    """One method per route."""

    def __init__(self, server: Server, oidc: OidcClient | None) -> None:
        self._server = server
        self._oidc = oidc

    async def form(self, request: Request) -> Response:
        """The form."""
        return self._form(request, local_path(request.query_params.get("next")))

    def _form(
        self, request: Request, next_path: str, *, wrong: str = "", status: int = 200, wait_s: float = 0.0
    ) -> Response:
        secret = new_secret()
        response = HTMLResponse(
            render_form(secret, next_path, wrong, has_oidc=self._oidc is not None), status
        )
        if wait_s > 0:
            response.headers["retry-after"] = str(int(wait_s) + 1)
        _set_cookie(request, response, FORM_COOKIE, secret, FORM_S)
        return response

    async def log_in(self, request: Request) -> Response:
        """Check a name and password, begin a session."""
        form = await _read_form(request)
        next_path = local_path(form.get("next"))
        sent, kept = form.get("form", ""), request.cookies.get(FORM_COOKIE, "")
        if not kept or not is_same(digest_of(sent), digest_of(kept)):
            return self._form(
                request, next_path, wrong="This form was too old. Please try again.", status=403
            )
        caller = caller_of(request, "login")
        name = form.get("name", "")[:200]
        try:
            user, cookie = await self._server.identity.log_in(
                name, form.get("password", ""), caller.address or ""
            )
        except LoginRefusedError as refused:
            await self._note(request, None, "log_in", {"name": name}, outcome="refused", message=str(refused))
            if refused.wait_s > 0:
                text = f"Too many failed logins. Try again in {refused.wait_s:.0f} seconds."
                return self._form(request, next_path, wrong=text, status=429, wait_s=refused.wait_s)
            return self._form(request, next_path, wrong="Name or password is not right.", status=401)
        await self._note(
            request, Principal(name=user.name, via="session"), "log_in", {"name": name, "with": "password"}
        )
        return self._session_begins(request, cookie, next_path)

    def _session_begins(self, request: Request, cookie: str, next_path: str) -> Response:
        response = RedirectResponse(next_path, 303)
        for name in (FORM_COOKIE, OIDC_COOKIE):
            response.delete_cookie(name, path="/")
        lifetime_s = int(self._server.identity.options.session_s)
        _set_cookie(request, response, COOKIE, cookie, lifetime_s)
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        cookie = session_cookie(request)
        if cookie is not None:
            principal = getattr(request.state, "principal", None)
            await self._server.identity.log_out(cookie)
            await self._note(request, principal, "log_out", {})
        response = RedirectResponse("/login", 303)
        for name in (COOKIE, SECURE_COOKIE):
            response.delete_cookie(name, path="/", secure=_is_secure(request))
        return response

    async def to_provider(self, request: Request) -> Response:
        """Send the browser to the OIDC provider."""
        assert self._oidc is not None
        next_path = local_path(request.query_params.get("next"))
        try:
            address, kept = await self._oidc.begin(_callback(request), next_path)
        except OidcError as error:
            return self._form(request, next_path, wrong=str(error), status=502)
        response = RedirectResponse(address, 303)
        _set_cookie(request, response, OIDC_COOKIE, kept, FORM_S)
        return response

    async def from_provider(self, request: Request) -> Response:
        """The browser comes back: check what it brings, begin a session."""
        assert self._oidc is not None
        kept = request.cookies.get(OIDC_COOKIE, "")
        try:
            found = await self._oidc.finish(
                str(request.url), _callback(request), kept, now=self._server.control.now()
            )
        except OidcError as error:
            await self._note(request, None, "log_in", {"with": "oidc"}, outcome="refused", message=str(error))
            return self._form(request, "/", wrong=str(error), status=403)
        name = found.name or found.subject
        caller = Caller(
            principal=Principal(name=name, via="session"),
            surface="login",
            address=caller_of(request, "login").address,
        )
        try:
            # a newcomer becomes a user here: that and its entry are one transaction
            _, cookie, _ = await self._server.guard.audited(
                caller,
                "log_in",
                lambda: self._server.identity.log_in_with_oidc(found.issuer, found.subject, found.name),
                what={"name": name, "with": "oidc", "subject": f"{found.issuer}|{found.subject}"},
            )
        except LoginRefusedError as error:
            return self._form(request, "/", wrong=str(error), status=403)
        return self._session_begins(request, cookie, local_path(found.next_path))

    async def _note(
        self,
        request: Request,
        principal: Principal | None,
        operation: str,
        what: dict[str, object],
        *,
        outcome: str = "done",
        message: str | None = None,
    ) -> None:
        caller = caller_of(request, "login")
        caller = type(caller)(principal=principal, surface="login", address=caller.address)
        await self._server.guard.note(caller, operation, what, outcome=outcome, message=message)


def render_form(secret: str, next_path: str, wrong: str, *, has_oidc: bool) -> str:
    """The login page."""
    where = html.escape(next_path)
    problem = f"<p class=wrong role=alert>{html.escape(wrong)}</p>" if wrong else ""
    other = (
        f"<a class=button href='/login/oidc?next={quote(next_path)}'>Single sign-on</a>" if has_oidc else ""
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Log in · Tidewheel</title><style>{STYLE}</style><main><h1>Tidewheel</h1>{problem}"
        "<form method=post action=/login><label for=name>Name</label>"
        "<input id=name name=name autocomplete=username required autofocus><label for=password>Password</label>"
        "<input id=password name=password type=password autocomplete=current-password required>"
        f"<input type=hidden name=form value='{secret}'><input type=hidden name=next value='{where}'>"
        f"<button>Log in</button></form>{other}</main></html>"
    )


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form; none when it is too large to be one of ours."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_FORM_BYTES:
            return {}
    fields = parse_qs(data.decode("utf-8", "replace"), max_num_fields=20) if data.count(b"&") < 20 else {}
    return {name: values[0] for name, values in fields.items()}


def _callback(request: Request) -> str:
    return str(request.url.replace(path="/login/oidc/callback", query="", fragment=""))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _set_cookie(request: Request, response: Response, name: str, value: str, lifetime_s: int) -> None:
    """A cookie that scripts cannot read and other sites' forms do not send; over TLS, only there."""
    is_secure = _is_secure(request)
    response.set_cookie(
        SECURE_COOKIE if is_secure and name == COOKIE else name,
        value,
        max_age=lifetime_s,
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )
