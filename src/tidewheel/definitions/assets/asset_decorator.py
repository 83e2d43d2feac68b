"""``@asset``: a function that makes one asset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_functions import (
    bound_resources,
    check_outputs,
    read_inputs,
    require_no_self_dependency,
)
from tidewheel.definitions.assets.asset_in_out import AssetIn
from tidewheel.definitions.assets.asset_labels import DEFAULT_GROUP, coerce_asset_key, key_prefix_parts
from tidewheel.definitions.assets.asset_spec import (
    AssetCheckSpec,
    choose_condition,
    coerce_deps,
    make_spec,
    require_partitions_def,
)
from tidewheel.definitions.assets.definition import AssetExecutionType, AssetsDefinition
from tidewheel.definitions.assets.results import NO_VALUE
from tidewheel.definitions.ops.function_signature import FunctionSignature
from tidewheel.definitions.ops.inputs_outputs import Out
from tidewheel.definitions.ops.op_decorator import build_op
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.tags import COMPUTE_KIND


def asset(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    deps: Iterable[Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    config_schema: Any = None,
    required_resource_keys: AbstractSet[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    hooks: AbstractSet[Any] | None = None,
    io_manager_def: Any = None,
    io_manager_key: str | None = None,
    dagster_type: Any = None,
    partitions_def: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    output_required: bool = True,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    backfill_policy: Any = None,
    retry_policy: Any = None,
    code_version: str | None = None,
    key: Any = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    owners: Sequence[str] | None = None,
    kinds: AbstractSet[str] | None = None,
    pool: str | None = None,
    is_virtual: bool = False,
    compute_kind: str | None = None,
    auto_materialize_policy: Any = None,
    legacy_freshness_policy: Any = None,
    non_argument_deps: Iterable[Any] | None = None,
) -> Any:
    """Decorate a function as one that makes an asset; with or without parentheses.

    Its parameters are upstream assets, except a first one named ``context``, one named ``config``, those annotated as
    resources and those with a default. The key is the function's name, unless ``name``, ``key_prefix`` or ``key`` say
    otherwise.
    """
    if deps is not None and non_argument_deps is not None:
        raise InvalidDefinitionError("@asset: expected deps or non_argument_deps, got both; keep deps")
    if kinds and compute_kind:
        raise InvalidDefinitionError("@asset: expected kinds or compute_kind, got both; keep kinds")

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        asset_key = resolve_asset_key(fn, key=key, name=name, key_prefix=key_prefix)
        what = f"asset {asset_key.to_user_string()!r}"
        signature = FunctionSignature(fn, what="asset")
        upstream = coerce_deps(deps if deps is not None else non_argument_deps, asset_key)
        inputs = read_inputs(signature, ins, upstream, what)
        definition = require_partitions_def(partitions_def)
        if any(dep.asset_key == asset_key for dep in inputs.deps):
            require_no_self_dependency(asset_key, inputs.deps, definition, what)
        checks = check_outputs(check_specs, (asset_key,), what)
        manager_key, resources = _io_manager(asset_key, io_manager_key, io_manager_def, resource_defs, what)
        outs = {
            "result": Out(
                dagster_type if dagster_type is not None else NO_VALUE,
                description=description,
                is_required=output_required,
                io_manager_key=manager_key,
                metadata=metadata,
                code_version=code_version,
            ),
            **{output: Out() for output in checks},
        }
        op_def = build_op(
            fn,
            name=step_name(asset_key),
            description=description,
            ins=inputs.ins,
            outs=outs,
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            brought_resources=resource_defs,
            tags={**({COMPUTE_KIND: compute_kind} if compute_kind else {}), **(op_tags or {})},
            retry_policy=retry_policy,
            code_version=code_version,
            pool=pool,
            what="asset",
            signature=signature,
            infers_output_types=not checks,
        )
        spec = make_spec(
            asset_key,
            deps=inputs.deps,
            description=description or op_def.output_dict["result"].description or op_def.description,
            metadata=metadata,
            skippable=not output_required,
            group_name=group_name or DEFAULT_GROUP,
            code_version=code_version,
            automation_condition=choose_condition(automation_condition, auto_materialize_policy, asset_key),
            owners=owners,
            tags=tags,
            kinds=kinds,
            partitions_def=definition,
            freshness_policy=freshness_policy,
            legacy_freshness_policy=legacy_freshness_policy,
            is_virtual=is_virtual,
        )
        made = AssetsDefinition(
            keys_by_input_name=inputs.keys,
            keys_by_output_name={"result": asset_key},
            node_def=op_def,
            specs=[spec],
            check_specs_by_output_name=checks,
            resource_defs=resources,
            backfill_policy=backfill_policy,
            hook_defs=_hooks(hooks, what),
            execution_type=AssetExecutionType.MATERIALIZATION,
        )
        return remember_function(made, fn)

    if compute_fn is not None:
        return decorate(compute_fn)
    return decorate


def resolve_asset_key(
    fn: Callable[..., Any], *, key: Any = None, name: str | None = None, key_prefix: Any = None
) -> AssetKey:
    """The key of a decorated function.

    Raises:
        InvalidDefinitionError: when a key is given beside a name or prefix.
    """
    if key is not None:
        if name is not None or key_prefix:
            raise InvalidDefinitionError(
                f"asset {key!r}: expected key alone, got name or key_prefix too; put everything into key"
            )
        return coerce_asset_key(key)
    if name is not None and not isinstance(name, str):
        raise ParameterCheckError(f"expected the name of an asset as text, got {name!r}")
    last = name or getattr(fn, "__name__", None) or getattr(getattr(fn, "func", None), "__name__", None)
    if last is None:
        raise InvalidDefinitionError(f"expected an asset function with a name, got {fn!r}; pass name='...'")
    return AssetKey((*key_prefix_parts(key_prefix), last))


def step_name(key: AssetKey) -> str:
    """The name of the op that makes an asset; dots and dashes of the key become underscores."""
    return "__".join(key.path).replace("-", "_").replace(".", "_")


def remember_function(definition: AssetsDefinition, fn: Callable[..., Any]) -> AssetsDefinition:
    """Let a definition show its function's name, module and docstring, as decorated functions do."""
    definition.__doc__ = fn.__doc__
    definition.__dict__["__name__"] = getattr(fn, "__name__", None)
    definition.__dict__["__wrapped__"] = fn
    return definition


def _io_manager(
    key: AssetKey, io_manager_key: str | None, io_manager_def: Any, resource_defs: Any, what: str
) -> tuple[str | None, dict[str, Any]]:
    resources = bound_resources(resource_defs)
    if io_manager_def is None:
        return io_manager_key, resources
    if io_manager_key is not None:
        raise CheckError(f"{what}: expected io_manager_key or io_manager_def, got both; keep one")
    name = f"{step_name(key)}__io_manager"
    return name, {**resources, **bound_resources({name: io_manager_def})}


def _hooks(hooks: AbstractSet[Any] | None, what: str) -> AbstractSet[Any] | None:
    for hook in hooks or ():
        if not hasattr(hook, "hook_fn"):
            raise CheckError(f"{what}: expected hooks made by @success_hook or @failure_hook, got {hook!r}")
    return hooks
