"""Collects assets and checks from modules: ``load_assets_from_modules`` and its relatives."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from tidewheel.definitions.assets.asset_labels import DEFAULT_GROUP, key_prefix_parts
from tidewheel.definitions.assets.asset_spec import AssetSpec, choose_condition
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.assets.source_assets import SourceAsset
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.errors import CheckError, InvalidDefinitionError
from tidewheel.values.keys import AssetKey

Loaded = AssetsDefinition | SourceAsset | AssetSpec


def load_assets_from_modules(
    modules: Iterable[ModuleType],
    group_name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    *,
    automation_condition: Any = None,
    backfill_policy: Any = None,
    source_key_prefix: str | Sequence[str] | None = None,
    include_specs: bool = False,
    auto_materialize_policy: Any = None,
    legacy_freshness_policy: Any = None,
    freshness_policy: Any = None,
) -> list[Any]:
    """The assets that are module-level names (or in module-level lists) of some modules.

    ``key_prefix`` goes before the keys of all that are made here, and before references to them; ``source_key_prefix``
    before those of source assets. Group, condition and policy are given to those that have none.
    """
    found = assets_of(modules, include_specs=include_specs)
    condition = choose_condition(automation_condition, auto_materialize_policy)
    replaced = _key_replacements(found, key_prefix_parts(key_prefix), key_prefix_parts(source_key_prefix))
    changed = []
    for one in found:
        if isinstance(one, AssetsDefinition):
            changed.append(
                _changed_definition(
                    one,
                    group_name,
                    replaced,
                    condition,
                    backfill_policy,
                    legacy_freshness_policy or freshness_policy,
                )
            )
        elif isinstance(one, SourceAsset):
            changed.append(_changed_source(one, group_name, replaced))  # type: ignore[arg-type]
        else:
            changed.append(_changed_spec(one, group_name, replaced, condition))  # type: ignore[arg-type]
    return changed


def load_assets_from_current_module(
    group_name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    **options: Any,
) -> list[Any]:
    """As ``load_assets_from_modules``, of the module that calls it."""
    return load_assets_from_modules([_calling_module()], group_name, key_prefix, **options)


def load_assets_from_package_module(
    package_module: ModuleType,
    group_name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    **options: Any,
) -> list[Any]:
    """As ``load_assets_from_modules``, of a package and everything below it."""
    return load_assets_from_modules(modules_of_package(package_module), group_name, key_prefix, **options)


def load_assets_from_package_name(
    package_name: str,
    group_name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    **options: Any,
) -> list[Any]:
    """As ``load_assets_from_package_module``, of a package by name."""
    return load_assets_from_package_module(
        importlib.import_module(package_name), group_name, key_prefix, **options
    )


def load_asset_checks_from_modules(
    modules: Iterable[ModuleType], asset_key_prefix: str | Sequence[str] | None = None
) -> list[AssetChecksDefinition]:
    """The checks that are module-level names (or in module-level lists) of some modules."""
    prefix = key_prefix_parts(asset_key_prefix)
    checks = [one for one in _distinct_definitions(modules) if isinstance(one, AssetChecksDefinition)]
    if not prefix:
        return checks
    return [_with_prefixed_assets(one, prefix) for one in checks]


def load_asset_checks_from_current_module(
    asset_key_prefix: str | Sequence[str] | None = None,
) -> list[AssetChecksDefinition]:
    """As ``load_asset_checks_from_modules``, of the module that calls it."""
    return load_asset_checks_from_modules([_calling_module()], asset_key_prefix)


def load_asset_checks_from_package_module(
    package_module: ModuleType, asset_key_prefix: str | Sequence[str] | None = None
) -> list[AssetChecksDefinition]:
    """As ``load_asset_checks_from_modules``, of a package and everything below it."""
    return load_asset_checks_from_modules(modules_of_package(package_module), asset_key_prefix)


def load_asset_checks_from_package_name(
    package_name: str, asset_key_prefix: str | Sequence[str] | None = None
) -> list[AssetChecksDefinition]:
    """As ``load_asset_checks_from_package_module``, of a package by name."""
    return load_asset_checks_from_package_module(importlib.import_module(package_name), asset_key_prefix)


# -- modules -----------------------------------------------------------------------------------------------------------


def modules_of_package(package: ModuleType) -> list[ModuleType]:
    """A package and all modules below it, imported."""
    found = [package]
    if hasattr(package, "__path__"):
        for info in pkgutil.walk_packages(package.__path__, prefix=package.__name__ + "."):
            found.append(importlib.import_module(info.name))
    return found


def members_of(module: ModuleType, kinds: tuple[type, ...] = (object,)) -> Iterator[tuple[str, Any]]:
    """Module-level names and what they hold, if it is of these kinds; lists of nothing else are unpacked."""
    for name, value in list(vars(module).items()):
        if name.startswith("__"):
            continue
        if isinstance(value, list):
            if all(isinstance(one, kinds) for one in value):
                for one in value:
                    yield name, one
        elif isinstance(value, kinds):
            yield name, value


def _distinct_definitions(modules: Iterable[ModuleType]) -> list[Any]:
    found: dict[int, Any] = {}
    for module in modules:
        if not isinstance(module, ModuleType):
            raise CheckError(
                f"expected modules, got {module!r} ({type(module).__name__}); pass the imported module"
            )
        for _, value in members_of(module, (AssetsDefinition,)):
            found.setdefault(id(value), value)
    return list(found.values())


def assets_of(modules: Iterable[ModuleType], *, include_specs: bool = False) -> list[Loaded]:
    """Assets of some modules, each once.

    Raises:
        InvalidDefinitionError: when two different definitions have the same key; it names the modules.
    """
    kinds = (AssetsDefinition, SourceAsset, AssetSpec) if include_specs else (AssetsDefinition, SourceAsset)
    found: dict[int, Loaded] = {}
    origins: dict[AssetKey, dict[int, str]] = {}
    for module in modules:
        if not isinstance(module, ModuleType):
            raise CheckError(
                f"expected modules, got {module!r} ({type(module).__name__}); pass the imported module"
            )
        for _, value in members_of(module, kinds):
            if not isinstance(value, AssetChecksDefinition):
                found.setdefault(id(value), value)
                for key in _keys(value):
                    origins.setdefault(key, {}).setdefault(id(value), module.__name__)
    for key, where in origins.items():
        if len(where) > 1 and not _are_equal([found[one] for one in where]):
            names = ", ".join(sorted(set(where.values())))
            raise InvalidDefinitionError(
                f"asset {key.to_user_string()!r}: expected one definition, got several in the modules {names}; "
                "rename or remove one"
            )
    return list(found.values())


def _are_equal(values: Sequence[Any]) -> bool:
    return all(isinstance(one, AssetSpec | SourceAsset) and one == values[0] for one in values)


def _keys(one: Loaded) -> Iterable[AssetKey]:
    return one.keys if isinstance(one, AssetsDefinition) else [one.key]


def _calling_module() -> ModuleType:
    return module_of_frame(3)


def module_of_frame(depth: int) -> ModuleType:
    """The module whose code runs some frames above.

    Raises:
        CheckError: when that code is in no module.
    """
    frame = sys._getframe(depth)
    module = sys.modules.get(frame.f_globals.get("__name__", "")) or inspect.getmodule(frame)
    if module is None:
        raise CheckError(
            "expected to be called from a module, got a place without one; use load_assets_from_modules"
        )
    return module


# -- changes -----------------------------------------------------------------------------------------------------------


def _key_replacements(
    found: Sequence[Loaded], prefix: tuple[str, ...], source_prefix: tuple[str, ...]
) -> dict[AssetKey, AssetKey]:
    replaced: dict[AssetKey, AssetKey] = {}
    for one in found:
        own = source_prefix if isinstance(one, SourceAsset) else prefix
        if own:
            for key in _keys(one):
                replaced[key] = key.with_prefix(own)
    return replaced


def _changed_definition(
    definition: AssetsDefinition,
    group_name: str | None,
    replaced: dict[AssetKey, AssetKey],
    condition: Any,
    backfill_policy: Any,
    freshness_policy: Any,
) -> AssetsDefinition:
    specs = {}
    for key, spec in definition.all_specs.items():
        changes: dict[str, Any] = {}
        if group_name is not None:
            _require_no_group(key, spec.group_name, group_name)
            changes["group_name"] = group_name
        if condition is not None and spec.automation_condition is None:
            changes["automation_condition"] = condition
        if freshness_policy is not None and spec.legacy_freshness_policy is None:
            changes["legacy_freshness_policy"] = freshness_policy
        specs[key] = spec.copy_with(**changes) if changes else spec
    made = definition.with_specs(specs)
    policy = backfill_policy if definition.backfill_policy is None else None
    return made.with_attributes(asset_key_replacements=replaced or None, backfill_policy=policy)


def _changed_source(
    source: SourceAsset, group_name: str | None, replaced: dict[AssetKey, AssetKey]
) -> SourceAsset:
    if group_name is None and source.key not in replaced:
        return source
    if group_name is not None:
        _require_no_group(source.key, source.group_name, group_name)
    return source.with_attributes(group_name=group_name, key=replaced.get(source.key))


def _changed_spec(
    spec: AssetSpec, group_name: str | None, replaced: dict[AssetKey, AssetKey], condition: Any
) -> AssetSpec:
    changes: dict[str, Any] = {}
    if group_name is not None:
        _require_no_group(spec.key, spec.group_name, group_name)
        changes["group_name"] = group_name
    if condition is not None and spec.automation_condition is None:
        changes["automation_condition"] = condition
    if spec.key in replaced:
        changes["key"] = replaced[spec.key]
    return spec.copy_with(**changes) if changes else spec


def _require_no_group(key: AssetKey, known: str | None, given: str) -> None:
    if known not in (None, DEFAULT_GROUP, given):
        raise InvalidDefinitionError(
            f"asset {key.to_user_string()!r}: expected no group of its own, since {given!r} is given for all, got "
            f"{known!r}; remove one of them"
        )


def _with_prefixed_assets(
    definition: AssetChecksDefinition, prefix: tuple[str, ...]
) -> AssetChecksDefinition:
    keys = {check.asset_key for check in definition.check_keys} | set(
        definition.node_keys_by_input_name.values()
    )
    replaced = {key: key.with_prefix(prefix) for key in keys}
    return definition.with_attributes(asset_key_replacements=replaced)  # type: ignore[return-value]
