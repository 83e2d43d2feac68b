"""The error tree: one class per cause, importable by every layer.

Messages say what was expected, what was got and what to do. The names are Dagster's without its brand; the module
``tidewheel.dagster`` gives them under Dagster's spelling.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class TidewheelError(Exception):
    """The base of all errors that Tidewheel raises on purpose."""


class CheckError(TidewheelError):
    """An argument or an internal condition is not what it must be."""


class ParameterCheckError(CheckError):
    """An argument has the wrong type or value."""


class ElementCheckError(CheckError):
    """An element of a collection has the wrong type or value."""


class NotImplementedCheckError(CheckError):
    """A form that Tidewheel knows but does not support."""


class InvalidDefinitionError(TidewheelError):
    """A definition contradicts itself or another one."""


class DefinitionsError(InvalidDefinitionError):
    """Several definitions are wrong; ``problems`` lists every one that was found."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            text = self.problems[0]
        else:
            lines = "\n".join(f"  {n}. {problem}" for n, problem in enumerate(self.problems, 1))
            text = f"{len(self.problems)} problems in these definitions:\n{lines}"
        super().__init__(text)


class InvalidSubsetError(TidewheelError):
    """A selection names something that does not exist or cannot be taken alone."""


class InvalidAssetSelectionError(TidewheelError):
    """A selection string cannot be understood."""


class CircularDependencyError(InvalidDefinitionError):
    """Assets or steps depend on each other in a circle."""


class InvalidMappingError(InvalidDefinitionError, ValueError):
    """A partition mapping names partitions that its definitions do not have."""


class InvariantViolationError(TidewheelError):
    """Something is used in a way that its state does not allow."""


class InvalidInvocationError(TidewheelError):
    """A decorated function was called directly with the wrong arguments."""


class TargetNotFoundError(InvalidInvocationError):
    """What was asked about is no asset, check or job; the message names the nearest that are."""


class InvalidMetadata(TidewheelError):
    """A metadata value is of a kind that cannot be stored."""


class InvalidAssetKey(TidewheelError):
    """A text or sequence is not an asset key."""


class InvalidObservationError(TidewheelError):
    """An observation was reported that cannot be."""


class InvalidPropertyError(TidewheelError):
    """A property was asked of an object that does not have it in this situation."""


class InvalidConfigDefinitionError(TidewheelError):
    """A config schema is not one."""


class InvalidPythonicConfigDefinitionError(TidewheelError):
    """A field of a Config or resource class has a type that config cannot hold."""


class ConfigProblemReason(str, enum.Enum):
    """What kind of problem run config has."""

    RUNTIME_TYPE_MISMATCH = "RUNTIME_TYPE_MISMATCH"
    MISSING_REQUIRED_FIELD = "MISSING_REQUIRED_FIELD"
    MISSING_REQUIRED_FIELDS = "MISSING_REQUIRED_FIELDS"
    FIELD_NOT_DEFINED = "FIELD_NOT_DEFINED"
    FIELDS_NOT_DEFINED = "FIELDS_NOT_DEFINED"
    FIELD_ALIAS_COLLISION = "FIELD_ALIAS_COLLISION"
    SELECTOR_FIELD_ERROR = "SELECTOR_FIELD_ERROR"
    FAILED_POST_PROCESSING = "FAILED_POST_PROCESSING"


class ConfigProblem:
    """One problem in run config: where, what was expected, what was got, and a hint."""

    __slots__ = ("message", "path", "reason")

    def __init__(self, path: Sequence[str], message: str, reason: str = "RUNTIME_TYPE_MISMATCH") -> None:
        self.path = tuple(path)
        self.message = message
        self.reason = ConfigProblemReason(reason)

    def __repr__(self) -> str:
        return f"{':'.join(('root', *self.path))}: {self.message}"


class InvalidConfigError(TidewheelError):
    """Run config has the wrong shape; ``errors`` lists every problem with its path."""

    def __init__(self, preamble: str, errors: Sequence[ConfigProblem], config_value: Any = None) -> None:
        self.errors = tuple(errors)
        self.config_value = config_value
        lines = "".join(f"\n    Error {n}: at {problem!r}" for n, problem in enumerate(self.errors, 1))
        super().__init__(f"{preamble}{lines}")


class RunNotFoundError(TidewheelError):
    """There is no run of this id."""


class EventLogInvalidForRun(TidewheelError):
    """The events kept of a run do not make sense."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"expected events of run {run_id!r} that can be read, got a log that cannot")


class BackfillNotFoundError(TidewheelError):
    """There is no backfill of this id."""


class RunAlreadyExists(TidewheelError):
    """A run of this id exists already."""


class RunConflict(TidewheelError):
    """A run cannot be changed in the state it is in."""


class WorkerLostError(TidewheelError):
    """The process that executed a run ended, or fell silent, before the run had ended."""


class StepNotFoundError(TidewheelError):
    """A step selection names a step that the plan does not have."""


class StepOutputNotFoundError(TidewheelError):
    """A step ended without an output that it must give."""


class UserCodeExecutionError(TidewheelError):
    """User code raised; the user's exception is ``user_exception`` and the cause."""

    def __init__(self, *args: Any, user_exception: BaseException | None = None, **kwargs: Any) -> None:
        self.user_exception = user_exception
        super().__init__(*args)

    @property
    def is_user_code_error(self) -> bool:
        """True."""
        return True


class TypeCheckError(UserCodeExecutionError):
    """A type check function raised."""


class ExecutionLoadInputError(UserCodeExecutionError):
    """An IO manager or type loader failed to load an input."""


class ExecutionHandleOutputError(UserCodeExecutionError):
    """An IO manager failed to store an output."""


class ExecutionStepExecutionError(UserCodeExecutionError):
    """The function of an op or asset raised."""


class ResourceFunctionError(UserCodeExecutionError):
    """Setting up a resource failed."""


class ConfigMappingFunctionError(UserCodeExecutionError):
    """A config mapping function raised."""


class ScheduleExecutionError(UserCodeExecutionError):
    """A schedule's function raised."""


class SensorExecutionError(UserCodeExecutionError):
    """A sensor's function raised."""


class RunStatusSensorExecutionError(UserCodeExecutionError):
    """A run status sensor's function raised."""


class PartitionExecutionError(UserCodeExecutionError):
    """A function that computes partitions or their config raised."""


class HookExecutionError(UserCodeExecutionError):
    """A hook raised."""


class UnknownResourceError(TidewheelError, AttributeError):
    """A resource was asked for that is not there; the message names those that are."""


class TypeCheckDidNotPass(TidewheelError):
    """A value is not of the declared type."""

    def __init__(
        self,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        dagster_type: Any = None,
    ) -> None:
        self.description = description
        self.metadata = metadata or {}
        self.dagster_type = dagster_type
        super().__init__(description)


class AssetCheckFailedError(TidewheelError):
    """A blocking asset check did not pass."""


class UnmetExecutorRequirementsError(TidewheelError):
    """A job cannot run under the executor it asks for."""


class SubprocessError(TidewheelError):
    """A step's process failed."""


class StepProcessDiedError(SubprocessError):
    """A step's process ended without a word (killed, out of memory, ``os._exit``)."""


class MaxRetriesExceededError(TidewheelError):
    """A step was retried as often as allowed and failed still."""


class ExecutionInterruptedError(BaseException):
    """Execution was interrupted from outside; user code sees it so that it can clean up."""


class UnknownPartitionError(TidewheelError):
    """A partition key does not exist; the message names the nearest that do."""


class UndefinedDataVersionError(TidewheelError):
    """A data version was asked for that nobody set."""


class CodeLocationLoadError(TidewheelError):
    """A code location's file or module could not be loaded."""


class CodeLocationNotFoundError(TidewheelError):
    """There is no code location of this name."""


class UserCodeUnreachableError(TidewheelError):
    """The code location process does not answer; it is tried again."""


class UserCodeFailedError(UserCodeUnreachableError):
    """User code did not answer, and that is its own fault."""


class UserCodeTimeoutError(UserCodeFailedError):
    """User code was cut because it ran over its deadline."""


class UserCodeDiedError(UserCodeFailedError):
    """The process that asked user code ended while it was asked."""


class HomeNotSetError(TidewheelError):
    """A command needs a home folder and none was given."""


class LedgerBusyError(TidewheelError):
    """The database of a home is held by another process and did not become free in time."""


class LedgerUnusableError(TidewheelError):
    """The ledger's database cannot be opened or read: damaged, out of reach, or not to be written to."""


class ServerUnreachableError(TidewheelError):
    """A server is registered for a home but does not answer."""


class AccessRefusedError(TidewheelError):
    """Somebody asked for what they may not do."""


class LoginRefusedError(TidewheelError):
    """A name, password or token is not right, or too many attempts failed. ``wait_s``: seconds until the next one."""

    def __init__(self, message: str, *, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class NotSupportedError(TidewheelError):
    """A feature that exists elsewhere and not (yet) here; the message says what to use instead."""


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> list[str]:
    """The known names most like ``name``, best first."""
    return difflib.get_close_matches(name, list(known), n=limit, cutoff=0.6)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence part that suggests the nearest known names, or lists what there is; empty when nothing is known."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"did you mean {' or '.join(repr(n) for n in close)}?"
    if not names:
        return "there are none"
    shown = ", ".join(repr(n) for n in names[:10])
    return f"known: {shown}" + (f" and {len(names) - 10} more" if len(names) > 10 else "")
