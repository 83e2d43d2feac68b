"""Executes a launch request in this process, for homes that no server serves."""

from __future__ import annotations

import os
from collections.abc import Callable

from tidewheel.cli.home import OpenHome
from tidewheel.errors import CodeLocationLoadError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import Event
from tidewheel.values.ids import uuid_at
from tidewheel.values.launch import LaunchOutcome, LaunchRequest
from tidewheel.values.records import LocationRecord, NewRun, RunRecord
from tidewheel.values.tags import ROOT_RUN_ID
from tidewheel.worker.environment.ledger_sink import LedgerSink
from tidewheel.worker.environment.run_target import resolve_run_job
from tidewheel.worker.location.loaded_code import LoadFailure, load_code
from tidewheel.worker.planning.launch_preparation import prepare_launch
from tidewheel.worker.runs.run_executor import execute_run


class ShowingSink(LedgerSink):
    """Tells somebody of each event as it happens."""

    def __init__(self, ledger: LedgerPort, run: NewRun, show: Callable[[Event], None]) -> None:
        super().__init__(ledger, run, now_s)
        self._show = show

    def emit(self, event: Event) -> None:
        """Take one event."""
        super().emit(event)
        self._show(event)

    def hand_over(self) -> None:
        """Write what has gathered: the user code that comes next may end this process."""
        self.flush()


def execute_here(
    opened: OpenHome,
    location: str,
    target: CodeTarget,
    request: LaunchRequest,
    *,
    show: Callable[[Event], None],
) -> RunRecord | LaunchOutcome:
    """Load the code, check the request, execute the run; the finished run, or why there is none.

    ``show`` is told of the run's events as they happen.

    Raises:
        CodeLocationLoadError: when the code does not load.
    """
    try:
        code = load_code(target, location)
    except LoadFailure as failure:
        raise CodeLocationLoadError("\n".join(error.message for error in failure.errors)) from failure
    opened.ledger.put_location(
        LocationRecord(
            name=location, snapshot=code.snapshot_bytes, fingerprint=code.fingerprint, loaded_at=now_s()
        )
    )
    instance = Instance(opened.ledger, home=opened.home)
    prepared = prepare_launch(code.defs, request, instance=instance, clock=now_s)
    if prepared.run is None:
        message = prepared.error.message if prepared.error else "the request was refused"
        return LaunchOutcome(
            kind="invalid_config" if prepared.config_problems else "refused",
            message=message,
            config_problems=prepared.config_problems,
            error=prepared.error,
        )
    asked = prepared.run
    now = now_s()
    new_run = NewRun(
        run_id=request.run_id or uuid_at(now, os.urandom(10)),
        job_name=asked.job_name,
        # no location: this run belongs to this process, no server may launch it
        location="",
        partition=asked.partition,
        assets=asked.assets,
        checks=asked.checks,
        steps=prepared.steps,
        run_config=asked.run_config,
        tags=asked.tags,
        parent_run_id=request.parent_run_id,
        root_run_id=asked.tags.get(ROOT_RUN_ID) if request.parent_run_id is not None else None,
        planned_assets=asked.planned_assets,
        planned_checks=asked.planned_checks,
    )
    sink = ShowingSink(opened.ledger, new_run, show)
    run = sink.start()
    assert run is not None
    opened.ledger.note_worker(run.run_id, run.epoch, pid=os.getpid(), now=now)
    execute_run(
        resolve_run_job(code.defs, run, instance=instance),
        run,
        sink=sink,
        instance=instance,
        storage_dir=opened.home / "storage",
        logs_dir=opened.home / "logs",
        clock=now_s,
    )
    sink.flush()
    finished = opened.ledger.get_run(run.run_id)
    assert finished is not None
    return finished
