"""How large what user code asks for may be: all limits in one place. What is larger is refused with its reason on the tick.

They are far above sensible use, and exist so that a mistake in user code (a whole file as a run key) is told at once and
neither fills the ledger nor slows down the others.
"""

from __future__ import annotations

MAX_CURSOR_BYTES = 1_000_000
"""A sensor's cursor; a larger one fails the evaluation, and the old one stays."""
MAX_RUN_KEY_BYTES = 4_096
"""A run key; the request with a larger one fails, the others are made. So it is with all limits of one request."""
MAX_PARTITION_KEY_BYTES = 4_096
MAX_TAG_NAME_BYTES = 1_024
MAX_TAG_VALUE_BYTES = 65_536
MAX_TAGS = 1_000
MAX_RUN_CONFIG_BYTES = 4_000_000
MAX_METADATA_BYTES = 1_000_000
"""One asset event's metadata, as stored."""
MAX_EVENT_METADATA_BYTES = 10_000_000
"""All metadata of one event of a run. What does not fit is replaced by its size: the step is done and stays done."""
MAX_EVENT_TEXT_CHARS = 1_000_000
"""One log line, one error's message, one description of a run's event; longer ones are cut off."""
MAX_REQUESTS = 50_000
"""Requests of one evaluation; more fail it, since more would be a mistake (ask for partitions by a backfill)."""
MAX_DELIVERY_BYTES = 16 * 1024 * 1024
"""The largest body that a webhook sensor may accept."""
MAX_SKIP_REASON_CHARS = 10_000
"""Longer ones are cut off."""
SHOWN_CHARS = 200
"""How much of a text that is too long is shown in its error."""


def shown(text: str) -> str:
    """The text as errors show it."""
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}... ({len(text)} characters)"


def size_problem(what: str, text: str, limit: int) -> str | None:
    """Why a text cannot be stored: it is too long, or no text at all; None when it can."""
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as exc:
        return f"expected {what} as text that UTF-8 can hold, got {shown(ascii(text))} ({exc.reason})"
    if "\x00" in text:
        return f"expected {what} without NUL characters, which not every database can hold, got {shown(ascii(text))}"
    if size > limit:
        return f"expected {what} of at most {limit} bytes, got {size} bytes: {shown(text)!r}; make it shorter"
    return None
