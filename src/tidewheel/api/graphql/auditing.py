"""Writes down what a mutation changed: its arguments, and what it is about before and after."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.wire import asset_text
from tidewheel.values.access import Target
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.ids import trigger_id
from tidewheel.values.records import RunRecord

RUN_NAMES = ("run_id", "run_ids", "parent_run_id")
TRIGGER_NAMES = ("schedule_name", "sensor_name")
STATE_IDS = ("id", "job_selector_id", "schedule_selector_id", "job_origin_id", "schedule_origin_id")
TROUBLE = ("Error", "Failure", "Conflict", "Invalid")


async def carry_out_audited(
    context: RequestContext, field: str, permission: str, arguments: dict[str, Any], resolve: Any
) -> Any:
    """The result of a mutation's resolver, which the audit tells of."""

    async def change() -> Any:
        result = resolve()
        return await result if inspect.isawaitable(result) else result

    return await context.server.guard.audited(
        context.caller,
        permission,
        change,
        what={"mutation": field, **arguments},
        targets=list(dict.fromkeys(_targets(context, arguments))),
        after=_made,
        judge=_outcome,
    )


def _targets(context: RequestContext, value: Any) -> Iterator[Target]:
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _targets(context, inner)
    if not isinstance(value, Mapping):
        return
    place = value.get("repository_location_name")
    for name, inner in value.items():
        if name in RUN_NAMES:
            ids = [inner] if isinstance(inner, str) else inner or []
            yield from (Target(kind="run", name=run_id) for run_id in ids)
        elif name in TRIGGER_NAMES and isinstance(place, str):
            yield Target(kind="trigger", name=trigger_id(place, inner))
        elif name in STATE_IDS and isinstance(inner, str) and context.server.book.get(inner) is not None:
            yield Target(kind="trigger", name=inner)
        elif name == "asset_key" and isinstance(inner, Mapping):
            yield Target(kind="asset", name=asset_text(inner))
        else:
            yield from _targets(context, inner)


def _made(result: Any) -> dict[str, Any] | None:
    """What came of it: the kind of answer, and the run that was made."""
    if isinstance(result, ErrorInfo):
        return {"answer": result.cls_name}
    if not isinstance(result, Mapping):
        return None
    run = result.get("run")
    made = {"answer": result.get("__typename")}
    return made | {"run_id": run.run_id} if isinstance(run, RunRecord) else made


def _outcome(result: Any) -> tuple[str, str | None]:
    if isinstance(result, ErrorInfo):
        return "failed", result.message
    name = str(result.get("__typename")) if isinstance(result, Mapping) else ""
    message = str(result.get("message", "")) if isinstance(result, Mapping) else ""
    if name == "UnauthorizedError":
        return "refused", message
    return ("failed", message) if any(word in name for word in TROUBLE) else ("done", None)
