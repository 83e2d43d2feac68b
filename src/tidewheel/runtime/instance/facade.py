"""The instance: what user code and programs ask about runs, events and assets, whoever holds the database."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, cast

import msgspec

from tidewheel.errors import InvariantViolationError
from tidewheel.logic.planning.admission import TagLimit
from tidewheel.runtime.clock import Clock, now_s
from tidewheel.runtime.control import ControlPort
from tidewheel.runtime.deferred import deferred
from tidewheel.runtime.home import LEDGER_FILE, read_address, web_url
from tidewheel.runtime.instance.instance_assets import AssetPartitionReads, AssetReads, AssetWrites
from tidewheel.runtime.instance.instance_backfills import BackfillMethods
from tidewheel.runtime.instance.instance_events import EventReads
from tidewheel.runtime.instance.instance_partitions import DynamicPartitionMethods
from tidewheel.runtime.instance.instance_runs import RunWrites
from tidewheel.runtime.instance.instance_triggers import TriggerMethods
from tidewheel.runtime.remote.socket_client import RemoteControl, RemoteLedger, connect
from tidewheel.runtime.settings import Settings, find_home, load_settings
from tidewheel.runtime.unsupported import refusal
from tidewheel.storage.ports.ledger import LedgerPort

open_ledger: Callable[[str], LedgerPort] = deferred("tidewheel.storage.ledger", "open_ledger")
"""Loaded for a ledger of one's own only: processes that reach one through a server never load a database's code."""

STORAGE_FOLDER = "storage"
MEMORY = ":memory:"


class RunQueueConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs may be in progress at once, in all and by tag."""

    max_concurrent_runs: int
    tag_concurrency_limits: tuple[TagLimit, ...] = ()


class ConcurrencyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that the queue keeps."""

    run_queue_config: RunQueueConfig


class Instance(
    RunWrites,
    EventReads,
    AssetReads,
    AssetPartitionReads,
    AssetWrites,
    DynamicPartitionMethods,
    TriggerMethods,
    BackfillMethods,
):
    """One Tidewheel installation as user code sees it: its runs, events, assets, partitions, schedules and sensors.

    Made by ``Instance.ephemeral()`` (in memory, for tests), ``Instance.get()`` (the home of TIDEWHEEL_HOME),
    ``Instance.from_home(path)`` or ``Instance.local_temp()``. If a server serves the home, the instance is its
    client, otherwise it opens the database itself. A context manager: leaving it closes what it opened.
    """

    def __init__(
        self,
        ledger: LedgerPort,
        *,
        home: Path | None = None,
        is_ephemeral: bool = False,
        settings: Settings | None = None,
        clock: Clock = now_s,
    ) -> None:
        self._ledger = ledger
        self._home = home
        self._is_ephemeral = is_ephemeral
        self._settings = settings
        self._clock = clock
        self._control: ControlPort | None = None
        if isinstance(ledger, RemoteLedger):
            self._control = cast(ControlPort, RemoteControl(ledger.channel))
        self._temporary: Path | None = None
        self._clean: Callable[[], object] | None = None

    # -- making one -----------------------------------------------------------------------------------------------
    @staticmethod
    def ephemeral(
        tempdir: str | Path | None = None,
        preload: object = None,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        clock: Clock = now_s,
    ) -> Instance:
        """An instance in memory; nothing of it stays. Files that IO managers write go to ``tempdir`` or a temporary
        folder, which is deleted with the instance."""
        chosen = settings if isinstance(settings, Settings) else load_settings(None, {}, settings)
        instance = Instance(open_ledger(MEMORY), is_ephemeral=True, settings=chosen, clock=clock)
        if tempdir is not None:
            instance._temporary = Path(tempdir)
        return instance

    @staticmethod
    def get() -> Instance:
        """The instance of the home that the variable TIDEWHEEL_HOME names.

        Raises:
            HomeNotSetError: when it names no existing folder.
        """
        return Instance.from_home(None)

    @staticmethod
    def from_home(
        home: str | Path | None = None,
        *,
        overrides: Mapping[str, Any] | None = None,
        clock: Clock = now_s,
    ) -> Instance:
        """The instance of a home folder (None: that of TIDEWHEEL_HOME); ``overrides`` are settings.

        Raises:
            HomeNotSetError: when there is no such folder.
            InvalidConfigError: when a setting is unknown or wrong.
        """
        path = find_home(home)
        settings = load_settings(path, None, overrides)
        ledger = connect(path) or open_ledger(settings.storage_url or str(path / LEDGER_FILE))
        return Instance(ledger, home=path, settings=settings, clock=clock)

    @staticmethod
    def local_temp(tempdir: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Instance:
        """An instance whose home is ``tempdir``, or a temporary folder that is deleted when the instance is disposed."""
        if tempdir is not None:
            return Instance.from_home(tempdir, overrides=overrides)
        path = Path(tempfile.mkdtemp(prefix="tidewheel-home-"))
        instance = Instance.from_home(path, overrides=overrides)
        instance._clean = _cleaner(instance, path)
        return instance

    # -- what it is -----------------------------------------------------------------------------------------------
    @property
    def ledger(self) -> LedgerPort:
        """The ledger that the instance asks."""
        return self._ledger

    @property
    def settings(self) -> Settings:
        """The settings of the home, read when they are first asked for."""
        if self._settings is None:
            self._settings = load_settings(self._home)
        return self._settings

    @property
    def home(self) -> Path | None:
        """The home folder; None for an instance in memory."""
        return self._home

    @property
    def root_directory(self) -> str:
        """The folder that everything of the instance lies in."""
        return str(self._home if self._home is not None else self._temporary_folder())

    @property
    def is_ephemeral(self) -> bool:
        """Whether the instance is in memory and ends with the process."""
        return self._is_ephemeral

    @property
    def is_persistent(self) -> bool:
        """Whether the instance stays."""
        return not self._is_ephemeral

    @property
    def run_storage(self) -> Instance:
        """The instance itself: questions about runs are its own methods."""
        return self

    @property
    def event_log_storage(self) -> Instance:
        """The instance itself: questions about events are its own methods."""
        return self

    @property
    def webserver_url(self) -> str:
        """Where people see the instance in a browser: the setting ``public_url``, or the server's own address."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        address = read_address(self._home) if self._home is not None else None
        if address is not None and address.port:
            return address.url
        return web_url(self.settings.host, self.settings.port)

    def get_run_url(self, run_id: str) -> str:
        """The address of a run's page."""
        return f"{self.webserver_url}/runs/{run_id}"

    def storage_directory(self) -> str:
        """The folder that IO managers write to by default; it exists."""
        folder = (self._home if self._home is not None else self._temporary_folder()) / STORAGE_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def file_manager_directory(self, run_id: str) -> str:
        """The folder for a run's files."""
        return str(Path(self.storage_directory()) / "files" / run_id)

    def get_concurrency_config(self) -> ConcurrencyConfig:
        """The limits that the queue keeps."""
        return ConcurrencyConfig(
            run_queue_config=RunQueueConfig(
                max_concurrent_runs=self.settings.max_concurrent_runs,
                tag_concurrency_limits=self.settings.tag_limits,
            )
        )

    def get_settings(self, settings_key: str) -> Any:
        """The value of one setting.

        Raises:
            AttributeError: when there is no such setting.
        """
        return getattr(self.settings, settings_key)

    def info_dict(self) -> Mapping[str, object]:
        """What the instance is, for people."""
        return {
            "home": self.root_directory,
            "is_ephemeral": self._is_ephemeral,
            "is_served": self._control is not None,
            "settings": msgspec.to_builtins(self.settings) | {"storage_url": bool(self.settings.storage_url)},
        }

    # -- ending it ------------------------------------------------------------------------------------------------
    def dispose(self) -> None:
        """Close the ledger and delete the temporary folder, if there is one."""
        self._ledger.close()
        if self._clean is not None:
            self._clean()

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        tb: Optional[TracebackType],
    ) -> None:
        self.dispose()

    def __getattr__(self, name: str) -> Any:
        refuse = None if name.startswith("_") else refusal(name)
        if refuse is None:
            raise AttributeError(f"the instance has no attribute {name!r}")
        return refuse

    def __reduce__(self) -> Any:
        raise InvariantViolationError(
            "an instance cannot be sent to another process; open it there with Instance.from_home(instance.home)"
        )

    def __repr__(self) -> str:
        where = "in memory" if self._is_ephemeral else str(self._home)
        return f"<Instance {where}>"

    def _temporary_folder(self) -> Path:
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="tidewheel-"))
            self._clean = _cleaner(self, self._temporary)
        return self._temporary


def _cleaner(owner: Instance, folder: Path) -> Callable[[], object]:
    return weakref.finalize(owner, _remove, folder, os.getpid())


def _remove(folder: Path, pid: int) -> None:
    # a forked worker that ends must not delete its parent's files
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
