"""Compares a listing of files with the one that was reported before.

A file counts once its size, time and version have stayed the same for a while, so that one that is still being written
is not reported half-way. What has vanished counts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

import msgspec

from tidewheel.logic.graph.specs import FileSource
from tidewheel.values.inbox import FileChange, FileStat


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was last seen, and since when it has been so."""

    stat: FileStat
    since: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """``changes`` to report, the stored listing's new rows, files that may still grow, and when to look at those again."""

    changes: tuple[FileChange, ...] = ()
    present: tuple[FileStat, ...] = ()
    gone: tuple[str, ...] = ()
    unsettled: dict[str, Unsettled] = {}
    wake_at: Optional[float] = None


def compare(
    source: FileSource,
    reported: Mapping[str, FileStat],
    listed: Sequence[FileStat],
    unsettled: Mapping[str, Unsettled],
    *,
    now: float,
    is_first: bool = False,
) -> Comparison:
    """What has changed since the stored listing. ``is_first``: there was none yet, so that what is there need not be new."""
    settled: list[FileStat] = []
    waiting: dict[str, Unsettled] = {}
    for stat in listed:
        before = reported.get(stat.path)
        if before is not None and before.same_state(stat):
            continue
        if is_first and not source.reports_existing:
            settled.append(stat)
            continue
        seen = unsettled.get(stat.path)
        since = seen.since if seen is not None and seen.stat.same_state(stat) else now
        if now - since >= source.stable_s or _is_old(stat, source, now):
            settled.append(stat)
        else:
            waiting[stat.path] = Unsettled(stat=stat, since=since)
    gone = tuple(sorted(set(reported) - {stat.path for stat in listed}))
    changes = [] if is_first and not source.reports_existing else _changes(reported, settled, gone)
    return Comparison(
        changes=tuple(change for change in changes if change.change in source.changes),
        present=tuple(settled),
        gone=gone,
        unsettled=waiting,
        wake_at=min((one.since + source.stable_s for one in waiting.values()), default=None),
    )


def _is_old(stat: FileStat, source: FileSource, now: float) -> bool:
    """Whether it was written long enough ago: then it need not be watched first."""
    return stat.modified_at is not None and now - stat.modified_at >= 2 * source.stable_s + 1.0


def _changes(
    reported: Mapping[str, FileStat], settled: Sequence[FileStat], gone: Sequence[str]
) -> list[FileChange]:
    """In the order in which files were written; what has vanished first."""
    changes = [FileChange(change="deleted", path=path) for path in gone]
    for stat in sorted(settled, key=lambda one: (one.modified_at or 0.0, one.path)):
        changes.append(
            FileChange(
                change="modified" if stat.path in reported else "added",
                path=stat.path,
                size=stat.size,
                modified_at=stat.modified_at,
                version=stat.version,
            )
        )
    return changes
