"""How REST answers look: values as JSON, pages with a cursor, and the schemas of both for OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidewheel.logic.graph.specs import AssetNode, CheckNode
from tidewheel.runtime import masking
from tidewheel.runtime.captured_output import OutputName, OutputPart
from tidewheel.runtime.conditions.condition_views import AutomationView, PlanView, WhyAnswer
from tidewheel.runtime.control import LocationHealth, ServerHealth, TriggerView
from tidewheel.runtime.views.push_views import DeliveryView
from tidewheel.values.access import AuditEntry
from tidewheel.values.backfill_steps import BackfillRunCount
from tidewheel.values.backfills import BackfillRecord
from tidewheel.values.conditions import HeldRequest, OwedRow
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.events import StoredEvent
from tidewheel.values.inbox import Redelivery
from tidewheel.values.launch import BackfillOutcome, LaunchOutcome
from tidewheel.values.policies import PauseRecord
from tidewheel.values.pools import PoolRecord
from tidewheel.values.records import AssetState, CheckState, RunRecord, TickRecord, TriggerRecord
from tidewheel.values.serde import as_built_in

VALUES: tuple[type, ...] = (
    AssetNode,
    AssetState,
    AuditEntry,
    AutomationView,
    BackfillOutcome,
    BackfillRecord,
    BackfillRunCount,
    CheckNode,
    CheckState,
    DeliveryView,
    EvaluationResult,
    HeldRequest,
    LaunchOutcome,
    LocationHealth,
    OutputName,
    OutputPart,
    OwedRow,
    PauseRecord,
    PlanView,
    PoolRecord,
    Redelivery,
    RunRecord,
    ServerHealth,
    StoredEvent,
    TickRecord,
    TriggerRecord,
    TriggerView,
    WhyAnswer,
)
"""Values that answers consist of; OpenAPI describes them under ``components``."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
PROBLEMS = {
    "400": "What was sent is not JSON.",
    "401": "A login is needed, or the token is not valid.",
    "403": "The caller may not do this.",
    "404": "There is no such thing.",
    "405": "This address has other methods.",
    "409": "It contradicts the present state, or the idempotency key was used for something else.",
    "413": "The body is too large.",
    "415": "The body is of another type.",
    "422": "What was sent is not what is expected.",
    "421": "A server without a login was asked for by another host name.",
    "429": "Too many failed logins.",
    "501": "This is not supported.",
    "503": "User code cannot be asked at present.",
}


def shown(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as JSON; secrets in it are masked."""
    return Response(shown_bytes(value), status, media_type="application/json", headers=headers)


def shown_bytes(value: Any) -> bytes:
    """A value as JSON; secrets in its texts and run configs are masked."""
    data = msgspec.json.encode(value, enc_hook=as_built_in)
    return (
        msgspec.json.encode(masking.shown(msgspec.json.decode(data))) if masking.needs_masking(data) else data
    )


def told_once(request: Request, value: Any, status: int = 200) -> Response:
    """A value as JSON with a secret of the caller's own, such as a token that was just made; it is stored nowhere."""
    request.state.is_told_once = True
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def page(items: Sequence[Any], next_cursor: str | None) -> Response:
    """A page; ``next_cursor`` null: it is the last one."""
    return shown({"items": items, "next_cursor": next_cursor})


def reference(value: type) -> dict[str, Any]:
    """A value's schema, by reference."""
    return {"$ref": f"#/components/schemas/{value.__name__}"}


def answers(schema: dict[str, Any], status: int = 200, text: str = "As asked for.") -> dict[int | str, Any]:
    """What OpenAPI says of a route's answers."""
    found: dict[int | str, Any] = {
        status: {"description": text, "content": {"application/json": {"schema": schema}}}
    }
    return found


def answers_page(value: type | dict[str, Any]) -> dict[int | str, Any]:
    """What OpenAPI says of a route that answers with pages."""
    items = value if isinstance(value, dict) else reference(value)
    schema = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": items},
            "next_cursor": {"type": ["string", "null"]},
        },
        "required": ["items", "next_cursor"],
    }
    return answers(schema, text="A page.")


def value_schemas() -> dict[str, Any]:
    """The schemas of all values and of problems."""
    _, components = msgspec.json.schema_components(
        VALUES, ref_template="#/components/schemas/{name}", schema_hook=lambda kind: {}
    )
    return {**components, "Problem": PROBLEM_SCHEMA}
