"""What an IO manager is told of an output it shall store (or of the output behind an input it shall load)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from tidewheel.definitions.ops.types import ANY_TYPE
from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange, TimeWindow
from tidewheel.definitions.resources.resource_context import ScopedResources
from tidewheel.errors import CheckError, InvariantViolationError, ParameterCheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.shown_members import shows
from tidewheel.worker.contexts.partition_access import range_of, window_of

Keys = Sequence[str] | Callable[[], Sequence[str]] | None


class PartitionedPlace:
    """The asset and partitions that a value belongs to; shared by output and input contexts.

    ``partition_keys`` may be a function: mapping partitions costs, and most IO managers never ask.
    """

    _what = "output"
    close_resources: Callable[[], None] | None = None
    """Tears down the resources of a context made by hand, which is open until its `with` block ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.close_resources is not None:
            self.close_resources()

    def __init__(
        self,
        *,
        asset_key: AssetKey | None,
        partition_key: str | None,
        asset_partitions_def: Any,
        partition_keys: Keys,
    ) -> None:
        self._asset_key = asset_key
        self._partition_key = partition_key
        self._asset_partitions_def = asset_partitions_def
        self._partition_keys = partition_keys

    @property
    def has_asset_key(self) -> bool:
        """Whether the value is an asset."""
        return self._asset_key is not None

    @property
    def asset_key(self) -> AssetKey:
        """The asset.

        Raises:
            InvariantViolationError: when it is none.
        """
        if self._asset_key is None:
            raise InvariantViolationError(
                f"expected an {self._what} that is an asset, got one that is not; ask has_asset_key first"
            )
        return self._asset_key

    @property
    def has_partition_key(self) -> bool:
        """Whether the run is for one partition."""
        return self._partition_key is not None

    @property
    def partition_key(self) -> str:
        """The run's partition key.

        Raises:
            CheckError: when it has none.
        """
        if self._partition_key is None:
            raise CheckError(
                "expected a run with a partition key, got one without; ask has_partition_key first"
            )
        return self._partition_key

    @property
    def has_asset_partitions(self) -> bool:
        """Whether the asset is partitioned."""
        if self._partition_keys is None:
            return False
        return callable(self._partition_keys) or bool(self._partition_keys)

    @property
    def asset_partition_keys(self) -> Sequence[str]:
        """The asset's partitions that are stored or loaded.

        Raises:
            CheckError: when the asset is not partitioned.
        """
        if callable(self._partition_keys):
            self._partition_keys = list(self._partition_keys())
        if self._partition_keys is None:
            raise CheckError(
                f"expected a partitioned asset behind this {self._what}, got an unpartitioned one; ask "
                "has_asset_partitions"
            )
        return self._partition_keys

    @property
    def asset_partition_key(self) -> str:
        """The only partition.

        Raises:
            CheckError: when there are several.
        """
        keys = self.asset_partition_keys
        if len(keys) != 1:
            raise CheckError(
                f"expected one partition for this {self._what}, got {len(keys)}; use asset_partition_keys"
            )
        return keys[0]

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """First and last partition."""
        return range_of(self.asset_partition_keys)

    @property
    def asset_partitions_def(self) -> Any:
        """How the asset is partitioned.

        Raises:
            InvariantViolationError: when it is not.
        """
        if self._asset_partitions_def is None:
            raise InvariantViolationError(
                f"expected a partitioned asset behind this {self._what}, got an unpartitioned one"
            )
        return self._asset_partitions_def

    @property
    def asset_partitions_time_window(self) -> TimeWindow:
        """From the start of the first partition to the end of the last."""
        return window_of(self._asset_partitions_def, self.asset_partition_keys)

    def get_asset_identifier(self) -> list[str]:
        """The key's parts, and the partition if there is one.

        Raises:
            InvariantViolationError: when it is no asset.
        """
        if self._asset_key is None:
            raise InvariantViolationError(f"expected an {self._what} that is an asset, got one that is not")
        if self.has_asset_partitions:
            return [*self._asset_key.path, self.asset_partition_key]
        return self._asset_key.path


@shows(
    "config",
    "dagster_type",
    "definition_metadata",
    "mapping_key",
    "output_metadata",
    "resource_config",
    "version",
)
class OutputContext(PartitionedPlace):
    """An output to be stored."""

    def __init__(
        self,
        step_key: str | None = None,
        name: str | None = None,
        job_name: str | None = None,
        run_id: str | None = None,
        definition_metadata: Mapping[str, Any] | None = None,
        mapping_key: str | None = None,
        config: Any = None,
        dagster_type: Any = None,
        log_manager: Any = None,
        version: str | None = None,
        resource_config: Any = None,
        resources: Any = None,
        step_context: Any = None,
        op_def: Any = None,
        asset_key: AssetKey | None = None,
        warn_on_step_context_use: bool = False,
        partition_key: str | None = None,
        output_metadata: Mapping[str, Any] | None = None,
        asset_partitions_def: Any = None,
        asset_partitions_subset: Keys = None,
        asset_spec: Any = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        instance: Any = None,
        log_event: Callable[[Any], None] | None = None,
    ) -> None:
        super().__init__(
            asset_key=asset_key,
            partition_key=partition_key,
            asset_partitions_def=asset_partitions_def,
            partition_keys=asset_partitions_subset,
        )
        self._step_key = step_key
        self._name = name
        self._job_name = job_name
        self._run_id = run_id
        self.definition_metadata: Mapping[str, Any] = definition_metadata or metadata or {}
        self.output_metadata: Mapping[str, Any] = output_metadata or {}
        self.mapping_key = mapping_key
        self.config = config
        self.dagster_type = dagster_type if dagster_type is not None else ANY_TYPE
        self._log = log_manager
        self.version = version
        self.resource_config = resource_config
        self._resources = resources
        self._step_context = step_context
        self._op_def = op_def
        self._asset_spec = asset_spec
        self._instance = instance
        self._log_event = log_event
        self._added: dict[str, Any] = {}
        self._events: list[Any] = []

    @property
    def step_key(self) -> str:
        """The step that gave the output."""
        return _required(self._step_key, "step_key")

    @property
    def has_output_name(self) -> bool:
        """Whether the output's name is known."""
        return self._name is not None

    @property
    def name(self) -> str:
        """The output's name."""
        return _required(self._name, "name")

    @property
    def job_name(self) -> str:
        """The job."""
        return _required(self._job_name, "job_name")

    @property
    def run_id(self) -> str:
        """The run that gave the output."""
        return _required(self._run_id, "run_id")

    @property
    def op_def(self) -> Any:
        """The op that gave the output."""
        return _required(self._op_def, "op_def")

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The definition's metadata (older spelling)."""
        return self.definition_metadata

    @property
    def asset_spec(self) -> Any:
        """The asset's spec."""
        return self._asset_spec

    @property
    def log(self) -> Any:
        """A logger."""
        return _required(
            self._log() if callable(self._log) and not hasattr(self._log, "info") else self._log, "log"
        )

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
        """The context of the op that gave the output."""
        return _required(self._step_context, "step_context")

    def get_run_scoped_output_identifier(self) -> list[str]:
        """Run, step, output, and the mapping key of a dynamic output."""
        found = [self.run_id, self.step_key, self.name]
        return [*found, self.mapping_key] if self.mapping_key is not None else found

    def get_identifier(self) -> list[str]:
        """As ``get_run_scoped_output_identifier``; ``get_asset_identifier`` names the asset."""
        return self.get_run_scoped_output_identifier()

    def get_output_identifier(self) -> list[str]:
        """Older spelling of ``get_identifier``."""
        return self.get_identifier()

    def add_output_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Add metadata to the output's event (and to the asset's materialisation).

        Raises:
            InvariantViolationError: for a label that was added before.
        """
        known = set(metadata) & set(self._added)
        if known:
            raise InvariantViolationError(
                f"expected new metadata labels, got {sorted(known)} again; choose others"
            )
        self._added.update(typed_metadata(metadata))

    def get_logged_metadata(self) -> Mapping[str, Any]:
        """Metadata added so far."""
        return dict(self._added)

    def consume_logged_metadata(self) -> Mapping[str, Any]:
        """Metadata added so far, forgotten here."""
        added, self._added = self._added, {}
        return added

    def log_event(self, event: Any) -> None:
        """Record a materialisation or observation."""
        self._events.append(event)
        if self._log_event is not None:
            self._log_event(event)

    def consume_events(self) -> Any:
        """Events recorded so far, forgotten here."""
        events, self._events = self._events, []
        return iter(events)

    def get_logged_events(self) -> Sequence[Any]:
        """Events recorded so far."""
        return list(self._events)

    def __repr__(self) -> str:
        return f"OutputContext(step_key={self._step_key!r}, name={self._name!r})"


def _required(value: Any, name: str) -> Any:
    if value is None:
        raise InvariantViolationError(
            f"expected {name!r} to be known, got a context without it; pass {name}= to the function "
            "that builds the context"
        )
    return value


def given_partition_keys(
    partition_key: str | None, key_range: PartitionKeyRange | None, definition: Any
) -> Sequence[str] | None:
    """The partitions that a test gives for a context.

    Raises:
        ParameterCheckError: for a key and a range together, or a range without a definition.
    """
    if key_range is not None:
        if partition_key is not None:
            raise ParameterCheckError(
                "expected partition_key or asset_partition_key_range, got both; drop one"
            )
        if definition is None:
            raise ParameterCheckError(
                "expected asset_partitions_def together with asset_partition_key_range, got none"
            )
        return list(definition.get_partition_keys_in_range(key_range))
    if partition_key is not None:
        return [partition_key]
    return None
