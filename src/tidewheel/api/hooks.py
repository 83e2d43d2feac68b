"""Serves ``POST /hooks/<name>``: what outside systems send to webhook sensors.

Answers: 202 once the delivery is on the disk, 200 for one that was taken before (senders may repeat as they like), 401
when its signature or secret is wrong or too old, 404 for an unknown hook, 405 for other methods, 409 for a delivery id
that came before with another body, 413 for too large a body, 503 when it is to be sent again.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tidewheel.api.bodies import BodyTooLargeError, read_body
from tidewheel.api.problems import MEDIA_TYPE, problem_body
from tidewheel.services.triggers.hooks import HookAnswer, Hooks


def hook_routes(hooks: Hooks) -> list[BaseRoute]:
    """The routes of ``/hooks``."""

    async def take(request: Request) -> Response:
        address = hooks.get(request.path_params["name"])
        if address is None:
            return _response(hooks.unknown())
        try:
            body = await read_body(request, address.max_body_bytes)
        except BodyTooLargeError as exc:
            return _response(HookAnswer(status=413, body={"kind": "too_large", "message": str(exc)}))
        return _response(await hooks.take(address, _headers(request), body))

    return [Route("/hooks/{name}", take, methods=["POST"])]


def _headers(request: Request) -> dict[str, str]:
    """Lower-case names; of a repeated header the values with commas between."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _response(answer: HookAnswer) -> Response:
    is_refusal = answer.status >= 400
    headers = {} if answer.retry_after_s is None else {"retry-after": str(answer.retry_after_s)}
    return Response(
        msgspec.json.encode(_problem(answer) if is_refusal else answer.body),
        answer.status,
        media_type=MEDIA_TYPE if is_refusal else "application/json",
        headers=headers,
    )


def _problem(answer: HookAnswer) -> dict[str, object]:
    """As REST says what went wrong; ``kind`` and ``message`` stay for those who read them."""
    kind, message = str(answer.body["kind"]), str(answer.body["message"])
    return problem_body(answer.status, kind, message) | answer.body
