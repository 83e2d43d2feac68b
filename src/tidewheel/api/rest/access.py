"""Routes of users, tokens and the audit."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, shown, told_once
from tidewheel.api.rest.bodies import GrantBody, LoginBody, PasswordBody, TokenBody, UserBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, Filter, InPath, Limit, number_of
from tidewheel.errors import InvalidInvocationError, LoginRefusedError
from tidewheel.logic.access.decide import ANYWHERE, WHOLE_SERVER
from tidewheel.logic.access.operations import MANAGE_TOKENS, MANAGE_USERS, OWN_TOKENS, READ_AUDIT
from tidewheel.services.access import accounts
from tidewheel.values.access import AuditEntry, Grant, Principal, Role, Target

OBJECT: dict[str, Any] = {"type": "object"}


def access_routes(rest: Rest) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["access"])
    _user_routes(rest, router)
    _token_routes(rest, router)

    @router.get("/audit", responses=answers_page(AuditEntry))
    async def list_audit(
        request: Request,
        user: Filter = None,
        operation: Filter = None,
        outcome: Filter = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Who changed what, newest first."""
        await rest.require(request, READ_AUDIT, WHOLE_SERVER)
        found = await rest.database.read(
            rest.ledger.audit.get,
            user=user,
            operation=operation,
            outcome=outcome,
            limit=limit,
            before_id=number_of(cursor),
        )
        return page(found, str(found[-1].audit_id) if len(found) == limit else None)

    return router


def _user_routes(rest: Rest, router: APIRouter) -> None:
    access, now = rest.ledger.access, rest.server.control.now

    @router.get("/users", responses=answers_page(OBJECT))
    async def list_users(request: Request) -> Response:
        """All users."""
        await rest.require(request, MANAGE_USERS, WHOLE_SERVER)
        users = await rest.database.read(access.get_users)
        return page([accounts.shown_user(user) for user in users], None)

    @router.post("/users", responses=answers(OBJECT, 201, "The user exists now."))
    async def add_user(request: Request, body: UserBody) -> Response:
        """Add a user."""
        user = await rest.change(
            request,
            MANAGE_USERS,
            [WHOLE_SERVER],
            lambda: rest.database.write(
                accounts.add_user,
                access,
                body.name,
                _grants(body.grants),
                password=body.password,
                oidc_subject=body.oidc_subject,
                now=now(),
            ),
            what=body.model_dump(exclude={"password"}),
        )
        return shown(accounts.shown_user(user), 201)

    @router.post("/users/{name}/password", responses=answers(OBJECT))
    async def set_password(request: Request, name: InPath, body: PasswordBody) -> Response:
        """Give a user a new password; their sessions end."""
        user = await rest.change(
            request,
            MANAGE_USERS,
            [WHOLE_SERVER],
            lambda: rest.database.write(accounts.set_password, access, name, body.password),
            what={"name": name, "change": "password"},
            targets=[Target(kind="user", name=name)],
        )
        return shown(accounts.shown_user(user))

    @router.post("/users/{name}/disable", responses=answers(OBJECT))
    async def disable(request: Request, name: InPath) -> Response:
        """Disable a user; their sessions and tokens end."""
        return await _set_enabled(request, name, False)

    @router.post("/users/{name}/enable", responses=answers(OBJECT))
    async def enable(request: Request, name: InPath) -> Response:
        """Enable a user again."""
        return await _set_enabled(request, name, True)

    async def _set_enabled(request: Request, name: str, enabled: bool) -> Response:
        user = await rest.change(
            request,
            MANAGE_USERS,
            [WHOLE_SERVER],
            lambda: rest.database.write(accounts.set_enabled, access, name, enabled, now=now()),
            what={"name": name, "enabled": enabled},
            targets=[Target(kind="user", name=name)],
        )
        return shown(accounts.shown_user(user))


def _token_routes(rest: Rest, router: APIRouter) -> None:
    access, now = rest.ledger.access, rest.server.control.now

    @router.post("/login", responses=answers(OBJECT, 201, "'token' is shown this once."))
    async def log_in(request: Request, body: LoginBody) -> Response:
        """Make a token with a name and password, without having one."""
        caller = rest.caller(request)
        what = {"name": body.name, "with": "password", "label": body.label}
        try:
            user = await rest.server.identity.check_password(body.name, body.password, caller.address or "")
        except LoginRefusedError as refused:
            await rest.server.guard.note(caller, "log_in", what, outcome="refused", message=str(refused))
            raise
        known = msgspec.structs.replace(caller, principal=Principal(name=user.name, via="password"))
        record, token = await rest.server.guard.audited(
            known,
            "log_in",
            lambda: rest.database.write(
                accounts.create_token,
                access,
                user.name,
                body.label,
                limits=None,
                expires_in_days=body.expires_in_days,
                now=now(),
            ),
            what=what,
        )
        return told_once(request, {**accounts.shown_token(record), "token": token}, 201)

    @router.get("/tokens", responses=answers_page(OBJECT))
    async def list_tokens(request: Request) -> Response:
        """The caller's tokens; an admin's view has everybody's."""
        caller = rest.caller(request)
        sees_all = rest.server.guard.decide(caller, MANAGE_TOKENS, WHOLE_SERVER).is_allowed
        name = caller.principal.name if caller.principal is not None else ""
        tokens = await rest.database.read(access.get_tokens, None if sees_all else name)
        return page([accounts.shown_token(token) for token in tokens], None)

    @router.post("/tokens", responses=answers(OBJECT, 201, "'token' is shown this once."))
    async def create_token(request: Request, body: TokenBody) -> Response:
        """Make an API token."""
        principal = rest.caller(request).principal
        own_name = principal.name if principal is not None else ""
        user = body.user or own_name
        limits = None if body.limits is None else _grants(body.limits)
        if principal is not None and principal.limits is not None:
            if limits is not None or user != own_name:
                raise InvalidInvocationError(
                    "expected a login or a token without limits to make other tokens, got a limited one"
                )
            limits = principal.limits  # what a limited token makes is limited as it is
        record, token = await rest.change(
            request,
            OWN_TOKENS if user == own_name else MANAGE_TOKENS,
            [ANYWHERE if user == own_name else WHOLE_SERVER],
            lambda: rest.database.write(
                accounts.create_token,
                access,
                user,
                body.label,
                limits=limits,
                expires_in_days=body.expires_in_days,
                now=now(),
            ),
            what=body.model_dump(),
        )
        return told_once(request, {**accounts.shown_token(record), "token": token}, 201)

    @router.post("/tokens/{token_id}/revoke", responses=answers(OBJECT))
    async def revoke(request: Request, token_id: InPath) -> Response:
        """End a token."""
        caller = rest.caller(request)
        known = await rest.database.read(access.get_token, token_id)
        is_own = known is not None and caller.principal is not None and known.user == caller.principal.name
        record = await rest.change(
            request,
            OWN_TOKENS if is_own else MANAGE_TOKENS,
            [ANYWHERE if is_own else WHOLE_SERVER],
            lambda: rest.database.write(accounts.revoke_token, access, token_id, now=now()),
            what={"token_id": token_id},
            targets=[Target(kind="token", name=token_id)],
        )
        return shown(accounts.shown_token(record))


def _grants(bodies: list[GrantBody]) -> tuple[Grant, ...]:
    return tuple(
        Grant(
            role=Role(body.role),
            locations=None if body.locations is None else tuple(body.locations),
            groups=None if body.groups is None else tuple(body.groups),
        )
        for body in bodies
    )
