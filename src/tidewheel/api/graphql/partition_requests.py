"""Resolves the run config and the tags that a job's code gives to the run of one of its partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer, exposed
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.definitions import JobView
from tidewheel.api.graphql.runs import config_text
from tidewheel.api.graphql.wire import asset_texts, key_values
from tidewheel.errors import UserCodeUnreachableError
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import RequestedRun
from tidewheel.values.launch import LaunchRequest

pipeline, job = ObjectType("Pipeline"), ObjectType("Job")
partition, described = ObjectType("Partition"), ObjectType("PartitionTagsAndConfig")


class PartitionRequest(msgspec.Struct, frozen=True):
    """A partition of a job, and the assets of the job that are chosen (None: all)."""

    job: JobView
    partition: str
    assets: tuple[str, ...] | None = None


async def _asked(context: RequestContext, wanted: PartitionRequest) -> RequestedRun | ErrorInfo:
    assets = wanted.assets
    if assets is None and wanted.job.node.name == IMPLICIT_ASSET_JOB:
        assets = wanted.job.node.assets  # those that the caller may see
    request = LaunchRequest(
        job_name=wanted.job.node.name,
        location=wanted.job.location,
        assets=assets,
        partition=wanted.partition,
        describe="partition",
    )
    try:
        prepared = await context.prepare(wanted.job.location, request)
    except UserCodeUnreachableError as error:
        return exposed(error)
    if prepared.error is not None:
        return prepared.error
    assert prepared.run is not None
    return prepared.run


@pipeline.field("partition")
@job.field("partition")
def _partition(
    view: JobView,
    info: GraphQLResolveInfo,
    partition_name: str,
    selected_asset_keys: Sequence[Mapping[str, Any]] | None = None,
) -> PartitionRequest:
    texts = asset_texts(selected_asset_keys or None)
    catalog = context_of(info).catalog
    unseen = [key for key in texts or () if catalog.asset(key) is None]
    if unseen:
        raise ValueError(f"expected assets of {view.node.name!r}, got {unseen[0]!r}, which is none of them")
    return PartitionRequest(view, partition_name, texts)


described.set_field("name", lambda wanted, info: wanted.partition)
described.set_field("jobName", lambda wanted, info: wanted.job.node.name)


@partition.field("runConfigOrError")
@described.field("runConfigOrError")
async def _run_config(found: PartitionRequest | Answer, info: GraphQLResolveInfo) -> Answer | ErrorInfo:
    run = await _asked(context_of(info), _request_of(found))
    if isinstance(run, ErrorInfo):
        return run
    return answer("PartitionRunConfig", yaml=config_text(run.run_config) if run.run_config else "{}\n")


@partition.field("tagsOrError")
@described.field("tagsOrError")
async def _tags(found: PartitionRequest | Answer, info: GraphQLResolveInfo) -> Answer | ErrorInfo:
    run = await _asked(context_of(info), _request_of(found))
    return run if isinstance(run, ErrorInfo) else answer("PartitionTags", results=key_values(run.tags))


def _request_of(found: PartitionRequest | Answer) -> PartitionRequest:
    if isinstance(found, PartitionRequest):
        return found
    of_set = found["view"]
    return PartitionRequest(JobView(of_set.location, of_set.job), found["name"])


BINDABLES = (pipeline, job, partition, described)
