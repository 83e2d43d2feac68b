"""What a code location process is told when it is started; the server writes it, the process reads it."""

from __future__ import annotations

from typing import Optional

import msgspec


class CodeTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where user code is: a file or a module, with the name of one attribute if not everything is wanted.

    ``env_file``: a file of environment variables, which come before those that are there. ``is_defs_folder``: the module
    is a package whose files all count, as ``load_defs`` takes them.
    """

    file: Optional[str] = None
    module: Optional[str] = None
    attribute: Optional[str] = None
    working_dir: Optional[str] = None
    as_dagster: bool = False
    is_defs_folder: bool = False
    env_file: Optional[str] = None

    def describe(self) -> str:
        """The target as people wrote it."""
        text = self.file or self.module or "?"
        return f"{text}:{self.attribute}" if self.attribute else text


class LocationArgs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a location process and its children must know. Times are in seconds.

    ``start_method``: ``auto`` | ``fork`` | ``spare``. ``orphan_timeout_s``: how long to look for a server that went away
    when no run is executing. ``worker_patience_s``: how long a worker that executes a run looks for one.
    ``log_level``, ``log_format``: of the processes' own log, as the server's.
    """

    name: str
    target: CodeTarget
    socket: str
    home: str
    storage_dir: str
    logs_dir: str
    generation: int = 0
    start_method: str = "auto"
    spare_stock: int = 2
    orphan_timeout_s: float = 20.0
    worker_patience_s: float = 600.0
    log_level: str = "warning"
    log_format: str = "text"
