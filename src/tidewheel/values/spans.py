"""One span of a trace: something that began, ended, and was part of something else."""

from __future__ import annotations

from typing import Optional

import msgspec


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span: ids as whole numbers, times in seconds since the epoch."""

    trace_id: int
    span_id: int
    name: str
    started_at: float
    ended_at: float
    parent_id: Optional[int] = None
    succeeded: bool = True
    message: str = ""
    attributes: dict[str, str] = {}
