"""Makes one definition of the same check for each of several assets; the ready-made checks are built on it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, single_key
from tidewheel.definitions.checks.check_decorator import multi_asset_check
from tidewheel.definitions.checks.check_results import AssetCheckResult, AssetCheckSeverity
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.values.keys import AssetKey

Judge = Callable[[Any, AssetKey], AssetCheckResult]
"""A function of the check's context and the asset."""


def checks_for_assets(
    prefix: str, identity: str, specs: Sequence[AssetCheckSpec], judge: Judge
) -> list[AssetChecksDefinition]:
    """One definition of one check for each of several assets, which may be evaluated alone; none for no assets.

    ``identity``: tells definitions for the same assets apart; it goes into the step's name.
    """
    if not specs:
        return []
    names = [spec.asset_key.to_user_string() for spec in specs]
    digest = hashlib.sha256("\n".join([identity, *sorted(names)]).encode()).hexdigest()[:8]

    @multi_asset_check(name=f"{prefix}_{digest}", specs=specs, can_subset=True)
    def the_checks(context) -> Iterator[AssetCheckResult]:  # type: ignore[no-untyped-def]
        for key in sorted(context.selected_asset_check_keys):
            result = judge(context, key.asset_key)
            yield AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
            )

    return [the_checks]


def asset_keys_of(assets: Any) -> list[AssetKey]:
    """The keys of assets given as definitions, specs, keys or texts.

    Raises:
        ParameterCheckError: when it is not a list.
        CheckError: when an asset is there twice.
    """
    keys: list[AssetKey] = []
    for one in require_list(assets, "assets"):
        several = getattr(one, "keys", None)
        keys += sorted(several) if several is not None and not callable(several) else [single_key(one)]
    twice = sorted({key.to_user_string() for key in keys if keys.count(key) > 1})
    if twice:
        raise CheckError(f"expected each asset once, got {twice} twice; drop one")
    return keys


def require_list(value: Any, name: str) -> Sequence[Any]:
    """A list or tuple.

    Raises:
        ParameterCheckError: for anything else.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ParameterCheckError(f"expected {name} as a list, got {value!r}; write [{name}]")
    return value


def require_severity(severity: Any) -> AssetCheckSeverity:
    """The severity.

    Raises:
        ParameterCheckError: when it is none.
    """
    if not isinstance(severity, AssetCheckSeverity):
        raise ParameterCheckError(
            f"expected severity as AssetCheckSeverity, got {severity!r}; use AssetCheckSeverity.WARN"
        )
    return severity


def partitions_def_of(context: Any, key: AssetKey) -> Any:
    """How an asset of the job is partitioned, or None."""
    return context.job_def.asset_layer.partitions_defs.get(key)


def known_partitions_def(asset: Any, key: AssetKey) -> tuple[bool, Any]:
    """Whether it can be seen how an asset is partitioned, and how; keys and texts say nothing about it."""
    specs = getattr(asset, "specs_by_key", None)
    if specs is not None and key in specs:
        return True, specs[key].partitions_def
    if hasattr(asset, "partitions_def"):
        return True, asset.partitions_def
    return False, None
