"""Starts real servers for tests, waits for what they report, and sees to it that nothing is left behind."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tidewheel.runtime.home import read_address
from tidewheel.runtime.remote.socket_client import Channel, RemoteControl, RemoteLedger

START_S = 150.0
STARTED: list["Served"] = []  # by the test that runs now


class Served:
    """One ``tidewheel dev`` process on a home. Activities are collected from its standard output."""

    def __init__(
        self, home: Path, *files: Path, env: dict[str, str] | None = None, args: tuple[str, ...] = ()
    ) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        options = [part for file in files for part in ("-f", str(file))]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tidewheel.cli.main",
                "dev",
                *options,
                "--home",
                str(home),
                "--port",
                "0",
                "--json",
                *args,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self.lines: queue.Queue[dict | None] = queue.Queue()
        self.seen: list[dict] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()
        STARTED.append(self)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.put(json.loads(line))
        self.lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def wait_for(self, wanted: Callable[[dict], bool], timeout_s: float = START_S) -> dict:
        """The first activity, past or to come, that is wanted and was not returned before."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"not seen in {timeout_s} s; seen: {self.seen[-20:]}; errors: {''.join(self.errors)[-3000:]}"
                ) from None
            if line is None:
                raise AssertionError(
                    f"the server ended: {self.process.wait()}; {''.join(self.errors)[-3000:]}"
                )
            self.seen.append(line)
            if wanted(line):
                return line

    def wait_loaded(self) -> None:
        """Wait until code has loaded (or failed) and the address is known."""
        got: set[str] = set()
        while got != {"server", "location"}:
            line = self.wait_for(lambda a: a["kind"] == "server" or is_answer_of_location(a))
            got.add(line["kind"])

    def wait_location(self) -> dict:
        """The next code location that has loaded or failed (on a busy machine LOADING comes before)."""
        return self.wait_for(is_answer_of_location)

    @property
    def ledger(self) -> RemoteLedger:
        """The ledger, through the server."""
        return RemoteLedger(self._channel())

    @property
    def control(self) -> RemoteControl:
        """The control, through the server."""
        return RemoteControl(self._channel())

    def _channel(self) -> Channel:
        address = read_address(self.home)
        assert address is not None
        return Channel(address.socket, patience_s=10.0)

    @property
    def port(self) -> int:
        """Its HTTP port."""
        address = read_address(self.home)
        assert address is not None and address.port is not None
        return address.port

    def descendants(self) -> list[psutil.Process]:
        """All processes below the server now."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, timeout_s: float = 60.0) -> float:
        """Ctrl-C; how long the end took in seconds. Nothing may be left behind."""
        if self.process.poll() is not None:
            return 0.0
        family = self.descendants()
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        took = time.monotonic() - began
        _, alive = psutil.wait_procs(family, timeout=1.0)
        alive = [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        for process in alive:
            process.kill()
        assert not alive, f"left behind: {alive}"
        return took

    def kill(self) -> None:
        """kill -9 of the server alone."""
        self.process.kill()
        self.process.wait()

    def clear_away(self) -> None:
        """Leave no process and no thread of it, however the test ended."""
        if self.process.poll() is None:
            family = [*self.descendants(), psutil.Process(self.process.pid)]
            for process in family:
                with suppress(psutil.Error):
                    process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join(10.0)


def is_answer_of_location(activity: dict) -> bool:
    """Whether an activity tells what became of loading a code location."""
    return activity["kind"] == "location" and activity["status"] != "LOADING"


def wait_until(true: Callable[[], object], timeout_s: float = 90.0, what: str = "the condition") -> object:
    """Ask until the answer is true (for facts that no signal tells of)."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not come true in {timeout_s} s"
        time.sleep(0.05)


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that was started for a home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        cmdline = process.info["cmdline"] or []
        if any(str(home) in part for part in cmdline) and any("tidewheel" in part for part in cmdline):
            found.append(process)
    return found
