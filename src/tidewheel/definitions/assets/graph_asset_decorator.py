"""``@graph_asset`` and ``@graph_multi_asset``: assets that several connected ops make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_decorator import remember_function, resolve_asset_key, step_name
from tidewheel.definitions.assets.asset_functions import PLAIN_ASSET_IN, bound_resources, check_outputs
from tidewheel.definitions.assets.asset_in_out import AssetIn, AssetOut
from tidewheel.definitions.assets.asset_labels import DEFAULT_GROUP
from tidewheel.definitions.assets.asset_spec import (
    AssetCheckSpec,
    AssetDep,
    choose_condition,
    described,
    make_spec,
    require_partitions_def,
)
from tidewheel.definitions.assets.definition import AssetExecutionType, AssetsDefinition
from tidewheel.definitions.assets.results import NO_VALUE
from tidewheel.definitions.config.config_mapping import ConfigMapping
from tidewheel.definitions.jobs.run_config import RunConfig
from tidewheel.definitions.ops.graphs import GraphDefinition, compose
from tidewheel.definitions.ops.inputs_outputs import GraphOut
from tidewheel.errors import InvalidDefinitionError, did_you_mean
from tidewheel.values.keys import AssetKey


def graph_asset(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    config: Any = None,
    key_prefix: str | Sequence[str] | None = None,
    group_name: str | None = None,
    partitions_def: Any = None,
    hooks: AbstractSet[Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    automation_condition: Any = None,
    backfill_policy: Any = None,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    code_version: str | None = None,
    key: Any = None,
    kinds: AbstractSet[str] | None = None,
    auto_materialize_policy: Any = None,
    legacy_freshness_policy: Any = None,
    freshness_policy: Any = None,
) -> Any:
    """Decorate a function that connects ops and returns the output of one: that output is the asset.

    With checks, it returns ``{"result": ..., "<asset>_<check>": ...}``.
    """

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        asset_key = resolve_asset_key(fn, key=key, name=name, key_prefix=key_prefix)
        what = f"graph asset {asset_key.to_user_string()!r}"
        checks = check_outputs(check_specs, (asset_key,), what)
        graph_def = _composed(fn, step_name(asset_key), description, config, ["result", *checks], ins)
        keys, deps = _inputs_of(graph_def, ins, what)
        spec = make_spec(
            asset_key,
            deps=deps,
            description=description or graph_def.op_output("result").description or graph_def.description,
            metadata=metadata,
            skippable=not graph_def.output_dict["result"].is_required,
            group_name=group_name or DEFAULT_GROUP,
            code_version=code_version,
            automation_condition=choose_condition(automation_condition, auto_materialize_policy, asset_key),
            owners=owners,
            tags=tags,
            kinds=kinds,
            partitions_def=require_partitions_def(partitions_def),
            freshness_policy=freshness_policy,
            legacy_freshness_policy=legacy_freshness_policy,
        )
        made = AssetsDefinition(
            keys_by_input_name=keys,
            keys_by_output_name={"result": asset_key},
            node_def=graph_def,
            specs=[spec],
            check_specs_by_output_name=checks,
            resource_defs=bound_resources(resource_defs),
            backfill_policy=backfill_policy,
            hook_defs=hooks,
            execution_type=AssetExecutionType.MATERIALIZATION,
        )
        return remember_function(made, fn)

    return decorate(compose_fn) if compose_fn is not None else decorate


def graph_multi_asset(
    *,
    outs: Mapping[str, AssetOut],
    name: str | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    partitions_def: Any = None,
    hooks: AbstractSet[Any] | None = None,
    backfill_policy: Any = None,
    group_name: str | None = None,
    can_subset: bool = False,
    resource_defs: Mapping[str, Any] | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
    config: Any = None,
) -> Any:
    """Decorate a function that connects ops and returns a dict of outputs: each is an asset.

    All are of the group ``group_name``; a group of a single ``AssetOut`` does not count, as on Dagster.
    """

    def decorate(fn: Callable[..., Any]) -> AssetsDefinition:
        graph_name = name or fn.__name__
        what = f"graph multi-asset {graph_name!r}"
        keys_by_output = {output: asset_out.resolve_key(output) for output, asset_out in outs.items()}
        checks = check_outputs(check_specs, keys_by_output.values(), what)
        graph_def = _composed(fn, graph_name, None, config, [*outs, *checks], ins)
        keys, deps = _inputs_of(graph_def, ins, what)
        definition = require_partitions_def(partitions_def)
        specs = [
            asset_out.to_spec(keys_by_output[output], deps, partitions_def=definition).replace_attributes(
                group_name=group_name or DEFAULT_GROUP,
                skippable=not graph_def.output_dict[output].is_required,
                description=asset_out.description or graph_def.op_output(output).description,
            )
            for output, asset_out in outs.items()
        ]
        made = AssetsDefinition(
            keys_by_input_name=keys,
            keys_by_output_name=keys_by_output,
            node_def=graph_def,
            specs=described(specs, graph_def.description),
            check_specs_by_output_name=checks,
            can_subset=can_subset,
            resource_defs=bound_resources(resource_defs),
            backfill_policy=backfill_policy,
            hook_defs=hooks,
            execution_type=AssetExecutionType.MATERIALIZATION,
        )
        return remember_function(made, fn)

    return decorate


def _composed(
    fn: Callable[..., Any],
    name: str,
    description: str | None,
    config: Any,
    outputs: Sequence[str],
    ins: Mapping[str, AssetIn] | None,
) -> GraphDefinition:
    out: Any = GraphOut() if list(outputs) == ["result"] else {output: GraphOut() for output in outputs}
    return compose(
        fn,
        name=name,
        description=description,
        out=out,
        config=_config_mapping(config),
        what="graph_asset",
        further_inputs=ins or (),
    )


def _config_mapping(config: Any) -> ConfigMapping | None:
    if config is None or isinstance(config, ConfigMapping):
        return config
    fixed = config.to_config_dict().get("ops", {}) if isinstance(config, RunConfig) else dict(config)
    return ConfigMapping(lambda _: fixed, {})


def _inputs_of(
    graph_def: GraphDefinition, ins: Mapping[str, AssetIn] | None, what: str
) -> tuple[dict[str, AssetKey], tuple[AssetDep, ...]]:
    """The upstream asset of each input of the graph."""
    given = dict(ins or {})
    for name in given:
        if name not in graph_def.input_dict:
            raise InvalidDefinitionError(
                f"{what}: expected ins to name parameters of the function, got {name!r}; "
                + did_you_mean(name, graph_def.input_dict)
            )
    keys: dict[str, AssetKey] = {}
    deps: dict[AssetKey, AssetDep] = {}
    for name, definition in graph_def.input_dict.items():
        if name not in given and definition.default_value is not NO_VALUE:
            continue
        asset_in = given.get(name) or PLAIN_ASSET_IN
        key = asset_in.resolve_key(name)
        keys[name] = key
        deps[key] = AssetDep(key, partition_mapping=asset_in.partition_mapping, metadata=asset_in.metadata)
    return keys, tuple(deps.values())
