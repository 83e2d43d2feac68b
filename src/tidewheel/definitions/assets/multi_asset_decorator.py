"""``@multi_asset``: a function that makes several assets; declared by specs, or by outputs with values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from tidewheel.definitions.assets.asset_decorator import remember_function, step_name
from tidewheel.definitions.assets.asset_functions import (
    NOTHING_IN,
    NamedInputs,
    bound_resources,
    check_outputs,
    read_inputs,
)
from tidewheel.definitions.assets.asset_in_out import AssetIn, AssetOut
from tidewheel.definitions.assets.asset_labels import DEFAULT_GROUP
from tidewheel.definitions.assets.asset_spec import (
    AssetCheckSpec,
    AssetDep,
    AssetSpec,
    coerce_deps,
    described,
    require_partitions_def,
)
from tidewheel.definitions.assets.definition import SUBSET_INPUT_PREFIX, AssetExecutionType, AssetsDefinition
from tidewheel.definitions.ops.definition import OpDefinition
from tidewheel.definitions.ops.function_signature import FunctionSignature
from tidewheel.definitions.ops.inputs_outputs import Out
from tidewheel.definitions.ops.op_decorator import build_op
from tidewheel.definitions.ops.scalars import Nothing
from tidewheel.errors import CheckError, InvalidDefinitionError, did_you_mean
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import COMPUTE_KIND


class _Plan(NamedTuple):
    """What a multi-asset's op and definition are made of."""

    inputs: NamedInputs
    outs: dict[str, Out]
    keys_by_output: dict[str, AssetKey]
    specs: list[AssetSpec]


def multi_asset(
    *,
    outs: Mapping[str, AssetOut] | None = None,
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: AbstractSet[str] | None = None,
    internal_asset_deps: Mapping[str, set[AssetKey]] | None = None,
    partitions_def: Any = None,
    hooks: AbstractSet[Any] | None = None,
    backfill_policy: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    can_subset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    retry_policy: Any = None,
    code_version: str | None = None,
    specs: Sequence[AssetSpec] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    pool: str | None = None,
    compute_kind: str | None = None,
    non_argument_deps: Iterable[Any] | None = None,
    allow_arbitrary_check_specs: bool = False,
    _execution_type: AssetExecutionType = AssetExecutionType.MATERIALIZATION,
) -> Any:
    """Decorate a function as one that makes several assets.

    Give ``specs`` (the function yields results without values, or stores what it makes itself) or ``outs`` (each output has
    a value). ``can_subset``: the function makes only ``context.selected_asset_keys`` when it is asked to.
    """
    if outs and specs:
        raise InvalidDefinitionError(
            "@multi_asset: expected outs or specs, got both; keep specs, or outs if there are values"
        )
    if specs is not None and deps:
        raise InvalidDefinitionError(
            "@multi_asset: expected deps on the specs, got deps beside specs; move them to the specs"
        )
    upstream = coerce_deps(deps if deps is not None else non_argument_deps)
    definition = require_partitions_def(partitions_def)

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        op_name = name or getattr(fn, "__name__", "multi_asset")
        what = f"multi-asset {op_name!r}"
        signature = FunctionSignature(fn, what="multi_asset")
        if outs:
            plan = _plan_of_outs(
                outs,
                signature,
                ins,
                upstream,
                internal_asset_deps,
                definition,
                group_name,
                code_version,
                what,
            )
        else:
            plan = _plan_of_specs(
                specs or (), signature, ins, definition, group_name, code_version, can_subset, what
            )
        checks = check_outputs(
            check_specs, None if allow_arbitrary_check_specs else plan.keys_by_output.values(), what
        )
        all_ins, all_keys = _with_subset_inputs(plan, can_subset)
        op_def = build_op(
            fn,
            name=op_name,
            description=description,
            ins=all_ins,
            outs={**plan.outs, **{output: Out(is_required=not can_subset) for output in checks}},
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            brought_resources=resource_defs,
            tags={**({COMPUTE_KIND: compute_kind} if compute_kind else {}), **(op_tags or {})},
            retry_policy=retry_policy,
            code_version=code_version,
            pool=pool,
            what="multi_asset",
            signature=signature,
            infers_output_types=bool(outs) and not checks,
        )
        made = AssetsDefinition(
            keys_by_input_name=all_keys,
            keys_by_output_name=plan.keys_by_output,
            node_def=op_def,
            specs=described(plan.specs, _said_of_all(op_def)),
            check_specs_by_output_name=checks,
            can_subset=can_subset,
            resource_defs=bound_resources(resource_defs),
            backfill_policy=backfill_policy,
            hook_defs=hooks,
            execution_type=_execution_type,
        )
        return remember_function(made, fn)

    return decorate


def _plan_of_specs(
    specs: Sequence[AssetSpec],
    signature: FunctionSignature,
    ins: Mapping[str, AssetIn] | None,
    partitions_def: Any,
    group_name: str | None,
    code_version: str | None,
    can_subset: bool,
    what: str,
) -> _Plan:
    settled: dict[AssetKey, AssetSpec] = {}
    for spec in specs:
        if not isinstance(spec, AssetSpec):
            raise CheckError(
                f"{what}: expected specs as AssetSpec objects, got {spec!r}; write AssetSpec({spec!r})"
            )
        if spec.key in settled:
            raise InvalidDefinitionError(
                f"{what}: expected different assets, got {spec.key.to_user_string()!r} twice; rename one"
            )
        made = _settled(spec, partitions_def, group_name, code_version, what)
        settled[spec.key] = made.replace_attributes(skippable=True) if can_subset else made
    outside: dict[AssetKey, AssetDep] = {}
    for spec in settled.values():
        for dep in spec.deps:
            if dep.asset_key not in settled or dep.asset_key == spec.key:
                known = outside.get(dep.asset_key)
                if known is None or known.partition_mapping is None:
                    outside[dep.asset_key] = dep
    inputs = read_inputs(signature, ins, tuple(outside.values()), what)
    undeclared = [key for key in inputs.keys.values() if key not in outside and key not in settled]
    if undeclared:
        names = [key.to_user_string() for key in outside]
        raise InvalidDefinitionError(
            f"{what}: expected every parameter to be a dependency of one of the specs, got "
            f"{undeclared[0].to_user_string()!r}; add AssetSpec(..., deps=[...]) "
            f"({did_you_mean(undeclared[0].to_user_string(), names)})"
        )
    keys_by_output = {
        step_name(key) if len(key.path) > 1 else key.to_python_identifier(): key for key in settled
    }
    outs = {
        output: Out(
            Nothing,
            is_required=not (can_subset or settled[key].skippable),
            description=settled[key].description,
            code_version=settled[key].code_version,
        )
        for output, key in keys_by_output.items()
    }
    return _Plan(inputs, outs, keys_by_output, list(settled.values()))


def _settled(
    spec: AssetSpec, partitions_def: Any, group_name: str | None, code_version: str | None, what: str
) -> AssetSpec:
    changes: dict[str, Any] = {}
    if group_name is not None:
        if spec.group_name is not None and spec.group_name != group_name:
            raise CheckError(
                f"{what}: expected group_name on the decorator or on the specs, got {group_name!r} and "
                f"{spec.group_name!r} (asset {spec.key.to_user_string()!r}); keep one"
            )
        changes["group_name"] = group_name
    elif spec.group_name is None:
        changes["group_name"] = DEFAULT_GROUP
    if partitions_def is not None:
        if spec.partitions_def is not None and spec.partitions_def != partitions_def:
            raise CheckError(
                f"{what}: expected the partitions of the decorator and of the spec "
                f"{spec.key.to_user_string()!r} to be the same, got {partitions_def!r} and {spec.partitions_def!r}"
            )
        changes["partitions_def"] = partitions_def
    if code_version is not None and spec.code_version is None:
        changes["code_version"] = code_version
    return spec.copy_with(**changes) if changes else spec


def _plan_of_outs(
    outs: Mapping[str, AssetOut],
    signature: FunctionSignature,
    ins: Mapping[str, AssetIn] | None,
    deps: Sequence[AssetDep],
    internal_asset_deps: Mapping[str, set[AssetKey]] | None,
    partitions_def: Any,
    group_name: str | None,
    code_version: str | None,
    what: str,
) -> _Plan:
    for output, asset_out in outs.items():
        if not isinstance(asset_out, AssetOut):
            raise CheckError(
                f"{what}: expected outs[{output!r}] as AssetOut, got {asset_out!r}; write AssetOut()"
            )
        if group_name is not None and asset_out.group_name is not None:
            raise CheckError(
                f"{what}: expected group_name on the decorator or on the outputs, got both (output {output!r}); keep one"
            )
    inputs = read_inputs(signature, ins, deps, what)
    keys_by_output = {output: asset_out.resolve_key(output) for output, asset_out in outs.items()}
    by_key = {dep.asset_key: dep for dep in inputs.deps}
    own = set(keys_by_output.values())
    _require_internal_deps(internal_asset_deps or {}, outs, by_key, own, what)
    specs = []
    for output, asset_out in outs.items():
        if internal_asset_deps and output in internal_asset_deps:
            wanted = sorted(internal_asset_deps[output])
            upstream = tuple(by_key.get(key) or AssetDep(key) for key in wanted)
        else:
            upstream = inputs.deps
        spec = asset_out.to_spec(
            keys_by_output[output],
            upstream,
            partitions_def=partitions_def,
            group_name=group_name or DEFAULT_GROUP,
        )
        if spec.code_version is None and code_version is not None:
            spec = spec.copy_with(code_version=code_version)
        specs.append(spec)
    return _Plan(inputs, {output: one.to_out() for output, one in outs.items()}, keys_by_output, specs)


def _require_internal_deps(
    given: Mapping[str, set[AssetKey]],
    outs: Mapping[str, AssetOut],
    upstream: Mapping[AssetKey, AssetDep],
    own: AbstractSet[AssetKey],
    what: str,
) -> None:
    for output, keys in given.items():
        if output not in outs:
            raise CheckError(
                f"{what}: expected internal_asset_deps to name outputs, got {output!r}; {did_you_mean(output, outs)}"
            )
        for key in keys:
            if key not in upstream and key not in own:
                raise CheckError(
                    f"{what}: expected internal_asset_deps of {output!r} among its inputs and outputs, got "
                    f"{key.to_user_string()!r}; add it to ins or deps"
                )


def _with_subset_inputs(plan: _Plan, can_subset: bool) -> tuple[dict[str, Any], dict[str, AssetKey]]:
    """The inputs; a subsettable op also has one for each of its own assets that others of it depend on.

    Those are only connected when parts of the op run as different steps.
    """
    ins, keys = dict(plan.inputs.ins), dict(plan.inputs.keys)
    if not can_subset:
        return ins, keys
    own = {key: output for output, key in plan.keys_by_output.items()}
    inner = {dep.asset_key for spec in plan.specs for dep in spec.deps if dep.asset_key in own}
    for key in sorted(inner - set(keys.values())):
        name = SUBSET_INPUT_PREFIX + own[key]
        ins[name] = NOTHING_IN
        keys[name] = key
    return ins, keys


def _said_of_all(op_def: OpDefinition) -> str | None:
    """The description of assets that have none: that of a single output, or else that of the function."""
    outputs = op_def.output_defs
    return (outputs[0].description if len(outputs) == 1 else None) or op_def.description
