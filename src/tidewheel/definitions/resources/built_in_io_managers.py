"""The IO managers that come with the package: pickle files (the default) and memory."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

from tidewheel.definitions.config.config_schema import Field, StringSource
from tidewheel.definitions.resources.io_managers import (
    ConfigurableIOManagerFactory,
    IOManager,
    io_manager,
    value_by_partition,
)
from tidewheel.definitions.resources.resource_context import InitResourceContext
from tidewheel.errors import CheckError, InvariantViolationError


class PickleFileIOManager(IOManager):
    """Pickles each value into a file below a folder.

    Assets are at ``<key path>[/<partition>]``, outputs of ops at ``<run id>/<step>/<output>``. A file appears whole or
    not at all: it is written beside and then renamed.
    """

    extension = ""

    def __init__(self, base_dir: str | os.PathLike[str] | None = None, **_ignored: Any) -> None:
        self.base_dir = os.fspath(base_dir) if base_dir is not None else os.getcwd()
        self._known_folders: set[str] = set()

    def handle_output(self, context: Any, obj: Any) -> None:
        """Store one value, or one for each of several partitions."""
        if context.dagster_type.is_nothing and obj is None:
            return
        paths = self._paths(context)
        parts = value_by_partition(context, obj, paths)
        for key, path in paths.items():
            self._write(path, parts[key], context)
        if obj is not None and len(paths) == 1:
            context.add_output_metadata({"path": Path(next(iter(paths.values())))})

    def load_input(self, context: Any) -> Any:
        """Load one value, or a dict of values by partition key; None where no partition is needed."""
        if context.dagster_type.is_nothing:
            return None
        paths = self._paths(context)
        if not paths:
            return None
        if len(paths) == 1:
            return self._read(next(iter(paths.values())), context)
        wanted = context.dagster_type.typing_type
        if wanted is not Any and wanted is not dict:
            raise CheckError(
                f"expected the type of input {context.name!r} to be a dict, since it takes {len(paths)} partitions of "
                f"{context.asset_key.to_user_string()!r}, got {wanted!r}; annotate it as dict[str, ...]"
            )
        allow_missing = bool((context.definition_metadata or {}).get("allow_missing_partitions"))
        found: dict[str, Any] = {}
        for key, path in paths.items():
            try:
                found[str(key)] = self._read(path, context)
            except FileNotFoundError:
                if not allow_missing:
                    raise
        return found

    def _paths(self, context: Any) -> dict[Any, str]:
        if context.has_asset_key:
            base = os.path.join(self.base_dir, *[_file_name(part) for part in context.asset_key.path])
            if context.has_asset_partitions:
                return {
                    key: os.path.join(base, *_partition_path(key)) for key in context.asset_partition_keys
                }
            return {None: base + self.extension}
        return {None: os.path.join(self.base_dir, *map(_file_name, context.get_identifier()))}

    def _write(self, path: str, obj: Any, context: Any) -> None:
        folder = os.path.dirname(path)
        if folder not in self._known_folders:
            os.makedirs(folder, exist_ok=True)
            self._known_folders.add(folder)
        try:
            data = pickle.dumps(obj, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as exc:
            what = context.asset_key.to_user_string() if context.has_asset_key else context.name
            raise InvariantViolationError(
                f"expected the value of output {what!r} to be picklable so that it can be stored, got "
                f"{type(obj).__module__}.{type(obj).__qualname__} ({exc}); return plain data, give the "
                "output an IO manager "
                "that can store it, or return None and keep the value elsewhere"
            ) from exc
        temporary = f"{path}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as handle:
                handle.write(data)
            os.replace(temporary, path)
        except FileNotFoundError:
            self._known_folders.discard(folder)  # somebody removed the folder meanwhile
            os.makedirs(folder, exist_ok=True)
            with open(temporary, "wb") as handle:
                handle.write(data)
            os.replace(temporary, path)

    def _read(self, path: str, context: Any) -> Any:
        try:
            with open(path, "rb") as handle:
                return pickle.load(handle)
        except FileNotFoundError as exc:
            what = (
                f"the asset {context.asset_key.to_user_string()!r}"
                if context.has_asset_key
                else f"the upstream of input {context.name!r}"
            )
            exc.strerror = (
                f"expected a stored value of {what}, got none; materialize it first, "
                "or use deps= if its value is not needed"
            )
            raise
        except IsADirectoryError:
            raise FileNotFoundError(
                2,
                f"expected the stored value of the unpartitioned asset {context.asset_key.to_user_string()!r}, got "
                "stored partitions; give this asset a partition mapping",
                path,
            ) from None

    def has_output(self, context: Any) -> bool:
        """Whether something is stored for an output."""
        return all(os.path.exists(path) for path in self._paths(context).values())

    def get_path_for_partition(self, context: Any, path: Any, partition: str) -> Any:
        """The file of one partition."""
        return Path(path, *_partition_path(partition))


def _partition_path(key: Any) -> list[str]:
    dimensions = getattr(key, "keys_by_dimension", None)
    if dimensions:
        return [_file_name(value) for _, value in sorted(dimensions.items())]
    return [_file_name(str(key))]


def _file_name(part: str) -> str:
    """A path component that stays one component."""
    return part.replace("/", "%2F") if part not in (".", "..") else part.replace(".", "%2E")


class InMemoryIOManager(IOManager):
    """Keeps values in this process's memory; ``values`` is a dict by identifier."""

    def __init__(self) -> None:
        self.values: dict[tuple[object, ...], object] = {}

    def handle_output(self, context: Any, obj: Any) -> None:
        """Keep a value."""
        if not context.has_asset_key:
            self.values[tuple(context.get_identifier())] = obj
            return
        path = tuple(context.asset_key.path)
        if not context.has_asset_partitions:
            self.values[path] = obj
            return
        keys = context.asset_partition_keys
        for key in keys:
            by_key = len(keys) > 1 and isinstance(obj, dict) and key in obj
            self.values[(*path, str(key))] = obj[key] if by_key else obj

    def load_input(self, context: Any) -> Any:
        """The kept value; a dict by partition key where several are needed."""
        if not context.has_asset_key:
            return self._get(tuple(context.get_identifier()))
        path = tuple(context.asset_key.path)
        if not context.has_asset_partitions:
            return self._get(path)
        keys = context.asset_partition_keys
        if len(keys) == 1:
            return self._get((*path, str(keys[0])))
        return {str(key): self._get((*path, str(key))) for key in keys}

    def _get(self, identifier: tuple[object, ...]) -> Any:
        if identifier not in self.values:
            raise KeyError(
                f"expected a value in memory for {'/'.join(map(str, identifier))!r}, got none; values in memory are lost "
                "when the process ends"
            )
        return self.values[identifier]


class FilesystemIOManager(ConfigurableIOManagerFactory):
    """Pickle files below ``base_dir`` (by default the instance's storage folder)."""

    base_dir: str | None = None

    def create_io_manager(self, context: InitResourceContext) -> PickleFileIOManager:
        """The IO manager."""
        return PickleFileIOManager(self.base_dir or default_base_dir(context))


def default_base_dir(context: InitResourceContext) -> str:
    """The folder for values of a run: what the run says, else the instance's, else the current one."""
    if context.storage_dir is not None:
        return context.storage_dir()
    instance = context.instance
    folder = getattr(instance, "storage_directory", None)
    if callable(folder):
        return os.fspath(folder())
    return os.getcwd()


@io_manager(
    config_schema={"base_dir": Field(StringSource, is_required=False)},
    description="Pickle files below a folder, by default the instance's storage folder.",
)
def fs_io_manager(init_context: InitResourceContext) -> PickleFileIOManager:
    """Pickle files below ``base_dir``."""
    return PickleFileIOManager(
        (init_context.resource_config or {}).get("base_dir") or default_base_dir(init_context)
    )


@io_manager(description="Memory of this process.")
def mem_io_manager(_: InitResourceContext) -> InMemoryIOManager:
    """Values are kept in this process's memory."""
    return InMemoryIOManager()


class CustomPathPickleIOManager(IOManager):
    """Pickles each output of an op at the path in its metadata (``metadata={"path": ...}``)."""

    def __init__(self, base_dir: str | None = None) -> None:
        self.base_dir = base_dir

    def _path(self, context: Any) -> str:
        metadata = context.definition_metadata or {}
        if "path" not in metadata:
            raise InvariantViolationError(
                f"expected metadata 'path' on the output {context.name!r}, got none"
            )
        raw = metadata["path"]
        path = str(getattr(raw, "value", raw))
        return os.path.join(self.base_dir, path) if self.base_dir else path

    def handle_output(self, context: Any, obj: Any) -> None:
        """Store a value at its path."""
        path = self._path(context)
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "wb") as handle:
            pickle.dump(obj, handle)

    def load_input(self, context: Any) -> Any:
        """Load the value at the upstream output's path."""
        with open(self._path(context.upstream_output), "rb") as handle:
            return pickle.load(handle)


@io_manager(config_schema={"base_dir": Field(StringSource, is_required=True)})
def custom_path_fs_io_manager(init_context: InitResourceContext) -> CustomPathPickleIOManager:
    """Pickle files at the path that each output's metadata gives."""
    return CustomPathPickleIOManager(init_context.resource_config["base_dir"])


DEFAULT_IO_MANAGER_KEY = "io_manager"
DEFAULT_IO_MANAGER = fs_io_manager
"""What ``io_manager`` is where nobody says otherwise."""
