"""Executes a run from start to end: plan, resources, steps in their order, and the run's own events."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tidewheel.definitions.executors import StepStrategy
from tidewheel.definitions.job_config import ResolvedRunConfig
from tidewheel.definitions.jobs import JobDefinition
from tidewheel.errors import ExecutionInterruptedError
from tidewheel.logic.runs.plan import RunPlan
from tidewheel.logic.runs.progress import RunProgress, StepState
from tidewheel.values import events
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import EngineNote, EventType
from tidewheel.values.records import RunRecord
from tidewheel.worker.data_versions import DataVersions
from tidewheel.worker.event_sink import EventSink
from tidewheel.worker.interrupts import InterruptGate
from tidewheel.worker.log_manager import RunLog, logging_to
from tidewheel.worker.partition_access import PartitionAccess
from tidewheel.worker.plan_builder import build_run_plan
from tidewheel.worker.resource_scope import ResourceScope
from tidewheel.worker.run_environment import RunEnvironment
from tidewheel.worker.step_needs import resource_keys_of
from tidewheel.worker.step_runner import StepOutcome, StepRunner, describe_error

IN_PROCESS = StepStrategy("in_process")
LONGEST_NAP_S = 0.5


class RunResult:
    """What came of a run. ``exception``: what made it fail, if an exception did and happened in this process."""

    def __init__(
        self,
        env: RunEnvironment | None,
        *,
        success: bool,
        canceled: bool = False,
        error: ErrorInfo | None = None,
        exception: BaseException | None = None,
        progress: RunProgress | None = None,
    ) -> None:
        self.env = env
        self.success = success
        self.canceled = canceled
        self.error = error
        self.exception = exception
        self.progress = progress

    @property
    def outputs(self) -> Mapping[tuple[str, str, str | None], Any]:
        """Captured values by (step key, output, mapping key); empty unless values were captured."""
        return (self.env.captured or {}) if self.env is not None else {}


def execute_run(
    job: JobDefinition,
    run: RunRecord,
    *,
    sink: EventSink,
    instance: Any = None,
    storage_dir: Path | Callable[[], Path],
    clock: Callable[[], float],
    logs_dir: Path | None = None,
    strategy: StepStrategy | None = None,
    resolved: ResolvedRunConfig | None = None,
    raise_on_error: bool = False,
    captures_values: bool = False,
    repository: Any = None,
) -> RunResult:
    """Execute a run of a job; every event goes to the sink, from RUN_START to RUN_SUCCESS, RUN_FAILURE or RUN_CANCELED.

    ``strategy`` overrides the job's executor. ``instance`` may be a function that makes one when it is first needed.
    ``logs_dir``: where standard output and error of steps are kept (None: not captured).

    Raises:
        Exception: with ``raise_on_error``, the user's own exception of the first failed step, or what kept the run from
            being executed.
    """
    gate = InterruptGate()
    with gate.installed():
        execution = _Execution(
            job, run, sink, clock, gate, instance, storage_dir, logs_dir, captures_values, repository
        )
        result = execution.run(strategy, resolved)
    if raise_on_error and result.exception is not None:
        raise result.exception
    return result


class _Execution:
    """One run being executed."""

    def __init__(
        self,
        job: JobDefinition,
        run: RunRecord,
        sink: EventSink,
        clock: Callable[[], float],
        gate: InterruptGate,
        instance: Any,
        storage_dir: Path | Callable[[], Path],
        logs_dir: Path | None,
        captures_values: bool,
        repository: Any,
    ) -> None:
        self._job = job
        self._run = run
        self._gate = gate
        self.env = RunEnvironment(
            job=job,
            run=run,
            resolved=ResolvedRunConfig({}, {}),
            plan=RunPlan(),
            sink=sink,
            storage_dir=storage_dir,
            clock=clock,
            instance=instance,
            gate=gate,
            logs_dir=logs_dir,
            captures_values=captures_values,
            random=random.random,
            repository=repository,
        )
        self.progress: RunProgress | None = None
        self._first_failure: tuple[str, ErrorInfo | None] | None = None
        self._exception: BaseException | None = None

    def run(self, strategy: StepStrategy | None, resolved: ResolvedRunConfig | None) -> RunResult:
        """Everything, and the run's last event."""
        env = self.env
        env.emit(EventType.RUN_START, f'Run of "{env.job_name}" started.')
        try:
            env.resolved = (
                resolved if resolved is not None else self._job.resolve_run_config(self._run.run_config)
            )
            env.loggers = make_loggers(env)
            chosen = (
                strategy if strategy is not None else self._job.executor_def.strategy(env.resolved.execution)
            )
            env.plan = plan_of_run(env)
            with logging_to(RunLog(env)):
                self._execute(chosen)
        except (KeyboardInterrupt, ExecutionInterruptedError) as exc:
            return self._canceled(exc)
        except BaseException as exc:  # noqa: BLE001 - a boundary: the run must end whatever happened
            return self._broken(exc)
        if self._gate.interrupted or self._gate.pending:
            return self._canceled(ExecutionInterruptedError("the run was asked to stop"))
        return self._ended()

    # -- steps --------------------------------------------------------------------------------------------

    def _execute(self, strategy: StepStrategy) -> None:
        progress = self.progress = RunProgress(self.env.plan)
        partitions = PartitionAccess(self.env)
        versions = DataVersions(self.env, partitions)
        self._execute_inline(progress, partitions, versions, strategy)

    def _execute_inline(
        self,
        progress: RunProgress,
        partitions: PartitionAccess,
        versions: DataVersions,
        strategy: StepStrategy,
    ) -> None:
        env = self.env
        started = time.perf_counter()
        env.emit(
            EventType.ENGINE_EVENT,
            f"Executing steps in this process (pid {os.getpid()}).",
            payload=EngineNote(worker_pid=os.getpid()),
        )
        steps = [step for step in env.plan.steps]
        only = steps[0].key if len(steps) == 1 else None
        with ResourceScope(env, resource_keys_of(env.job, steps), only) as scope:
            runner = StepRunner(env, scope, partitions, versions, progress.is_available)
            while not progress.is_over:
                self._report_skipped(progress)
                ready = progress.take_ready(env.clock(), limit=1)
                if not ready:
                    if progress.is_over:
                        break
                    self._wait(progress)
                    continue
                key = ready[0]
                planned = progress.start(key)
                outcome = runner.run(
                    planned, attempt=progress.attempts(key), retries_enabled=strategy.retries_enabled
                )
                self._take(progress, key, outcome, runner.exceptions.get(key))
            self._report_skipped(progress)
        env.emit(
            EventType.ENGINE_EVENT,
            f"Steps are done (pid {os.getpid()}) after {(time.perf_counter() - started) * 1000.0:.3g} ms.",
            payload=EngineNote(worker_pid=os.getpid()),
        )

    def _take(
        self, progress: RunProgress, key: str, outcome: StepOutcome, exception: BaseException | None
    ) -> None:
        """Note what became of a step.

        Raises:
            ExecutionInterruptedError: when the step was interrupted.
        """
        if outcome.status == "succeeded":
            progress.succeed(key, outcome.outputs)
        elif outcome.status == "retry":
            progress.retry(key, self.env.clock() + outcome.wait_s)
        else:
            progress.fail(key)
            if self._first_failure is None:
                self._first_failure = (key, outcome.error)
                self._exception = exception
            if outcome.status == "interrupted":
                raise ExecutionInterruptedError("the run was asked to stop")

    def _report_skipped(self, progress: RunProgress) -> None:
        for key in progress.take_skipped():
            self.env.emit(
                EventType.STEP_SKIPPED, f'Step "{key}" is skipped: an input was not given.', step_key=key
            )

    def _wait(self, progress: RunProgress) -> None:
        """Sleep until the next repetition is due."""
        due = progress.next_retry_at
        if due is None:
            raise RuntimeError(
                f"no step can be executed, yet the run is not over: {progress.keys(StepState.WAITING)}"
            )
        pause = due - self.env.clock()
        with self._gate.user_code():
            time.sleep(max(min(pause, LONGEST_NAP_S), 0.0005))

    # -- ends ---------------------------------------------------------------------------------------------

    def _ended(self) -> RunResult:
        env = self.env
        assert self.progress is not None
        if not self.progress.has_failed:
            env.emit(EventType.RUN_SUCCESS, f'Run of "{env.job_name}" succeeded.')
            env.sink.flush()
            return RunResult(env, success=True, progress=self.progress)
        failed = self.progress.keys(StepState.FAILED)
        step, error = self._first_failure or (failed[0], None)
        env.emit(
            EventType.RUN_FAILURE,
            f'Run of "{env.job_name}" failed. Steps that failed: {failed}.',
            payload=events.Failure(reason="STEP_FAILURE", first_step=step, error=error),
        )
        env.sink.flush()
        return RunResult(
            env, success=False, error=error, exception=_users_own(self._exception), progress=self.progress
        )

    def _broken(self, exc: BaseException) -> RunResult:
        env = self.env
        error = describe_error(exc)
        env.emit(
            EventType.RUN_FAILURE,
            f'Run of "{env.job_name}" failed: {error.headline}',
            payload=events.Failure(error=error, reason="RUN_EXCEPTION"),
        )
        env.sink.flush()
        return RunResult(env, success=False, error=error, exception=exc, progress=self.progress)

    def _canceled(self, exc: BaseException) -> RunResult:
        env = self.env
        error = describe_error(exc)
        env.emit(
            EventType.RUN_CANCELED,
            f'Run of "{env.job_name}" was cancelled.',
            payload=events.Failure(error=error),
        )
        env.sink.flush()
        return RunResult(
            env, success=False, canceled=True, error=error, exception=exc, progress=self.progress
        )


def _users_own(exc: BaseException | None) -> BaseException | None:
    """The user's exception behind ours."""
    inner = getattr(exc, "user_exception", None)
    return inner if inner is not None else exc


def plan_of_run(env: RunEnvironment) -> RunPlan:
    """The plan, cut to the run's steps if it repeats only some."""
    plan = build_run_plan(env.job, env.resolved)
    if env.run.steps is None:
        return plan
    return plan.only(env.run.steps)


def make_loggers(env: RunEnvironment) -> list[Any]:
    """The job's loggers, made with the run's config."""
    made = []
    for name, definition in env.job.loggers.items():
        config = (env.resolved.loggers.get(name) or {}).get("config")
        if config is None and definition.config_field.default_provided:
            config = definition.config_field.default_value
        made.append(definition.make(_with_defaults(definition, config), job_def=env.job, run_id=env.run_id))
    return made


def _with_defaults(definition: Any, config: Any) -> Any:
    from tidewheel.definitions.config_validation import check_config  # noqa: PLC0415 - only here

    return check_config(definition.config_field, config, subject="a logger") if config is not None else None
