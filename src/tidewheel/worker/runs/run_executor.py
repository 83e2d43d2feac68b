"""Executes a run from start to end: plan, resources, steps in their order, and the run's own events."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Literal

from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.executors import StepStrategy
from tidewheel.definitions.jobs.job_config import ResolvedRunConfig
from tidewheel.definitions.jobs.loggers import default_loggers
from tidewheel.definitions.resources.built_in_io_managers import mem_io_manager
from tidewheel.errors import ExecutionInterruptedError, InvariantViolationError
from tidewheel.logic.runs.plan import PlannedStep, RunPlan
from tidewheel.logic.runs.progress import RunProgress, StepState
from tidewheel.values import events
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import EngineNote, EventType
from tidewheel.values.records import RunRecord
from tidewheel.worker.contexts.data_versions import DataVersions
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.environment.captured_logs import RUN_FILES, capture
from tidewheel.worker.environment.event_sink import EventSink
from tidewheel.worker.environment.interrupts import InterruptGate
from tidewheel.worker.environment.log_manager import RunLog, logging_to
from tidewheel.worker.environment.resource_scope import ResourceScope
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.planning.plan_builder import build_run_plan
from tidewheel.worker.runs.resumption import (
    NOTHING_EARLIER,
    EarlierSteps,
    is_resumption,
    load_earlier_steps,
    plan_left,
)
from tidewheel.worker.steps.pool_slots import PoolSlots
from tidewheel.worker.steps.step_admission import StepAdmission
from tidewheel.worker.steps.step_needs import resource_keys_of
from tidewheel.worker.steps.step_processes import StepProcesses, why_not_fork
from tidewheel.worker.steps.step_runner import StepOutcome, StepRunner, describe_error
from tidewheel.worker.steps.step_threads import StepThreads

IN_PROCESS = StepStrategy("in_process")
LONGEST_NAP_S = 0.5
LONGEST_CLEAN_UP_S = 30.0
"""How long interrupted steps may clean up before their processes are killed."""


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
    gate: InterruptGate | None = None,
    owns_process: bool = False,
) -> RunResult:
    """Execute a run of a job; every event goes to the sink, from RUN_START to RUN_SUCCESS, RUN_FAILURE or RUN_CANCELED.

    ``strategy`` overrides the job's executor. ``instance`` may be a function that makes one when it is first needed.
    ``logs_dir``: where standard output and error of steps are kept (None: not captured). ``gate``: what notes interrupts,
    if that is installed already. ``owns_process``: this process serves nothing but the run, so that an executor of
    processes may run a mere chain of steps in it; elsewhere (a user's program, a test) a step that ends its process
    must not end everything.

    Raises:
        Exception: with ``raise_on_error``, the user's own exception of the first failed step, or what kept the run from
            being executed.
    """
    guard = gate if gate is not None else InterruptGate()
    with guard.installed() if gate is None else nullcontext():
        execution = _Execution(
            job,
            run,
            sink,
            clock,
            guard,
            instance,
            storage_dir,
            logs_dir,
            captures_values,
            repository,
            owns_process,
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
        owns_process: bool,
    ) -> None:
        self._job = job
        self._owns_process = owns_process
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
        self._pools: PoolSlots
        self.progress: RunProgress | None = None
        self._earlier = NOTHING_EARLIER
        self._first_failure: tuple[str, ErrorInfo | None] | None = None
        self._exception: BaseException | None = None

    def run(self, strategy: StepStrategy | None, resolved: ResolvedRunConfig | None) -> RunResult:
        """Everything, and the run's last event."""
        env = self.env
        env.emit(EventType.RUN_START, f"Run of {env.title} started.")
        try:
            env.resolved = (
                resolved if resolved is not None else self._job.resolve_run_config(self._run.run_config)
            )
            env.loggers = make_loggers(env)
            chosen = (
                strategy if strategy is not None else self._job.executor_def.strategy(env.resolved.execution)
            )
            self._earlier = earlier_steps(env)
            env.plan = plan_of_run(env, self._earlier)
            self._earlier = self._earlier.without(step.key for step in env.plan.steps)
            env.parent_runs = self._earlier.runs
            with logging_to(RunLog(env)):
                self._execute(chosen)
        except (KeyboardInterrupt, ExecutionInterruptedError) as exc:
            return self._canceled(exc)
        except BaseException as exc:  # noqa: BLE001 - a boundary: the run must end whatever happened
            return self._broken(exc)
        if self._gate.interrupted or self._gate.pending:
            return self._canceled(ExecutionInterruptedError("the run was asked to stop"))
        return self._ended()

    # -- steps ---------------------------------------------------------------------------------------------

    def _execute(self, strategy: StepStrategy) -> None:
        progress = self.progress = RunProgress(self.env.plan, self._earlier.outputs)
        self._partitions = PartitionAccess(self.env)
        self._versions = DataVersions(self.env, self._partitions)
        started = time.perf_counter()
        with closing(PoolSlots(self.env, self.env.clock)) as self._pools:
            if strategy.kind == "processes":
                self._execute_in_processes(progress, strategy)
            elif strategy.kind == "threads":
                self._execute_in_threads(progress, strategy)
            if not progress.is_over:
                self._execute_inline(progress, strategy)
        self._report_skipped(progress)
        self._note(f"Steps are done after {(time.perf_counter() - started) * 1000.0:.3g} ms.")

    def _note(self, message: str) -> None:
        self.env.emit(EventType.ENGINE_EVENT, message, payload=EngineNote(worker_pid=os.getpid()))

    def _runner(self, progress: RunProgress, scope: ResourceScope) -> StepRunner:
        return StepRunner(self.env, scope, self._partitions, self._versions, progress.is_available)

    # one after another

    def _execute_inline(self, progress: RunProgress, strategy: StepStrategy) -> None:
        """Execute what is left in this process, with one set of resources."""
        env = self.env
        left = [step for step in env.plan.steps if progress.is_open(step.key)]
        only = left[0].key if len(left) == 1 else None
        self._note(f"Executing steps in this process (pid {os.getpid()}).")
        keys = tuple(step.key for step in left)
        has_pools = self._pools.is_needed
        with (
            ResourceScope(env, resource_keys_of(env.job, left), only) as scope,
            capture(env, RUN_FILES, keys, only),
        ):
            runner = self._runner(progress, scope)
            while not progress.is_over:
                self._report_skipped(progress)
                # among steps of pools, one that has to wait must not hold up the next
                ready = progress.take_ready(env.clock(), limit=None if has_pools else 1)
                chosen = next((key for key in ready if self._pools.admit(progress.step(key))), None)
                for key in ready:
                    if key != chosen:
                        progress.put_back(key)
                if chosen is not None:
                    self._run_inline(progress, runner, chosen, strategy)
                elif not progress.is_over:
                    self._nap(progress)

    def _run_inline(
        self, progress: RunProgress, runner: StepRunner, key: str, strategy: StepStrategy
    ) -> None:
        planned = progress.start(key)
        outcome = runner.run(
            planned, attempt=progress.attempts(key), retries_enabled=strategy.retries_enabled
        )
        self._take(progress, key, outcome, runner.exceptions.get(key))

    # side by side

    def _execute_in_processes(self, progress: RunProgress, strategy: StepStrategy) -> None:
        """Execute steps in processes; a run with a process of its own leaves what is a mere chain for that process."""
        obstacle = why_not_fork() or self._values_in_memory()
        if obstacle is not None:
            self._note(f"Steps are executed one after another in the run's process: {obstacle}.")
            return
        if strategy.max_concurrent == 1 and self._owns_process:
            return

        def body(planned: PlannedStep, attempt: int) -> StepOutcome:
            return self._in_child(progress, planned, attempt, strategy)

        lanes = StepProcesses(self.env, body, self._versions.note, self._pools.bell)
        maximum = strategy.max_concurrent or os.cpu_count() or 1
        self._drive(
            progress, lanes, StepAdmission(maximum, strategy.tag_limits), leaves_chains=self._owns_process
        )

    def _in_child(
        self, progress: RunProgress, planned: PlannedStep, attempt: int, strategy: StepStrategy
    ) -> StepOutcome:
        """A step in a process of its own: its own resources, its own output files."""
        env = self.env
        try:
            with (
                capture(env, planned.key, (planned.key,), planned.key),
                ResourceScope(env, resource_keys_of(env.job, [planned]), planned.key) as scope,
            ):
                return self._runner(progress, scope).run(
                    planned, attempt=attempt, retries_enabled=strategy.retries_enabled
                )
        except (KeyboardInterrupt, ExecutionInterruptedError) as exc:
            return self._step_broken(planned.key, exc, "interrupted")
        except Exception as exc:  # noqa: BLE001 - a boundary: user code of resources
            return self._step_broken(planned.key, exc, "failed")

    def _step_broken(
        self, key: str, exc: BaseException, status: Literal["failed", "interrupted"]
    ) -> StepOutcome:
        """A step that did not even begin, as its resources could not be set up."""
        error = describe_error(exc)
        self.env.emit(
            EventType.STEP_FAILURE,
            f'Step "{key}" failed before it began.',
            step_key=key,
            payload=events.Failure(error=error),
        )
        return StepOutcome(status=status, error=error)

    def _values_in_memory(self) -> str | None:
        """Values in this process's memory cannot be reached from others."""
        env = self.env
        for key in resource_keys_of(env.job, env.plan.steps):
            definition = env.job.resource_defs.get(key)
            if definition is mem_io_manager:
                return f"the IO manager {key!r} keeps values in memory"
        return None

    def _execute_in_threads(self, progress: RunProgress, strategy: StepStrategy) -> None:
        env = self.env
        maximum = strategy.max_concurrent or min(32, (os.cpu_count() or 1) + 4)
        self._note(f"Executing steps in up to {maximum} threads of this process (pid {os.getpid()}).")
        steps = env.plan.steps
        with (
            ResourceScope(env, resource_keys_of(env.job, steps)) as scope,
            capture(env, RUN_FILES, tuple(step.key for step in steps), None),
        ):
            runner = self._runner(progress, scope)

            def body(planned: PlannedStep, attempt: int) -> StepOutcome:
                return runner.run(planned, attempt=attempt, retries_enabled=strategy.retries_enabled)

            lanes = StepThreads(env, body, maximum)
            if self._pools.bell is not None:
                self._pools.bell.listeners.append(lanes.wake)
            admission = StepAdmission(maximum, strategy.tag_limits)
            self._drive(progress, lanes, admission, exceptions=runner.exceptions)

    def _drive(
        self,
        progress: RunProgress,
        lanes: StepProcesses | StepThreads,
        admission: StepAdmission,
        *,
        exceptions: Mapping[str, BaseException] | None = None,
        leaves_chains: bool = False,
    ) -> None:
        """Start what is ready and take what has ended, until nothing is left (or only a chain)."""
        try:
            while not progress.is_over:
                self._report_skipped(progress)
                if self._start_ready(progress, lanes, admission, leaves_chains=leaves_chains):
                    return
                if lanes.running:
                    for key, outcome in lanes.wait(self._pause(progress)):
                        admission.release(key)
                        self._take(progress, key, outcome, (exceptions or {}).get(key))
                elif not progress.is_over:
                    self._nap(progress)
        except (KeyboardInterrupt, ExecutionInterruptedError):
            self._stop(progress, lanes)
            raise
        finally:
            lanes.close()

    def _start_ready(
        self,
        progress: RunProgress,
        lanes: StepProcesses | StepThreads,
        admission: StepAdmission,
        *,
        leaves_chains: bool,
    ) -> bool:
        """Start ready steps as far as there is room; whether only a chain is left, which needs no processes."""
        blocked: list[str] = []
        while admission.has_room:
            ready = progress.take_ready(self.env.clock(), limit=1)
            if not ready:
                break
            key = ready[0]
            if leaves_chains and not lanes.running and not blocked and not progress.may_become_parallel(key):
                progress.put_back(key)
                return True
            tags = self.env.job.graph.node_at(progress.step(key).path).tags
            if not admission.admit(key, tags):
                blocked.append(key)
            elif not self._pools.admit(progress.step(key)):
                admission.release(key)
                blocked.append(key)
            else:
                lanes.start(progress.start(key), progress.attempts(key))
        for key in blocked:
            progress.put_back(key)
        return False

    def _stop(self, progress: RunProgress, lanes: StepProcesses | StepThreads) -> None:
        """Interrupt running steps, wait for their clean-up, and end those that take too long."""
        lanes.interrupt()
        give_up_at = time.monotonic() + LONGEST_CLEAN_UP_S
        while lanes.running:
            for key, outcome in lanes.wait(0.2):
                self._note_end(progress, key, outcome, None)
            if time.monotonic() > give_up_at:
                lanes.kill()

    def _take(
        self, progress: RunProgress, key: str, outcome: StepOutcome, exception: BaseException | None
    ) -> None:
        """Note what became of a step.

        Raises:
            ExecutionInterruptedError: when the step was interrupted.
        """
        self._note_end(progress, key, outcome, exception)
        if outcome.status == "interrupted":
            raise ExecutionInterruptedError("the run was asked to stop")

    def _note_end(
        self, progress: RunProgress, key: str, outcome: StepOutcome, exception: BaseException | None
    ) -> None:
        self._pools.release(key)
        if outcome.status == "succeeded":
            progress.succeed(key, outcome.outputs)
        elif outcome.status == "retry":
            progress.retry(key, self.env.clock() + outcome.wait_s)
        else:
            progress.fail(key)
            if self._first_failure is None:
                self._first_failure = (key, outcome.error)
                self._exception = exception

    def _report_skipped(self, progress: RunProgress) -> None:
        for key in progress.take_skipped():
            self.env.emit(
                EventType.STEP_SKIPPED, f'Step "{key}" is skipped: an input was not given.', step_key=key
            )

    def _pause(self, progress: RunProgress) -> float | None:
        """Seconds until the next repetition is due or a pool is to be asked again; None when none is waiting."""
        moments = [at for at in (progress.next_retry_at, self._pools.next_ask_at) if at is not None]
        return max(min(moments) - self.env.clock(), 0.0005) if moments else None

    def _nap(self, progress: RunProgress) -> None:
        """Sleep until something may be done again."""
        pause = self._pause(progress)
        if pause is None:
            raise InvariantViolationError(
                f"expected a step to be ready, got a run that cannot go on: {progress.keys(StepState.WAITING)} wait"
            )
        with self._gate.user_code():
            self._pools.nap(min(pause, LONGEST_NAP_S))

    # -- ends ---------------------------------------------------------------------------------------------

    def _ended(self) -> RunResult:
        env = self.env
        assert self.progress is not None
        if not self.progress.has_failed:
            env.emit(EventType.RUN_SUCCESS, f"Run of {env.title} succeeded.")
            env.sink.flush()
            return RunResult(env, success=True, progress=self.progress)
        failed = self.progress.keys(StepState.FAILED)
        step, error = self._first_failure or (failed[0], None)
        env.emit(
            EventType.RUN_FAILURE,
            f"Execution of run for {env.title} failed. Steps failed: {failed}.",
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
            f"Run of {env.title} failed: {error.headline}",
            payload=events.Failure(error=error, reason="RUN_EXCEPTION"),
        )
        env.sink.flush()
        return RunResult(env, success=False, error=error, exception=exc, progress=self.progress)

    def _canceled(self, exc: BaseException) -> RunResult:
        env = self.env
        error = describe_error(exc)
        env.emit(
            EventType.RUN_CANCELED,
            f"Run of {env.title} was cancelled.",
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


def earlier_steps(env: RunEnvironment) -> EarlierSteps:
    """What a run that repeats a failed one takes over; nothing for other runs."""
    ledger = getattr(env.known_instance, "ledger", None)
    if ledger is None or env.job.is_asset_job or env.run.parent_run_id is None:
        return NOTHING_EARLIER
    if not is_resumption(env.run) and env.run.step_keys is None:
        return NOTHING_EARLIER
    return load_earlier_steps(ledger, env.run.parent_run_id)


def plan_of_run(env: RunEnvironment, earlier: EarlierSteps) -> RunPlan:
    """The plan, cut to the run's steps if it repeats only some."""
    plan = build_run_plan(env.job, env.resolved)
    if env.run.step_keys is not None:
        return plan_left(plan, earlier, env.run.step_keys)
    if is_resumption(env.run) and earlier.runs and not env.job.is_asset_job:
        return plan_left(plan, earlier)
    return plan


def make_loggers(env: RunEnvironment) -> list[Any]:
    """The job's loggers that run config names, made with it; the usual console where it names none."""
    named = {name: one for name, one in env.job.loggers.items() if name in env.resolved.loggers}
    made = []
    for name, definition in (named or default_loggers()).items():
        config = (env.resolved.loggers.get(name) or {}).get("config")
        if config is None and definition.config_field.default_provided:
            config = check_config(definition.config_field, None, subject=f"the logger {name!r}")
        made.append(definition.make(config, job_def=env.job, run_id=env.run_id))
    return made
