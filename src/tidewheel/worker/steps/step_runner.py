"""Executes one step: loads inputs, calls the function, takes its outputs, decides about retries, calls hooks."""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Optional

import msgspec

import tidewheel
from tidewheel.definitions.assets.results import Failure, RetryRequested
from tidewheel.definitions.config.pythonic_config import make_config
from tidewheel.definitions.ops.definition import OpFunction
from tidewheel.definitions.ops.function_signature import first_annotation
from tidewheel.definitions.ops.hooks import HookDefinition, HookExecutionResult
from tidewheel.errors import (
    CheckError,
    ExecutionInterruptedError,
    ExecutionStepExecutionError,
    InvalidDefinitionError,
    MaxRetriesExceededError,
    TidewheelError,
)
from tidewheel.logic.runs.plan import OutputRef, PlannedStep
from tidewheel.logic.runs.retry import RetryDecision, RetryRequest, decide_step_retry
from tidewheel.runtime.views.event_views import view_event
from tidewheel.values import events
from tidewheel.values.error_info import ErrorInfo, error_text
from tidewheel.values.events import Event, EventType, StepDone, StepRetry
from tidewheel.worker.contexts.asset_context import AssetCheckExecutionContext, AssetExecutionContext
from tidewheel.worker.contexts.data_versions import DataVersions
from tidewheel.worker.contexts.hook_context import HookContext
from tidewheel.worker.contexts.io_contexts import IOContexts
from tidewheel.worker.contexts.op_context import CURRENT, OpExecutionContext
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.contexts.step_context import StepContext
from tidewheel.worker.environment.log_manager import fields_of_record, logging_to
from tidewheel.worker.environment.resource_scope import ResourceScope
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.steps.op_results import RETURNED, each_of, is_generator, stream_of
from tidewheel.worker.steps.step_inputs import InputLoader
from tidewheel.worker.steps.step_outputs import OutputWriter, TakenOutputs

FLUSH_AFTER_MS = 100.0
"""A step that took longer than this waits until its success is stored: then a lost worker cannot make it run again."""
OWN_FOLDER = str(Path(tidewheel.__file__ or "").parent) + os.sep


MOST_CAUSES = 10


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one execution of a step. ``outputs``: as for ``RunProgress.succeed``."""

    status: Literal["succeeded", "failed", "retry", "interrupted"]
    outputs: dict[str, Optional[tuple[str, ...]]] = {}
    wait_s: float = 0.0
    error: Optional[ErrorInfo] = None


class StepRunner:
    """Executes steps of one run with one set of resources."""

    def __init__(
        self,
        env: RunEnvironment,
        scope: ResourceScope,
        partitions: PartitionAccess,
        versions: DataVersions,
        is_available: Callable[[OutputRef], bool],
    ) -> None:
        self._env = env
        self._scope = scope
        self._partitions = partitions
        contexts = IOContexts(env, scope, partitions)
        self._loader = InputLoader(env, contexts, is_available)
        self._writer = OutputWriter(env, contexts, versions, self._loader)
        self.exceptions: dict[str, BaseException] = {}
        """Exceptions of failed steps by key, for those who raise them on."""

    def run(self, planned: PlannedStep, *, attempt: int, retries_enabled: bool = True) -> StepOutcome:
        """Execute a step once. User code's exceptions end up in events and in the outcome, they are not raised."""
        env = self._env
        step = StepContext(
            env,
            planned,
            env.job.graph.node_at(planned.path),
            attempt=attempt,
            resources=self._scope,
            partitions=self._partitions,
        )
        step.writer = self._writer
        hooks = env.job.hooks_at(planned.path)
        heard = env.listen(planned.key) if any(hook.trigger == "any" for hook in hooks) else []
        started = time.perf_counter()
        kind, verb = (
            (EventType.STEP_START, "started") if attempt == 0 else (EventType.STEP_RESTARTED, "restarted")
        )
        env.emit(kind, f'Step "{planned.key}" {verb}.', step_key=planned.key)
        env.sink.hand_over()
        exception: BaseException | None = None
        taken = TakenOutputs()
        with logging_to(step.log):
            try:
                self._execute(step, taken)
            except (KeyboardInterrupt, ExecutionInterruptedError) as exc:
                outcome = self._interrupted(step, exc)
            except BaseException as exc:  # noqa: BLE001 - a boundary: user code, which may even call sys.exit
                exception = exc
                outcome = self._failed(step, exc, retries_enabled)
            else:
                outcome = self._succeeded(step, taken, (time.perf_counter() - started) * 1000.0)
            step.writer = None if outcome.status == "interrupted" else step.writer
            env.stop_listening(planned.key)
            if hooks and outcome.status != "interrupted":
                self._call_hooks(step, hooks, outcome.status, exception, heard)
        step.writer = None
        return outcome

    # -- execution ----------------------------------------------------------------------------------------

    def _execute(self, step: StepContext, taken: TakenOutputs) -> None:
        gate = self._env.gate
        with gate.user_code():
            pass  # a signal that came between two steps ends this one before it begins
        values = self._loader.load_all(step)
        context = self._context(step)
        token = CURRENT.set(context)
        try:
            with gate.user_code():
                made = self._call(step, context, values)
            held: list[Any] = []
            is_returning = not is_generator(made)
            stream = stream_of(
                step.op_def, made, self._scope.loop, plain_values_hint=lambda: step.plain_values_hint
            )
            for result in _guarded(step, stream, gate):
                if result is RETURNED:
                    self._writer.require_complete(step, held)
                    for one in held:
                        self._writer.take(step, one, taken)
                elif is_returning:
                    held.append(result)
                else:
                    self._writer.take(step, result, taken)
        finally:
            CURRENT.reset(token)
        self._writer.finish(step, taken)

    def _context(self, step: StepContext) -> Any:
        """The context that the function's annotation asks for; without one, what fits the step.

        Raises:
            InvalidDefinitionError: when the annotation asks for what the step is not.
        """
        context = OpExecutionContext(step)
        kind = _context_kind(step)
        if kind is OpExecutionContext:
            return context
        return kind(context)

    def _call(self, step: StepContext, context: Any, values: dict[str, Any]) -> Any:
        function = step.op_def.compute_fn
        try:
            if not isinstance(function, OpFunction):
                return each_of(function(context, values))
            return call_function(function, context, values, self._config_argument(step), self._scope)
        except Exception as exc:
            _raise_as_user_error(step, exc)
            raise

    def _config_argument(self, step: StepContext) -> Any:
        field = step.op_def.config_field if step.op_def.source is None else step.op_def.source.inner
        if field is None:
            return step.config
        return make_config(field.config_type, step.config)

    # -- ends ---------------------------------------------------------------------------------------------

    def _succeeded(self, step: StepContext, taken: TakenOutputs, duration_ms: float) -> StepOutcome:
        self._env.emit(
            EventType.STEP_SUCCESS,
            f'Step "{step.key}" succeeded in {duration_ms:.3g} ms.',
            step_key=step.key,
            payload=StepDone(duration_ms=duration_ms),
        )
        if duration_ms > FLUSH_AFTER_MS:
            self._env.sink.flush()
        return StepOutcome(status="succeeded", outputs=taken.yielded())

    def _interrupted(self, step: StepContext, exc: BaseException) -> StepOutcome:
        self.exceptions[step.key] = exc
        error = describe_error(exc)
        self._env.emit(
            EventType.STEP_FAILURE,
            f'Step "{step.key}" was interrupted.',
            step_key=step.key,
            payload=events.Failure(error=error, reason="INTERRUPT"),
        )
        return StepOutcome(status="interrupted", error=error)

    def _failed(self, step: StepContext, exc: BaseException, retries_enabled: bool) -> StepOutcome:
        env = self._env
        self.exceptions[step.key] = exc
        error = describe_error(exc)
        decision = self._retry(step, exc) if retries_enabled else RetryDecision(again=False)
        if decision.again:
            env.emit(
                EventType.STEP_UP_FOR_RETRY,
                f'Step "{step.key}" failed and is tried again'
                + (f" in {decision.wait_s:g} seconds." if decision.wait_s else "."),
                step_key=step.key,
                payload=StepRetry(error=error, wait_s=decision.wait_s, attempt=step.attempt + 1),
            )
            return StepOutcome(status="retry", wait_s=decision.wait_s, error=error)
        requested = _requested_retry(exc)
        if requested is not None and retries_enabled:
            self.exceptions[step.key] = _no_retry_left(step, requested, exc)
        failure = _intended_failure(exc)
        env.emit(
            EventType.STEP_FAILURE,
            f'Step "{step.key}" failed.',
            step_key=step.key,
            payload=events.Failure(
                error=error,
                reason=failure.description if failure is not None else None,
                metadata=failure.metadata if failure is not None else {},
                retries_left=0,
            ),
        )
        self._print_failure(step, exc)
        return StepOutcome(status="failed", error=error)

    def _retry(self, step: StepContext, exc: BaseException) -> RetryDecision:
        requested = _requested_retry(exc)
        failure = _intended_failure(exc)
        return decide_step_retry(
            retries_done=step.attempt,
            rule=step.step.retry,
            request=RetryRequest(max_retries=requested.max_retries, wait_s=requested.seconds_to_wait)
            if requested is not None
            else None,
            is_allowed=(failure is None or failure.allow_retries) and isinstance(exc, Exception),
            randomness=self._env.random() if self._env.random is not None else 0.5,
        )

    def _print_failure(self, step: StepContext, exc: BaseException) -> None:
        """Show a failure to whoever reads the job's loggers."""
        for target in self._env.loggers:
            if target.isEnabledFor(logging.ERROR):
                cause = getattr(exc, "user_exception", None) or exc
                text = "".join(
                    traceback.format_exception(type(cause), cause, user_traceback(cause), chain=False)
                )
                target.error(
                    "%s - %s - %s - step failed\n%s",
                    self._env.job_name,
                    self._env.run_id,
                    step.key,
                    text,
                    extra=fields_of_record(self._env, step.key, f"step failed\n{text}", self._env.clock()),
                )

    # -- hooks --------------------------------------------------------------------------------------------

    def _call_hooks(
        self,
        step: StepContext,
        hooks: frozenset[HookDefinition],
        status: str,
        exception: BaseException | None,
        heard: list[Event],
    ) -> None:
        """Call the hooks of the attempt's end; one that is tried again concerns those that look at events alone."""
        trigger = {"succeeded": "success", "failed": "failure"}.get(status)
        for hook in sorted(hooks, key=lambda one: one.name):
            if hook.trigger in (trigger, "any"):
                self._call_hook(step, hook, exception, heard)
            else:
                self._note_hook(step, hook, is_skipped=True)

    def _call_hook(
        self, step: StepContext, hook: HookDefinition, exception: BaseException | None, heard: list[Event]
    ) -> None:
        env = self._env
        context = HookContext(step, hook, exception)
        is_skipped = False
        try:
            with env.gate.user_code():
                if hook.trigger == "any":
                    made = hook.hook_fn(context, [view_event(event) for event in heard])
                    is_skipped = isinstance(made, HookExecutionResult) and bool(made.is_skipped)
                else:
                    hook.hook_fn(context)
        except Exception as exc:  # noqa: BLE001 - a boundary: a hook does not change the step's end
            env.emit(
                EventType.HOOK_ERRORED,
                f'Hook "{hook.name}" raised for "{step.key}".',
                step_key=step.key,
                payload=events.Failure(error=describe_error(exc)),
            )
            return
        self._note_hook(step, hook, is_skipped=is_skipped)

    def _note_hook(self, step: StepContext, hook: HookDefinition, *, is_skipped: bool) -> None:
        kind = EventType.HOOK_SKIPPED if is_skipped else EventType.HOOK_COMPLETED
        word = "had nothing to do" if is_skipped else "ran"
        self._env.emit(kind, f'Hook "{hook.name}" {word} for "{step.key}".', step_key=step.key)


def call_function(
    function: OpFunction, context: Any, values: dict[str, Any], config: Any, scope: ResourceScope
) -> Any:
    """Call a user's function with what its signature asks for."""
    signature = function.signature
    arguments = dict(values)
    if signature.config is not None:
        arguments["config"] = config
    for name in signature.resources:
        arguments[name] = scope.value(name)
    positional = [arguments.pop(name) for name in signature.positional_only if name in arguments]
    if signature.has_context:
        return function.decorated_fn(context, *positional, **arguments)
    return function.decorated_fn(*positional, **arguments)


def _context_kind(step: StepContext) -> Any:
    """Which class of context a step's function gets."""
    function = step.op_def.compute_fn
    if isinstance(function, OpFunction):
        annotation = function.signature.context_annotation
    else:
        annotation = first_annotation(function)
    if annotation is AssetExecutionContext and (step.is_check_step or not step.is_asset_step):
        raise _misfit(
            step, "AssetExecutionContext", "AssetCheckExecutionContext" if step.is_check_step else ""
        )
    if annotation is AssetCheckExecutionContext and not step.is_check_step:
        raise _misfit(
            step, "AssetCheckExecutionContext", "AssetExecutionContext" if step.is_asset_step else ""
        )
    if annotation in (AssetExecutionContext, AssetCheckExecutionContext, OpExecutionContext):
        return annotation
    if step.is_check_step:
        return AssetCheckExecutionContext
    if step.is_asset_step and len(step.path) == 1:
        return AssetExecutionContext
    return OpExecutionContext


def _misfit(step: StepContext, annotated: str, fitting: str) -> InvalidDefinitionError:
    what = "a check" if step.is_check_step else "an asset" if step.is_asset_step else "an op"
    return InvalidDefinitionError(
        f"expected the context of {what} in {step.node.name!r}, got the annotation {annotated}; "
        f"annotate it as {fitting or 'OpExecutionContext'}, or not at all"
    )


def _guarded(step: StepContext, stream: Any, gate: Any) -> Any:
    """The stream, each step of it interruptible, and user exceptions told from our own."""
    iterator = iter(stream)
    while True:
        try:
            with gate.user_code():
                item = next(iterator)
        except StopIteration:
            return
        except Exception as exc:
            _raise_as_user_error(step, exc)
            raise
        yield item


def _raise_as_user_error(step: StepContext, exc: Exception) -> None:
    """Raise a user's exception again, with the op's name; not one of ours, unless it is a failed check of an argument.

    Raises:
        ExecutionStepExecutionError: from the user's.
    """
    if isinstance(exc, TidewheelError) and not isinstance(exc, CheckError):
        return
    what = "asset" if step.is_asset_step else "op"
    raise ExecutionStepExecutionError(
        f"{what} {step.node.name!r} raised {type(exc).__name__}: {error_text(exc)}", user_exception=exc
    ) from exc


def _intended_failure(exc: BaseException) -> Failure | None:
    inner = getattr(exc, "user_exception", None) or exc
    return inner if isinstance(inner, Failure) else None


def _requested_retry(exc: BaseException) -> RetryRequested | None:
    inner = getattr(exc, "user_exception", None) or exc
    return inner if isinstance(inner, RetryRequested) else None


def _no_retry_left(
    step: StepContext, requested: RetryRequested, exc: BaseException
) -> MaxRetriesExceededError:
    """What a caller in the same process gets when a step asks for more retries than it allows."""
    spent = MaxRetriesExceededError(
        f"step {step.key!r} asked to be tried again after {requested.max_retries} retries, which is its most; "
        "raise max_retries, or let it fail"
    )
    spent.__cause__ = exc
    return spent


def user_traceback(exc: BaseException) -> Any:
    """The exception's traceback from the first frame of user code on; the engine's own frames above it say nothing."""
    tb = exc.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(OWN_FOLDER):
        tb = tb.tb_next
    return tb if tb is not None else exc.__traceback__


def describe_error(exc: BaseException) -> ErrorInfo:
    """An exception and its causes as data, with the frames of user code and not those of the engine."""
    chain: list[BaseException] = []
    following: BaseException | None = exc
    while following is not None and len(chain) < MOST_CAUSES and all(following is not one for one in chain):
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    has_own = any(isinstance(one, TidewheelError) for one in chain)
    described: ErrorInfo | None = None
    for one in reversed(chain):
        described = ErrorInfo(
            cls_name=type(one).__name__,
            message=error_text(one),
            stack=tuple(_user_frames(one, is_explained=has_own)),
            cause=described if one.__cause__ is not None else None,
            context=described if one.__cause__ is None else None,
        )
    assert described is not None
    return described


def _user_frames(exc: BaseException, *, is_explained: bool) -> list[str]:
    """Formatted frames outside of the engine; all frames of an error of the engine itself that nothing explains."""
    frames = traceback.extract_tb(exc.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(OWN_FOLDER)]
    if not outside and not is_explained:
        outside = list(frames)
    return traceback.format_list(outside)
