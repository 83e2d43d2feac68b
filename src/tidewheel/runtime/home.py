"""What lies in a home folder, and who serves it: the server's address, the lock that keeps it to one."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO, Optional

import msgspec

LEDGER_FILE = "ledger.db"
ADDRESS_FILE = "server.json"
LOCK_FILE = "server.lock"
SOCKET_FILE = "server.sock"
MAX_SOCKET_PATH = 100
"""Unix socket paths must fit into about 108 bytes; longer homes get a socket in the temporary folder."""


class ServerAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the server of a home can be reached."""

    pid: int
    socket: str
    host: str = "127.0.0.1"
    port: Optional[int] = None
    started_at: float = 0.0

    @property
    def url(self) -> str:
        """Where people and programs of this machine find it over HTTP."""
        return web_url(self.host, self.port)


def web_url(host: str, port: int | None) -> str:
    """The address of a server in a browser; those of the newer protocol stand in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def socket_path(home: Path, temporary: Path) -> Path:
    """Where the server of a home listens: in the home, or beside if the path would be too long for the system."""
    inside = home / SOCKET_FILE
    if len(str(inside).encode()) <= MAX_SOCKET_PATH:
        return inside
    digest = hashlib.blake2b(str(home.resolve()).encode(), digest_size=8).hexdigest()
    return temporary / f"tidewheel-{os.getuid()}-{digest}.sock"


def write_address(home: Path, address: ServerAddress) -> None:
    """Leave the server's address in the home, whole or not at all."""
    temporary = home / f"{ADDRESS_FILE}.{os.getpid()}"
    temporary.write_bytes(msgspec.json.encode(address))
    temporary.replace(home / ADDRESS_FILE)


def read_address(home: Path) -> ServerAddress | None:
    """The address that a server left, if there is one that can be read."""
    try:
        return msgspec.json.decode((home / ADDRESS_FILE).read_bytes(), type=ServerAddress)
    except (OSError, msgspec.MsgspecError):
        return None


def is_served(home: Path) -> bool:
    """Whether a living server holds the home's lock (an address alone may be left over from a crash)."""
    path = home / LOCK_FILE
    if not path.exists():
        return False
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


class HomeLock:
    """Keeps a home to one server. The system frees it when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / LOCK_FILE
        self._handle: IO[str] | None = None

    def acquire(self) -> bool:
        """Whether the lock is ours now."""
        handle = self._path.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        os.set_inheritable(handle.fileno(), False)
        self._handle = handle
        return True

    def release(self) -> None:
        """Give the lock up."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def describe_holder(home: Path) -> str:
    """Who seems to serve the home, for messages."""
    address = read_address(home)
    if address is None:
        return "another process"
    return f"process {address.pid}" + (f" ({address.url})" if address.port else "")
