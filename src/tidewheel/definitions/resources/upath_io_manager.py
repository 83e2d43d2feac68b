"""The base of IO managers that keep each value, or each partition of an asset, in a file of its own.

Files may be anywhere that fsspec reaches: paths are ``pathlib.Path`` or, with the package universal-pathlib, ``UPath``.
Assets are at ``<base>/<key>[/<partition>]<extension>``, outputs of ops at ``<base>/<run>/<step>/<output><extension>``.
"""

from __future__ import annotations

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tidewheel.definitions.resources.io_managers import IOManager, value_by_partition
from tidewheel.errors import InvalidDefinitionError, InvariantViolationError
from tidewheel.values.metadata import MetadataValue

ALLOW_MISSING = "allow_missing_partitions"
"""Metadata label of an input whose missing partitions are left out instead of being an error."""


def path_of(base: Any, **storage_options: Any) -> Any:
    """A path object of a text such as ``"data"`` or ``"s3://bucket/data"``; path objects stay as they are.

    Raises:
        InvalidDefinitionError: for an address when universal-pathlib is not installed.
    """
    if base is None:
        base = "."
    if not isinstance(base, str):
        return base
    try:
        from upath import UPath  # noqa: PLC0415 - an extra
    except ImportError:
        if "://" in base:
            raise InvalidDefinitionError(
                f"expected a local path, since universal-pathlib is not installed, got {base!r}; run: "
                "pip install universal-pathlib"
            ) from None
        return Path(base)
    return UPath(base, **storage_options)


class UPathIOManager(IOManager):
    """Implement ``dump_to_path`` and ``load_from_path`` (which may be coroutines), and set ``extension``.

    An output for several partitions is a dict by partition key; an input of several partitions is loaded as one. With
    the metadata ``allow_missing_partitions`` on the input, partitions without a file are left out.
    """

    extension: str | None = None

    def __init__(self, base_path: Any = None) -> None:
        if self.extension is not None and not self.extension.startswith("."):
            raise InvalidDefinitionError(
                f"{type(self).__name__}: expected extension to begin with a dot, got {self.extension!r}"
            )
        self._base_path = path_of(base_path)

    # -- to implement ---------------------------------------------------------------------------------------

    @abstractmethod
    def dump_to_path(self, context: Any, obj: Any, path: Any) -> Any:
        """Write a value to a path whose folder exists. May be a coroutine."""

    @abstractmethod
    def load_from_path(self, context: Any, path: Any) -> Any:
        """Read a value from a path. May be a coroutine: then several partitions are read at once."""

    # -- to override ----------------------------------------------------------------------------------------

    def get_metadata(self, context: Any, obj: Any) -> dict[str, Any]:
        """Metadata that the output's event gets, besides the path."""
        return {}

    def get_asset_relative_path(self, context: Any) -> Any:
        """The path of an asset below the base, without extension."""
        return Path(*context.asset_key.path)

    def get_op_output_relative_path(self, context: Any) -> Any:
        """The path of an op's output below the base, without extension."""
        return Path(*context.get_identifier())

    def get_path_for_partition(self, context: Any, path: Any, partition: str) -> Any:
        """The path of a partition, without extension; ``path`` is that of the asset, ``partition`` safe to append.

        For partitions with dimensions it is the keys joined by slashes, in the order of the dimensions' names.
        """
        return path / partition

    def make_directory(self, path: Any) -> None:
        """Make a folder, and those it lies in."""
        path.mkdir(parents=True, exist_ok=True)

    def path_exists(self, path: Any) -> bool:
        """Whether there is something at a path."""
        return bool(path.exists())

    def unlink(self, path: Any) -> None:
        """Remove a file."""
        path.unlink()

    def make_safe_partition_path(self, base_path: Any, partition: str) -> Any:
        """The path of a partition inside a folder, whatever the key is."""
        return base_path / safe_partition(partition)

    def get_writing_output_log_message(self, path: Any) -> str:
        """What is logged before a file is written."""
        return f"Writing {path} with {type(self).__name__}"

    def get_loading_input_log_message(self, path: Any) -> str:
        """What is logged before a file is read."""
        return f"Reading {path} with {type(self).__name__}"

    def get_loading_input_partition_log_message(self, path: Any, partition_key: str) -> str:
        """What is logged before a partition's file is read."""
        return f"Reading the partition {partition_key} from {path} with {type(self).__name__}"

    def get_missing_partition_log_message(self, partition_key: str) -> str:
        """What is logged for a partition without a file, where that is allowed."""
        return f"The partition {partition_key} has no file and is left out ({ALLOW_MISSING} is set)"

    # -- where it writes ------------------------------------------------------------------------------------

    @property
    def fs(self) -> Any:
        """The fsspec file system of the base."""
        found = getattr(self._base_path, "fs", None)
        if found is not None:
            return found
        import fsspec  # noqa: PLC0415 - not needed by managers that only use paths

        return fsspec.filesystem("file")

    @property
    def storage_options(self) -> Mapping[str, Any]:
        """The fsspec options of the base."""
        return dict(getattr(self._base_path, "storage_options", {}))

    def has_output(self, context: Any) -> bool:
        """Whether everything of an output is stored."""
        return all(self.path_exists(path) for path in self._paths(context).values())

    # -- storing --------------------------------------------------------------------------------------------

    def handle_output(self, context: Any, obj: Any) -> None:
        """Store a value, or a dict of values by partition key.

        Raises:
            InvariantViolationError: for something else where several partitions are to be stored.
        """
        if context.dagster_type.is_nothing and obj is None:
            return
        paths = self._paths(context)
        parts = value_by_partition(context, obj, paths)
        for key, path in paths.items():
            self.make_directory(path.parent)
            _log(context, self.get_writing_output_log_message(path))
            _finished(self.dump_to_path(context=context, obj=parts[key], path=path))
        metadata = dict(self.get_metadata(context=context, obj=obj))
        if obj is not None and len(paths) == 1:
            metadata = {"path": MetadataValue.path(str(next(iter(paths.values())))), **metadata}
        context.add_output_metadata(metadata)

    # -- loading --------------------------------------------------------------------------------------------

    def load_input(self, context: Any) -> Any:
        """Load a value, or a dict of values by partition key where the input is of several partitions."""
        if context.dagster_type.is_nothing:
            return None
        if not (context.has_asset_key and context.has_asset_partitions):
            path = self._paths(context)[None]
            _log(context, self.get_loading_input_log_message(path))
            return self._load_one(context, path)
        keys = list(context.asset_partition_keys)
        if len(keys) == 1:
            ((key, path),) = self._paths(context).items()
            _log(context, self.get_loading_input_partition_log_message(path, key))
            return self._load_one(context, path)
        return self.load_partitions(context) if keys else None

    def load_partitions(self, context: Any) -> dict[str, Any]:
        """All partitions of an input, by key."""
        paths = self._paths(context)
        if inspect.iscoroutinefunction(self.load_from_path):
            return asyncio.run(self.load_partitions_async(context))
        found = {}
        for key, path in paths.items():
            _log(context, self.get_loading_input_partition_log_message(path, str(key)))
            try:
                found[str(key)] = self._load_one(context, path)
            except FileNotFoundError as missing:
                self._require_allowed(context, str(key), missing)
        return found

    async def load_partitions_async(self, context: Any) -> dict[str, Any]:
        """All partitions of an input, by key, read at the same time."""
        paths = self._paths(context)
        loading = [self.load_from_path(context=context, path=path) for path in paths.values()]
        results = await asyncio.gather(*loading, return_exceptions=True)
        found = {}
        for key, result in zip(paths, results, strict=True):
            if isinstance(result, FileNotFoundError):
                self._require_allowed(context, str(key), result)
            elif isinstance(result, BaseException):
                raise result
            else:
                found[str(key)] = result
        return found

    def _load_one(self, context: Any, path: Any) -> Any:
        try:
            return _finished(self.load_from_path(context=context, path=path))
        except FileNotFoundError as missing:
            what = context.asset_key.to_user_string() if context.has_asset_key else "the upstream output"
            missing.add_note(f"expected a stored value of {what!r}, got none; materialize it first")
            raise

    def _require_allowed(self, context: Any, key: str, missing: FileNotFoundError) -> None:
        allowed = (context.definition_metadata or {}).get(ALLOW_MISSING)
        if not getattr(allowed, "value", allowed):
            raise missing
        _log(context, self.get_missing_partition_log_message(key), warns=True)

    # -- paths ----------------------------------------------------------------------------------------------

    def _paths(self, context: Any) -> dict[Any, Any]:
        """The files of an output or input by partition key; by None where there are no partitions."""
        if not context.has_asset_key:
            return {None: self._with_extension(self._below_base(self.get_op_output_relative_path(context)))}
        path = self._below_base(self.get_asset_relative_path(context))
        if not context.has_asset_partitions:
            return {None: self._with_extension(path)}
        return {
            key: self._with_extension(self.get_path_for_partition(context, path, safe_partition(key)))
            for key in context.asset_partition_keys
        }

    def _below_base(self, relative: Any) -> Any:
        return self._base_path.joinpath(*_parts(relative))

    def _with_extension(self, path: Any) -> Any:
        return path.parent / f"{path.name}{self.extension}" if self.extension else path


def safe_partition(key: Any) -> str:
    """A partition key as a path that stays inside its folder. Slashes make folders; dimensions are ordered by name."""
    dimensions = getattr(key, "keys_by_dimension", None)
    texts = [str(value) for _, value in sorted(dimensions.items())] if dimensions else [str(key)]
    return "/".join(_safe_part(part) for text in texts for part in text.split("/"))


def _safe_part(part: str) -> str:
    """A folder's or file's name: an empty one, or one of dots, would mean another folder."""
    return part if part.strip(".") else part.replace(".", "%2E") or "%00"


def _parts(relative: Any) -> Sequence[str]:
    return PurePosixPath(str(relative)).parts


def _finished(made: Any) -> Any:
    return asyncio.run(_awaited(made)) if inspect.isawaitable(made) else made


async def _awaited(made: Any) -> Any:
    return await made


def _log(context: Any, message: str, *, warns: bool = False) -> None:
    try:
        log = context.log
    except InvariantViolationError:  # a context made by hand has none
        return
    if log is not None:
        (log.warning if warns else log.debug)(message)
