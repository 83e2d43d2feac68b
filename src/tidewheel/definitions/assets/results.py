"""What user code hands back from ops and assets: outputs, events, results, and the errors that steer execution."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.definitions.checks.check_results import AssetCheckResult
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError, TidewheelError
from tidewheel.values.metadata import MetadataValue, typed_metadata
from tidewheel.values.replacing import Replaceable

if TYPE_CHECKING:
    from tidewheel.definitions.assets.data_version import DataVersion

T = TypeVar("T")
DEFAULT_OUTPUT = "result"
_NAME = re.compile(r"^[A-Za-z0-9_]+$")


class _NoValue:
    """Marks "no value was given", which is not the same as ``None``."""

    def __repr__(self) -> str:
        return "<no value>"

    def __bool__(self) -> bool:
        return False


NO_VALUE: Any = _NoValue()


class Output(Generic[T]):
    """A value for one of an op's outputs, with metadata; yield or return it."""

    __slots__ = ("__orig_class__", "_data_version", "_metadata", "_output_name", "_tags", "_value")

    def __init__(
        self,
        value: T,
        output_name: str | None = DEFAULT_OUTPUT,
        metadata: Mapping[str, Any] | None = None,
        data_version: DataVersion | None = None,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(output_name, str):
            raise ParameterCheckError(f"expected output_name as a string, got {output_name!r}")
        self._value = value
        self._output_name = output_name
        self._data_version = data_version
        self._metadata = typed_metadata(metadata)
        self._tags = dict(tags or {})

    @property
    def value(self) -> Any:
        """The value."""
        return self._value

    @property
    def output_name(self) -> str:
        """The output's name."""
        return self._output_name

    @property
    def metadata(self) -> dict[str, MetadataValue]:
        """Typed metadata."""
        return self._metadata

    @property
    def data_version(self) -> DataVersion | None:
        """The data version that user code gave."""
        return self._data_version

    @property
    def tags(self) -> dict[str, str]:
        """Tags for the asset's materialisation."""
        return self._tags

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> Output[T]:
        """The same output with other metadata."""
        return Output(self._value, self._output_name, metadata, self._data_version, tags=self._tags)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Output)
            and bool(self._value == other._value)
            and self._output_name == other._output_name
            and self._metadata == other._metadata
            and self._data_version == other._data_version
            and self._tags == other._tags
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Output({self._value!r}, output_name={self._output_name!r})"


class DynamicOutput(Generic[T]):
    """One of several values for a dynamic output; steps that take it run once for each ``mapping_key``."""

    __slots__ = ("__orig_class__", "_mapping_key", "_metadata", "_output_name", "_value")

    def __init__(
        self,
        value: T,
        mapping_key: str,
        output_name: str | None = DEFAULT_OUTPUT,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(mapping_key, str):
            raise ParameterCheckError(f"expected mapping_key as a string, got {mapping_key!r}")
        if not _NAME.match(mapping_key):
            raise InvalidDefinitionError(
                f"expected a mapping_key of letters, digits and underscores, got {mapping_key!r}; "
                "replace other characters"
            )
        if not isinstance(output_name, str):
            raise ParameterCheckError(f"expected output_name as a string, got {output_name!r}")
        self._value = value
        self._mapping_key = mapping_key
        self._output_name = output_name
        self._metadata = typed_metadata(metadata)

    @property
    def value(self) -> Any:
        """The value."""
        return self._value

    @property
    def mapping_key(self) -> str:
        """The key that names this value."""
        return self._mapping_key

    @property
    def output_name(self) -> str:
        """The output's name."""
        return self._output_name

    @property
    def metadata(self) -> dict[str, MetadataValue]:
        """Typed metadata."""
        return self._metadata

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DynamicOutput)
            and bool(self._value == other._value)
            and self._output_name == other._output_name
            and self._mapping_key == other._mapping_key
            and self._metadata == other._metadata
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"DynamicOutput({self._value!r}, mapping_key={self._mapping_key!r}, output_name={self._output_name!r})"


class TypeCheck:
    """The outcome of a type check function."""

    __slots__ = ("description", "metadata", "success")

    def __init__(
        self, success: bool, description: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        if not isinstance(success, bool):
            raise ParameterCheckError(f"expected success as True or False, got {success!r}")
        self.success = success
        self.description = description
        self.metadata = typed_metadata(metadata)

    def __repr__(self) -> str:
        return (
            f"TypeCheck(success={self.success}, description={self.description!r}, metadata={self.metadata!r})"
        )


class Failure(TidewheelError):
    """Raise it to fail a step with a description and metadata; ``allow_retries=False`` ends the step for good."""

    def __init__(
        self,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        allow_retries: bool | None = None,
    ) -> None:
        super().__init__(description)
        self.description = description
        self.metadata = typed_metadata(metadata)
        self.allow_retries = True if allow_retries is None else allow_retries


class RetryRequested(TidewheelError):
    """Raise it to have the step tried again, at most ``max_retries`` times, after ``seconds_to_wait``."""

    def __init__(self, max_retries: int = 1, seconds_to_wait: float | None = None) -> None:
        super().__init__()
        if not isinstance(max_retries, int) or isinstance(max_retries, bool):
            raise ParameterCheckError(f"expected max_retries as a whole number, got {max_retries!r}")
        self.max_retries = max_retries
        self.seconds_to_wait = seconds_to_wait


class AssetResult(Replaceable):
    """What ``MaterializeResult`` and ``ObserveResult`` have in common."""

    def __init__(
        self,
        asset_key: Any = None,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[AssetCheckResult] | None = None,
        data_version: DataVersion | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = coerce_asset_key(asset_key) if asset_key is not None else None
        self.metadata = metadata
        self.check_results = list(check_results or [])
        self.data_version = data_version
        self.tags = tags
        if metadata:
            typed_metadata(metadata)

    def check_result_named(self, check_name: str) -> AssetCheckResult:
        """The result of one check.

        Raises:
            ParameterCheckError: when there is none of this name.
        """
        for result in self.check_results:
            if result.check_name == check_name:
                return result
        raise ParameterCheckError(f"expected a result of the check {check_name!r}, got none")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(asset_key={self.asset_key!r}, metadata={self.metadata!r})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class MaterializeResult(AssetResult, Generic[T]):
    """Says that an asset was made, with what is known of it; its ``value`` goes to the IO manager if given."""

    def __init__(
        self,
        asset_key: Any = None,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[AssetCheckResult] | None = None,
        data_version: DataVersion | None = None,
        tags: Mapping[str, str] | None = None,
        value: Any = NO_VALUE,
    ) -> None:
        super().__init__(asset_key, metadata, check_results, data_version, tags)
        self.value = value


class ObserveResult(AssetResult):
    """Says that an asset was looked at, with what was found."""
