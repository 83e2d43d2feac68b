"""A base for IO managers that keep each value in a file of its own, on any file system that has path objects.

Subclasses say how one value is written to and read from a path; everything about keys, partitions and metadata is
here. The base path is a ``pathlib.Path``, or a ``UPath`` (of the package universal_pathlib) for remote file systems.
"""

from __future__ import annotations

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tidewheel.definitions.resources.io_managers import IOManager
from tidewheel.errors import CheckError, InvariantViolationError


class UPathIOManager(IOManager):
    """Keeps values in files below ``base_path``; ``extension`` is added to every file name.

    Assets are at ``<key path>[/<partition>]``, outputs of ops at ``<run id>/<step>/<output>``.
    """

    extension: ClassVar[str | None] = None

    def __init__(self, base_path: Any = None) -> None:
        if self.extension is not None and self.extension and not self.extension.startswith("."):
            raise CheckError(f"expected an extension that begins with a dot, got {self.extension!r}")
        self._base_path = as_path(base_path) if base_path is not None else Path()

    # -- what subclasses say ------------------------------------------------------------------------------

    @abstractmethod
    def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:
        """Write a value to a path."""

    @abstractmethod
    def load_from_path(self, context: Any, path: Any) -> Any:
        """Read a value from a path; may be async, then partitions are read side by side."""

    def get_metadata(self, context: Any, obj: Any) -> Mapping[str, Any]:
        """Further metadata for an output."""
        return {}

    def get_writing_output_log_message(self, path: Any) -> str:
        """What to log when a value is written."""
        return f"Writing file at: {path}"

    def get_loading_input_log_message(self, path: Any) -> str:
        """What to log when a value is read."""
        return f"Loading file from: {path}"

    def get_writing_output_partition_log_message(self, path: Any) -> str:
        """What to log when a partition is written."""
        return f"Writing partitioned file at: {path}"

    def get_loading_input_partition_log_message(self, path: Any) -> str:
        """What to log when a partition is read."""
        return f"Loading partitioned file from: {path}"

    # -- paths --------------------------------------------------------------------------------------------

    @property
    def fs(self) -> Any:
        """The file system of the base path, for remote ones."""
        return getattr(self._base_path, "fs", None)

    @property
    def storage_options(self) -> dict[str, Any]:
        """The options of the base path's file system, for remote ones."""
        return dict(getattr(self._base_path, "storage_options", {}))

    def path_exists(self, path: Any) -> bool:
        """Whether there is something at a path."""
        return bool(path.exists())

    def make_directory(self, path: Any) -> None:
        """Make a folder and those around it."""
        path.mkdir(parents=True, exist_ok=True)

    def unlink(self, path: Any) -> None:
        """Delete a file; nothing happens when there is none."""
        if path.exists():
            path.unlink()

    def has_output(self, context: Any) -> bool:
        """Whether something is stored for an output."""
        return self.path_exists(self._get_path(context))

    def _with_extension(self, path: Any) -> Any:
        return path.with_name(path.name + self.extension) if self.extension else path

    def get_asset_relative_path(self, context: Any) -> Any:
        """The path of an asset below the base path."""
        return Path(*context.asset_key.path)

    def get_op_output_relative_path(self, context: Any) -> Any:
        """The path of an op's output below the base path."""
        return Path(*context.get_identifier())

    def get_path_for_partition(self, context: Any, path: Any, partition: str) -> Any:
        """The path of one partition of an asset; ``path`` is that of the asset."""
        return path.joinpath(partition)

    def _get_path_without_extension(self, context: Any) -> Any:
        if context.has_asset_key:
            relative = self.get_asset_relative_path(context)
        else:
            relative = self.get_op_output_relative_path(context)
        return self._base_path.joinpath(relative)

    def _get_path(self, context: Any) -> Any:
        return self._with_extension(self._get_path_without_extension(context))

    def _get_paths_for_partitions(self, context: Any) -> dict[str, Any]:
        base = self._get_path_without_extension(context)
        return {
            str(key): self._with_extension(self.get_path_for_partition(context, base, _relative(key)))
            for key in context.asset_partition_keys
        }

    # -- storing and loading ------------------------------------------------------------------------------

    def handle_output(self, context: Any, obj: Any) -> None:
        """Store a value.

        Raises:
            InvariantViolationError: for several partitions at once.
        """
        if context.dagster_type.is_nothing and obj is None:
            return
        if context.has_asset_partitions:
            paths = self._get_paths_for_partitions(context)
            if len(paths) != 1:
                raise InvariantViolationError(
                    f"expected one partition to store, got {len(paths)} of "
                    f"{context.asset_key.to_user_string()!r}; store them in "
                    "the asset's function, or run one partition at a time"
                )
            path = next(iter(paths.values()))
        else:
            path = self._get_path(context)
        self.make_directory(path.parent)
        context.log.debug(self.get_writing_output_log_message(path))
        self.dump_to_path(context=context, obj=obj, path=path)
        place = {"path": Path(str(path))} if obj is not None else {}
        context.add_output_metadata({**self.get_metadata(context=context, obj=obj), **place})

    def load_input(self, context: Any) -> Any:
        """Load a value; a dict by partition key where several partitions are needed.

        Raises:
            CheckError: when several are needed and the input's type is not a dict.
        """
        if context.dagster_type.is_nothing:
            return None
        if not context.has_asset_key or not context.has_asset_partitions:
            return self._load_single_input(self._get_path(context), context)
        paths = self._get_paths_for_partitions(context)
        if not paths:
            return None
        if len(paths) == 1:
            return self._load_single_input(next(iter(paths.values())), context)
        wanted = context.dagster_type.typing_type
        if wanted is not Any and not _is_dict_type(wanted):
            raise CheckError(
                f"expected the type of input {context.name!r} to be a dict, since it takes {len(paths)} partitions of "
                f"{context.asset_key.to_user_string()!r}, got {wanted!r}; annotate it as dict[str, ...]"
            )
        return self._load_multiple_inputs(context, paths)

    def _load_single_input(self, path: Any, context: Any) -> Any:
        context.log.debug(self.get_loading_input_log_message(path))
        loaded = self.load_from_path(context=context, path=path)
        if inspect.iscoroutine(loaded):
            loaded = asyncio.run(loaded)
        if getattr(context, "has_input_name", False):
            context.add_input_metadata({"path": Path(str(path))})
        return loaded

    def load_partitions(self, context: Any) -> dict[str, Any]:
        """Load all partitions of an input."""
        return self._load_multiple_inputs(context, self._get_paths_for_partitions(context))

    def _load_multiple_inputs(self, context: Any, paths: Mapping[str, Any]) -> dict[str, Any]:
        allow_missing = _flag((context.definition_metadata or {}).get("allow_missing_partitions"))
        if inspect.iscoroutinefunction(self.load_from_path):
            return asyncio.run(self._load_side_by_side(context, paths, allow_missing))
        found: dict[str, Any] = {}
        for key, path in paths.items():
            context.log.debug(self.get_loading_input_partition_log_message(path))
            try:
                found[key] = self.load_from_path(context=context, path=path)
            except FileNotFoundError:
                if not allow_missing:
                    raise
        return found

    async def _load_side_by_side(
        self, context: Any, paths: Mapping[str, Any], allow_missing: bool
    ) -> dict[str, Any]:
        loads = [self.load_from_path(context=context, path=path) for path in paths.values()]
        results = await asyncio.gather(*loads, return_exceptions=True)
        found: dict[str, Any] = {}
        for key, result in zip(paths, results, strict=True):
            if isinstance(result, FileNotFoundError) and allow_missing:
                continue
            if isinstance(result, BaseException):
                raise result
            found[key] = result
        return found


def _relative(key: Any) -> str:
    """A partition key as a relative path: dimensions of a multi-partition key become folders."""
    dimensions = getattr(key, "keys_by_dimension", None)
    if dimensions:
        return "/".join(value for _, value in sorted(dimensions.items()))
    return str(key)


def _flag(value: Any) -> bool:
    return bool(getattr(value, "value", value))


def _is_dict_type(kind: Any) -> bool:
    origin = getattr(kind, "__origin__", kind)
    return origin in (dict, Mapping) or (inspect.isclass(origin) and issubclass(origin, Mapping))


def as_path(raw: Any) -> Any:
    """A path object of a path or text; texts with a protocol need the package universal_pathlib.

    Raises:
        CheckError: when that package is needed and not installed.
    """
    if not isinstance(raw, str):
        return raw
    if "://" not in raw:
        return Path(raw)
    try:
        from upath import UPath  # noqa: PLC0415 - optional, and only for remote paths
    except ImportError:
        raise CheckError(
            f"expected a local path, got {raw!r}; install universal_pathlib for remote file systems"
        ) from None
    return UPath(raw)
