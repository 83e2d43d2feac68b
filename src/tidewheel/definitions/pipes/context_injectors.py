"""How the context reaches an external process: a file, or the parameters themselves."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tidewheel.definitions.pipes.context_data import PipesContextData
from tidewheel.definitions.pipes.wire import DATA_KEY, PATH_KEY


class PipesContextInjector(ABC):
    """Puts the context where the external process finds it."""

    @abstractmethod
    def inject_context(self, context_data: PipesContextData) -> AbstractContextManager[Mapping[str, Any]]:
        """A context manager that puts the context in place, gives the parameters to find it by, and clears it away."""

    def no_messages_debug_text(self) -> str:
        """How the context was sent, for the warning that no message came back."""
        return f"the context was sent by {type(self).__name__}"


class PipesEnvContextInjector(PipesContextInjector):
    """Sends the context inside the parameters, so in an environment variable."""

    @contextlib.contextmanager
    def inject_context(self, context_data: PipesContextData) -> Generator[Mapping[str, Any], None, None]:
        """The context itself as parameters."""
        yield {DATA_KEY: dict(context_data)}

    def no_messages_debug_text(self) -> str:
        """How the context was sent."""
        return f"the context was sent in the process's environment ({type(self).__name__})"


class PipesFileContextInjector(PipesContextInjector):
    """Sends the context through a file at a given path, which the external process must be able to read."""

    def __init__(self, path: str) -> None:
        self._path = path

    @contextlib.contextmanager
    def inject_context(self, context_data: PipesContextData) -> Generator[Mapping[str, Any], None, None]:
        """A file with the context, removed afterwards."""
        with open(self._path, "w") as handle:
            json.dump(context_data, handle)
        try:
            yield {PATH_KEY: self._path}
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._path)

    def no_messages_debug_text(self) -> str:
        """How the context was sent."""
        return f"the context was sent through the file {self._path} ({type(self).__name__})"


class PipesTempFileContextInjector(PipesContextInjector):
    """Sends the context through a temporary file."""

    @contextlib.contextmanager
    def inject_context(self, context_data: PipesContextData) -> Generator[Mapping[str, Any], None, None]:
        """A temporary file with the context, removed afterwards."""
        folder = tempfile.mkdtemp(prefix="tidewheel-pipes-")
        try:
            with PipesFileContextInjector(os.path.join(folder, "context")).inject_context(
                context_data
            ) as params:
                yield params
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def no_messages_debug_text(self) -> str:
        """How the context was sent."""
        return f"the context was sent through a temporary file ({type(self).__name__})"
