"""The ledger's contract over a socket: what user code and the CLI use while a server owns the database."""

from __future__ import annotations

import inspect
import os
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tidewheel import errors
from tidewheel.errors import ServerUnreachableError, TidewheelError
from tidewheel.runtime.connection import Connection
from tidewheel.runtime.connection import connect as open_connection
from tidewheel.runtime.control import ControlPort
from tidewheel.runtime.home import is_served, read_address
from tidewheel.runtime.protocol import Answer, Call
from tidewheel.storage.ports.access import AccessPort, AuditPort
from tidewheel.storage.ports.backfills import BackfillsPort
from tidewheel.storage.ports.conditions import ConditionsPort, OwedPort
from tidewheel.storage.ports.inbox import InboxPort
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.storage.ports.pools import PoolsPort
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.serde import encode

LOCAL_ONLY = frozenset({"close", "use_resolver", "use_default_slots"})
SERVER_KNOWS = frozenset({"resolve", "next_attempt"})
"""Parameters that do not travel: the server has its own."""


class RemoteError(TidewheelError):
    """The server answered a call with an error; ``info`` is the error as the server saw it."""

    def __init__(self, info: ErrorInfo) -> None:
        self.info = info
        # an error made for people says everything; of others the class says more than the message
        own = isinstance(getattr(errors, info.cls_name, None), type)
        super().__init__(info.message if own else f"{info.cls_name}: {info.message}")


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """How to carry one method of the ledger: parameter names and types, and the result's type."""

    name: str
    parameters: dict[str, Any]
    result: Any


def methods_of(port: type, prefix: str = "") -> dict[str, Method]:
    """How to carry the public methods of a contract, by wire name."""
    found: dict[str, Method] = {}
    module = sys.modules[port.__module__]
    for name, function in inspect.getmembers(port, inspect.isfunction):
        if name.startswith("_") or name in LOCAL_ONLY:
            continue
        hints = typing.get_type_hints(function, globalns=vars(module))
        result = hints.pop("return", None)
        parameters = {key: hint for key, hint in hints.items() if key not in SERVER_KNOWS}
        found[prefix + name] = Method(name=prefix + name, parameters=parameters, result=result)
    return found


CONTROL_PREFIX = "control."
AGGREGATES: dict[str, type] = {
    "access": AccessPort,
    "audit": AuditPort,
    "backfills": BackfillsPort,
    "conditions": ConditionsPort,
    "inbox": InboxPort,
    "owed": OwedPort,
    "pools": PoolsPort,
}
"""Parts of the ledger with contracts of their own: the attribute's name, which is the prefix of wire names too."""
LEDGER_METHODS = methods_of(LedgerPort)
for _name, _port in AGGREGATES.items():
    LEDGER_METHODS |= methods_of(_port, f"{_name}.")
CONTROL_METHODS = methods_of(ControlPort, CONTROL_PREFIX)


def encode_arguments(method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """The arguments of a call as msgpack of {parameter: value}."""
    names = list(method.parameters)
    values = dict(zip(names, args, strict=False)) | {k: v for k, v in kwargs.items() if k not in SERVER_KNOWS}
    return encode(values)


def decode_arguments(method: Method, data: bytes) -> dict[str, Any]:
    """The keyword arguments of a call, each checked against its parameter's type.

    Raises:
        msgspec.ValidationError: when a value has another type.
    """
    raw = msgspec.msgpack.decode(data)
    return {
        name: msgspec.convert(value, method.parameters[name])
        for name, value in raw.items()
        if name in method.parameters
    }


def decode_result(method: Method, data: bytes) -> Any:
    """The result of a call, as the method's return type."""
    if method.result in (None, type(None)):
        return None
    return msgspec.convert(msgspec.msgpack.decode(data), method.result)


class Channel:
    """Calls over one connection per process; connects when first used and again after a fork or a broken connection."""

    def __init__(self, socket_path: str | Path, *, patience_s: float = 30.0) -> None:
        self._socket_path = str(socket_path)
        self._patience_s = patience_s
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._pid = os.getpid()
        self._next_id = 0

    def call(self, method: str, args: bytes) -> bytes:
        """The server's answer to a call.

        Raises:
            RemoteError: when the server answers with an error.
            ServerUnreachableError: when it cannot be reached in time.
        """
        if self._pid != os.getpid():
            self._lock = threading.RLock()
        with self._lock:
            for attempt in (1, 2):
                try:
                    return self._call_once(method, args)
                except (ConnectionError, OSError) as exc:
                    self._drop()
                    if attempt == 2:
                        raise ServerUnreachableError(
                            f"expected the server to answer {method!r}, got: {exc}"
                        ) from exc
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        with self._lock:
            self._drop()

    def _call_once(self, method: str, args: bytes) -> bytes:
        connection = self._connected()
        self._next_id += 1
        connection.send(Call(call_id=self._next_id, method=method, args=args))
        while True:
            answer = connection.receive(timeout_s=None)
            if isinstance(answer, Answer) and answer.call_id == self._next_id:
                break
        if answer.error is not None:
            raise RemoteError(answer.error)
        return answer.value

    def _connected(self) -> Connection:
        if self._pid != os.getpid():
            # a forked child must not talk on its parent's connection
            self._pid = os.getpid()
            self._connection = None
        if self._connection is None:
            self._connection = open_connection(self._socket_path, "client", patience_s=self._patience_s)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Remote:
    """An object whose methods are carried out by the server."""

    _table: dict[str, Method] = {}
    _prefix = ""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = self._table.get(self._prefix + name)
        if method is None:
            raise AttributeError(f"{type(self).__name__} has no method {name!r}")

        def carried(*args: Any, **kwargs: Any) -> Any:
            return decode_result(
                method, self.channel.call(method.name, encode_arguments(method, args, kwargs))
            )

        carried.__name__ = name
        self.__dict__[name] = carried
        return carried

    def close(self) -> None:
        """Close the connection to the server."""
        self.channel.close()


class RemoteAggregate(_Remote):
    """A part of the ledger whose methods are carried out by the server."""

    _table = LEDGER_METHODS

    def __init__(self, channel: Channel, prefix: str) -> None:
        super().__init__(channel)
        self._prefix = prefix


class RemoteLedger(_Remote):
    """A ``LedgerPort`` whose methods are carried out by the server."""

    _table = LEDGER_METHODS

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        for name in AGGREGATES:
            setattr(self, name, RemoteAggregate(channel, f"{name}."))


class RemoteControl(_Remote):
    """A ``ControlPort`` whose methods are carried out by the server."""

    _table = CONTROL_METHODS
    _prefix = CONTROL_PREFIX


def connect(home: Path, *, patience_s: float = 5.0) -> LedgerPort | None:
    """The ledger of a home through the server that serves it, or None when no server does."""
    if not is_served(home):
        return None
    address = read_address(home)
    if address is None:
        return None
    return typing.cast(LedgerPort, RemoteLedger(Channel(address.socket, patience_s=patience_s)))


@contextmanager
def open_channel(home: Path) -> Iterator[Channel]:
    """A channel to the server of a home.

    Raises:
        ServerUnreachableError: when no server serves the home.
    """
    address = read_address(home) if is_served(home) else None
    if address is None:
        raise ServerUnreachableError(
            f"expected a server on home {home}, got none; start one with 'tidewheel dev'"
        )
    channel = Channel(address.socket, patience_s=5.0)
    try:
        yield channel
    finally:
        channel.close()
