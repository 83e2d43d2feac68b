"""Resolves ``Asset``: what is known of an asset by its events, whether or not it is defined anywhere now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.asset_events import MADE, SEEN, asset_events, newest_event
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import AssetView, asset_view
from tidewheel.api.graphql.event_fields import EventView
from tidewheel.api.graphql.runs import asset_answer
from tidewheel.api.graphql.wire import asset_key, asset_text, page_limit, whole_cursor
from tidewheel.errors import did_you_mean
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import AssetState
from tidewheel.values.status import NOT_FINISHED_STATUSES, RunStatus

HISTORY_TYPES = {
    "MATERIALIZATION": EventType.ASSET_MATERIALIZATION,
    "OBSERVATION": EventType.ASSET_OBSERVATION,
    "FAILED_TO_MATERIALIZE": EventType.ASSET_FAILED_TO_MATERIALIZE,
}

query = QueryType()


def asset_not_found(context: RequestContext, key: str) -> Answer:
    """The answer for an asset that is neither defined nor has events."""
    known = [node.key for node in context.catalog.assets()]
    return answer(
        "AssetNotFoundError", message=f"expected a known asset, got {key!r}; {did_you_mean(key, known)}"
    )


def _has_events(state: AssetState | None) -> bool:
    return state is not None and (
        state.last_materialization_id is not None or state.last_observation_id is not None
    )


@query.field("assetOrError")
async def _asset(root: None, info: GraphQLResolveInfo, asset_key: Mapping[str, Any]) -> Answer:
    context = context_of(info)
    key = asset_text(asset_key)
    if context.catalog.asset(key) is None and not _has_events(await context.loaders.asset_states.load(key)):
        return asset_not_found(context, key)
    return asset_answer(key)


async def _known_keys(
    context: RequestContext, prefix: Sequence[str] | None, cursor: str | None, wanted: set[str] | None
) -> list[AssetKey]:
    """All assets that are defined or have events, in order, after the cursor (a key's JSON list)."""
    states = await context.database.read(context.ledger.get_asset_states)
    texts = {node.key for node in context.catalog.assets()}
    texts |= {key for key, state in states.items() if _has_events(state)}
    after = _key_of_cursor(cursor)
    keys = [asset_key(text) for text in (texts if wanted is None else texts & wanted)]
    return sorted(
        key for key in keys if (not prefix or key.has_prefix(prefix)) and (after is None or after < key)
    )


def _key_of_cursor(cursor: str | None) -> AssetKey | None:
    try:
        return AssetKey.from_db_string(cursor)
    except (ValueError, TypeError):
        raise ValueError(
            f"expected a cursor that this server gave out, got {(cursor or '')[:80]!r}"
        ) from None


@query.field("assetsOrError")
async def _assets(
    root: None,
    info: GraphQLResolveInfo,
    prefix: Sequence[str] | None = None,
    asset_keys: Sequence[Mapping[str, Any]] | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    wanted = None if asset_keys is None else {asset_text(key) for key in asset_keys}
    keys = (await _known_keys(context_of(info), prefix, cursor, wanted))[: page_limit(limit)]
    nodes = [asset_answer(key.to_escaped_user_string()) for key in keys]
    return answer("AssetConnection", nodes=nodes, cursor=keys[-1].to_string() if keys else cursor)


@query.field("assetRecordsOrError")
async def _asset_records(
    root: None,
    info: GraphQLResolveInfo,
    prefix: Sequence[str] | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    keys = (await _known_keys(context_of(info), prefix, cursor, None))[: page_limit(limit)]
    records = [answer("AssetRecord", id=key.to_string(), key=key) for key in keys]
    return answer("AssetRecordConnection", assets=records, cursor=keys[-1].to_string() if keys else cursor)


asset = ObjectType("Asset")
asset.set_field("id", lambda found, info: asset_key(found["text"]).to_string())
asset.set_field("key", lambda found, info: asset_key(found["text"]))


@asset.field("definition")
def _definition(found: Answer, info: GraphQLResolveInfo) -> AssetView | None:
    return asset_view(context_of(info), found["text"])


@asset.field("assetMaterializations")
async def _materializations(
    found: Answer,
    info: GraphQLResolveInfo,
    partitions: Sequence[str] | None = None,
    before_timestamp_millis: str | None = None,
    after_timestamp_millis: str | None = None,
    limit: int | None = None,
) -> list[EventView]:
    return await asset_events(
        context_of(info),
        found["text"],
        (MADE,),
        partitions=partitions,
        before_millis=before_timestamp_millis,
        after_millis=after_timestamp_millis,
        limit=limit,
    )


@asset.field("assetObservations")
async def _observations(
    found: Answer,
    info: GraphQLResolveInfo,
    partitions: Sequence[str] | None = None,
    before_timestamp_millis: str | None = None,
    after_timestamp_millis: str | None = None,
    limit: int | None = None,
) -> list[EventView]:
    return await asset_events(
        context_of(info),
        found["text"],
        (SEEN,),
        partitions=partitions,
        before_millis=before_timestamp_millis,
        after_millis=after_timestamp_millis,
        limit=limit,
    )


@asset.field("assetEventHistory")
async def _history(
    found: Answer,
    info: GraphQLResolveInfo,
    limit: int,
    event_type_selectors: Sequence[str],
    partitions: Sequence[str] | None = None,
    before_timestamp_millis: str | None = None,
    after_timestamp_millis: str | None = None,
    cursor: str | None = None,
) -> Answer:
    kinds = [HISTORY_TYPES[name] for name in event_type_selectors]
    results = []
    if kinds:
        results = await asset_events(
            context_of(info),
            found["text"],
            kinds,
            partitions=partitions,
            before_millis=before_timestamp_millis,
            after_millis=after_timestamp_millis,
            before_id=whole_cursor(cursor),
            limit=limit,
        )
    last = str(results[-1].storage_id) if results else cursor or ""
    return answer("AssetResultEventHistoryConnection", results=results, cursor=last)


@asset.field("latestEventSortKey")
async def _sort_key(found: Answer, info: GraphQLResolveInfo) -> int | None:
    state = await context_of(info).loaders.asset_states.load(found["text"])
    ids = (state.last_materialization_id, state.last_observation_id) if state is not None else ()
    return max((event_id for event_id in ids if event_id is not None), default=None)


@asset.field("latestMaterializationTimestamp")
async def _made_at(found: Answer, info: GraphQLResolveInfo) -> float | None:
    state = await context_of(info).loaders.asset_states.load(found["text"])
    return _in_millis(state.last_materialization_at if state else None)


@asset.field("latestObservationTimestamp")
async def _seen_at(found: Answer, info: GraphQLResolveInfo) -> float | None:
    state = await context_of(info).loaders.asset_states.load(found["text"])
    return _in_millis(state.last_observation_at if state else None)


@asset.field("latestFailedToMaterializeTimestamp")
async def _failed_at(found: Answer, info: GraphQLResolveInfo) -> float | None:
    context = context_of(info)
    state = await context.loaders.asset_states.load(found["text"])
    if state is None or state.last_failed_run_id is None:
        return None
    run = await context.loaders.runs.load(state.last_failed_run_id)
    return _in_millis(run.ended_at if run else None)


def _in_millis(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


@asset.field("hasDefinitionOrRecord")
async def _is_known(found: Answer, info: GraphQLResolveInfo) -> bool:
    context = context_of(info)
    if context.catalog.asset(found["text"]) is not None:
        return True
    return _has_events(await context.loaders.asset_states.load(found["text"]))


# -- the newest facts ----------------------------------------------------------------------------------------


@query.field("assetsLatestInfo")
async def _latest_info(
    root: None, info: GraphQLResolveInfo, asset_keys: Sequence[Mapping[str, Any]]
) -> list[Answer]:
    return [answer("AssetLatestInfo", id=text, text=text) for text in map(asset_text, asset_keys)]


latest_info = ObjectType("AssetLatestInfo")
latest_info.set_field("assetKey", lambda found, info: asset_key(found["text"]))


@latest_info.field("latestMaterialization")
async def _latest_materialization(found: Answer, info: GraphQLResolveInfo) -> EventView | None:
    return await newest_event(context_of(info), found["text"], MADE)


@latest_info.field("latestRun")
async def _latest_run(found: Answer, info: GraphQLResolveInfo) -> Any:
    """The run that is to make the asset, else the one that failed to, else the one that made it."""
    context = context_of(info)
    state = await context.loaders.asset_states.load(found["text"])
    if state is None:
        return None
    for run_id in (state.last_planned_run_id, state.last_failed_run_id, state.last_materialization_run_id):
        if run_id is not None:
            return await context.loaders.runs.load(run_id)
    return None


@latest_info.field("unstartedRunIds")
async def _unstarted(found: Answer, info: GraphQLResolveInfo) -> list[str]:
    return await _planned_in(found, info, is_started=False)


@latest_info.field("inProgressRunIds")
async def _in_progress(found: Answer, info: GraphQLResolveInfo) -> list[str]:
    return await _planned_in(found, info, is_started=True)


async def _planned_in(found: Answer, info: GraphQLResolveInfo, *, is_started: bool) -> list[str]:
    context = context_of(info)
    state = await context.loaders.asset_states.load(found["text"])
    run_id = state.last_planned_run_id if state is not None else None
    run = await context.loaders.runs.load(run_id) if run_id is not None else None
    if run is None or run.status not in NOT_FINISHED_STATUSES:
        return []
    started = run.status in (RunStatus.STARTED, RunStatus.CANCELING)
    return [run.run_id] if started == is_started else []


BINDABLES = (query, asset, latest_info)
