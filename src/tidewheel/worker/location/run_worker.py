"""The worker of one run: connects user code, the server and the executor, and ends with the run."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.errors import ExecutionInterruptedError
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.remote.socket_client import Channel, RemoteLedger
from tidewheel.values.events import Event, EventType, Failure
from tidewheel.values.records import RunRecord
from tidewheel.worker.environment.interrupts import InterruptGate
from tidewheel.worker.environment.run_target import resolve_run_job
from tidewheel.worker.environment.socket_sink import SocketSink, exit_refused
from tidewheel.worker.location.loaded_code import LoadedCode
from tidewheel.worker.runs.run_executor import execute_run
from tidewheel.worker.steps.step_runner import describe_error

EXIT_OK = 0
EXIT_NO_SERVER = 87


def run_worker(
    code: LoadedCode,
    run: RunRecord,
    *,
    socket_path: str,
    location: str,
    storage_dir: str,
    logs_dir: str,
    home: str,
    patience_s: float,
) -> int:
    """Execute one run and report it. How the run went is in its events; the exit code only says how reporting went."""
    gate = InterruptGate()
    with gate.installed():  # from the first moment to the last: an interrupt must not cost the run its end
        sink = SocketSink(
            socket_path,
            location=location,
            run_id=run.run_id,
            epoch=run.epoch,
            on_cancel=_interrupt_main_thread,
            on_refused=exit_refused,
            patience_s=patience_s,
        )
        instance = Instance(RemoteLedger(Channel(socket_path, patience_s=patience_s)), home=Path(home))  # type: ignore[arg-type]
        job = _job(code, run, sink, instance, gate)
        if job is not None:
            execute_run(
                job,
                run,
                sink=sink,
                instance=instance,
                storage_dir=Path(storage_dir),
                logs_dir=Path(logs_dir),
                clock=now_s,
                raise_on_error=False,
                gate=gate,
                owns_process=True,
            )
        sink.close()
    return EXIT_OK


def _job(
    code: LoadedCode, run: RunRecord, sink: SocketSink, instance: Instance, gate: InterruptGate
) -> JobDefinition | None:
    """The job that the run is of, cut to its selection; a run whose job is gone fails with the reason."""
    try:
        with gate.user_code():
            return resolve_run_job(code.defs, run, instance=instance)
    except (KeyboardInterrupt, ExecutionInterruptedError):
        _end(sink, run, EventType.RUN_CANCELED, "The run was cancelled before its first step.", None)
    except Exception as exc:  # noqa: BLE001 - a boundary: resolving runs user code (config functions, selections)
        failure = Failure(error=describe_error(exc), reason="RUN_NOT_PREPARED")
        _end(sink, run, EventType.RUN_FAILURE, f"The run could not be prepared: {exc}", failure)
    return None


def _end(sink: SocketSink, run: RunRecord, kind: EventType, message: str, failure: Failure | None) -> None:
    """Report a run that ended before it began."""
    for event_type, text, payload in ((EventType.RUN_START, "", None), (kind, message, failure)):
        sink.emit(
            Event(
                type=event_type,
                timestamp=now_s(),
                run_id=run.run_id,
                job_name=run.job_name,
                message=text,
                payload=payload,
            )
        )


def _interrupt_main_thread() -> None:
    """Called in the sink's thread: user code in the main thread sees the interruption where it is."""
    if threading.main_thread().is_alive():
        os.kill(os.getpid(), signal.SIGINT)
