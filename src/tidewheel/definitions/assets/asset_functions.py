"""From a user's function and its declared inputs to the inputs of an asset's op: arguments, and dependencies without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tidewheel.definitions.assets.asset_in_out import AssetIn
from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, AssetDep, check_identifier
from tidewheel.definitions.ops.function_signature import EMPTY, FunctionSignature
from tidewheel.definitions.ops.inputs_outputs import In
from tidewheel.definitions.ops.scalars import Nothing
from tidewheel.definitions.partitions.multi_partitions import MultiPartitionsDefinition
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.definitions.resources.definition import coerce_resources
from tidewheel.errors import CheckError, InvalidDefinitionError, did_you_mean
from tidewheel.values.keys import AssetKey

NOTHING_IN = In(Nothing)


class NamedInputs(NamedTuple):
    """An asset op's inputs: ``ins`` for the op, ``keys`` by input name, and the dependencies they stand for."""

    ins: dict[str, In]
    keys: dict[str, AssetKey]
    deps: tuple[AssetDep, ...]


def read_inputs(
    signature: FunctionSignature,
    ins: Mapping[str, AssetIn] | None,
    deps: Iterable[AssetDep],
    what: str,
    *,
    skips_defaults: bool = False,
) -> NamedInputs:
    """Parameters are upstream assets; then come dependencies without a parameter.

    ``skips_defaults``: parameters with a default are not, unless ``ins`` names them.

    Raises:
        InvalidDefinitionError: when ``ins`` names something that is no parameter.
    """
    given = dict(ins or {})
    parameters = signature.inputs
    for name, asset_in in given.items():
        if not isinstance(asset_in, AssetIn):
            raise InvalidDefinitionError(
                f"{what}: expected ins[{name!r}] as AssetIn, got {asset_in!r}; write AssetIn({asset_in!r})"
            )
        if name not in parameters and not asset_in.is_nothing and not signature.has_kwargs:
            raise InvalidDefinitionError(
                f"{what}: expected ins to name parameters of the function, got {name!r}; add the parameter, or use deps "
                f"({did_you_mean(name, parameters)})"
            )
    found_ins: dict[str, In] = {}
    keys: dict[str, AssetKey] = {}
    found: dict[AssetKey, AssetDep] = {}
    for name, (_, default) in parameters.items():
        if skips_defaults and name not in given and default is not EMPTY:
            continue
        _take(name, given.get(name) or PLAIN_ASSET_IN, found_ins, keys, found)
    for name, asset_in in given.items():
        if name not in parameters:
            _take(name, asset_in, found_ins, keys, found)
    for dep in deps:
        key = dep.asset_key
        known = found.get(key)
        if known is None:
            name = input_name_of(key, found_ins, parameters)
            found_ins[name] = NOTHING_IN
            keys[name] = key
            found[key] = dep
        elif known.partition_mapping is None and dep.partition_mapping is not None:
            found[key] = dep
    return NamedInputs(found_ins, keys, tuple(found.values()))


def _take(
    name: str,
    asset_in: AssetIn,
    ins: dict[str, In],
    keys: dict[str, AssetKey],
    deps: dict[AssetKey, AssetDep],
) -> None:
    key = asset_in.resolve_key(name)
    ins[name] = asset_in.to_in()
    keys[name] = key
    if key not in deps or asset_in.partition_mapping is not None:
        deps[key] = AssetDep(key, partition_mapping=asset_in.partition_mapping, metadata=asset_in.metadata)


PLAIN_ASSET_IN = AssetIn()


def input_name_of(key: AssetKey, *taken: Mapping[str, Any]) -> str:
    """A name for an input that only orders: the key's parts, made different from the names that are taken."""
    name = key.to_python_identifier().replace("__", "_") if len(key.path) > 1 else key.to_python_identifier()
    while any(name in names for names in taken):
        name = f"{name}_dep"
    return name


def require_no_self_dependency(
    key: AssetKey, deps: Sequence[AssetDep], partitions_def: Any, what: str
) -> None:
    """Refuse an asset that depends on itself in the same partition.

    Raises:
        InvalidDefinitionError: unless each time window depends on earlier ones.
    """
    for dep in deps:
        if dep.asset_key != key:
            continue
        mapping = dep.partition_mapping
        if (
            isinstance(partitions_def, TimeWindowPartitionsDefinition)
            and getattr(mapping, "end_offset", 0) < 0
        ):
            return
        if isinstance(partitions_def, TimeWindowPartitionsDefinition) and (
            getattr(mapping, "start_offset", 0) < 0 and getattr(mapping, "end_offset", 0) < 0
        ):
            return
        if isinstance(partitions_def, MultiPartitionsDefinition) and mapping is not None:
            return
        raise InvalidDefinitionError(
            f"{what}: expected no dependency on itself, got {key.to_user_string()!r}; only an asset with time windows may "
            "depend on itself, on earlier windows: use TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)"
        )


def check_outputs(
    check_specs: Sequence[AssetCheckSpec] | None, valid: Iterable[AssetKey] | None, what: str
) -> dict[str, AssetCheckSpec]:
    """The outputs of an asset's function that are checks.

    Raises:
        InvalidDefinitionError: when two checks have the same key, or one judges another asset.
    """
    known = None if valid is None else set(valid)
    found: dict[str, AssetCheckSpec] = {}
    for spec in check_specs or ():
        if not isinstance(spec, AssetCheckSpec):
            raise CheckError(f"{what}: expected check_specs as AssetCheckSpec objects, got {spec!r}")
        if known is not None and spec.asset_key not in known:
            raise InvalidDefinitionError(
                f"{what}: expected checks of its own assets, got {spec.name!r} of {spec.asset_key.to_user_string()!r}; "
                + did_you_mean(spec.asset_key.to_user_string(), [key.to_user_string() for key in known])
            )
        name = check_identifier(spec.asset_key, spec.name)
        if name in found:
            raise InvalidDefinitionError(
                f"{what}: expected different checks, got {spec.key.to_user_string()!r} twice; rename one"
            )
        found[name] = spec
    return found


def bound_resources(resource_defs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Resources that an asset brings along, as definitions."""
    return dict(coerce_resources(resource_defs)) if resource_defs else {}
