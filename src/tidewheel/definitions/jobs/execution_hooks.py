"""Where definitions ask for execution: the one place that reaches from this layer up to the worker, by name.

``my_job.execute_in_process()`` or calling an op directly are methods of definitions, but run in the worker's layer. The
worker fills ``HOOKS`` when it is imported; the first use imports it.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

WORKER_MODULE = "tidewheel.worker.runs.in_process"


class ExecutionHooks(Protocol):
    """What the worker does on behalf of definitions."""

    def execute_job(self, job: Any, **options: Any) -> Any:
        """Run a job in this process; options as of ``JobDefinition.execute_in_process``."""

    def invoke_op(self, op_def: Any, args: tuple[Any, ...], kwargs: dict[str, Any], **options: Any) -> Any:
        """Call an op's function directly, as a test does."""

    def invoke_hook(self, hook_def: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a hook's function directly."""

    def invoke_resource(self, resource_def: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a resource's function directly."""

    def watch_assets(self, context: Any, monitored_assets: Any) -> Any:
        """A sensor's context as one that tells of the materialisations of some assets."""

    def new_resource_context(self, **options: Any) -> Any:
        """A context for setting up a resource outside of a run."""


class _Holder:
    def __init__(self) -> None:
        self.hooks: ExecutionHooks | None = None


_HOLDER = _Holder()


def set_hooks(hooks: ExecutionHooks) -> None:
    """Called by the worker when it is imported."""
    _HOLDER.hooks = hooks


def hooks() -> ExecutionHooks:
    """The worker's functions."""
    if _HOLDER.hooks is None:
        importlib.import_module(WORKER_MODULE)
    assert _HOLDER.hooks is not None
    return _HOLDER.hooks
