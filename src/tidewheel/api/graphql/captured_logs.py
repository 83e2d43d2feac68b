"""Resolves what steps wrote to standard output and error."""

from __future__ import annotations

from collections.abc import Sequence

from ariadne import QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.runtime.captured_output import OutputPart, output_files, read_output


async def read_captured(context: RequestContext, log_key: Sequence[str], cursor: str | None) -> Answer:
    """A part of both streams, from the cursor on. Streams without a file are null.

    Raises:
        ParameterCheckError: when the cursor is none of ours.
    """
    part = OutputPart(key="", cursor=cursor or "0:0")
    if len(log_key) >= 2:
        home = context.server.options.home
        part = await context.database.read(read_output, context.ledger, home, log_key[0], log_key[-1], cursor)
    return answer(
        "CapturedLogs",
        log_key=list(log_key),
        stdout=part.stdout,
        stderr=part.stderr,
        cursor=part.cursor,
    )


query = QueryType()


@query.field("capturedLogs")
async def _captured_logs(
    root: None,
    info: GraphQLResolveInfo,
    log_key: list[str],
    cursor: str | None = None,
    limit: int | None = None,
) -> Answer:
    return await read_captured(context_of(info), log_key, cursor)


@query.field("capturedLogsMetadata")
async def _metadata(root: None, info: GraphQLResolveInfo, log_key: list[str]) -> Answer:
    context = context_of(info)
    stdout, stderr = None, None
    if len(log_key) >= 2:
        home = context.server.options.home
        stdout, stderr = await context.database.read(
            output_files, context.ledger, home, log_key[0], log_key[-1]
        )
    return answer(
        "CapturedLogsMetadata",
        stdout_download_url=None,
        stdout_location=str(stdout) if stdout else None,
        stderr_download_url=None,
        stderr_location=str(stderr) if stderr else None,
    )


BINDABLES = (query,)
