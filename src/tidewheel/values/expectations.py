"""What an op says about the quality of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.errors import ParameterCheckError
from tidewheel.values.metadata import typed_metadata


class ExpectationResult:
    """The outcome of a data quality test inside an op; without a label it is called `result`."""

    __slots__ = ("description", "label", "metadata", "success")

    def __init__(
        self,
        success: bool,
        label: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(success, bool):
            raise ParameterCheckError(f"expected success as True or False, got {success!r}")
        self.success = success
        self.label = label if label is not None else "result"
        self.description = description
        self.metadata = typed_metadata(metadata)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExpectationResult) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"ExpectationResult({shown})"
