"""Answers that say what went wrong, in the form of RFC 9457 (``application/problem+json``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from tidewheel.runtime.masking import mask_text

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """An answer; ``kind`` is a stable word for programs, ``detail`` a sentence for people."""
    return Response(
        msgspec.json.encode(problem_body(status, kind, detail, **more)),
        status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def problem_body(status: int, kind: str, detail: str, **more: Any) -> dict[str, Any]:
    """The body of such an answer."""
    title = kind.replace("_", " ").capitalize()
    detail = mask_text(detail)
    return {"type": f"urn:tidewheel:{kind}", "title": title, "status": status, "detail": detail} | more
