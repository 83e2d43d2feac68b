"""The Pipes protocol as it goes over the wire: names of variables, how parameters are packed, the shape of messages.

The other side is the package ``dagster-pipes`` (or its counterparts in other languages). It finds two texts in its
environment or on its command line: where its context is, and where its messages go. A message is one JSON object on a
line of its own, with a version, a method and parameters.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, TypedDict

CONTEXT_VARIABLE = "DAGSTER_PIPES_CONTEXT"
MESSAGES_VARIABLE = "DAGSTER_PIPES_MESSAGES"
CONTEXT_ARGUMENT = "--dagster-pipes-context"
MESSAGES_ARGUMENT = "--dagster-pipes-messages"

PATH_KEY = "path"
"""Parameter of injectors and readers that use a file: where it is."""
DATA_KEY = "data"
"""Parameter of the injector that sends the context itself."""
STDIO_KEY = "include_stdio_in_messages"
"""Parameter of readers: whether the process shall send its standard streams as messages too."""
WRITERS_KEY = "dagster_pipes_composite_writers"
"""Parameter of the composite reader: the parameters of each of its writers."""

VERSION_FIELD = "__dagster_pipes_version"


class PipesLaunchedData(TypedDict, total=False):
    """What a launcher tells a message reader once the process has been started (a job id, for example)."""

    extras: dict[str, Any]


class PipesMessage(TypedDict):
    """One message from the other side."""

    method: str
    params: Mapping[str, Any]


def pack(params: Mapping[str, Any]) -> str:
    """Parameters as a text that is safe in environment variables and command lines."""
    raw = json.dumps(params, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(raw)).decode()


def unpack(text: str) -> Any:
    """The parameters of a packed text."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def parse_message(line: str) -> PipesMessage | None:
    """The message on a line; None for a line that is not one (something else the process has written there).

    Raises:
        ValueError: for a line that claims to be a message and is malformed.
    """
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or VERSION_FIELD not in found:
        return None
    method, params = found.get("method"), found.get("params")
    if not isinstance(method, str):
        raise ValueError(f"expected a message with a method, got {line.strip()[:200]!r}")
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise ValueError(f"expected the parameters of {method!r} as an object, got {params!r}")
    return PipesMessage(method=method, params=params)
