"""What a check found: the result that user code returns and the evaluation that is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.errors import ParameterCheckError
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.replacing import Replaceable
from tidewheel.values.severity import AssetCheckSeverity


class AssetCheckResult(Replaceable):
    """What a check's function returns. ``asset_key`` and ``check_name`` are needed where several checks are possible."""

    __slots__ = ("asset_key", "check_name", "description", "metadata", "passed", "severity")

    def __init__(
        self,
        *,
        passed: bool,
        asset_key: Any = None,
        check_name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
    ) -> None:
        self.passed = require_passed(passed)
        self.asset_key: AssetKey | None = coerce_asset_key(asset_key) if asset_key is not None else None
        self.check_name = check_name
        self.metadata = typed_metadata(metadata)
        if not isinstance(severity, AssetCheckSeverity):
            raise ParameterCheckError(
                f"expected severity as AssetCheckSeverity, got {severity!r}; use AssetCheckSeverity.WARN or .ERROR"
            )
        self.severity = severity
        if description is not None and not isinstance(description, str):
            raise ParameterCheckError(f"expected description as text, got {description!r}; use str()")
        self.description = description

    def with_metadata(self, metadata: Mapping[str, Any]) -> AssetCheckResult:
        """A copy with other metadata."""
        return AssetCheckResult(
            passed=self.passed,
            asset_key=self.asset_key,
            check_name=self.check_name,
            metadata=metadata,
            severity=self.severity,
            description=self.description,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetCheckResult) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"AssetCheckResult(passed={self.passed}, asset_key={self.asset_key!r}, check_name={self.check_name!r}, "
            f"severity={self.severity!r})"
        )


class AssetCheckEvaluationTargetMaterializationData(NamedTuple):
    """The materialisation that an evaluation judged."""

    storage_id: int
    run_id: str
    timestamp: float


class AssetCheckEvaluation(Replaceable):
    """A recorded (or to be recorded) result of a check."""

    __slots__ = (
        "asset_key",
        "blocking",
        "check_name",
        "description",
        "metadata",
        "partition",
        "passed",
        "severity",
        "target_materialization_data",
    )

    def __init__(
        self,
        asset_key: Any,
        check_name: str,
        passed: bool,
        metadata: Mapping[str, Any] | None = None,
        target_materialization_data: AssetCheckEvaluationTargetMaterializationData | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
        blocking: bool | None = None,
        partition: str | None = None,
    ) -> None:
        self.asset_key = coerce_asset_key(asset_key)
        self.check_name = check_name
        self.passed = require_passed(passed)
        self.metadata = typed_metadata(metadata)
        self.target_materialization_data = target_materialization_data
        self.severity = severity
        self.description = description
        self.blocking = blocking
        self.partition = partition

    @property
    def asset_check_key(self) -> AssetCheckKey:
        """The check's identity."""
        return AssetCheckKey(self.asset_key, self.check_name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetCheckEvaluation) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"AssetCheckEvaluation(asset_key={self.asset_key!r}, check_name={self.check_name!r}, "
            f"passed={self.passed}, severity={self.severity!r})"
        )


def require_passed(passed: Any) -> bool:
    """Whether a check passed; truth values of numerical libraries count.

    Raises:
        ParameterCheckError: when it is neither true nor false.
    """
    if isinstance(passed, bool):
        return passed
    if type(passed).__name__ in ("bool", "bool_") and hasattr(passed, "item"):
        return bool(passed)
    raise ParameterCheckError(
        f"expected passed to be True or False, got {passed!r} ({type(passed).__name__}); use bool(...)"
    )
