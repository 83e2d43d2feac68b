"""What an IO manager is told of an input it shall load."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.ops.types import ANY_TYPE
from tidewheel.definitions.resources.resource_context import ScopedResources
from tidewheel.errors import InvariantViolationError
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.shown_members import shows
from tidewheel.worker.contexts.output_context import Keys, OutputContext, PartitionedPlace


@shows("config", "definition_metadata", "dagster_type", "resource_config", "upstream_output")
class InputContext(PartitionedPlace):
    """An input to be loaded; ``upstream_output`` is where its value comes from."""

    _what = "input"

    def __init__(
        self,
        *,
        name: str | None = None,
        job_name: str | None = None,
        op_def: Any = None,
        config: Any = None,
        definition_metadata: Mapping[str, Any] | None = None,
        upstream_output: OutputContext | None = None,
        dagster_type: Any = None,
        log_manager: Any = None,
        resource_config: Any = None,
        resources: Any = None,
        step_context: Any = None,
        asset_key: AssetKey | None = None,
        partition_key: str | None = None,
        asset_partitions_subset: Keys = None,
        asset_partitions_def: Any = None,
        instance: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            asset_key=asset_key,
            partition_key=partition_key,
            asset_partitions_def=asset_partitions_def,
            partition_keys=asset_partitions_subset,
        )
        self._name = name
        self._job_name = job_name
        self._op_def = op_def
        self.config = config
        self.definition_metadata: Mapping[str, Any] = definition_metadata or metadata or {}
        self.upstream_output = upstream_output
        self.dagster_type = dagster_type if dagster_type is not None else ANY_TYPE
        self._log = log_manager
        self.resource_config = resource_config
        self._resources = resources
        self._step_context = step_context
        self._instance = instance
        self._added: dict[str, Any] = {}

    @property
    def has_input_name(self) -> bool:
        """Whether the input has a name (an asset loaded outside of a step has none)."""
        return self._name is not None

    @property
    def name(self) -> str:
        """The input's name."""
        if self._name is None:
            raise InvariantViolationError(
                "expected an input with a name, got one without; ask has_input_name first"
            )
        return self._name

    @property
    def job_name(self) -> str:
        """The job."""
        if self._job_name is None:
            raise InvariantViolationError("expected an input of a job, got one loaded outside of any")
        return self._job_name

    @property
    def op_def(self) -> Any:
        """The op that takes the input."""
        if self._op_def is None:
            raise InvariantViolationError("expected an input of an op, got one loaded outside of any")
        return self._op_def

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The definition's metadata (older spelling)."""
        return self.definition_metadata

    @property
    def log(self) -> Any:
        """A logger."""
        return self._log() if callable(self._log) and not hasattr(self._log, "info") else self._log

    @property
    def resources(self) -> Any:
        """Resources that the IO manager named."""
        return self._resources if self._resources is not None else ScopedResources({})

    @property
    def instance(self) -> Any:
        """The instance."""
        return self._instance() if inspect.isroutine(self._instance) else self._instance

    @property
    def step_context(self) -> Any:
        """The context of the op that takes the input."""
        if self._step_context is None:
            raise InvariantViolationError("expected an input of a step, got one loaded outside of any")
        return self._step_context

    def get_identifier(self) -> list[str]:
        """That of the upstream output; ``get_asset_identifier`` names the asset.

        Raises:
            InvariantViolationError: when the input does not come from an output.
        """
        if self.upstream_output is None:
            raise InvariantViolationError(
                f"expected the input {self._name!r} to come from an output, got one that does not"
            )
        return self.upstream_output.get_identifier()

    def add_input_metadata(self, metadata: Mapping[str, Any], description: str | None = None) -> None:
        """Add metadata to the input's event."""
        self._added.update(typed_metadata(metadata))

    def consume_logged_metadata(self) -> Mapping[str, Any]:
        """Metadata added so far, forgotten here."""
        added, self._added = self._added, {}
        return added

    def get_logged_metadata(self) -> Mapping[str, Any]:
        """Metadata added so far."""
        return dict(self._added)

    def __repr__(self) -> str:
        return f"InputContext(name={self._name!r}, asset_key={self._asset_key!r})"
