"""Resolves what a backfill is about, partition by partition: targets, statuses, its log, and previews of new ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from ariadne import ObjectType, QueryType
from graphql import GraphQLError, GraphQLResolveInfo
from pyroaring import FrozenBitMap

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.loaders import RunPage
from tidewheel.api.graphql.partition_sets import SUFFIX, partition_status
from tidewheel.api.graphql.wire import asset_key, asset_text, asset_texts, millis, page_limit, whole_cursor
from tidewheel.errors import InvalidInvocationError
from tidewheel.logic.partitions.definitions import PartitionView, TimeWindowPartitions
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.rows import runs_of
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.logic.partitions.windows import key_of as window_key_of
from tidewheel.logic.planning.backfill_parts import stored_set
from tidewheel.logic.planning.backfill_requests import decide_parts, select_assets
from tidewheel.values.backfills import BackfillPart, BackfillRecord, PartProgress
from tidewheel.values.launch import BackfillRequest

query, backfill = QueryType(), ObjectType("PartitionBackfill")


def target_answer(partitions: PartitionSet, view: PartitionView) -> Answer | None:
    """An ``AssetBackfillTargetPartitions``: ranges of time windows, at most a page of other keys; None: it has none."""
    spec = partitions.spec
    if spec is None:
        return None
    if isinstance(spec, TimeWindowPartitions):
        bits = partitions.bits
        assert isinstance(bits, FrozenBitMap)
        ranges = [
            {"start": window_key_of(spec, start), "end": window_key_of(spec, stop - 1)}
            for start, stop in islice(runs_of(bits), page_limit(None))
        ]
        return answer("AssetBackfillTargetPartitions", ranges=ranges, partition_keys=None)
    keys = list(islice(partitions.keys(view), page_limit(None)))
    return answer("AssetBackfillTargetPartitions", ranges=None, partition_keys=keys)


@backfill.field("partitionsTargetedForAssetKey")
async def _targeted(
    found: BackfillRecord, info: GraphQLResolveInfo, asset_key: Mapping[str, Any] | None = None
) -> Answer | None:
    name = asset_text(asset_key) if asset_key is not None else None
    part = next((one for one in found.fields.parts if one.name == name), None)
    if part is None or not found.fields.is_of_assets:
        return None
    return target_answer(stored_set(part.wanted, part), await context_of(info).loaders.view())


@backfill.field("assetBackfillData")
async def _asset_data(found: BackfillRecord, info: GraphQLResolveInfo) -> Answer | None:
    if not found.fields.is_of_assets:
        return None
    context = context_of(info)
    names = {part.name for part in found.fields.parts}
    roots = [part for part in found.fields.parts if part.spec and not _feeds(context.catalog, part, names)]
    root = max(roots, key=lambda part: part.count, default=None)
    view = await context.loaders.view()
    return answer(
        "AssetBackfillData",
        asset_backfill_statuses=[_status(found, part) for part in found.fields.parts],
        root_targeted_partitions=None if root is None else target_answer(stored_set(root.wanted, root), view),
    )


def _feeds(catalog: Any, part: BackfillPart, names: Iterable[str]) -> bool:
    """Whether another asset of the backfill comes before this one."""
    node = catalog.asset(part.name)
    return node is not None and any(dep.asset in names and dep.asset != part.name for dep in node.deps)


def _sizes(found: BackfillRecord, part: BackfillPart) -> tuple[int, int, int]:
    """How many partitions are (in progress, made, failed or left out)."""
    progress = found.progress.get(part.name, PartProgress())

    def size(data: bytes) -> int:
        return len(stored_set(data, part))

    done, failed = size(progress.done), size(progress.failed)
    left_out, cancelled = size(progress.left_out), size(progress.cancelled)
    return size(progress.requested) - done - failed - cancelled, done, failed + left_out


def _counts(found: BackfillRecord, part: BackfillPart) -> Answer:
    in_progress, done, failed = _sizes(found, part)
    return answer(
        "AssetPartitionsStatusCounts",
        asset_key=asset_key(part.name),
        num_partitions_targeted=part.count,
        num_partitions_in_progress=max(0, in_progress),
        num_partitions_materialized=done,
        num_partitions_failed=failed,
    )


def _status(found: BackfillRecord, part: BackfillPart) -> Answer:
    if part.spec:
        return _counts(found, part)
    in_progress, done, failed = _sizes(found, part)
    return answer(
        "UnpartitionedAssetStatus",
        asset_key=asset_key(part.name),
        in_progress=in_progress > 0,
        materialized=done > 0,
        failed=failed > 0,
    )


@backfill.field("assetBackfillStatuses")
def _asset_statuses(found: BackfillRecord, info: GraphQLResolveInfo) -> list[Answer]:
    """Per asset, how many partitions are in which state."""
    return [_counts(found, part) for part in found.fields.parts] if found.fields.is_of_assets else []


@backfill.field("partitionStatuses")
async def _partition_statuses(found: BackfillRecord, info: GraphQLResolveInfo) -> Answer | None:
    """Of a job's backfill: each partition (a page of them at most) with the newest run of it."""
    if found.fields.is_of_assets:
        return None
    context = context_of(info)
    part, name = found.fields.parts[0], f"{found.fields.job_name}{SUFFIX}"
    view = await context.loaders.view()
    newest: dict[str, Any] = {}
    page = RunPage(limit=page_limit(None), backfill_id=found.backfill_id)
    for run in await context.loaders.run_pages.load(page) or []:
        if run.partition is not None:
            newest.setdefault(run.partition, run)
    keys = islice(stored_set(part.wanted, part).keys(view), page_limit(None))
    return answer("PartitionStatuses", results=[partition_status(name, key, newest.get(key)) for key in keys])


@backfill.field("logEvents")
def _log_events(found: BackfillRecord, info: GraphQLResolveInfo, cursor: str | None = None) -> Answer:
    """What happened to the backfill, oldest first; a cursor is how many lines were read."""
    lines = [(found.created_at, "INFO", f"Asked for {found.counts.wanted} partitions.")]
    lines += [(found.updated_at, "WARNING", text) for text in found.problems]
    if found.error is not None:
        lines.append((found.updated_at, "ERROR", found.error.message))
    if found.ended_at is not None:
        lines.append((found.ended_at, "INFO", f"Ended as {found.status.value}."))
    start = whole_cursor(cursor) or 0
    shown = lines[start : start + page_limit(None)]
    return answer(
        "InstigationEventConnection",
        events=[
            {"message": text, "timestamp": millis(moment), "level": level} for moment, level, text in shown
        ],
        cursor=str(start + len(shown)),
        has_more=start + len(shown) < len(lines),
    )


@query.field("assetBackfillPreview")
async def _preview(root: None, info: GraphQLResolveInfo, params: Mapping[str, Any]) -> list[Answer]:
    """Which partitions of each asset a backfill of these keys would be about; nothing is made."""
    context = context_of(info)
    names = asset_texts(params["asset_selection"]) or ()
    view = await context.loaders.view()
    located = context.catalog.located
    try:
        chosen = select_assets(names, located)
        request = BackfillRequest(assets=chosen, partitions=tuple(params["partition_names"]))
        parts = decide_parts(request, chosen, located, {}, view)
    except (InvalidInvocationError, PartitionError) as error:
        raise GraphQLError(str(error)) from None
    return [
        answer(
            "AssetPartitions",
            asset_key=asset_key(part.name),
            partitions=target_answer(stored_set(part.wanted, part), view),
        )
        for part in parts
    ]


BINDABLES = (query, backfill)
