"""Reads what steps wrote to standard output and error, from the files that the run's log names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ariadne import QueryType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.context import RequestContext, context_of
from tidewheel.api.graphql.event_fields import log_file_key
from tidewheel.runtime.masking import mask_text
from tidewheel.storage.ports import LedgerPort
from tidewheel.values.events import CapturedLogs

MAX_PART_BYTES = 256 * 1024
"""Of one stream in one answer; the cursor leads to the rest."""
CURSOR_SHAPE = "expected a cursor of this server ('<bytes of stdout>:<bytes of stderr>'), got {!r}"


async def read_captured(context: RequestContext, log_key: Sequence[str], cursor: str | None) -> Answer:
    """A part of both streams, from the cursor on. Streams without a file are null.

    Raises:
        ValueError: when the cursor is none of ours.
    """
    places = _places(cursor)
    files = await _files(context, log_key)
    parts, ends = [], []
    for file, place in zip(files, places, strict=True):
        data = await context.database.read(_read_part, file, place) if file is not None else None
        parts.append(None if data is None else mask_text(data.decode("utf-8", "replace")))
        ends.append(place + len(data or b""))
    return answer(
        "CapturedLogs",
        log_key=list(log_key),
        stdout=parts[0],
        stderr=parts[1],
        cursor=f"{ends[0]}:{ends[1]}",
    )


def _places(cursor: str | None) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    first, _, second = cursor.partition(":")
    if not (first.isdecimal() and second.isdecimal() and len(cursor) < 40):
        raise ValueError(CURSOR_SHAPE.format(cursor[:80]))
    return int(first), int(second)


async def _files(context: RequestContext, log_key: Sequence[str]) -> tuple[Path | None, Path | None]:
    """The files of both streams. They are found through the run's log, so that no other file can be named."""
    if len(log_key) < 2:
        return None, None
    run_id, file_key = log_key[0], log_key[-1]
    found = await context.database.read(_captured, context.ledger, run_id, file_key)
    home = context.server.options.home
    return (
        (None, None) if found is None else (_below(home, found.stdout_path), _below(home, found.stderr_path))
    )


def _captured(ledger: LedgerPort, run_id: str, file_key: str) -> CapturedLogs | None:
    for stored in ledger.get_run_log(run_id):
        payload = stored.event.payload
        is_wanted = isinstance(payload, CapturedLogs) and file_key in (
            log_file_key(stored.event),
            *payload.steps,
        )
        if is_wanted and isinstance(payload, CapturedLogs):
            return payload
    return None


def _below(home: Path, path: str | None) -> Path | None:
    if path is None:
        return None
    full = (home / path).resolve()
    return full if full.is_relative_to(home.resolve()) and full.is_file() else None


def _read_part(file: Path, place: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(place)
        data = stream.read(MAX_PART_BYTES)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.start > 0 and error.reason == "unexpected end of data":
            return data[: error.start]  # the rest of this character comes with the next part
    return data


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
    stdout, stderr = await _files(context_of(info), log_key)
    return answer(
        "CapturedLogsMetadata",
        stdout_download_url=None,
        stdout_location=str(stdout) if stdout else None,
        stderr_download_url=None,
        stderr_location=str(stderr) if stderr else None,
    )


BINDABLES = (query,)
