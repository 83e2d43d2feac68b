"""Tells requests of our own pages, and of programs, from those that a page of another site made a browser send."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether no other site's page is behind a request: browsers say where one comes from, programs say nothing."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")
