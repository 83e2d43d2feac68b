"""Ends runs of this machine whose process is gone, on a home that no server serves."""

from __future__ import annotations

from collections.abc import Callable

from tidewheel.errors import WorkerLostError
from tidewheel.services.machine import Machine
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.status import RunStatus

_MESSAGE = "The process that executed the run ended without finishing it."


def end_lost_runs(ledger: LedgerPort, *, is_alive: Callable[[int], bool], now: float) -> list[str]:
    """Fail the runs that executed in a process of their own which has ended; their ids.

    Runs of code locations are left to a server: their workers may only be waiting for one.
    """
    ended = []
    for run in ledger.in_progress_runs():
        if run.location or run.worker_pid is None or is_alive(run.worker_pid):
            continue
        status = RunStatus.CANCELED if run.status is RunStatus.CANCELING else RunStatus.FAILURE
        ledger.finish_run(
            run.run_id,
            status,
            now=now,
            message=_MESSAGE,
            reason="WORKER_LOST",
            error=ErrorInfo(cls_name=WorkerLostError.__name__, message=_MESSAGE),
            expected_epoch=run.epoch,
        )
        ended.append(run.run_id)
    return ended


def is_process_alive(pid: int) -> bool:
    """Whether a process of this id lives on this machine."""
    return Machine().is_alive(pid)
