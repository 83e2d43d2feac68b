"""Routes of assets: list, show, partitions, and events that outside systems report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Optional

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tidewheel.api.rest.answers import answers, answers_page, page, reference, shown
from tidewheel.api.rest.bodies import ReportBody
from tidewheel.api.rest.context import Rest
from tidewheel.api.rest.parameters import Cursor, Filter, InPath, Limit, number_of
from tidewheel.errors import InvalidAssetKey, ParameterCheckError, UnknownPartitionError, did_you_mean
from tidewheel.logic.access.operations import REPORT_EVENTS
from tidewheel.logic.graph.specs import AssetNode
from tidewheel.logic.partitions.keys import nameable_ordinal
from tidewheel.runtime.conditions.condition_facts import partition_view
from tidewheel.services.runs.intake import topics_of
from tidewheel.storage.bitmaps import load_ordinals
from tidewheel.values.access import Target
from tidewheel.values.events import (
    CheckEvaluation,
    Event,
    EventType,
    Materialization,
    Observation,
    Payload,
    StoredEvent,
)
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import normalize_metadata
from tidewheel.values.records import AssetState, EventFilter
from tidewheel.values.tags import DATA_VERSION, DATA_VERSION_IS_USER_PROVIDED

KINDS = {
    "started": EventType.ASSET_MATERIALIZATION_PLANNED,
    "succeeded": EventType.ASSET_MATERIALIZATION,
    "failed": EventType.ASSET_FAILED_TO_MATERIALIZE,
    "observed": EventType.ASSET_OBSERVATION,
    "checked": EventType.ASSET_CHECK_EVALUATION,
}
ASSET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "asset": reference(AssetNode),
        "location": {"type": ["string", "null"]},
        "state": {"anyOf": [reference(AssetState), {"type": "null"}]},
    },
    "required": ["asset", "location", "state"],
}
PARTITIONS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "asset": {"type": "string"},
        "materialized": {"type": "integer"},
        "failed": {"type": "integer"},
        "in_progress": {"type": "integer"},
        "keys": {"type": "object", "additionalProperties": {"type": "object"}},
        "next_cursor": {"type": ["string", "null"]},
    },
    "required": ["asset", "materialized", "failed", "in_progress", "keys", "next_cursor"],
}
REPORTED_SCHEMA = {
    "type": "object",
    "properties": {"event_id": {"type": "integer"}},
    "required": ["event_id"],
}


def asset_routes(rest: Rest) -> APIRouter:
    """The routes. An asset's key may hold slashes, so that what follows a key is matched first."""
    router = APIRouter(tags=["assets"])

    @router.get("/assets", responses=answers_page(ASSET_SCHEMA))
    async def list_assets(
        request: Request, group: Filter = None, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """Assets by key, with their newest state."""
        catalog = rest.server.locations.catalog
        nodes = [
            node
            for node in sorted(catalog.assets(), key=lambda node: node.key)
            if (group is None or node.group == group)
            and (cursor is None or node.key > cursor)
            and rest.sees(request, catalog.asset_location(node.key), [node.key])
        ]
        chosen = nodes[:limit]
        states = await rest.database.read(rest.ledger.get_asset_states, [node.key for node in chosen])
        items = [
            {"asset": node, "location": catalog.asset_location(node.key), "state": states.get(node.key)}
            for node in chosen
        ]
        return page(items, chosen[-1].key if len(nodes) > limit else None)

    @router.get("/assets/{key:path}/partitions", responses=answers(PARTITIONS_SCHEMA))
    async def get_partitions(
        request: Request,
        key: InPath,
        partition: Annotated[Optional[list[str]], Query(max_length=1_000)] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """How many partitions are made, failed or in progress, and the newest materialisation of those named, or of
        a page of all that are made."""
        key = _seen_key(rest, request, key)
        return shown(await rest.database.read(_partitions, rest, key, partition, limit, cursor))

    @router.get("/assets/{key:path}/events", responses=answers_page(StoredEvent))
    async def list_events(
        request: Request, key: InPath, limit: Limit = 100, cursor: Cursor = None, partition: Filter = None
    ) -> Response:
        """What happened to the asset, newest first."""
        key = _seen_key(rest, request, key)
        filters = EventFilter(
            types=tuple(kind.value for kind in KINDS.values()),
            assets=(key,),
            partitions=(partition,) if partition is not None else None,
            before_id=number_of(cursor),
        )
        found = await rest.database.read(rest.ledger.get_events, filters, limit=limit, ascending=False)
        return page(found, str(found[-1].id) if len(found) == limit else None)

    @router.post("/assets/{key:path}/events", responses=answers(REPORTED_SCHEMA, 201, "It is recorded."))
    async def report(request: Request, key: InPath, body: ReportBody) -> Response:
        """Record what another system did with the asset. An asset or partition that is not known is refused, unless
        ``undefined`` is said."""
        key = _asset_key(key)
        event = _event(key, body, rest.server.control.now())

        async def record() -> int:
            if not body.undefined:
                await _require_known(rest, request, key)
                await _require_partition(rest, key, body)
            [event_id] = await rest.database.write(rest.ledger.record_events, [event])
            rest.server.signals.raise_topic(*topics_of([event]))
            rest.server.feed.publish_events([event])
            return event_id

        location = rest.server.locations.catalog.asset_location(key)
        event_id = await rest.change(
            request,
            REPORT_EVENTS,
            [rest.server.guard.resource(location, [key])],
            record,
            what={"asset": key, "kind": body.kind, "partition": body.partition},
            targets=[Target(kind="asset", name=key)],
        )
        return shown({"event_id": event_id}, 201)

    @router.get("/assets/{key:path}", responses=answers(ASSET_SCHEMA))
    async def get_asset(request: Request, key: InPath) -> Response:
        """One asset, its checks and its newest state."""
        key = _seen_key(rest, request, key)
        catalog = rest.server.locations.catalog
        states = await rest.database.read(rest.ledger.get_asset_states, [key])
        checks = await rest.database.read(rest.ledger.get_check_states, [key])
        return shown(
            {
                "asset": catalog.asset(key),
                "location": catalog.asset_location(key),
                "state": states.get(key),
                "check_states": checks,
            }
        )

    return router


async def _require_known(rest: Rest, request: Request, key: str) -> None:
    """Refuse a key that is likely to be misspelt: no code mentions the asset, and nothing is recorded of it.

    Raises:
        LookupError: when it is so.
    """
    catalog, locations = rest.server.locations.catalog, rest.server.locations
    if catalog.asset(key) is not None or not locations.names_serving() >= set(locations.names()):
        return  # code that has not loaded yet may know it
    if await rest.database.read(rest.ledger.get_asset_states, [key]):
        return
    known = [node.key for node in rest.sight(request).catalog().assets()]
    raise LookupError(
        f"expected the key of an asset, got {key[:200]!r}; {did_you_mean(key, known)}; to record events of an asset that no "
        'code location defines send "undefined": true'
    )


async def _require_partition(rest: Rest, key: str, body: ReportBody) -> None:
    """Refuse a partition that the asset cannot have, and what cannot be said of a partitioned asset as a whole.

    Raises:
        UnknownPartitionError: when it is so.
    """
    node = rest.server.locations.catalog.asset(key)
    if node is None:
        return
    hint = 'to record it nevertheless send "undefined": true'
    if node.partitions is None:
        if body.partition is not None:
            raise UnknownPartitionError(
                f"expected no partition of {key!r}, which is not partitioned, got {body.partition!r}; {hint}"
            )
        return
    if body.partition is None:
        if body.kind in ("started", "succeeded", "failed"):
            raise UnknownPartitionError(
                f"expected a partition of {key!r}, which is partitioned, got none; {hint}"
            )
        return
    view = await rest.database.read(partition_view, rest.ledger, rest.server.control.now())
    if nameable_ordinal(node.partitions, body.partition, view) is None:
        raise UnknownPartitionError(f"expected a partition of {key!r}, got {body.partition!r}; {hint}")


def _asset_key(text: str) -> str:
    """The wire text of an asset's key in an address.

    Raises:
        ParameterCheckError: when it is none.
    """
    parts = text.split("/")
    try:
        if not all(parts):
            raise InvalidAssetKey("an empty part")
        return AssetKey(parts).to_escaped_user_string()
    except InvalidAssetKey as exc:
        raise ParameterCheckError(f"expected the key of an asset, got {text[:200]!r}: {exc}") from exc


def _seen_key(rest: Rest, request: Request, text: str) -> str:
    """The key of a known asset that the caller may see.

    Raises:
        LookupError: when there is none.
    """
    key = _asset_key(text)
    catalog = rest.server.locations.catalog
    if catalog.asset(key) is None or not rest.sees(request, catalog.asset_location(key), [key]):
        known = [
            n.key for n in catalog.assets() if rest.sees(request, catalog.asset_location(n.key), [n.key])
        ]
        raise LookupError(f"expected the key of an asset, got {key[:200]!r}; {did_you_mean(key, known)}")
    return key


def _partitions(
    rest: Rest, key: str, wanted: list[str] | None, limit: int, cursor: str | None
) -> Mapping[str, Any]:
    state = rest.ledger.get_asset_partition_states([key]).get(key)
    sets = (state.failed, state.in_progress) if state is not None else (b"", b"")
    failed, in_progress = (load_ordinals(data) for data in sets)
    more: str | None = None
    if wanted is None:
        keys = sorted(
            known for known in rest.ledger.get_partition_keys(key) if cursor is None or known > cursor
        )
        wanted, more = keys[:limit], (keys[limit - 1] if len(keys) > limit else None)
    events = rest.ledger.get_partition_events(key, wanted) if wanted else {}
    return {
        "asset": key,
        "materialized": rest.ledger.count_partitions([key]).get(key, 0),
        "failed": len(failed - in_progress),
        "in_progress": len(in_progress),
        "keys": {
            name: {"event_id": found[0], "at": found[1], "run_id": found[2]}
            for name in wanted
            if (found := events.get(name)) is not None
        },
        "next_cursor": more,
    }


def _event(key: str, body: ReportBody, now: float) -> Event:
    """The event that is reported.

    Raises:
        ParameterCheckError: when its metadata cannot be stored.
    """
    try:
        metadata = normalize_metadata(body.metadata)
    except (ValueError, TypeError, RecursionError) as exc:
        raise ParameterCheckError(f"expected metadata that can be stored, got: {exc}") from exc
    tags = {}
    if body.data_version is not None:
        tags = {DATA_VERSION: body.data_version, DATA_VERSION_IS_USER_PROVIDED: "true"}
    payload: Payload | None = None
    if body.kind == "checked":
        payload = CheckEvaluation(
            passed=bool(body.passed),
            severity=body.severity,
            metadata=metadata,
            description=body.description,
        )
    elif body.kind in ("succeeded", "observed"):
        made = Materialization if body.kind == "succeeded" else Observation
        payload = made(metadata=metadata, tags=tags, description=body.description)
    return Event(
        type=KINDS[body.kind],
        timestamp=now,
        asset=key,
        partition=body.partition,
        check=body.check_name,
        message=body.description or "",
        payload=payload,
    )
