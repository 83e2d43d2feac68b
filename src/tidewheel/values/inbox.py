"""What comes from outside and waits in the inbox: deliveries, what became of taking one in, and what is handed over again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import msgspec

from tidewheel.values.error_info import ErrorInfo

HOOK_PREFIX = "hook:"
FILES_PREFIX = "files:"


def hook_source(hook: str) -> str:
    """The source of what is sent to a hook."""
    return f"{HOOK_PREFIX}{hook}"


def files_source(trigger_id: str) -> str:
    """The source of the changes of files that a file sensor watches."""
    return f"{FILES_PREFIX}{trigger_id}"


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """Something to take into the inbox. ``delivery_id`` is its sender's name for it, unique within the source."""

    source: str
    delivery_id: str
    received_at: float
    body: bytes
    headers: dict[str, str] = {}


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something in the inbox. ``id`` grows in the order of arrival, over all sources, and is never used again."""

    id: int
    source: str
    delivery_id: str
    received_at: float
    body: bytes = b""
    headers: dict[str, str] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a new delivery: its id; or that of the one that took its delivery id before.

    ``is_conflict``: the earlier one has another body.
    """

    id: int
    is_duplicate: bool = False
    is_conflict: bool = False


class Backlog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a consumer has not been handed yet: how many (counted up to a limit), and when the oldest came."""

    count: int = 0
    oldest_at: Optional[float] = None


class Redelivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event that a trigger is to be handed again, alone: its evaluation raised, or somebody asked for it.

    ``event_id`` is an id of the inbox for webhook and file sensors, otherwise one of the event log. ``attempts`` counts
    evaluations that raised; ``retry_at`` = None: set aside, it is only handed over when somebody asks for it.
    """

    trigger_id: str
    event_id: int
    attempts: int = 0
    retry_at: Optional[float] = None
    failed_at: Optional[float] = None
    error: Optional[ErrorInfo] = None

    @property
    def is_set_aside(self) -> bool:
        """Whether it is not tried again by itself."""
        return self.retry_at is None


def told_of_failed(events: Sequence[Redelivery]) -> str:
    """In a line, that the evaluation of events raised, and what for the first of them; empty when there are none."""
    if not events:
        return ""
    first = events[0]
    error = first.error.headline if first.error is not None else "no error is known"
    more = f"{len(events)} events failed, first " if len(events) > 1 else ""
    return f"{more}event {first.event_id}: {error}"


class FileStat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file as a listing shows it. ``version``: what the file system calls this state of it (an ETag), if anything."""

    path: str
    size: int = 0
    modified_at: Optional[float] = None
    version: Optional[str] = None

    def same_state(self, other: FileStat) -> bool:
        """Whether both show the same state of the file."""
        return (self.size, self.modified_at, self.version) == (other.size, other.modified_at, other.version)


class FileChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file has appeared, changed or vanished (``change``: ``added`` | ``modified`` | ``deleted``)."""

    change: str
    path: str
    size: int = 0
    modified_at: Optional[float] = None
    version: Optional[str] = None


class ListingCommit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What comparing a listing with the stored one gives: changes to hand over, and the stored listing's new rows."""

    trigger_id: str
    now: float
    changes: tuple[FileChange, ...] = ()
    present: tuple[FileStat, ...] = ()
    gone: tuple[str, ...] = ()
