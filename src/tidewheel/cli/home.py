"""Which home a command works on, and how: through the server that serves it, or by opening it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from tidewheel.cli.local_control import LocalControl
from tidewheel.cli.options import chosen_server
from tidewheel.cli.output import note
from tidewheel.errors import HomeNotSetError
from tidewheel.runtime.captured_output import OutputName, OutputPart, output_names, read_output
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.control import ControlPort
from tidewheel.runtime.home import LEDGER_FILE, is_served, read_address
from tidewheel.runtime.instance.local_changes import audited_ledger
from tidewheel.runtime.known_secrets import know_environment
from tidewheel.runtime.remote.profiles import resolve_server
from tidewheel.runtime.remote.rest_client import RestClient, in_path
from tidewheel.runtime.remote.rest_home import RestControl, RestLedger
from tidewheel.runtime.remote.socket_client import Channel, RemoteControl, RemoteLedger
from tidewheel.runtime.settings import Settings, load_settings
from tidewheel.storage.ledger import open_ledger
from tidewheel.storage.ports.ledger import LedgerPort

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class OpenHome:
    """A home opened for one command: its ledger and its control, and whether a server carries them out."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings: Settings = load_settings(home, os.environ)
        address = read_address(home) if is_served(home) else None
        self.is_served = address is not None
        self.ledger: LedgerPort
        self.control: ControlPort
        if address is not None:
            channel = Channel(address.socket, patience_s=5.0)
            self.ledger = cast(LedgerPort, RemoteLedger(channel))
            self.control = cast(ControlPort, RemoteControl(channel))
        else:
            whole = open_ledger(self.settings.storage_url or str(home / LEDGER_FILE))
            self.ledger = audited_ledger(whole, now_s)
            self.control = LocalControl(self.ledger, home=home, clock=now_s)

    def output_names(self, run_id: str) -> list[OutputName]:
        """What was captured of a run."""
        return output_names(self.ledger, run_id)

    def read_output(self, run_id: str, key: str, cursor: str | None) -> OutputPart:
        """A part of what was captured; the files are in the home, whether a server serves it or not."""
        return read_output(self.ledger, self.home, run_id, key, cursor)

    def note_failed_code(self) -> None:
        """Tell of code that did not load: what is missing in a list is often in there."""
        if not self.is_served:
            return
        for location in self.control.health().locations:
            state = (
                "did not load"
                if not location.serves_old_code
                else "did not load again, its old state is served"
            )
            for error in location.errors:
                note(f"Code location {location.name} {state}: {error.message}")

    def __enter__(self) -> OpenHome:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()


class OpenServer(OpenHome):
    """As an open home, but on a server that is reached over REST."""

    def __init__(self, server: str) -> None:
        profile = resolve_server(server)
        parts = urlsplit(profile.server)
        if parts.scheme == "http" and profile.token and parts.hostname not in LOOPBACK_NAMES:
            note(f"The token goes to {profile.server} in the clear; use https.")
        client = RestClient(profile)
        self.home = Path()
        self.settings = Settings()
        self.is_served = True
        self.client = client
        self.ledger = cast(LedgerPort, RestLedger(client))
        self.control: RestControl = RestControl(client)  # type: ignore[assignment]  # all that commands use of it

    def output_names(self, run_id: str) -> list[OutputName]:
        """What was captured of a run."""
        return list(self.client.items(f"/runs/{in_path(run_id)}/output", OutputName))

    def read_output(self, run_id: str, key: str, cursor: str | None) -> OutputPart:
        """A part of what was captured."""
        path = f"/runs/{in_path(run_id)}/output/{in_path(key)}"
        return self.client.get(path, OutputPart, cursor=cursor)


def make_home(home: Path | None) -> None:
    """Make the folder of a home that is given and missing: users can be added before the first start."""
    if home is not None and chosen_server() is None:
        home.mkdir(parents=True, exist_ok=True)


def open_home(home: Path | None) -> OpenHome:
    """The home or server that a command was given.

    Raises:
        HomeNotSetError: when none was given, or there is nothing in it.
    """
    know_environment()
    server = chosen_server()
    if server is not None:
        return OpenServer(server)
    if home is None:
        raise HomeNotSetError(
            "expected a home folder, got none; pass --home DIR or set TIDEWHEEL_HOME "
            "('tidewheel dev' says which one it uses)"
        )
    if not home.is_dir():
        raise HomeNotSetError(
            f"expected a home folder at {home}, got nothing there; 'tidewheel dev --home {home}' makes one"
        )
    return OpenHome(home)
