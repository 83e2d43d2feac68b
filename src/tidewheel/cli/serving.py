"""Serves code locations in this terminal until a signal comes: what ``tidewheel dev`` does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import ipaddress
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import uvicorn

from tidewheel.api.auth.oidc import oidc_options
from tidewheel.api.connections import PatientProtocol
from tidewheel.cli.activity_view import ActivityPrinter
from tidewheel.cli.options import TargetOptions
from tidewheel.cli.output import note
from tidewheel.cli.server_options import server_options
from tidewheel.cli.targets import resolve_targets
from tidewheel.errors import InvalidInvocationError, RunConflict
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.deferred import deferred
from tidewheel.runtime.home import (
    LEDGER_FILE,
    HomeLock,
    ServerAddress,
    describe_holder,
    socket_path,
    write_address,
)
from tidewheel.runtime.known_secrets import know_environment
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.runtime.masking import know_secrets
from tidewheel.runtime.otel import OtelExporter, is_wanted
from tidewheel.runtime.settings import Settings, load_settings
from tidewheel.runtime.views.log_lines import set_up_log
from tidewheel.services.activity import log_activity
from tidewheel.services.server import Server
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.status import TriggerKind

DEFAULT_PORT = 3000
HTTP = "tidewheel.api.http"
SHOWN_STOPPED = 5


def serve(
    target: TargetOptions,
    *,
    home: Path | None,
    host: str | None,
    port: int | None,
    quiet: bool,
    as_json: bool,
    log_level: str,
    log_format: str | None = None,
    read_only: bool = False,
) -> None:
    """Serve the named code until SIGINT or SIGTERM.

    Raises:
        InvalidInvocationError: when no code was named, or the address is not allowed.
        RunConflict: when another server holds the home.
    """
    targets = resolve_targets(*target, folder=Path.cwd())
    if not targets:
        raise InvalidInvocationError(
            "expected code to run, got none; pass -f FILE or -m MODULE, or name it in pyproject.toml under "
            "[tool.tidewheel] file = ... (of Dagster projects, workspace.yaml, [tool.dagster] and [tool.dg] are read)"
        )
    with _home_folder(home) as folder:
        settings = load_settings(folder, os.environ)
        log = (log_level, log_format or settings.log_format)
        set_up_log(*log)
        know_environment()
        know_secrets([settings.oidc_client_secret or ""])
        host = host or settings.host
        require_login(folder, settings, host)
        where = Listening(host=host, port=choose_port(host, port), read_only=read_only, log=log)
        asyncio.run(_serve(folder, targets, where, settings, quiet=quiet, as_json=as_json))


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server listens, and whether it takes changes."""

    host: str
    port: int
    read_only: bool = False
    log: tuple[str, str] = ("warning", "text")
    """Level and format."""

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        return not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether an address is one that only its own machine can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_login(home: Path, settings: Settings, host: str) -> None:
    """Refuse an address that others can reach as long as nobody could log in, and everybody would get in otherwise.

    Raises:
        InvalidInvocationError: when there is neither a user nor an OIDC provider.
    """
    if is_loopback(host) or oidc_options(settings) is not None:
        return
    ledger = open_ledger(settings.storage_url or str(home / LEDGER_FILE))
    try:
        is_set_up = ledger.access.get_is_set_up()
    finally:
        ledger.close()
    if not is_set_up:
        raise InvalidInvocationError(
            f"expected a login to be set up before listening on {host!r}, where other machines can reach it, got "
            f"none; add a user: tidewheel user add NAME --role admin --home {home} (or set oidc_issuer and "
            f"oidc_client_id in {home}/tidewheel.toml), or listen on 127.0.0.1"
        )


@contextlib.contextmanager
def _home_folder(home: Path | None) -> Iterator[Path]:
    """The home, made if missing; a temporary one is said aloud and removed at the end."""
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
        yield home.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="tidewheel-"))
    note(f"No home was given: state lives in {folder} and is removed at the end. Keep it with --home DIR.")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _serve(
    home: Path,
    targets: dict[str, CodeTarget],
    where: Listening,
    settings: Settings,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    host, port = where.host, where.port
    lock = HomeLock(home)
    if not lock.acquire():
        raise RunConflict(
            f"expected home {home} to be free, got one that {describe_holder(home)} serves; stop that, or give "
            "another --home"
        )
    ledger = open_ledger(settings.storage_url or str(home / LEDGER_FILE))
    path = socket_path(home, Path(tempfile.gettempdir()))
    options = server_options(
        settings,
        home=home,
        socket=path,
        targets=targets,
        port=port,
        is_public=where.is_public,
        read_only=where.read_only,
        log=where.log,
    )
    exporter = OtelExporter() if is_wanted(os.environ) else None
    server = Server(ledger, options, clock=now_s, exporter=exporter)
    printer = ActivityPrinter(as_json=as_json)
    if logging.getLogger("tidewheel.activity").isEnabledFor(logging.INFO):
        server.feed.listen(log_activity)
    if not quiet:
        server.feed.listen(printer.show)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    web: _Web | None = None
    told: asyncio.Task[None] | None = None
    try:
        await server.start()
        # as long as it takes to load the code that answers HTTP, user code is loaded by its own process
        await asyncio.to_thread(importlib.import_module, HTTP)
        web = _Web(deferred(HTTP, "create_app")(server, settings), host, port)
        await web.start()
        address = ServerAddress(pid=os.getpid(), socket=str(path), host=host, port=port, started_at=now_s())
        write_address(home, address)
        if as_json:
            printer.begin(msgspec.json.encode({"kind": "server", **msgspec.to_builtins(address)}).decode())
        elif not quiet:
            printer.begin(
                f"Tidewheel serves {', '.join(targets)} on {address.url} (home {home}). Ctrl-C ends it."
            )
            told = asyncio.create_task(_tell_what_is_stopped(server, printer))
        await stopped.wait()
        if not quiet and not as_json:
            printer.say("Stopping.")
    finally:
        if told is not None:
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
        if web is not None:
            await web.stop()
        await server.stop()
        lock.release()
        printer.close()


class _Web:
    """The HTTP server, in our event loop and without signal handlers of its own."""

    def __init__(self, app: Callable[..., object], host: str, port: int) -> None:
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            http=PatientProtocol,
        )
        self._server = _QuietServer(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


class _QuietServer(uvicorn.Server):
    """Leaves signals to the command."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


def choose_port(host: str, port: int | None) -> int:
    """The wanted port, or a free one when none was asked for and the usual one is taken.

    Raises:
        InvalidInvocationError: when the wanted port is taken, or the host is none of this machine's addresses.
    """
    if port is not None and port != 0:
        if _bound_port(host, port) is None:
            raise InvalidInvocationError(
                f"expected port {port} to be free, got one that is taken; give another --port"
            )
        return port
    if port is None and _bound_port(host, DEFAULT_PORT) is not None:
        return DEFAULT_PORT
    chosen = _bound_port(host, 0)
    if chosen is None:
        raise InvalidInvocationError(f"expected a free port on {host!r}, got none; stop other servers")
    if port is None:
        note(f"Port {DEFAULT_PORT} is taken; using {chosen}.")
    return chosen


def _bound_port(host: str, port: int) -> int | None:
    """The port (0: any), if it can be listened on; None if it is taken.

    Raises:
        InvalidInvocationError: when the host is none of this machine's addresses.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as exc:
        raise InvalidInvocationError(
            f"expected --host as an address or name of this machine, got {host!r}: {exc}"
        ) from exc
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return None
            if exc.errno == errno.EACCES:
                raise InvalidInvocationError(
                    f"expected a --port that this user may listen on, got {port}; take one above 1023"
                ) from exc
            raise InvalidInvocationError(
                f"expected --host as an address of this machine, got {host!r}: {exc.strerror}"
            ) from exc
        bound: int = probe.getsockname()[1]
    return bound


async def _tell_what_is_stopped(server: Server, printer: ActivityPrinter) -> None:
    """When the code has loaded: what would run by itself and does not, and how to start it."""
    await server.wait_ready()
    for kind in (TriggerKind.SCHEDULE, TriggerKind.SENSOR):
        views = await server.control.get_triggers_view(kind.value)
        line = stopped_line(kind.value.lower(), [view.name for view in views if not view.is_running])
        if line is not None:
            printer.say(line)


def stopped_line(what: str, names: Sequence[str]) -> str | None:
    """What people are told of schedules (or sensors) that are stopped; None when there are none."""
    if not names:
        return None
    more = len(names) - SHOWN_STOPPED
    shown = ", ".join(names[:SHOWN_STOPPED]) + (f" and {more} more" if more > 0 else "")
    count = f"1 {what} is" if len(names) == 1 else f"{len(names)} {what}s are"
    return f"{count} stopped: {shown}. Start with: tidewheel {what} start {names[0]}"
