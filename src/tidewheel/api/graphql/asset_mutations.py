"""Mutations about assets: events from outside, dynamic partitions, wiping."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ariadne import MutationType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, failure
from tidewheel.api.graphql.assets import asset_not_found
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import find_repository
from tidewheel.api.graphql.outside_changes import change_dynamic_partitions, record_events, wipe
from tidewheel.api.graphql.partition_keys import dimensions_of
from tidewheel.api.graphql.permissions import REPORT_EVENTS, WIPE
from tidewheel.api.graphql.wire import asset_key as key_of_text
from tidewheel.api.graphql.wire import asset_text
from tidewheel.errors import did_you_mean
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.logic.partitions.definitions import DynamicPartitions
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import keys_in_range
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization, Observation
from tidewheel.values.metadata import Metadata, normalize_metadata
from tidewheel.values.records import PartitionChange

MAX_KEYS = 10_000
"""Partitions in one mutation."""

mutation = MutationType()

# -- events from outside -------------------------------------------------------------------------------------


@mutation.field("reportRunlessAssetEvents")
async def _report_events(
    root: None, info: GraphQLResolveInfo, event_params: Mapping[str, Any]
) -> Answer | ErrorInfo:
    context = context_of(info)
    keys = _partition_keys(event_params)
    if len(keys) > MAX_KEYS:
        return _too_many(len(keys))
    asset, text = asset_text(event_params["asset_key"]), event_params.get("description")
    refused = context.refusal(REPORT_EVENTS, context.catalog.asset_location(asset), [asset])
    if refused is not None:
        return refused
    kind = EventType(event_params["event_type"])
    payload: Materialization | Observation = (
        Materialization(description=text)
        if kind is EventType.ASSET_MATERIALIZATION
        else Observation(description=text)
    )
    await record_events(
        context,
        [
            Event(
                type=kind,
                timestamp=context.now,
                asset=asset,
                partition=key,
                message=text or "",
                payload=payload,
            )
            for key in keys
        ],
    )
    return answer("ReportRunlessAssetEventsSuccess", asset_key=key_of_text(asset))


def _partition_keys(params: Mapping[str, Any]) -> list[str | None]:
    """The wanted partitions; None alone for the asset as a whole."""
    return list(params.get("partition_keys") or [None])


def _too_many(number: int) -> ErrorInfo:
    return failure("TooManyPartitionsError", f"expected at most {MAX_KEYS} partition keys, got {number}")


@mutation.field("reportAssetCheckEvaluations")
async def _report_checks(
    root: None, info: GraphQLResolveInfo, event_params: Mapping[str, Any]
) -> Answer | ErrorInfo:
    context = context_of(info)
    keys = _partition_keys(event_params)
    if len(keys) > MAX_KEYS:
        return _too_many(len(keys))
    try:
        metadata = _metadata(event_params.get("serialized_metadata"))
    except (ValueError, TypeError) as error:
        return failure(
            "InvalidMetadataError", f"expected serializedMetadata as the JSON text of an object: {error}"
        )
    asset = asset_text(event_params["asset_key"])
    refused = context.refusal(REPORT_EVENTS, context.catalog.asset_location(asset), [asset])
    if refused is not None:
        return refused
    evaluation = CheckEvaluation(
        passed=event_params["passed"],
        severity=event_params.get("severity") or "ERROR",
        metadata=metadata,
        description=event_params.get("description"),
    )
    await record_events(
        context,
        [
            Event(
                type=EventType.ASSET_CHECK_EVALUATION,
                timestamp=context.now,
                asset=asset,
                check=event_params["check_name"],
                partition=key,
                payload=evaluation,
            )
            for key in keys
        ],
    )
    return answer(
        "ReportAssetCheckEvaluationsSuccess",
        asset_key=key_of_text(asset),
        check_name=event_params["check_name"],
    )


def _metadata(text: str | None) -> Metadata:
    loaded = json.loads(text) if text else {}
    if not isinstance(loaded, dict):
        raise TypeError(f"got {type(loaded).__name__}")
    return normalize_metadata(loaded)


# -- dynamic partitions --------------------------------------------------------------------------------------


def _dynamic_names(snapshot: LocationSnapshot) -> set[str]:
    """Names of all dynamic partitions that a location's definitions use."""
    specs = [node.partitions for node in snapshot.assets] + [job.partitions for job in snapshot.jobs]
    return {
        dimension.name
        for spec in specs
        if spec is not None
        for _, dimension in dimensions_of(spec)
        if isinstance(dimension, DynamicPartitions)
    }


def _unknown_definition(context: RequestContext, selector: Mapping[str, Any], name: str) -> Answer | None:
    """The answer, where the repository has no dynamic partitions of this name."""
    snapshot = find_repository(context, selector)
    known = _dynamic_names(snapshot) if snapshot is not None else set()
    if name in known:
        return None
    location = selector["repository_location_name"]
    text = f"expected dynamic partitions that {location!r} uses, got {name!r}; {did_you_mean(name, known)}"
    return answer("UnauthorizedError", message=text)


@mutation.field("addDynamicPartition")
async def _add_partition(
    root: None,
    info: GraphQLResolveInfo,
    partition_key: str,
    partitions_def_name: str,
    repository_selector: Mapping[str, Any],
) -> Answer | ErrorInfo:
    context = context_of(info)
    unknown = _unknown_definition(context, repository_selector, partitions_def_name)
    if unknown is not None:
        return unknown
    if not partition_key:
        return failure("UnknownPartitionError", "expected a partition key, got an empty text")
    known = await context.database.read(context.ledger.get_dynamic_partitions, partitions_def_name)
    if any(key == partition_key for key, _ in known):
        return answer(
            "DuplicateDynamicPartitionError",
            message=f"partition {partition_key!r} of {partitions_def_name!r} exists already",
            partitions_def_name=partitions_def_name,
            partition_name=partition_key,
        )
    await change_dynamic_partitions(context, PartitionChange(name=partitions_def_name, add=(partition_key,)))
    return answer(
        "AddDynamicPartitionSuccess", partitions_def_name=partitions_def_name, partition_key=partition_key
    )


@mutation.field("deleteDynamicPartitions")
async def _delete_partitions(
    root: None,
    info: GraphQLResolveInfo,
    partition_keys: Sequence[str],
    partitions_def_name: str,
    repository_selector: Mapping[str, Any],
    wipe_materializations: bool | None = None,
) -> Answer | ErrorInfo:
    context = context_of(info)
    unknown = _unknown_definition(context, repository_selector, partitions_def_name)
    if unknown is not None:
        return unknown
    if len(partition_keys) > MAX_KEYS:
        return _too_many(len(partition_keys))
    if wipe_materializations:
        wanted = DynamicPartitions(name=partitions_def_name)
        for node in context.catalog.assets():
            if node.partitions == wanted:
                await wipe(context, node.key, list(partition_keys))
    await change_dynamic_partitions(
        context, PartitionChange(name=partitions_def_name, delete=tuple(partition_keys))
    )
    return answer("DeleteDynamicPartitionsSuccess", partitions_def_name=partitions_def_name)


# -- wiping --------------------------------------------------------------------------------------------------


@mutation.field("wipeAssets")
async def _wipe_assets(
    root: None, info: GraphQLResolveInfo, asset_partition_ranges: Sequence[Mapping[str, Any]]
) -> Answer | ErrorInfo:
    context = context_of(info)
    todo: list[tuple[str, list[str] | None]] = []
    wiped: list[Answer] = []
    for wanted in asset_partition_ranges:
        asset = asset_text(wanted["asset_key"])
        if context.catalog.asset(asset) is None and await context.loaders.asset_states.load(asset) is None:
            return asset_not_found(context, asset)
        refused = context.refusal(WIPE, context.catalog.asset_location(asset), [asset])
        if refused is not None:
            return refused
        ranges = _ranges(wanted.get("partitions"))
        try:
            todo.append((asset, None if ranges is None else await _keys(context, asset, ranges)))
        except PartitionError as error:
            return answer("UnsupportedOperationError", message=str(error))
        shown = [None] if ranges is None else [{"start": first, "end": last} for first, last in ranges]
        wiped += [
            answer("AssetPartitionRange", asset_key=key_of_text(asset), partition_range=bounds)
            for bounds in shown
        ]
    for asset, keys in todo:
        await wipe(context, asset, keys)
    return answer("AssetWipeSuccess", asset_partition_ranges=wiped)


def _ranges(selector: Mapping[str, Any] | None) -> list[tuple[str, str]] | None:
    if selector is None:
        return None
    given = list(selector.get("ranges") or ())
    if selector.get("range") is not None:
        given.append(selector["range"])
    return [(one["start"], one["end"]) for one in given]


async def _keys(context: RequestContext, asset: str, ranges: Sequence[tuple[str, str]]) -> list[str]:
    """The keys of some ranges.

    Raises:
        PartitionError: when the asset has no partitions, or a bound is none of them.
    """
    node = context.catalog.asset(asset)
    if node is None or node.partitions is None:
        raise PartitionError(
            f"expected a partitioned asset to wipe a range of, got {asset!r}; leave the range out"
        )
    view = await context.loaders.view()
    return [key for first, last in ranges for key in keys_in_range(node.partitions, first, last, view)]


BINDABLES = (mutation,)
