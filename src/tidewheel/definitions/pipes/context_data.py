"""What a process started through Pipes is told: which assets it makes, for which partitions, in which run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from tidewheel.definitions.partitions.definition import PartitionsDefinition
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.errors import InvalidInvocationError, TidewheelError
from tidewheel.values.keys import AssetKey


class PipesContextData(TypedDict):
    """The context of an external process. Asset keys are escaped user texts, times are ISO texts."""

    asset_keys: list[str] | None
    code_version_by_asset_key: Mapping[str, str | None] | None
    provenance_by_asset_key: Mapping[str, Mapping[str, Any] | None] | None
    partition_key: str | None
    partition_key_range: Mapping[str, str] | None
    partition_time_window: Mapping[str, str] | None
    run_id: str
    job_name: str | None
    retry_number: int
    extras: Mapping[str, Any]


def build_context_data(context: Any, extras: Mapping[str, Any] | None) -> PipesContextData:
    """The context of an external process that does the work of a step.

    Raises:
        InvalidInvocationError: when ``context`` is not the context of an op, asset or check.
    """
    if not hasattr(context, "op_execution_context"):
        raise InvalidInvocationError(
            f"expected the context of an op, asset or check, got {context!r}; pass the function's first parameter"
        )
    assets_def = context.assets_def if context.has_assets_def else None
    keys = sorted(context.selected_asset_keys) if assets_def is not None else []
    names = [key.to_escaped_user_string() for key in keys]
    is_asset = assets_def is not None
    first, last = _partition_ends(context)
    return PipesContextData(
        asset_keys=names if is_asset else None,
        code_version_by_asset_key=_code_versions(assets_def, keys) if is_asset else None,
        provenance_by_asset_key=_provenance(context, keys) if is_asset else None,
        partition_key=first if first is not None and first == last else None,
        partition_key_range={"start": first, "end": last} if first is not None and last is not None else None,
        partition_time_window=_time_window(context, assets_def) if first is not None else None,
        run_id=context.run_id,
        job_name=_job_name(context),
        retry_number=context.retry_number,
        extras=dict(extras or {}),
    )


def _code_versions(assets_def: Any, keys: list[AssetKey]) -> dict[str, str | None]:
    specs = assets_def.specs_by_key
    return {key.to_escaped_user_string(): specs[key].code_version for key in keys if key in specs}


def _provenance(context: Any, keys: list[AssetKey]) -> dict[str, Mapping[str, Any] | None]:
    found: dict[str, Mapping[str, Any] | None] = {}
    for key in keys:
        known = context.get_asset_provenance(key)
        found[key.to_escaped_user_string()] = None if known is None else _plain_provenance(known)
    return found


def _plain_provenance(known: Any) -> dict[str, Any]:
    return {
        "code_version": known.code_version,
        "input_data_versions": {
            key.to_escaped_user_string(): version.value for key, version in known.input_data_versions.items()
        },
        "is_user_provided": known.is_user_provided,
    }


def _partition_ends(context: Any) -> tuple[str | None, str | None]:
    """First and last partition of the run; a run for one partition has it twice."""
    if context.has_partition_key:
        return str(context.partition_key), str(context.partition_key)
    if context.has_partition_key_range:
        found = context.partition_key_range
        return str(found.start), str(found.end)
    return None, None


def _time_window(context: Any, assets_def: Any) -> dict[str, str] | None:
    definition = assets_def.partitions_def if assets_def is not None else None
    if definition is not None and not _has_time(definition):
        return None
    try:
        window = context.partition_time_window
    except (TidewheelError, ValueError):  # a job partitioned by something else than time
        return None
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def _has_time(definition: PartitionsDefinition) -> bool:
    dimensions = getattr(definition, "partitions_defs", None) or [definition]
    return any(
        isinstance(getattr(one, "partitions_def", one), TimeWindowPartitionsDefinition) for one in dimensions
    )


def _job_name(context: Any) -> str | None:
    try:
        return context.job_name  # type: ignore[no-any-return]
    except TidewheelError:  # a context made by hand belongs to no job
        return None
