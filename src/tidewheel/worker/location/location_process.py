"""The code location process: imports user code once, and starts its warm children on the server's word.

It runs no user code after the import and has one thread, so that it stays fit to be forked. It outlives the server: when
the connection breaks it looks for a new server for a while; its children do the same on their own.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
import time
from typing import Optional

import msgspec

from tidewheel.errors import ServerUnreachableError
from tidewheel.runtime.connection import Connection, connect
from tidewheel.runtime.known_secrets import error_without_secrets, know_environment
from tidewheel.runtime.location_args import LocationArgs
from tidewheel.runtime.protocol import (
    ChildExited,
    ChildStarted,
    KillChild,
    LocationFailed,
    LocationLoaded,
    Message,
    Retire,
    Shutdown,
    StartEvaluator,
    StartWorker,
)
from tidewheel.runtime.views.log_lines import add_log_fields, set_up_child_log
from tidewheel.worker.environment.run_target import resolve_jobs
from tidewheel.worker.location.evaluator import run_evaluator
from tidewheel.worker.location.loaded_code import LoadedCode, LoadFailure, load_code
from tidewheel.worker.location.run_worker import run_worker
from tidewheel.worker.steps.child_start import (
    Assignment,
    ChildStarter,
    ForkStarter,
    SpareStarter,
    StartMethod,
    measure_start_method,
    signal_child,
    sweep_group,
    to_arguments,
)

RECONNECT_PAUSE_S = 0.2
REAP_S = 0.5


class Child(msgspec.Struct, kw_only=True):
    """A living child and what it is."""

    pid: int
    run_id: Optional[str] = None
    epoch: int = 0


class LocationProcess:
    """The main loop: messages from the server, ends of children."""

    def __init__(
        self, args: LocationArgs, code: LoadedCode, starter: ChildStarter, method: StartMethod
    ) -> None:
        self._args = args
        self._code = code
        self._starter = starter
        self._method = method
        self._connection: Connection | None = None
        self._load_s = 0.0
        self._children: dict[int, Child] = {}
        self._unreported: list[ChildExited] = []
        self._retired = False
        self._stopping = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)

    def run(self, connection: Connection, load_s: float) -> None:
        """Serve until retired, told to stop, or orphaned."""
        self._connection = connection
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop(0.5))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._load_s = load_s
        self._announce()
        if self._method == "fork":
            resolve_jobs(self._code.defs, (job.name for job in self._code.snapshot.jobs))
            gc.freeze()
        while not self._stopping and not (self._retired and not self._children):
            try:
                self._serve_once()
            except (ConnectionError, OSError):
                if not self._find_server():
                    break
        self._stop(0.5)
        self._starter.stop()

    def _announce(self) -> None:
        """Say what was loaded: at the start, and again to whoever answers after a broken connection."""
        self._send(
            LocationLoaded(
                snapshot=self._code.snapshot_bytes,
                fingerprint=self._code.fingerprint,
                start_method=self._method,
                load_s=self._load_s,
            )
        )

    def close_inherited(self) -> None:
        """In a forked child: drop what belongs to the parent."""
        if self._connection is not None:
            self._connection.close()
        self._wake_reader.close()
        self._wake_writer.close()

    def _run_workers(self) -> list[Child]:
        return [child for child in self._children.values() if child.run_id is not None]

    def _serve_once(self) -> None:
        connection = self._connection
        assert connection is not None
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(5.0)}
        self._drain_wakeups()
        self._reap()
        if connection in ready:
            for message in connection.receive_available():
                self._take(message)
        self._report()

    def _drain_wakeups(self) -> None:
        try:
            while self._wake_reader.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _take(self, message: Message) -> None:
        match message:
            case StartWorker(run=run):
                if not self._retired:
                    pid = self._starter.start(Assignment(run=run))
                    self._children[pid] = Child(pid=pid, run_id=run.run_id, epoch=run.epoch)
                    self._send(ChildStarted(pid=pid, run_id=run.run_id, epoch=run.epoch))
            case StartEvaluator():
                if not self._retired:
                    pid = self._starter.start(Assignment())
                    self._children[pid] = Child(pid=pid)
            case KillChild(pid=pid):
                if pid in self._children:
                    signal_child(pid, signal.SIGKILL)
            case Retire():
                # evaluators finish what they have begun; the server ends them
                self._retired = True
                self._starter.stop()
            case Shutdown(grace_s=grace_s):
                self._stop(grace_s)
            case _:
                pass

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._starter.forget(pid)
            child = self._children.pop(pid, None)
            if child is not None:
                sweep_group(pid)
                self._unreported.append(
                    ChildExited(
                        pid=pid,
                        code=os.waitstatus_to_exitcode(status),
                        run_id=child.run_id,
                        epoch=child.epoch,
                    )
                )

    def _report(self) -> None:
        while self._unreported:
            self._send(self._unreported[0])
            self._unreported.pop(0)

    def _send(self, message: Message) -> None:
        if self._connection is None:
            raise ConnectionError("not connected")
        self._connection.send(message)

    def _find_server(self) -> bool:
        """Look for a server on the same socket."""
        deadline = time.monotonic() + self._args.orphan_timeout_s
        while not self._stopping:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if time.monotonic() >= deadline and not self._run_workers():
                return False
            self._reap()
            try:
                self._connection = connect(
                    self._args.socket, "location", location=self._args.name, generation=self._args.generation
                )
                # the same server lost the connection; a new one, to which we are a stranger, has us retire
                self._announce()
                return True
            except (ServerUnreachableError, OSError):
                self._pause()
        return False

    def _pause(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            selector.select(RECONNECT_PAUSE_S)
        self._drain_wakeups()

    def _stop(self, grace_s: float) -> None:
        """End all children: politely, then after the grace not."""
        if self._stopping:
            return
        self._stopping = True
        for pid in list(self._children):
            signal_child(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while self._children and time.monotonic() < deadline:
            self._pause_briefly(deadline)
            self._reap()
        for pid in list(self._children):
            signal_child(pid, signal.SIGKILL)
        deadline = time.monotonic() + REAP_S
        while self._children and time.monotonic() < deadline:
            self._reap()
            self._pause_briefly(deadline)

    def _pause_briefly(self, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            selector.select(max(0.0, min(0.1, deadline - time.monotonic())))
        self._drain_wakeups()


def run_assignment(args: LocationArgs, code: LoadedCode, assignment: Assignment) -> int:
    """What a child does, however it was started; its exit code."""
    if assignment.run is None:
        add_log_fields(process="evaluator")
        return run_evaluator(code, socket_path=args.socket, location=args.name, generation=args.generation)
    add_log_fields(process="run", run_id=assignment.run.run_id)
    return run_worker(
        code,
        assignment.run,
        socket_path=args.socket,
        location=args.name,
        storage_dir=args.storage_dir,
        logs_dir=args.logs_dir,
        home=args.home,
        patience_s=args.worker_patience_s,
    )


def serve(args: LocationArgs) -> int:
    """Load user code, report it, serve. Exit code 0 also when the code could not be loaded: that is reported."""
    began = time.monotonic()
    set_up_child_log(args.log_level, args.log_format, location=args.name)
    know_environment()
    try:
        code = load_code(args.target, args.name)
    except LoadFailure as failure:
        know_environment()
        connection = connect(
            args.socket, "location", location=args.name, generation=args.generation, patience_s=5
        )
        errors = tuple(error_without_secrets(error) for error in failure.errors)
        connection.send(LocationFailed(errors=errors, files=failure.files))
        connection.close()
        return 0
    know_environment()  # code may have added to it as it was imported
    method = measure_start_method() if args.start_method == "auto" else args.start_method
    process: LocationProcess

    def body(assignment: Assignment) -> int:
        return run_assignment(args, code, assignment)

    starter: ChildStarter
    if method == "fork":
        starter = ForkStarter(body, lambda: process.close_inherited())
    else:
        starter = SpareStarter(to_arguments(args), args.spare_stock)
    process = LocationProcess(args, code, starter, "fork" if method == "fork" else "spare")
    # objects alive now live for ever: keep the collector from touching (and so copying) their pages in children
    gc.collect()
    gc.freeze()
    connection = connect(
        args.socket, "location", location=args.name, generation=args.generation, patience_s=5
    )
    process.run(connection, time.monotonic() - began)
    return 0


def main() -> None:
    """Entry of the process: arguments are one JSON text."""
    args = msgspec.json.decode(sys.argv[1], type=LocationArgs)
    sys.exit(serve(args))


if __name__ == "__main__":
    main()
