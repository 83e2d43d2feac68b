"""Lists files that are not local, through fsspec, with the credentials of the user's environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tidewheel.runtime.local_files import list_local
from tidewheel.values.inbox import FileStat

MODIFIED_FIELDS = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
VERSION_FIELDS = ("ETag", "etag", "checksum", "md5Hash", "content_hash")


def list_files(patterns: Sequence[str], storage_options: Mapping[str, Any]) -> tuple[FileStat, ...]:
    """The files that patterns name, each once, by path.

    Raises:
        Exception: whatever the file system raises; what is only not there is no error.
    """
    local = [pattern for pattern in patterns if "://" not in pattern]
    found = {stat.path: stat for stat in list_local(local)}
    for pattern in patterns:
        if "://" in pattern:
            found |= {stat.path: stat for stat in _list_url(pattern, storage_options)}
    return tuple(found[path] for path in sorted(found))


def _list_url(pattern: str, storage_options: Mapping[str, Any]) -> Iterable[FileStat]:
    import fsspec  # noqa: PLC0415 - heavy, and only needed here
    from fsspec.utils import get_protocol  # noqa: PLC0415

    files, path = fsspec.core.url_to_fs(pattern, **storage_options)
    files.invalidate_cache()
    protocol = get_protocol(pattern)
    if any(mark in path for mark in "*?["):
        infos = files.glob(path, detail=True)
    else:
        try:
            infos = files.find(path, detail=True)
        except FileNotFoundError:
            infos = {}
    for name, info in infos.items():
        if info.get("type") != "directory":
            yield _stat(f"{protocol}://{str(name).lstrip('/')}", info)


def _stat(path: str, info: Mapping[str, Any]) -> FileStat:
    version = next((info[name] for name in VERSION_FIELDS if info.get(name)), None)
    modified = next((info[name] for name in MODIFIED_FIELDS if info.get(name) is not None), None)
    return FileStat(
        path=path,
        size=int(info.get("size") or 0),
        modified_at=_seconds(modified),
        version=None if version is None else str(version).strip('"'),
    )


def _seconds(moment: Any) -> float | None:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(moment, int | float):
        return float(moment)
    if isinstance(moment, str):
        try:
            parsed = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    return None
