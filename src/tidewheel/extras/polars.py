"""An IO manager for Polars frames in Parquet files. Needs: ``pip install 'tidewheel[polars]'``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tidewheel.definitions.resources.built_in_io_managers import default_base_dir
from tidewheel.definitions.resources.io_managers import ConfigurableIOManagerFactory
from tidewheel.definitions.resources.resource_context import InitResourceContext
from tidewheel.definitions.resources.upath_io_manager import path_of
from tidewheel.extras.frame_files import FrameFilesIOManager, annotated_type, wanted_columns, write_whole


class PolarsParquetFiles(FrameFilesIOManager):
    """Polars frames in Parquet files below a folder. An input annotated with ``LazyFrame`` is read when it is needed."""

    @property
    def frame_types(self) -> tuple[type, ...]:
        """Polars' frame, eager and lazy."""
        return (pl.DataFrame, pl.LazyFrame)

    def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:
        """Write a frame; a lazy one is computed piece by piece."""
        frame = self.require_frame(context, obj)
        if isinstance(frame, pl.LazyFrame):
            write_whole(path, lambda target: frame.sink_parquet(target))
        else:
            write_whole(path, lambda target: frame.write_parquet(target))

    def load_from_path(self, context: Any, path: Any) -> Any:
        """Read a frame, or prepare to."""
        columns = wanted_columns(context)
        if annotated_type(context) is pl.LazyFrame and isinstance(path, Path):
            if not path.exists():  # a lazy frame would only fail far from here
                raise FileNotFoundError(2, "No such file or directory", str(path))
            lazy = pl.scan_parquet(path)
            return lazy.select(columns) if columns is not None else lazy
        with path.open("rb") as source:
            frame = pl.read_parquet(source, columns=columns)
        return frame.lazy() if annotated_type(context) is pl.LazyFrame else frame

    def concatenated(self, frames: Sequence[Any], frame_type: type) -> Any:
        """The frames below each other; columns may be of types that fit together."""
        return pl.concat(frames, how="vertical_relaxed")

    def row_count(self, frame: Any) -> int | None:
        """The number of rows; not known of a lazy frame."""
        return frame.height if isinstance(frame, pl.DataFrame) else None

    def columns(self, frame: Any) -> Mapping[str, str]:
        """Column names and types."""
        return {name: str(kind) for name, kind in frame.collect_schema().items()}


class PolarsParquetIOManager(ConfigurableIOManagerFactory):
    """Keeps Polars frames as Parquet files.

    Attributes:
        base_path: where; a folder or an address such as ``s3://bucket/data`` (with the package universal-pathlib).
            By default the instance's storage folder.
        storage_options: fsspec's options for an address.
    """

    base_path: str | None = None
    storage_options: dict[str, Any] = {}

    def create_io_manager(self, context: InitResourceContext) -> PolarsParquetFiles:
        """The IO manager."""
        return PolarsParquetFiles(
            path_of(self.base_path or default_base_dir(context), **self.storage_options)
        )
