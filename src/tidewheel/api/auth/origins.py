"""Tells requests of our own pages, and of programs, from those that a page of another site made a browser send."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_same_origin(connection: HTTPConnection, public_url: str | None = None) -> bool:
    """Whether no other site's page is behind a request: browsers say where one comes from, programs say nothing."""
    origin = connection.headers.get("origin")
    if origin is None:
        return connection.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    ours = {connection.headers.get("host")} | ({urlsplit(public_url).netloc} if public_url else set())
    return _netloc(origin) in ours


def is_surely_same_origin(connection: HTTPConnection, public_url: str | None = None) -> bool:
    """As ``is_same_origin``, but silence is not enough: what a cookie vouches for must come from a page of ours."""
    headers = connection.headers
    return ("origin" in headers or "sec-fetch-site" in headers) and is_same_origin(connection, public_url)


def is_for_loopback(connection: HTTPConnection) -> bool:
    """Whether the request names this machine by a loopback name.

    A page of another site can have its own name lead to 127.0.0.1; it cannot change the name that the browser sends.
    """
    host = connection.headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def local_path(wanted: str | None) -> str:
    """A path on this server to go on to after a login; ``/`` for anything that could lead elsewhere."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or len(wanted) > 2_000:
        return "/"
    return wanted if wanted.isprintable() and "\\" not in wanted else "/"


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
