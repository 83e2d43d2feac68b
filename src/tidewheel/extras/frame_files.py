"""What IO managers of data frames in Parquet files have in common, whichever package the frames are of."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tidewheel.definitions.resources.upath_io_manager import UPathIOManager
from tidewheel.errors import InvariantViolationError
from tidewheel.values.metadata import MetadataValue, TableColumn, TableSchema

COLUMNS_KEY = "columns"
"""Metadata label of an input that names the columns to load."""


class FrameFilesIOManager(UPathIOManager):
    """Frames in Parquet files, one for each asset or partition.

    Several partitions are loaded as one frame where the input is annotated with a frame class, otherwise as a dict of
    frames by partition key. The input's metadata ``columns`` names the columns to load.
    """

    extension = ".parquet"

    @property
    @abstractmethod
    def frame_types(self) -> tuple[type, ...]:
        """The frame classes that can be stored and loaded."""

    @abstractmethod
    def concatenated(self, frames: Sequence[Any], frame_type: type) -> Any:
        """One frame of several, in order."""

    @abstractmethod
    def row_count(self, frame: Any) -> int | None:
        """The number of rows, where it is known."""

    @abstractmethod
    def columns(self, frame: Any) -> Mapping[str, str]:
        """Column names and types."""

    def load_partitions(self, context: Any) -> Any:
        """All partitions: one frame where the input is annotated with a frame class, otherwise a dict."""
        frames = super().load_partitions(context)
        wanted = annotated_type(context)
        if wanted not in self.frame_types:
            return frames
        if not frames:
            raise FileNotFoundError(
                2,
                f"expected at least one stored partition of {context.asset_key.to_user_string()!r}, got none",
            )
        return self.concatenated(list(frames.values()), wanted)

    def get_metadata(self, context: Any, obj: Any) -> dict[str, Any]:
        """Row count and columns."""
        frames = list(obj.values()) if isinstance(obj, Mapping) else [obj]
        if not frames or not isinstance(frames[0], self.frame_types):
            return {}
        counts = [self.row_count(frame) for frame in frames]
        total = sum(count for count in counts if count is not None)
        return frame_metadata(None if None in counts else total, self.columns(frames[-1]))

    def require_frame(self, context: Any, obj: Any) -> Any:
        """The frame.

        Raises:
            InvariantViolationError: for anything else.
        """
        if not isinstance(obj, self.frame_types):
            what = context.asset_key.to_user_string() if context.has_asset_key else context.name
            names = " or ".join(
                f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in self.frame_types
            )
            raise InvariantViolationError(
                f"expected the value of {what!r} to be a {names}, got {type(obj).__name__}; return a frame, "
                "annotate the function with '-> None' if it stores its result itself, or choose another IO manager"
            )
        return obj


def annotated_type(context: Any) -> Any:
    """The Python type that an input's parameter is annotated with, or None."""
    return getattr(context.dagster_type, "typing_type", None)


def wanted_columns(context: Any) -> list[str] | None:
    """The columns that an input asks for in its metadata; None: all."""
    found = (context.definition_metadata or {}).get(COLUMNS_KEY)
    found = getattr(found, "value", found)
    return None if found is None else [str(name) for name in found]


def frame_metadata(row_count: int | None, columns: Mapping[str, str]) -> dict[str, Any]:
    """Metadata about a table under the labels that the pages and ready-made checks know."""
    schema = TableSchema([TableColumn(name, kind) for name, kind in columns.items()])
    found: dict[str, Any] = {"dagster/column_schema": MetadataValue.table_schema(schema)}
    if row_count is not None:
        found["dagster/row_count"] = MetadataValue.int(row_count)
    return found


def write_whole(path: Any, write: Callable[[Any], object]) -> None:
    """Let ``write`` fill a file that appears whole or not at all; stores of objects behave so by themselves."""
    if not isinstance(path, Path):
        with path.open("wb") as target:
            write(target)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as target:
            write(target)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
