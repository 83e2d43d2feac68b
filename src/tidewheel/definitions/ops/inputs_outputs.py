"""Inputs and outputs of ops and graphs: what users say of them (``In``, ``Out`` ...) and what is known in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.assets.results import NO_VALUE
from tidewheel.definitions.assets.typed_metadata import typed_metadata
from tidewheel.definitions.ops.types import ANY_TYPE, RuntimeType, resolve_type
from tidewheel.errors import CheckError, InvalidDefinitionError
from tidewheel.values.keys import AssetKey

DEFAULT_IO_MANAGER_KEY = "io_manager"


class In:
    """What is known of an op's input: its type, default, metadata, and the IO manager that loads it."""

    __slots__ = (
        "_type_given",
        "asset_key",
        "asset_partitions",
        "dagster_type",
        "default_value",
        "description",
        "input_manager_key",
        "metadata",
    )

    def __init__(
        self,
        dagster_type: Any = NO_VALUE,
        description: str | None = None,
        default_value: Any = NO_VALUE,
        metadata: Mapping[str, Any] | None = None,
        asset_key: Any = None,
        asset_partitions: Any = None,
        input_manager_key: str | None = None,
    ) -> None:
        self._type_given = dagster_type is not NO_VALUE
        self.dagster_type = resolve_type(dagster_type) if self._type_given else NO_VALUE
        self.description = description
        self.default_value = default_value
        self.metadata = dict(metadata or {})
        self.asset_key = asset_key
        self.asset_partitions = asset_partitions
        self.input_manager_key = input_manager_key

    @property
    def has_default_value(self) -> bool:
        """Whether there is a default."""
        return self.default_value is not NO_VALUE

    def __repr__(self) -> str:
        return f"In({self.dagster_type!r})"


class Out:
    """What is known of an op's output: its type, whether it must be given, and the IO manager that stores it."""

    __slots__ = (
        "_type_given",
        "code_version",
        "dagster_type",
        "description",
        "io_manager_key",
        "is_required",
        "metadata",
    )
    is_dynamic = False

    def __init__(
        self,
        dagster_type: Any = NO_VALUE,
        description: str | None = None,
        is_required: bool | None = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        code_version: str | None = None,
    ) -> None:
        self._type_given = dagster_type is not NO_VALUE
        self.dagster_type = resolve_type(dagster_type) if self._type_given else NO_VALUE
        self.description = description
        self.is_required = True if is_required is None else is_required
        self.io_manager_key = io_manager_key or DEFAULT_IO_MANAGER_KEY
        self.metadata = dict(metadata or {})
        self.code_version = code_version

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dagster_type!r}, is_required={self.is_required})"


class DynamicOut(Out):
    """An output with any number of values; steps that take it run once for each."""

    __slots__ = ()
    is_dynamic = True


class GraphIn:
    """What is known of a graph's input."""

    __slots__ = ("description",)

    def __init__(self, *, description: str | None = None) -> None:
        self.description = description


class GraphOut:
    """What is known of a graph's output."""

    __slots__ = ("description",)

    def __init__(self, description: str | None = None) -> None:
        self.description = description


class InputDefinition:
    """One input of an op or graph, with everything settled."""

    __slots__ = (
        "asset_key",
        "asset_partitions",
        "dagster_type",
        "default_value",
        "description",
        "input_manager_key",
        "is_type_given",
        "metadata",
        "name",
    )

    def __init__(
        self,
        name: str,
        dagster_type: Any = None,
        description: str | None = None,
        default_value: Any = NO_VALUE,
        metadata: Mapping[str, Any] | None = None,
        asset_key: Any = None,
        asset_partitions: Any = None,
        input_manager_key: str | None = None,
        is_type_given: bool = True,
    ) -> None:
        self.name = name
        self.dagster_type: RuntimeType = resolve_type(dagster_type) if dagster_type is not None else ANY_TYPE
        self.description = description
        self.default_value = default_value
        self.metadata = dict(metadata or {})
        self.asset_key = asset_key
        self.asset_partitions = asset_partitions
        self.input_manager_key = input_manager_key
        self.is_type_given = is_type_given
        if default_value is not NO_VALUE and self.dagster_type.is_nothing:
            raise InvalidDefinitionError(
                f"expected no default for the input {name!r} of type Nothing, got {default_value!r}"
            )

    @property
    def has_default_value(self) -> bool:
        """Whether there is a default."""
        return self.default_value is not NO_VALUE

    @property
    def hardcoded_asset_key(self) -> AssetKey | None:
        """The asset that ``In(asset_key=...)`` names."""
        if self.asset_key is None or callable(self.asset_key):
            return None
        return AssetKey.from_coercible_or_definition(self.asset_key)

    def to_in(self) -> In:
        """The input as users write it."""
        return In(
            self.dagster_type,
            self.description,
            self.default_value,
            self.metadata,
            self.asset_key,
            self.asset_partitions,
            self.input_manager_key,
        )

    def __repr__(self) -> str:
        return f"InputDefinition({self.name!r}, {self.dagster_type!r})"


class OutputDefinition:
    """One output of an op or graph, with everything settled."""

    __slots__ = (
        "code_version",
        "dagster_type",
        "description",
        "io_manager_key",
        "is_dynamic",
        "is_required",
        "metadata",
        "name",
    )

    def __init__(
        self,
        dagster_type: Any = None,
        name: str | None = None,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        code_version: str | None = None,
        is_dynamic: bool = False,
    ) -> None:
        self.name = name or "result"
        self.dagster_type: RuntimeType = resolve_type(dagster_type) if dagster_type is not None else ANY_TYPE
        self.description = description
        self.is_required = is_required
        self.io_manager_key = io_manager_key or DEFAULT_IO_MANAGER_KEY
        self.metadata = dict(metadata or {})
        self.code_version = code_version
        self.is_dynamic = is_dynamic

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""
        return not self.is_required

    def to_out(self) -> Out:
        """The output as users write it."""
        kind = DynamicOut if self.is_dynamic else Out
        return kind(
            self.dagster_type,
            self.description,
            self.is_required,
            self.io_manager_key,
            self.metadata,
            self.code_version,
        )

    def __repr__(self) -> str:
        return f"OutputDefinition({self.name!r}, {self.dagster_type!r})"


class InputPointer:
    """An input of a node inside a graph; ``fan_in_index`` is its place in a list of sources."""

    __slots__ = ("fan_in_index", "input_name", "node_name")

    def __init__(self, node_name: str, input_name: str, fan_in_index: int | None = None) -> None:
        self.node_name = node_name
        self.input_name = input_name
        self.fan_in_index = fan_in_index


class InputMapping:
    """Connects a graph's input with an input of a node inside."""

    def __init__(
        self,
        *,
        graph_input_name: str,
        mapped_node_name: str,
        mapped_node_input_name: str,
        fan_in_index: int | None = None,
        graph_input_description: str | None = None,
        dagster_type: Any = None,
    ) -> None:
        self.graph_input_name = graph_input_name
        self.mapped_node_name = mapped_node_name
        self.mapped_node_input_name = mapped_node_input_name
        self.fan_in_index = fan_in_index
        self.graph_input_description = graph_input_description
        self.dagster_type = resolve_type(dagster_type) if dagster_type is not None else None

    @property
    def maps_to(self) -> InputPointer:
        """The input inside."""
        return InputPointer(self.mapped_node_name, self.mapped_node_input_name, self.fan_in_index)


class OutputMapping:
    """Connects a graph's output with an output of a node inside."""

    def __init__(
        self,
        graph_output_name: str,
        mapped_node_name: str,
        mapped_node_output_name: str = "result",
        graph_output_description: str | None = None,
        dagster_type: Any = None,
        from_dynamic_mapping: bool = False,
    ) -> None:
        self.graph_output_name = graph_output_name
        self.mapped_node_name = mapped_node_name
        self.mapped_node_output_name = mapped_node_output_name
        self.graph_output_description = graph_output_description
        self.dagster_type = resolve_type(dagster_type) if dagster_type is not None else None
        self.from_dynamic_mapping = from_dynamic_mapping


def require_ins(ins: Mapping[str, Any] | None) -> dict[str, In]:
    """A dict of ``In`` by name.

    Raises:
        CheckError: when it is not one.
    """
    for name, value in (ins or {}).items():
        if not isinstance(value, In):
            raise CheckError(f"expected ins[{name!r}] as In(...), got {value!r}; write In({value!r})")
    return dict(ins or {})


def metadata_of(raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Typed metadata of an input or output."""
    return typed_metadata(raw)
