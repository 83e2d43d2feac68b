"""``AssetExecutionContext`` and ``AssetCheckExecutionContext``: what functions of assets and checks may ask and do."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from tidewheel.errors import InvariantViolationError
from tidewheel.values.keys import AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.worker.contexts.op_context import CURRENT, OpExecutionContext


class _WrapsOpContext:
    """Passes on what it does not define to the op's context."""

    is_execution_context = True

    def __init__(self, op_execution_context: OpExecutionContext) -> None:
        self._op_execution_context = op_execution_context

    @property
    def op_execution_context(self) -> OpExecutionContext:
        """The context of the op behind the asset."""
        return self._op_execution_context

    def get_op_execution_context(self) -> OpExecutionContext:
        """The context of the op behind the asset."""
        return self._op_execution_context

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_op_execution_context":
            raise AttributeError(name)
        return getattr(self._op_execution_context, name)

    def __init_subclass__(cls) -> None:
        """Show the members that are passed on, so that stand-ins made of the class in tests have them."""
        for name in dir(OpExecutionContext):
            if not name.startswith("_") and not hasattr(cls, name):
                setattr(cls, name, _passed_on(name, inspect.getattr_static(OpExecutionContext, name)))


def _passed_on(name: str, member: Any) -> Any:
    if not inspect.isfunction(member):
        return property(lambda self: self.__getattr__(name), doc=member.__doc__)

    @functools.wraps(member)
    def call(self: _WrapsOpContext, *args: Any, **kwargs: Any) -> Any:
        return self.__getattr__(name)(*args, **kwargs)

    return call


class AssetExecutionContext(_WrapsOpContext):
    """The context of an asset's function."""

    @staticmethod
    def get() -> AssetExecutionContext:
        """The context of the asset function that runs now.

        Raises:
            InvariantViolationError: outside of assets.
        """
        current = CURRENT.get()
        if current is None:
            raise InvariantViolationError(
                "expected to be called inside a running asset, got called outside of any"
            )
        if isinstance(current, AssetExecutionContext):
            return current
        return AssetExecutionContext(current.op_execution_context)

    @property
    def asset_execution_context(self) -> AssetExecutionContext:
        """Itself."""
        return self

    def add_asset_metadata(
        self, metadata: Mapping[str, Any], asset_key: Any = None, partition_key: str | None = None
    ) -> None:
        """Add metadata to the materialisation of an asset (of one partition, if given) that is about to be made.

        Raises:
            InvariantViolationError: when it cannot be told which asset is meant, or it is not made here.
        """
        step = self._op_execution_context._step
        made = set(step.asset_keys) or self.selected_asset_keys
        if asset_key is None:
            if len(made) != 1:
                raise InvariantViolationError(
                    f"expected asset_key, as {len(made)} assets are made here, got none; name the asset"
                )
            key = next(iter(made))
        else:
            key = AssetKey.from_coercible_or_definition(asset_key)
            if key not in made:
                raise InvariantViolationError(
                    f"expected one of the assets made here ({sorted(k.to_user_string() for k in made)}), got "
                    f"{key.to_user_string()!r}"
                )
        if partition_key is not None and partition_key not in step.partitions.output_keys(key):
            raise InvariantViolationError(
                f"expected a partition of {key.to_user_string()!r} that this run makes, got {partition_key!r}"
            )
        step.asset_metadata.setdefault((key, partition_key), {}).update(typed_metadata(metadata))


class AssetCheckExecutionContext(_WrapsOpContext):
    """The context of a check's function."""

    @staticmethod
    def get() -> AssetCheckExecutionContext:
        """The context of the check function that runs now.

        Raises:
            InvariantViolationError: outside of checks.
        """
        current = CURRENT.get()
        if current is None:
            raise InvariantViolationError(
                "expected to be called inside a running check, got called outside of any"
            )
        if isinstance(current, AssetCheckExecutionContext):
            return current
        return AssetCheckExecutionContext(current.op_execution_context)

    def __getattr__(self, name: str) -> Any:
        """What the op's context has; `hasattr` is false for what makes no sense in a check, such as its asset's key."""
        try:
            return super().__getattr__(name)
        except InvariantViolationError as exc:
            raise AttributeError(str(exc)) from exc

    @property
    def check_specs(self) -> list[Any]:
        """The specs of the checks that are evaluated here."""
        specs = self._op_execution_context._step.env.layer.check_specs
        return [specs[key] for key in self._op_execution_context._step.check_keys if key in specs]
