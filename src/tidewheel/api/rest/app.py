"""Puts the REST application together: routes, answers to what is wrong, its OpenAPI description."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from tidewheel.api.problems import MEDIA_TYPE, problem
from tidewheel.api.rest.access import access_routes
from tidewheel.api.rest.answers import PROBLEMS, value_schemas
from tidewheel.api.rest.assets import asset_routes
from tidewheel.api.rest.backfills import backfill_routes
from tidewheel.api.rest.conditions import condition_routes
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.deliveries import delivery_routes
from tidewheel.api.rest.pauses import pause_routes
from tidewheel.api.rest.pools import pool_routes
from tidewheel.api.rest.repeats import HEADER, MAX_KEY, RepeatedRequests
from tidewheel.api.rest.run_output import run_output_routes
from tidewheel.api.rest.runs import run_routes
from tidewheel.api.rest.server import server_routes
from tidewheel.api.rest.triggers import trigger_routes
from tidewheel.errors import (
    AccessRefusedError,
    CodeLocationNotFoundError,
    LedgerBusyError,
    LedgerUnusableError,
    LoginRefusedError,
    NotSupportedError,
    RunConflict,
    RunNotFoundError,
    TargetNotFoundError,
    TidewheelError,
    UserCodeUnreachableError,
    nearest,
)
from tidewheel.services.server import Server

logger = logging.getLogger("tidewheel.rest")

STATUSES: dict[type[TidewheelError], tuple[int, str]] = {
    AccessRefusedError: (403, "access_refused"),
    RunNotFoundError: (404, "unknown_run"),
    TargetNotFoundError: (404, "not_found"),
    CodeLocationNotFoundError: (404, "unknown_location"),
    RunConflict: (409, "conflict"),
    UserCodeUnreachableError: (503, "user_code_unreachable"),
    LedgerBusyError: (503, "busy"),
    LedgerUnusableError: (503, "ledger_unusable"),
    NotSupportedError: (501, "not_supported"),
}
"""What an error means to a client; all others: 422, with a word of the error's name."""
KEY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A request that comes again under its key gets the first one's answer, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"},
}
MAX_ERRORS = 20
ROUTES = (
    run_routes,
    run_output_routes,
    backfill_routes,
    asset_routes,
    trigger_routes,
    pause_routes,
    condition_routes,
    pool_routes,
    delivery_routes,
    server_routes,
    access_routes,
)


def rest_app(server: Server) -> ASGIApp:
    """The application, to be mounted at ``/api/v1``."""
    rest = Rest(server)
    app = FastAPI(
        title="Tidewheel",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            TidewheelError: _known_error,
            LookupError: _not_found,
            RequestValidationError: _invalid,
            HTTPException: _http_error,
            Exception: _unknown_error,
        },
    )
    for routes in ROUTES:
        app.include_router(routes(rest))
    app.openapi = lambda: _description(app)  # type: ignore[method-assign]
    return RepeatedRequests(app, rest)


def _description(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, routes=app.routes, openapi_version="3.1.0")
        found["servers"] = [{"url": "/api/v1"}]
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(value_schemas())
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}, {}]
        for path in found["paths"].values():
            for method, operation in path.items():
                _complete(method, operation)
        app.openapi_schema = found
    return app.openapi_schema


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add what all routes share: problems, idempotency keys."""
    answers = operation["responses"]
    if any(status in answers for status in ("201",)):
        answers.pop("200", None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, text in PROBLEMS.items():
        answers[status] = {"description": text, "content": content}
    if method == "post":
        operation.setdefault("parameters", []).append(KEY_PARAMETER)


async def _known_error(request: Request, exc: Exception) -> Response:
    if isinstance(exc, LoginRefusedError):
        headers = {"retry-after": str(int(exc.wait_s) + 1)} if exc.wait_s > 0 else None
        return problem(429 if exc.wait_s > 0 else 401, "login_refused", str(exc), headers=headers)
    found = (STATUSES[kind] for kind in type(exc).__mro__ if kind in STATUSES)
    status, kind = next(found, (422, _word_of(type(exc))))
    return problem(status, kind, str(exc))


def _word_of(kind: type[Exception]) -> str:
    """An error's class as a word for programs: ``UnknownPartitionError`` is ``unknown_partition``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Error")).lower()


async def _not_found(request: Request, exc: Exception) -> Response:
    if type(exc) is not LookupError:
        return await _unknown_error(request, exc)
    return problem(404, "not_found", str(exc))


async def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    known = _fields_of_body(request)
    errors = [
        {"where": [str(part) for part in error["loc"]], "message": _told(error, known)}
        for error in exc.errors()[:MAX_ERRORS]
    ]
    detail = "expected another request, got: " + "; ".join(
        f"{'.'.join(error['where'])}: {error['message']}" for error in errors[:5]
    )
    no_json = next((error for error in exc.errors() if error["type"] == "json_invalid"), None)
    if no_json is not None:
        reason = no_json.get("ctx", {}).get("error", "it cannot be read")
        detail = (
            f"expected a body that is JSON, got something else: {reason} at character {no_json['loc'][-1]}"
        )
    status = 422 if no_json is None else 400
    return problem(status, "invalid_request", detail, errors=errors, message=detail)


def _fields_of_body(request: Request) -> list[str]:
    body = getattr(request.scope.get("route"), "body_field", None)
    annotation = getattr(getattr(body, "field_info", None), "annotation", None)
    return list(getattr(annotation, "model_fields", ()))


def _told(error: Mapping[str, Any], known: list[str]) -> str:
    """What is wrong, with the fields that there are where one is not among them."""
    if error["type"] != "extra_forbidden" or len(error["loc"]) != 2 or not known:
        return str(error["msg"])
    name = str(error["loc"][-1])
    near = [one for one in known if name in one] or nearest(name, known) or known
    return f"there is no such field; known here: {', '.join(near)}"


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    kinds = {404: "no_such_address", 405: "wrong_method", 400: "unreadable_body"}
    return problem(
        exc.status_code, kinds.get(exc.status_code, "http_error"), str(exc.detail), headers=exc.headers
    )


async def _unknown_error(request: Request, exc: Exception) -> Response:
    """What is nobody's fault but ours is logged, and told only by a reference."""
    reference = uuid.uuid4().hex[:12]
    logger.error("REST error %s at %s", reference, request.url.path, exc_info=exc)
    detail = f"the server could not answer this; its log says why under {reference}"
    return problem(500, "internal_error", detail, reference=reference)
