"""Talks to a server's REST interface: one connection, problems as errors, changes that are safe to repeat."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from tidewheel.errors import (
    AccessRefusedError,
    LoginRefusedError,
    RunConflict,
    RunNotFoundError,
    ServerUnreachableError,
    TidewheelError,
)
from tidewheel.runtime.remote.profiles import Profile
from tidewheel.runtime.secrets import new_secret

T = TypeVar("T")
TIMEOUT_S = 90.0
ATTEMPTS = 3
PAGE = 1_000


class _Problem(msgspec.Struct, frozen=True):
    """What a server says is wrong."""

    type: str = ""
    detail: str = ""
    status: int = 0


class ProblemError(TidewheelError):
    """The server refused a request; ``status`` and ``body`` as it answered."""

    def __init__(self, message: str, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        super().__init__(message)


ERRORS: dict[str, type[TidewheelError]] = {
    "urn:tidewheel:access_refused": AccessRefusedError,
    "urn:tidewheel:login_needed": LoginRefusedError,
    "urn:tidewheel:login_refused": LoginRefusedError,
    "urn:tidewheel:unknown_run": RunNotFoundError,
    "urn:tidewheel:conflict": RunConflict,
}


class RestClient:
    """Requests to one server. Not for several threads at once."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._parts = urlsplit(profile.server)
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, as_type: type[T], **query: Any) -> T:
        """What is at an address, as a value. Parameters that are None are left out."""
        return msgspec.json.decode(self.request("GET", path, query=query), type=as_type)

    def send(self, method: str, path: str, body: Any, as_type: type[T], **query: Any) -> T:
        """What the server answers to a change, as a value. It is made once, however often it has to be sent."""
        return msgspec.json.decode(self.request(method, path, body=body, query=query), type=as_type)

    def items(self, path: str, as_type: type[T], *, most: int | None = None, **query: Any) -> Iterator[T]:
        """The items of all pages, or the first ``most`` of them."""
        cursor: str | None = None
        while most is None or most > 0:
            limit = PAGE if most is None else min(PAGE, most)
            data = self.request("GET", path, query={**query, "limit": limit, "cursor": cursor})
            found = msgspec.json.decode(data, type=_Page)
            for item in found.items:
                yield msgspec.json.decode(item, type=as_type)
            most = None if most is None else most - len(found.items)
            cursor = found.next_cursor
            if cursor is None:
                return

    def request(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> bytes:
        """The body of the server's answer.

        Raises:
            TidewheelError: what the server says is wrong, in the class that a local command would raise.
            ServerUnreachableError: when it cannot be reached.
        """
        given = [
            (name, str(value))
            for name, values in (query or {}).items()
            for value in (values if isinstance(values, (list, tuple)) else [values])
            if value is not None
        ]
        target = f"{self._parts.path}/api/v1{path}" + (f"?{urlencode(given)}" if given else "")
        data = None if body is None else msgspec.json.encode(body)
        headers = {"accept": "application/json"}
        if data is not None:
            headers["content-type"] = "application/json"
        if method == "POST":
            headers["idempotency-key"] = new_secret()
        if self.profile.token:
            headers["authorization"] = f"Bearer {self.profile.token}"
        status, answer = self._exchange(method, target, data, headers)
        if status >= 400:
            raise _error(self.profile.server, status, answer)
        return answer

    def _exchange(
        self, method: str, target: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                connection = self._connected()
                connection.request(method, target, data, headers)
                response = connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException) as exc:
                self.close()
                if attempt == ATTEMPTS:
                    raise ServerUnreachableError(
                        f"expected a server at {self.profile.server}, got: {exc or type(exc).__name__}"
                    ) from exc
        raise AssertionError("unreachable")

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        return self._connection

    def close(self) -> None:
        """Close the connection; a later request opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Page(msgspec.Struct, frozen=True):
    """A page as it comes."""

    items: list[msgspec.Raw]
    next_cursor: str | None = None


def in_path(text: str) -> str:
    """A name as one part of an address."""
    return quote(text, safe="")


def key_in_path(key: str) -> str:
    """An asset's key in an address: its slashes stay."""
    return quote(key, safe="/")


def _error(server: str, status: int, body: bytes) -> TidewheelError:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem(
            detail=f"expected a Tidewheel server at {server}, got an answer with status {status}"
        )
    kind = ERRORS.get(problem.type)
    if kind is LoginRefusedError:
        return kind(f"{problem.detail} (tidewheel login {server}, or set TIDEWHEEL_TOKEN)")
    return kind(problem.detail) if kind is not None else ProblemError(problem.detail, status, body)
