"""File managers: resources through which ops keep files and hand them on."""

from __future__ import annotations

import io
import shutil
import tempfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from tidewheel.definitions.config.config_schema import Field, StringSource
from tidewheel.definitions.resources.definition import resource


class FileHandle(ABC):
    """A file that a file manager keeps."""

    @property
    @abstractmethod
    def path_desc(self) -> str:
        """Where it is, in words for people."""


class LocalFileHandle(FileHandle):
    """A file on this machine."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def path(self) -> str:
        """Where it is."""
        return self._path

    @property
    def path_desc(self) -> str:
        """Where it is."""
        return self._path


class FileManager(ABC):
    """Keeps files."""

    @abstractmethod
    def copy_handle_to_local_temp(self, file_handle: Any) -> str:
        """The path of a copy on this machine."""

    @abstractmethod
    def delete_local_temp(self) -> None:
        """Remove the copies."""

    @abstractmethod
    def read(self, file_handle: Any, mode: str = "rb") -> AbstractContextManager[IO[Any]]:
        """The file, opened."""

    @abstractmethod
    def read_data(self, file_handle: Any) -> bytes:
        """The file's content."""

    @abstractmethod
    def write(self, file_obj: IO[Any], mode: str = "wb", ext: str | None = None) -> FileHandle:
        """Keep what an open file holds."""

    @abstractmethod
    def write_data(self, data: bytes, ext: str | None = None) -> FileHandle:
        """Keep some bytes."""


class LocalFileManager(FileManager):
    """Keeps files in a folder."""

    def __init__(self, base_dir: str) -> None:
        self.base_dir = base_dir
        self._copies: Path | None = None

    def copy_handle_to_local_temp(self, file_handle: LocalFileHandle) -> str:
        """The path of a copy, below a folder of its own."""
        if self._copies is None:
            self._copies = Path(tempfile.mkdtemp())
        copy = self._copies / f"{uuid.uuid4()}{Path(file_handle.path).suffix}"
        return str(shutil.copyfile(file_handle.path, copy))

    def delete_local_temp(self) -> None:
        """Remove the copies."""
        if self._copies is not None:
            shutil.rmtree(self._copies, ignore_errors=True)
            self._copies = None

    @contextmanager
    def read(self, file_handle: LocalFileHandle, mode: str = "rb") -> Iterator[IO[Any]]:
        """The file, opened."""
        with open(file_handle.path, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file

    def read_data(self, file_handle: LocalFileHandle) -> bytes:
        """The file's content."""
        return Path(file_handle.path).read_bytes()

    def write(self, file_obj: IO[Any], mode: str = "wb", ext: str | None = None) -> LocalFileHandle:
        """Keep what an open file holds."""
        folder = Path(self.base_dir)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (str(uuid.uuid4()) + (f".{ext}" if ext else ""))
        with open(path, mode, encoding=None if "b" in mode else "utf-8") as kept:
            shutil.copyfileobj(file_obj, kept)
        return LocalFileHandle(str(path))

    def write_data(self, data: bytes, ext: str | None = None) -> LocalFileHandle:
        """Keep some bytes."""
        return self.write(io.BytesIO(data), ext=ext)


@resource(config_schema={"base_dir": Field(StringSource, is_required=False)})
def local_file_manager(init_context: Any) -> LocalFileManager:
    """Keeps files in ``base_dir``, or with what the instance keeps of the run."""
    folder = init_context.resource_config.get("base_dir")
    if folder is None:
        folder = str(Path(init_context.instance.storage_directory(), str(init_context.run_id), "files"))
    return LocalFileManager(folder)
