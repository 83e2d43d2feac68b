"""``@job``: a body that connects ops, as a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.executors import ExecutorDefinition
from tidewheel.definitions.jobs.loggers import LoggerDefinition
from tidewheel.definitions.ops.graphs import compose
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.retry_policy import RetryPolicy


def job(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config: Any = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    logger_defs: Mapping[str, LoggerDefinition] | None = None,
    executor_def: ExecutorDefinition | None = None,
    hooks: AbstractSet[HookDefinition] | None = None,
    op_retry_policy: RetryPolicy | None = None,
    partitions_def: Any = None,
    input_values: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
) -> Any:
    """Decorate a function whose body connects ops as a job; with or without parentheses."""

    def decorate(fn: Callable[..., Any]) -> JobDefinition:
        graph = compose(fn, name=name, description=description, what="job")
        made = JobDefinition(
            graph_def=graph,
            name=name or fn.__name__,
            description=description,
            resource_defs=resource_defs,
            config=config,
            tags=tags,
            run_tags=run_tags,
            metadata=metadata,
            logger_defs=logger_defs,
            executor_def=executor_def,
            hook_defs=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            input_values=input_values,
            owners=owners,
        )
        made.__doc__ = fn.__doc__
        made.__name__ = fn.__name__  # type: ignore[attr-defined]
        made.__qualname__ = fn.__qualname__  # type: ignore[attr-defined]
        made.__module__ = getattr(fn, "__module__", __name__)
        return made

    return decorate(compose_fn) if compose_fn is not None else decorate
