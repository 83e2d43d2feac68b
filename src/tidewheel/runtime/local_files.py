"""Lists local files: those that paths and globs name, with sizes and times, without following links out of a folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence

from tidewheel.values.inbox import FileStat


def list_local(patterns: Sequence[str]) -> tuple[FileStat, ...]:
    """The files that patterns name, each once, by path. A folder means all files below it."""
    found: dict[str, FileStat] = {}
    for pattern in patterns:
        for path in _paths(pattern):
            if path not in found:
                stat = _stat(path)
                if stat is not None:
                    found[path] = stat
    return tuple(found[path] for path in sorted(found))


def folders_to_watch(patterns: Sequence[str]) -> tuple[str, ...]:
    """The folders below which all that the patterns name is, those that exist; none inside another."""
    nearest = {_existing(_fixed_part(pattern)) for pattern in patterns}
    roots = sorted(root for root in nearest if root is not None)
    return tuple(
        root
        for root in roots
        if not any(other != root and root.startswith(other.rstrip(os.sep) + os.sep) for other in roots)
    )


def _paths(pattern: str) -> Iterator[str]:
    if not glob.has_magic(pattern):
        yield from _below(pattern)
        return
    for path in glob.iglob(pattern, recursive=True, include_hidden=True):
        if not os.path.isdir(path):
            yield path


def _below(path: str) -> Iterable[str]:
    if not os.path.isdir(path):
        return [path]
    return (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)


def _stat(path: str) -> FileStat | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    # a file that was replaced by another one of the same size and time is another file
    return FileStat(path=path, size=stat.st_size, modified_at=stat.st_mtime, version=str(stat.st_ino))


def _fixed_part(pattern: str) -> str:
    parts = pattern.split(os.sep)
    fixed = []
    for part in parts:
        if glob.has_magic(part):
            break
        fixed.append(part)
    else:
        return pattern
    return os.sep.join(fixed) or os.sep


def _existing(path: str) -> str | None:
    """The folder itself, or the one above: what is watched until the folder is made. Never one further up."""
    return next((one for one in (path, os.path.dirname(path)) if os.path.isdir(one)), None)
