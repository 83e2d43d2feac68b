"""``@asset_check`` and ``@multi_asset_check``: functions that judge assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_decorator import remember_function
from tidewheel.definitions.assets.asset_functions import (
    NOTHING_IN,
    NamedInputs,
    bound_resources,
    check_outputs,
    input_name_of,
    read_inputs,
)
from tidewheel.definitions.assets.asset_in_out import AssetIn
from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, AssetDep, coerce_deps, single_key
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.definitions.ops.function_signature import EMPTY, FunctionSignature
from tidewheel.definitions.ops.inputs_outputs import Out
from tidewheel.definitions.ops.op_decorator import build_op
from tidewheel.errors import InvalidDefinitionError
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import COMPUTE_KIND


def asset_check(
    *,
    asset: Any,
    name: str | None = None,
    description: str | None = None,
    blocking: bool = False,
    additional_ins: Mapping[str, AssetIn] | None = None,
    additional_deps: Iterable[Any] | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config_schema: Any = None,
    compute_kind: str | None = None,
    op_tags: Mapping[str, Any] | None = None,
    retry_policy: Any = None,
    metadata: Mapping[str, Any] | None = None,
    automation_condition: Any = None,
    pool: str | None = None,
    partitions_def: Any = None,
) -> Any:
    """Decorate a function that judges an asset and returns an ``AssetCheckResult``.

    A parameter that is no context, config, resource or additional input is the asset's value. ``blocking``: when the check
    does not pass (severity ERROR), what depends on the asset does not run.
    """
    asset_key = single_key(asset)

    def decorate(fn: Callable[..., Any]) -> AssetChecksDefinition:
        check_name = name or fn.__name__
        what = f"check {check_name!r} of {asset_key.to_user_string()!r}"
        signature = FunctionSignature(fn, what="asset_check")
        upstream = coerce_deps(additional_deps)
        inputs = _inputs(signature, asset_key, additional_ins, upstream, what)
        spec = AssetCheckSpec(
            name=check_name,
            asset=asset_key,
            description=description,
            additional_deps=[dep for dep in inputs.deps if dep.asset_key != asset_key],
            blocking=blocking,
            metadata=metadata,
            automation_condition=automation_condition,
            partitions_def=partitions_def,
        )
        op_def = build_op(
            fn,
            name=spec.get_python_identifier(),
            description=description,
            ins=inputs.ins,
            outs={"result": Out()},
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            brought_resources=resource_defs,
            tags={**({COMPUTE_KIND: compute_kind} if compute_kind else {}), **(op_tags or {})},
            retry_policy=retry_policy,
            pool=pool,
            what="asset_check",
            signature=signature,
            infers_output_types=False,
        )
        if spec.description is None and op_def.description:
            spec = spec.replace_attributes(description=op_def.description)
        made = AssetChecksDefinition.create(
            keys_by_input_name=inputs.keys,
            node_def=op_def,
            check_specs_by_output_name={"result": spec},
            can_subset=False,
            resource_defs=bound_resources(resource_defs),
        )
        remember_function(made, fn)
        return made

    return decorate


def multi_asset_check(
    *,
    name: str | None = None,
    specs: Sequence[AssetCheckSpec],
    description: str | None = None,
    can_subset: bool = False,
    compute_kind: str | None = None,
    op_tags: Mapping[str, Any] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    retry_policy: Any = None,
    config_schema: Any = None,
    ins: Mapping[str, AssetIn] | None = None,
    pool: str | None = None,
) -> Any:
    """Decorate a function that yields an ``AssetCheckResult`` for each of several checks."""

    def decorate(fn: Callable[..., Any]) -> AssetChecksDefinition:
        op_name = name or fn.__name__
        what = f"multi asset check {op_name!r}"
        signature = FunctionSignature(fn, what="multi_asset_check")
        outputs = check_outputs(specs, None, what)
        wanted = {spec.asset_key: AssetDep(spec.asset_key) for spec in specs}
        for spec in specs:
            for dep in spec.additional_deps:
                wanted.setdefault(dep.asset_key, dep)
        inputs = read_inputs(signature, ins, tuple(wanted.values()), what, skips_defaults=True)
        op_def = build_op(
            fn,
            name=op_name,
            description=description,
            ins=inputs.ins,
            outs={output: Out(is_required=not can_subset) for output in outputs},
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            brought_resources=resource_defs,
            tags={**({COMPUTE_KIND: compute_kind} if compute_kind else {}), **(op_tags or {})},
            retry_policy=retry_policy,
            pool=pool,
            what="multi_asset_check",
            signature=signature,
            infers_output_types=False,
        )
        made = AssetChecksDefinition.create(
            keys_by_input_name=inputs.keys,
            node_def=op_def,
            check_specs_by_output_name=outputs,
            can_subset=can_subset,
            resource_defs=bound_resources(resource_defs),
        )
        remember_function(made, fn)
        return made

    return decorate


def _inputs(
    signature: FunctionSignature,
    asset_key: AssetKey,
    additional_ins: Mapping[str, AssetIn] | None,
    additional_deps: Sequence[AssetDep],
    what: str,
) -> NamedInputs:
    """The inputs of a check: the asset (as an argument, or without one), and additional ones."""
    given = dict(additional_ins or {})
    for name, asset_in in given.items():
        if name not in signature.inputs and not asset_in.is_nothing:
            raise InvalidDefinitionError(
                f"{what}: expected additional_ins to name parameters of the function, got {name!r}; add the parameter"
            )
        if asset_in.resolve_key(name) == asset_key:
            raise InvalidDefinitionError(
                f"{what}: expected additional_ins of other assets, got the one it judges anyway; drop {name!r}"
            )
    if any(dep.asset_key == asset_key for dep in additional_deps):
        raise InvalidDefinitionError(
            f"{what}: expected additional_deps on other assets, got the one it judges anyway; drop it"
        )
    own = [name for name, (_, default) in signature.inputs.items() if name not in given and default is EMPTY]
    if len(own) > 1:
        raise InvalidDefinitionError(
            f"{what}: expected one parameter for the asset and the others in additional_ins, got {own}; "
            "write additional_ins={'name': AssetIn(...)}"
        )
    ins = {**({own[0]: AssetIn(asset_key)} if own else {}), **given}
    inputs = read_inputs(signature, ins, additional_deps, what, skips_defaults=True)
    if own:
        return inputs
    name = input_name_of(asset_key, inputs.ins, signature.inputs)
    return NamedInputs(
        {name: NOTHING_IN, **inputs.ins},
        {name: asset_key, **inputs.keys},
        (AssetDep(asset_key), *inputs.deps),
    )
