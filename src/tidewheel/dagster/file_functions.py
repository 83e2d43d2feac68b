"""Small functions about files, directories and processes that users' tests import from Dagster's private modules."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml


@contextmanager
def pushd(path: str) -> Iterator[str]:
    """Within the block, ``path`` is the working directory."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield path
    finally:
        os.chdir(before)


@contextmanager
def new_cwd(path: str) -> Iterator[None]:
    """As :func:`pushd`, without a value."""
    with pushd(path):
        yield


def ensure_dir(file_path: str) -> str:
    """Make a directory, and those above it, where it is missing."""
    Path(file_path).mkdir(parents=True, exist_ok=True)
    return file_path


def touch_file(path: str) -> None:
    """Make an empty file, or set the time of one that is there."""
    ensure_dir(os.path.dirname(path) or ".")
    Path(path).touch()


def script_relative_path(file_path: str) -> str:
    """A path beside the file of the caller."""
    caller = sys._getframe(1).f_code.co_filename
    return str(Path(caller).resolve().parent / file_path)


@contextmanager
def alter_sys_path(to_add: Sequence[str], to_remove: Sequence[str]) -> Iterator[None]:
    """Within the block, imports look into other places."""
    before = list(sys.path)
    sys.path[:] = [*(path for path in before if path not in set(to_remove)), *to_add]
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def get_temp_file_name() -> Iterator[str]:
    """The path of an empty temporary file, deleted afterwards."""
    handle, path = tempfile.mkstemp()
    os.close(handle)
    try:
        yield path
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def copy_directory(src: str) -> Iterator[str]:
    """A temporary copy of a directory, deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, os.path.basename(os.path.abspath(src)))
        shutil.copytree(src, copy)
        yield copy


def find_free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


class _TextDates(yaml.SafeLoader):
    """Reads YAML with dates and times as the texts that they are."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def safe_load_yaml(stream: str | bytes | IO[Any]) -> Any:
    """The value of a text in YAML; dates stay texts.

    Raises:
        yaml.YAMLError: when it is none.
    """
    return yaml.load(stream, Loader=_TextDates)
