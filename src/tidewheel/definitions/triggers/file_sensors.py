"""Sensors that hear of files: ``@file_sensor`` (files appear, change, vanish; local or anywhere fsspec reaches)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.triggers.sensors import DefaultSensorStatus, SensorDefinition, remember
from tidewheel.definitions.triggers.trigger_functions import function_name
from tidewheel.definitions.triggers.webhook_sensors import ONE_BY_ONE, require_hand_over
from tidewheel.errors import InvalidDefinitionError
from tidewheel.logic.graph.specs import FileSource
from tidewheel.values.policies import TriggerPolicy

CHANGES = ("added", "modified", "deleted")
LOCAL_SCHEMES = ("file://", "local://")


class FileSensorDefinition(SensorDefinition):
    """A sensor whose function is called with the changes of the files that some paths, globs or URLs name.

    Local files are watched by the operating system's notifications; everything else is listed every ``poll_seconds`` in the
    code location's process, with its credentials, and compared with the listing before. What was seen is stored, so
    that also what happens while nothing runs is reported. A file is reported when it has not changed for
    ``stable_seconds``: not while it is still being written.
    """

    kind = "file"

    def __init__(
        self,
        name: str,
        *,
        file_fn: Callable[..., Any],
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        changes: Sequence[str] = CHANGES,
        stable_seconds: float | None = None,
        poll_seconds: float = 30.0,
        report_existing: bool = True,
        storage_options: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
        hand_over: str = ONE_BY_ONE,
        **more: Any,
    ) -> None:
        super().__init__(name, evaluation_fn=file_fn, **more)
        self.patterns = _patterns(paths, self.what)
        unknown = sorted(set(changes) - set(CHANGES))
        if unknown or not changes:
            raise InvalidDefinitionError(
                f"{self.what}: expected changes of {', '.join(map(repr, CHANGES))}, got {unknown or 'none'}"
            )
        self.changes = tuple(changes)
        self.is_local = not any(is_url(pattern) for pattern in self.patterns)
        if not self.is_local and not all(is_url(pattern) for pattern in self.patterns):
            raise InvalidDefinitionError(
                f"{self.what}: expected local paths or URLs, got both; make two sensors"
            )
        if poll_seconds < 0.1:
            raise InvalidDefinitionError(
                f"{self.what}: expected poll_seconds of 0.1 or more, got {poll_seconds!r}"
            )
        # objects in stores appear whole; local files grow while they are written
        given = stable_seconds if stable_seconds is not None else (1.0 if self.is_local else 0.0)
        if given < 0:
            raise InvalidDefinitionError(
                f"{self.what}: expected stable_seconds of 0 or more, got {stable_seconds!r}"
            )
        self.stable_seconds = float(given)
        self.poll_seconds = float(poll_seconds)
        self.report_existing = report_existing
        self._storage_options = storage_options
        self.hand_over = require_hand_over(hand_over, self.what)

    @property
    def storage_options(self) -> dict[str, Any]:
        """What fsspec is given to reach the files; asked for in the code location, when files are listed."""
        given = self._storage_options
        return dict((given() if callable(given) else given) or {})

    @property
    def spec(self) -> FileSource:
        """What the server needs to watch, without any credentials."""
        return FileSource(
            patterns=self.patterns,
            is_local=self.is_local,
            changes=self.changes,
            stable_s=self.stable_seconds,
            poll_s=self.poll_seconds,
            reports_existing=self.report_existing,
        )


def is_url(pattern: str) -> bool:
    """Whether a pattern names files that are not on this machine."""
    return "://" in pattern


def _patterns(paths: Any, what: str) -> tuple[str, ...]:
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = []
    for one in given:
        text = os.fspath(one)
        for scheme in LOCAL_SCHEMES:
            text = text.removeprefix(scheme)
        # relative to where the code runs, which need not be where the server does
        found.append(text if is_url(text) else os.path.abspath(text))
    if not found:
        raise InvalidDefinitionError(f"{what}: expected at least one path, glob or URL, got none")
    return tuple(found)


def file_sensor(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    name: str | None = None,
    changes: Sequence[str] = CHANGES,
    stable_seconds: float | None = None,
    poll_seconds: float = 30.0,
    report_existing: bool = True,
    storage_options: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    hand_over: str = ONE_BY_ONE,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    job_name: str | None = None,
    target: Any = None,
    asset_selection: Any = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    required_resource_keys: set[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
    policy: TriggerPolicy | None = None,
) -> Callable[[Callable[..., Any]], FileSensorDefinition]:
    """Decorate a function that is called when files appear, change or vanish.

    ``paths``: a folder (all files below it), a file, a glob (``**`` for any depth), a URL that fsspec knows, or several.
    Its context has the change (``context.change``: ``change``, ``path``, ``size``, ``modified_at``), or with
    ``hand_over="batch"`` all that wait (``context.changes``). It may return all that a sensor's function may.
    """

    def decorate(fn: Callable[..., Any]) -> FileSensorDefinition:
        made = FileSensorDefinition(
            name or function_name(fn, "sensor function"),
            file_fn=fn,
            paths=paths,
            changes=changes,
            stable_seconds=stable_seconds,
            poll_seconds=poll_seconds,
            report_existing=report_existing,
            storage_options=storage_options,
            hand_over=hand_over,
            description=description or fn.__doc__,
            job=job,
            jobs=jobs,
            job_name=job_name,
            target=target,
            asset_selection=asset_selection,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            owners=owners,
            policy=policy,
        )
        return remember(made, fn)  # type: ignore[no-any-return]

    return decorate
