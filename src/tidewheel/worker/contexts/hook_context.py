"""What a hook may ask: the step that ended, its outputs and its exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.worker.contexts.step_context import StepContext


class HookContext:
    """The context of a hook."""

    def __init__(
        self, step: StepContext, hook_def: HookDefinition, exception: BaseException | None = None
    ) -> None:
        self._step = step
        self.hook_def = hook_def
        self._exception = exception

    @property
    def _step_execution_context(self) -> StepContext:
        return self._step

    @property
    def job_name(self) -> str:
        """The job's name."""
        return self._step.env.job_name

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._step.env.run_id

    @property
    def op(self) -> Any:
        """The op in its place in the job."""
        return self._step.node

    @property
    def step_key(self) -> str:
        """The step's key."""
        return self._step.key

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """Resources that the hook named."""
        return self.hook_def.required_resource_keys

    @property
    def resources(self) -> Any:
        """Resources that the hook named."""
        return self._step.scope.view(self.hook_def.required_resource_keys)

    @property
    def op_config(self) -> Any:
        """The op's config."""
        return self._step.config

    @property
    def log(self) -> Any:
        """A logger."""
        return self._step.log

    @property
    def instance(self) -> Any:
        """The instance."""
        return self._step.env.instance

    @property
    def op_exception(self) -> BaseException | None:
        """What the op raised, if it did."""
        return getattr(self._exception, "user_exception", None) or self._exception

    @property
    def op_output_values(self) -> Mapping[str, Any]:
        """Output values by name (by mapping key for dynamic outputs); empty unless they were kept."""
        found: dict[str, Any] = {}
        for (key, name, mapping_key), value in (self._step.env.captured or {}).items():
            if key == self._step.key:
                if mapping_key is None:
                    found[name] = value
                else:
                    found.setdefault(name, {})[mapping_key] = value
        return found

    @property
    def op_output_metadata(self) -> Mapping[str, Any]:
        """Metadata of outputs by name (by mapping key for dynamic outputs)."""
        found: dict[str, Any] = {}
        for (key, name, mapping_key), metadata in self._step.env.output_metadata.items():
            if key == self._step.key:
                if mapping_key is None:
                    found[name] = metadata
                else:
                    found.setdefault(name, {})[mapping_key] = metadata
        return found

    @property
    def solid_exception(self) -> BaseException | None:
        """What the op raised (oldest spelling)."""
        return self.op_exception
