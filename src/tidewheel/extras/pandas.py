"""An IO manager for Pandas frames in Parquet files. Needs: ``pip install 'tidewheel[pandas]'``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tidewheel.definitions.resources.built_in_io_managers import default_base_dir
from tidewheel.definitions.resources.io_managers import ConfigurableIOManagerFactory
from tidewheel.definitions.resources.resource_context import InitResourceContext
from tidewheel.definitions.resources.upath_io_manager import path_of
from tidewheel.extras.frame_files import FrameFilesIOManager, wanted_columns, write_whole


class PandasParquetFiles(FrameFilesIOManager):
    """Pandas frames in Parquet files below a folder."""

    @property
    def frame_types(self) -> tuple[type, ...]:
        """Pandas' frame."""
        return (pd.DataFrame,)

    def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:
        """Write a frame."""
        frame = self.require_frame(context, obj)
        write_whole(path, lambda target: frame.to_parquet(target))

    def load_from_path(self, context: Any, path: Any) -> Any:
        """Read a frame."""
        with path.open("rb") as source:
            return pd.read_parquet(source, columns=wanted_columns(context))

    def concatenated(self, frames: Sequence[Any], frame_type: type) -> Any:
        """The frames below each other; rows are numbered anew where their index has no meaning."""
        is_numbered = all(isinstance(frame.index, pd.RangeIndex) for frame in frames)
        return pd.concat(frames, ignore_index=is_numbered)

    def row_count(self, frame: Any) -> int | None:
        """The number of rows."""
        return len(frame)

    def columns(self, frame: Any) -> Mapping[str, str]:
        """Column names and types."""
        return {str(name): str(kind) for name, kind in frame.dtypes.items()}


class PandasParquetIOManager(ConfigurableIOManagerFactory):
    """Keeps Pandas frames as Parquet files.

    Attributes:
        base_path: where; a folder or an address such as ``s3://bucket/data`` (with the package universal-pathlib).
            By default the instance's storage folder.
        storage_options: fsspec's options for an address.
    """

    base_path: str | None = None
    storage_options: dict[str, Any] = {}

    def create_io_manager(self, context: InitResourceContext) -> PandasParquetFiles:
        """The IO manager."""
        return PandasParquetFiles(
            path_of(self.base_path or default_base_dir(context), **self.storage_options)
        )
