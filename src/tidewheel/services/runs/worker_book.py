"""What the server knows of the workers of runs in progress: asked for, connected, out of sight, gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

import msgspec

from tidewheel.logic.planning.recovery import WorkerState
from tidewheel.runtime.protocol import CancelRun
from tidewheel.services.hub import Peer
from tidewheel.services.machine import Machine
from tidewheel.values.records import RunRecord

EXIT_NOTICE_S = 1.0
"""How long a location may take to say how a worker ended that has closed its connection."""


class WorkerEntry(msgspec.Struct, kw_only=True):
    """One launch of a run."""

    epoch: int
    pid: Optional[int] = None
    peer: Optional[Peer] = None
    state: str = "starting"
    since: float = 0.0
    exit_code: Optional[int] = None


class WorkerBook:
    """By run id, the newest launch that this server made or heard of."""

    def __init__(self, started_at: float, machine: Machine) -> None:
        self._started_at = started_at
        self._machine = machine
        self._entries: dict[str, WorkerEntry] = {}

    def launched(self, run_id: str, epoch: int, now: float) -> None:
        """A location was asked to start a worker."""
        self._entries[run_id] = WorkerEntry(epoch=epoch, since=now)

    def started(self, run_id: str, epoch: int, pid: int) -> None:
        """The location has started the worker's process."""
        entry = self._entries.get(run_id)
        if entry is not None and entry.epoch == epoch:
            entry.pid = pid

    def connected(self, run_id: str, epoch: int, pid: int, peer: Peer, now: float) -> bool:
        """A worker said hello. False when a newer launch is known: the worker is not wanted any more."""
        entry = self._entries.get(run_id)
        if entry is not None and entry.epoch > epoch:
            return False
        self._entries[run_id] = WorkerEntry(epoch=epoch, pid=pid, peer=peer, state="connected", since=now)
        return True

    def disconnected(self, run_id: str, peer: Peer, now: float) -> None:
        """The worker's connection ended; its process may live on."""
        entry = self._entries.get(run_id)
        if entry is not None and entry.peer is peer:
            entry.peer = None
            entry.state = "unknown" if entry.exit_code is None else "gone"
            entry.since = now

    def exited(self, run_id: str, epoch: int, now: float, code: int | None = None) -> None:
        """The worker's process has ended; ``code`` is negative for a signal."""
        entry = self._entries.get(run_id)
        if entry is not None and entry.epoch == epoch:
            entry.exit_code = code
            entry.since = now
            if entry.peer is None:
                entry.state = (
                    "gone"  # otherwise when its connection has been read to the end: see disconnected
                )

    def exit_code(self, run: RunRecord) -> int | None:
        """How the process of the run's worker ended, if it has and that is known."""
        entry = self._entries.get(run.run_id)
        return entry.exit_code if entry is not None and entry.epoch >= run.epoch else None

    def forget(self, run_id: str) -> None:
        """The run has ended."""
        self._entries.pop(run_id, None)

    def ask_to_stop(self, run_ids: Iterable[str]) -> None:
        """Tell the workers of some runs to stop, as far as they are connected."""
        for run_id in run_ids:
            peer = self.peer(run_id)
            if peer is not None:
                peer.send(CancelRun(run_id=run_id))

    def peer(self, run_id: str) -> Peer | None:
        """The connection of the run's worker."""
        entry = self._entries.get(run_id)
        return entry.peer if entry else None

    def pid(self, run: RunRecord) -> int | None:
        """The process of the run's worker, as far as known."""
        entry = self._entries.get(run.run_id)
        return (entry.pid if entry else None) or run.worker_pid

    def knows(self, run_id: str) -> bool:
        """Whether this server launched the run or heard of its worker."""
        return run_id in self._entries

    def look(self, run: RunRecord, now: float) -> tuple[WorkerState, float]:
        """The worker's state, and since when (seconds since the epoch).

        A process that is gone counts as such as soon as its location says how it ended, or has not said so in time.
        """
        entry = self._entries.get(run.run_id)
        if entry is None or entry.epoch < run.epoch:
            if run.worker_pid is not None and not self._machine.is_worker_alive(run.worker_pid):
                return "gone", self._started_at
            return "unknown", self._unheard_since(run, now)
        if (
            entry.state == "unknown"
            and entry.pid is not None
            and now - entry.since >= EXIT_NOTICE_S
            and not self._machine.is_worker_alive(entry.pid)
        ):
            return "gone", entry.since
        if entry.state == "connected":
            return "connected", entry.since
        if entry.state == "gone":
            return "gone", entry.since
        return ("starting", entry.since) if entry.state == "starting" else ("unknown", entry.since)

    def _unheard_since(self, run: RunRecord, now: float) -> float:
        """Since when nothing was heard of a launch that is not known here, as its location has yet to be asked, or a
        former server asked it. A launch in a time to come was made before the clock was set back."""
        launched_at = run.launched_at or 0.0
        return max(self._started_at, launched_at) if launched_at <= now else self._started_at

    def __len__(self) -> int:
        return sum(1 for entry in self._entries.values() if entry.state == "connected")
