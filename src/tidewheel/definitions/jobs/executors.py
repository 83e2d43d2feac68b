"""Executors as users choose them: which way a run's ready steps are executed."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from tidewheel.definitions.config.config_schema import (
    Field,
    IntSource,
    Noneable,
    Permissive,
    Selector,
    to_field,
)
from tidewheel.definitions.config.configured import ConfigSource, fixed_or_mapped
from tidewheel.errors import InvalidDefinitionError


class ExecutorRequirement(Enum):
    """What an executor needs of a job and an instance."""

    RECONSTRUCTABLE_PIPELINE = "RECONSTRUCTABLE_PIPELINE"
    RECONSTRUCTABLE_JOB = "RECONSTRUCTABLE_PIPELINE"  # noqa: PIE796 - two names of one thing
    NON_EPHEMERAL_INSTANCE = "NON_EPHEMERAL_INSTANCE"
    PERSISTENT_OUTPUTS = "PERSISTENT_OUTPUTS"


def multiple_process_executor_requirements() -> Sequence[ExecutorRequirement]:
    """What executors with several processes need."""
    return [
        ExecutorRequirement.RECONSTRUCTABLE_JOB,
        ExecutorRequirement.NON_EPHEMERAL_INSTANCE,
        ExecutorRequirement.PERSISTENT_OUTPUTS,
    ]


class Executor(ABC):
    """A custom executor; the engine asks it for its ``strategy`` only and runs the steps itself."""

    strategy = "multiprocess"
    max_concurrent: int | None = None

    @abstractmethod
    def execute(self, plan_context: Any, execution_plan: Any) -> Any:
        """Kept for subclasses; the engine does not call it."""

    @property
    def retries(self) -> Any:
        """Kept for subclasses."""
        return None


class InitExecutorContext(NamedTuple):
    """What an executor's function gets."""

    job: Any
    executor_def: Any
    executor_config: Any
    instance: Any


class StepStrategy(NamedTuple):
    """How a run executes its steps. ``kind``: ``in_process`` | ``processes`` | ``threads``.

    ``max_concurrent``: None = as many as there are processors. ``tag_limits``: dicts of key, optional value, limit.
    """

    kind: str
    max_concurrent: int | None = None
    retries_enabled: bool = True
    tag_limits: tuple[dict[str, Any], ...] = ()


class ExecutorDefinition:
    """A named way to execute a run's steps."""

    __needs_name_when_configured__ = False

    def __init__(
        self,
        name: str,
        config_schema: Any = None,
        requirements: Any = None,
        executor_creation_fn: Callable[[InitExecutorContext], Any] | None = None,
        description: str | None = None,
    ) -> None:
        self.name = name
        self._field = (
            to_field(config_schema) if config_schema is not None else Field(Permissive(), is_required=False)
        )
        self.source: ConfigSource | None = None
        self.requirements = requirements
        self.executor_creation_fn = executor_creation_fn
        self.description = description

    @property
    def config_field(self) -> Field:
        """The config that a run may or must give."""
        if self.source is not None and self.source.outer is not None:
            return self.source.outer
        return self._field

    @property
    def config_schema(self) -> Field:
        """The config that a run may or must give."""
        return self.config_field

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: Any = None,
        description: str | None = None,
    ) -> ExecutorDefinition:
        """The same executor with its config fixed, or computed by a function."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.name = name or self.name
        copy.description = description or self.description
        copy.source = fixed_or_mapped(
            config_or_config_fn,
            config_schema,
            inner=self.config_field,
            parent=self.source,
            subject=f"executor {self.name!r}",
        )
        return copy

    @staticmethod
    def hardcoded_executor(executor: Executor) -> ExecutorDefinition:
        """An executor that is a given instance."""
        return ExecutorDefinition("__executor__", executor_creation_fn=lambda _context: executor)

    def strategy(self, value: Any) -> StepStrategy:
        """How steps are executed, for config that was checked against ``config_field``."""
        config = self.source.resolve(value) if self.source is not None else value
        context = InitExecutorContext(None, self, config, None)
        made = self.executor_creation_fn(context) if self.executor_creation_fn is not None else None
        return made if isinstance(made, StepStrategy) else _strategy_of(made)


def _strategy_of(executor: Any) -> StepStrategy:
    kind = getattr(executor, "strategy", "multiprocess")
    kind = {"multiprocess": "processes", "threaded": "threads"}.get(kind, kind)
    return StepStrategy(kind, getattr(executor, "max_concurrent", None))


def executor(
    name: Any = None, config_schema: Any = None, requirements: Any = None
) -> ExecutorDefinition | Callable[[Callable[..., Any]], ExecutorDefinition]:
    """Decorate a function of the executor context that returns an ``Executor``; with or without parentheses."""

    def decorate(fn: Callable[..., Any]) -> ExecutorDefinition:
        return ExecutorDefinition(
            fn.__name__ if callable(name) or name is None else name,
            config_schema,
            requirements,
            fn,
            inspect.getdoc(fn),
        )

    return decorate(name) if callable(name) else decorate


_RETRIES = Field(
    Selector({"enabled": Field({}), "disabled": Field({})}), is_required=False, default_value={"enabled": {}}
)
_IN_PROCESS_FIELDS = {"retries": _RETRIES, "marker_to_close": Field(str, is_required=False)}
_TAG_LIMIT = Permissive({"key": Field(str)})
_MANY_FIELDS = {
    "max_concurrent": Field(Noneable(IntSource), is_required=False, default_value=None),
    "tag_concurrency_limits": Field(Noneable([_TAG_LIMIT]), is_required=False),
    "start_method": Field(
        Selector({"spawn": Field({}), "forkserver": Field(Permissive()), "fork": Field({})}),
        is_required=False,
    ),
    "step_execution_mode": Field(str, is_required=False),
    "retries": _RETRIES,
}


def _strategy(kind: str, config: Any) -> StepStrategy:
    config = config or {}
    maximum = config.get("max_concurrent")
    if maximum is not None and maximum < 0:
        raise InvalidDefinitionError(f"expected max_concurrent to be zero or more, got {maximum!r}")
    return StepStrategy(
        kind,
        maximum or None,
        "disabled" not in (config.get("retries") or {}),
        tuple(config.get("tag_concurrency_limits") or ()),
    )


def _in_process(context: InitExecutorContext) -> StepStrategy:
    return _strategy("in_process", context.executor_config)


def _processes(context: InitExecutorContext) -> StepStrategy:
    return _strategy("processes", context.executor_config)


def _threads(context: InitExecutorContext) -> StepStrategy:
    return _strategy("threads", context.executor_config)


def _either(context: InitExecutorContext) -> StepStrategy:
    name, config = next(iter((context.executor_config or {"multiprocess": {}}).items()))
    return _strategy({"in_process": "in_process", "threaded": "threads"}.get(name, "processes"), config)


in_process_executor = ExecutorDefinition(
    "in_process", _IN_PROCESS_FIELDS, [], _in_process, "One step after another, in the run's own process."
)
multiprocess_executor = ExecutorDefinition(
    "multiprocess",
    _MANY_FIELDS,
    multiple_process_executor_requirements,
    _processes,
    "Ready steps side by side, each in a process of its own.",
)
threaded_executor = ExecutorDefinition(
    "threaded", _MANY_FIELDS, [], _threads, "Ready steps side by side, in threads of the run's process."
)
multi_or_in_process_executor = ExecutorDefinition(
    "multi_or_in_process_executor",
    Field(
        Selector(
            {
                "multiprocess": Field(_MANY_FIELDS),
                "in_process": Field(_IN_PROCESS_FIELDS),
                "threaded": Field(_MANY_FIELDS),
            }
        ),
        is_required=False,
        default_value={"multiprocess": {}},
    ),
    multiple_process_executor_requirements,
    _either,
    "Processes by default; run config chooses another way.",
)
