"""Components whose definitions follow from a state that is fetched from elsewhere and kept in a file."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

from tidewheel.dagster.components.bases import Component
from tidewheel.dagster.components.fields import Model, Resolver
from tidewheel.dagster.components.load_context import ComponentLoadContext
from tidewheel.definitions.loading.collection import Definitions


class DefsStateManagementType(Enum):
    """Where a state is kept."""

    LOCAL_FILESYSTEM = "LOCAL_FILESYSTEM"
    VERSIONED_STATE_STORAGE = "VERSIONED_STATE_STORAGE"
    LEGACY_CODE_SERVER_SNAPSHOTS = "LEGACY_CODE_SERVER_SNAPSHOTS"


class DefsStateConfigArgs(Model):
    """How a state is kept, as components take it."""

    key: str | None = None
    management_type: DefsStateManagementType = DefsStateManagementType.LOCAL_FILESYSTEM
    refresh_if_dev: bool = True

    @staticmethod
    def local_filesystem() -> DefsStateConfigArgs:
        """Kept in the project's folder."""
        return DefsStateConfigArgs()

    @staticmethod
    def legacy_code_server_snapshots() -> DefsStateConfigArgs:
        """Fetched whenever the code is loaded."""
        return DefsStateConfigArgs(management_type=DefsStateManagementType.LEGACY_CODE_SERVER_SNAPSHOTS)

    @staticmethod
    def versioned_state_storage() -> DefsStateConfigArgs:
        """Kept by the instance."""
        return DefsStateConfigArgs(management_type=DefsStateManagementType.VERSIONED_STATE_STORAGE)


@dataclass(frozen=True)
class DefsStateConfig:
    """How a state is kept, under which key."""

    key: str
    management_type: DefsStateManagementType = DefsStateManagementType.LOCAL_FILESYSTEM
    refresh_if_dev: bool = True

    @staticmethod
    def from_args(args: DefsStateConfigArgs, *, default_key: str) -> DefsStateConfig:
        """What was given, with a key."""
        return DefsStateConfig(args.key or default_key, args.management_type, args.refresh_if_dev)


ResolvedDefsStateConfig = Annotated[DefsStateConfigArgs, Resolver(lambda _, value: value)]


class StateBackedComponent(Component):
    """Makes definitions of a state. The state is fetched whenever the definitions are made; it is not kept."""

    @property
    def defs_state_config(self) -> DefsStateConfig:
        """How the state is kept."""
        return DefsStateConfig(type(self).__name__)

    @abstractmethod
    def write_state_to_path(self, state_path: Path) -> Awaitable[None] | None:
        """Fetch the state and write it to a file."""

    @abstractmethod
    def build_defs_from_state(self, context: ComponentLoadContext, state_path: Path | None) -> Definitions:
        """The definitions that follow from the state in a file; None when there is none."""

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The definitions that follow from a fresh state."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "state")
            waiting = self.write_state_to_path(path)
            if inspect.isawaitable(waiting):
                asyncio.run(_finished(waiting))
            return self.build_defs_from_state(context, path)


async def _finished(waiting: Awaitable[None]) -> None:
    await waiting
