"""Fields of components that are assets, keys, checks and ops: how plain values mean them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

from tidewheel.dagster.components.fields import Model, Resolvable, Resolver, resolve
from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, AssetDep, AssetSpec
from tidewheel.definitions.assets.backfill_policy import BackfillPolicy
from tidewheel.definitions.partitions.definition import PartitionsDefinition, StaticPartitionsDefinition
from tidewheel.definitions.partitions.time_partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from tidewheel.errors import TidewheelError, did_you_mean
from tidewheel.values.keys import AssetKey

_PARTITIONS: dict[str, Any] = {
    "hourly": HourlyPartitionsDefinition,
    "daily": DailyPartitionsDefinition,
    "weekly": WeeklyPartitionsDefinition,
    "time_window": TimeWindowPartitionsDefinition,
    "static": StaticPartitionsDefinition,
}
_RENAMED = {"start_date": "start", "end_date": "end"}
"""What files call the arguments of time windows of any kind."""

SPEC_FIELDS = (
    "key", "key_prefix", "deps", "description", "metadata", "group_name", "skippable", "code_version", "owners",
    "tags", "kinds", "automation_condition", "partitions_def", "freshness_policy",
)  # fmt: skip
CHECK_FIELDS = (
    "name", "asset", "additional_deps", "description", "blocking", "metadata", "automation_condition",
)  # fmt: skip


def asset_key(context: ResolutionContext, value: Any) -> AssetKey:
    """A key of its parts joined by slashes, or of a list of them."""
    found = context.resolve_value(value)
    if isinstance(found, AssetKey):
        return found
    return AssetKey.from_user_string(str(found)) if not isinstance(found, list) else AssetKey(found)


def asset_attributes(context: ResolutionContext, value: Any, key: AssetKey | None = None) -> dict[str, Any]:
    """Arguments of an ``AssetSpec``, of plain values; those that were not given are left out.

    ``key``: what a prefix is put before where no key is given.

    Raises:
        InvalidDefinitionError: when a name is none of the arguments, or a value does not fit.
    """
    given = _named(context, value, SPEC_FIELDS, "an asset")
    found: dict[str, Any] = {}
    for name, one in given.items():
        inner = context.at_path(name)
        if name == "key":
            found[name] = asset_key(inner, one)
        elif name == "deps":
            resolved = inner.resolve_value(one)
            found[name] = [_dep(inner, each) for each in resolved or ()]
        elif name == "partitions_def":
            found[name] = partitions(inner, one)
        elif name == "tags":
            resolved = inner.resolve_value(one)
            found[name] = {key: str(each) for key, each in (resolved or {}).items()}
        elif name == "kinds":
            found[name] = set(inner.resolve_value(one) or ())
        elif name in ("code_version", "description", "group_name"):
            resolved = resolve(str | None, one, inner)
            found[name] = resolved
        else:
            found[name] = inner.resolve_value(one)
    prefix, known = found.pop("key_prefix", None), found.get("key", key)
    if prefix is not None and known is not None:
        found["key"] = known.with_prefix(prefix)
    return found


def partitions(context: ResolutionContext, value: Any) -> PartitionsDefinition | None:
    """Partitions of an expression, or of ``{type: daily, start_date: ...}``.

    Raises:
        InvalidDefinitionError: when it is something else.
    """
    found = context.resolve_value(value) if not isinstance(value, Mapping) else dict(value)
    if found is None or isinstance(found, PartitionsDefinition):
        return found
    kind = found.pop("type", None) if isinstance(found, dict) else None
    if kind not in _PARTITIONS:
        raise context.mistake(
            f"expected partitions with a type of {', '.join(_PARTITIONS)}, or an expression, got {value!r}"
        )
    if kind == "time_window":
        found = {_RENAMED.get(name, name): one for name, one in found.items()}
    try:
        made: PartitionsDefinition = _PARTITIONS[kind](**context.resolve_value(found))
    except (TypeError, TidewheelError) as exc:
        raise context.mistake(f"expected arguments of {kind} partitions, got wrong ones: {exc}") from exc
    return made


def _dep(context: ResolutionContext, value: Any) -> Any:
    return value if isinstance(value, (AssetDep, AssetSpec, AssetKey)) else asset_key(context, value)


def _named(context: ResolutionContext, value: Any, names: tuple[str, ...], what: str) -> Mapping[str, Any]:
    found = context.resolve_value(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise context.mistake(
            f"expected {what} as a mapping of {', '.join(names[:3])} and so on, got {value!r}"
        )
    for name in found:
        if name not in names:
            raise context.mistake(
                f"expected attributes of {what}, got {name!r}; {did_you_mean(str(name), names)}"
            )
    return found


def _spec(context: ResolutionContext, value: Any) -> AssetSpec:
    found = context.resolve_value(value) if isinstance(value, str) else value
    if isinstance(found, AssetSpec):
        return found
    given = asset_attributes(context, found)
    if "key" not in given:
        raise context.mistake(f"expected the key of an asset, got none in {value!r}; give it")
    return AssetSpec(**given)


def _check_spec(context: ResolutionContext, value: Any) -> AssetCheckSpec:
    found = context.resolve_value(value) if isinstance(value, str) else value
    if isinstance(found, AssetCheckSpec):
        return found
    given = _named(context, found, CHECK_FIELDS, "a check")
    values = {name: context.at_path(name).resolve_value(one) for name, one in given.items()}
    values["asset"] = asset_key(context.at_path("asset"), values.get("asset"))
    deps = values.get("additional_deps")
    if deps:
        values["additional_deps"] = [_dep(context, one) for one in deps]
    return AssetCheckSpec(**values)


def _backfill_policy(context: ResolutionContext, value: Any) -> BackfillPolicy | None:
    found = context.resolve_value(value)
    if found is None or isinstance(found, BackfillPolicy):
        return found
    if isinstance(found, Mapping) and found.get("type") == "single_run":
        return BackfillPolicy.single_run()
    if isinstance(found, Mapping) and found.get("type") == "multi_run":
        return BackfillPolicy.multi_run(found.get("max_partitions_per_run", 1))
    raise context.mistake(f"expected a policy of type single_run or multi_run, got {value!r}")


class OpSpec(Model, Resolvable):
    """What a component's op is called, and how it is tagged."""

    name: str | None = None
    tags: dict[str, Any] | None = None
    description: str | None = None
    pool: str | None = None
    backfill_policy: Annotated[BackfillPolicy | None, Resolver(_backfill_policy)] = None


ResolvedAssetKey = Annotated[AssetKey, Resolver(asset_key, model_field_type=str)]
ResolvedAssetSpec = Annotated[AssetSpec, Resolver(_spec)]
ResolvedAssetCheckSpec = Annotated[AssetCheckSpec, Resolver(_check_spec)]
ResolvedAssetAttributes = Annotated[Mapping[str, Any], Resolver(asset_attributes)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSpecKeyUpdateKwargs(Resolvable):
    """What a translation in a component's file may say of keys alone."""

    key: ResolvedAssetKey | None = None
    key_prefix: str | list[str] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSpecUpdateKwargs(AssetSpecKeyUpdateKwargs):
    """What a translation in a component's file may say of an asset: arguments of an ``AssetSpec``, as plain values."""

    deps: Any = None
    description: str | None = None
    metadata: Any = None
    group_name: str | None = None
    skippable: bool | None = None
    code_version: str | None = None
    owners: Any = None
    tags: Any = None
    kinds: Any = None
    automation_condition: Any = None
    partitions_def: Any = None
    freshness_policy: Any = None
