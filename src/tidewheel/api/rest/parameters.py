"""The parameters that many routes take."""

from __future__ import annotations

from typing import Annotated, Optional

from fastapi import Path, Query

from tidewheel.errors import ParameterCheckError

PLAIN = r"^[^\x00-\x1f]+$"
Limit = Annotated[int, Query(ge=1, le=1_000, description="Length of a page.")]
Cursor = Annotated[
    Optional[str], Query(max_length=200, pattern=PLAIN, description="'next_cursor' of the page before.")
]
Filter = Annotated[Optional[str], Query(max_length=1_000, pattern=PLAIN)]
InPath = Annotated[str, Path(min_length=1, max_length=1_000, pattern=PLAIN)]
WaitSeconds = Annotated[float, Query(ge=0, le=60, description="How long to wait for news, in seconds.")]


def number_of(cursor: str | None) -> int | None:
    """The number in a cursor.

    Raises:
        ParameterCheckError: when it is none of ours.
    """
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise ParameterCheckError(f"expected a cursor of this server, got {cursor[:40]!r}")
    return int(cursor)
