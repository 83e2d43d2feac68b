"""What schedule and sensor functions return: requests for runs, reasons to skip, changes of dynamic partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.definitions.partitions.partition_keys import PartitionKeyRange
from tidewheel.errors import CheckError, ParameterCheckError
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.validation import require_dynamic_keys
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.replacing import Replaceable
from tidewheel.values.tags import PARTITION, RANGE_END, RANGE_START, normalize_tags


class SkipReason(Replaceable):
    """Says that nothing shall run, and why."""

    __slots__ = ("skip_message",)

    def __init__(self, skip_message: str | None = None) -> None:
        self.skip_message = _optional_text(skip_message, "skip_message")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SkipReason) and self.skip_message == other.skip_message

    def __hash__(self) -> int:
        return hash(self.skip_message)

    def __repr__(self) -> str:
        return f"SkipReason(skip_message={self.skip_message!r})"


class RunRequest(Replaceable):
    """A run to be made.

    ``run_key`` makes it happen once; ``tags`` that are no texts become JSON; ``asset_selection`` and ``asset_check_keys``
    narrow the job. ``job_name`` (or ``job``) is needed where a trigger has several targets.
    """

    __slots__ = (
        "asset_check_keys",
        "asset_graph_subset",
        "asset_selection",
        "job_name",
        "partition_key",
        "run_config",
        "run_key",
        "stale_assets_only",
        "tags",
    )

    run_key: str | None
    run_config: Mapping[str, Any]
    tags: Mapping[str, str]
    job_name: str | None
    asset_selection: Sequence[AssetKey] | None
    stale_assets_only: bool
    partition_key: str | None
    asset_check_keys: Sequence[AssetCheckKey] | None
    asset_graph_subset: Any

    def __init__(
        self,
        run_key: str | None = None,
        run_config: Any = None,
        tags: Mapping[str, Any] | None = None,
        job_name: str | None = None,
        asset_selection: Sequence[Any] | None = None,
        stale_assets_only: bool = False,
        partition_key: str | None = None,
        asset_check_keys: Sequence[AssetCheckKey] | None = None,
        **kwargs: Any,
    ) -> None:
        self.run_key = _optional_text(run_key, "run_key")
        self.run_config = run_config if isinstance(run_config, dict) else config_mapping(run_config)
        """The dict that was given, not a copy: a generator may fill it until it has ended."""
        self.tags = _tags(tags)
        job = kwargs.get("job")
        self.job_name = _optional_text(job_name, "job_name") or (getattr(job, "name", job) if job else None)
        self.asset_selection = _keys(asset_selection)
        self.stale_assets_only = stale_assets_only
        self.partition_key = _optional_text(partition_key, "partition_key")
        self.asset_check_keys = _check_keys(asset_check_keys)
        self.asset_graph_subset = kwargs.get("asset_graph_subset")

    def with_replaced_attrs(self, **kwargs: Any) -> RunRequest:
        """A copy with some attributes changed."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return RunRequest(**{**values, **kwargs})

    def has_resolved_partition(self) -> bool:
        """Whether the tags hold the partition already."""
        return PARTITION in self.tags

    def requires_backfill_daemon(self) -> bool:
        """Whether it stands for several partitions of several assets at once."""
        return self.asset_graph_subset is not None

    @property
    def entity_keys(self) -> Sequence[AssetKey | AssetCheckKey]:
        """Selected assets and checks."""
        return [*(self.asset_selection or ()), *(self.asset_check_keys or ())]

    @property
    def partition_key_range(self) -> PartitionKeyRange | None:
        """The range of partitions that the tags ask for."""
        if RANGE_START in self.tags and RANGE_END in self.tags:
            return PartitionKeyRange(self.tags[RANGE_START], self.tags[RANGE_END])
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunRequest) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__slots__}
        return f"RunRequest({', '.join(f'{name}={value!r}' for name, value in shown.items() if value)})"


class DynamicPartitionsRequest:
    """A change of a set of dynamic partitions."""

    __slots__ = ("partition_keys", "partitions_def_name")

    def __init__(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, str) or not isinstance(partition_keys, Sequence):
            raise ParameterCheckError(
                f"expected partition_keys as a list of texts, got {partition_keys!r}; write [{partition_keys!r}]"
            )
        if not isinstance(partitions_def_name, str):
            raise ParameterCheckError(f"expected partitions_def_name as text, got {partitions_def_name!r}")
        for key in partition_keys:
            if not isinstance(key, str):
                raise CheckError(
                    f"expected partition keys as texts, got {key!r} ({type(key).__name__}); use str()"
                )
        self.partitions_def_name = partitions_def_name
        self.partition_keys = list(partition_keys)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, DynamicPartitionsRequest)
            and self.partitions_def_name == other.partitions_def_name
            and self.partition_keys == other.partition_keys
        )

    def __hash__(self) -> int:
        return hash((self.partitions_def_name, *self.partition_keys))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.partitions_def_name!r}, {self.partition_keys!r})"


class AddDynamicPartitionsRequest(DynamicPartitionsRequest):
    """Keys to add; those that exist are left as they are."""

    __slots__ = ()

    def validate(self) -> None:
        """Check the keys' texts.

        Raises:
            CheckError: when one cannot be a key.
        """
        try:
            require_dynamic_keys(self.partition_keys)
        except PartitionError as exc:
            raise CheckError(str(exc)) from exc


class DeleteDynamicPartitionsRequest(DynamicPartitionsRequest):
    """Keys to delete; those that do not exist are passed over."""

    __slots__ = ()


class SensorResult(Replaceable):
    """All that came of a sensor's evaluation.

    Raises:
        CheckError: when both runs and a reason to skip are given.
    """

    __slots__ = (
        "asset_events",
        "automation_condition_evaluations",
        "cursor",
        "dynamic_partitions_requests",
        "run_requests",
        "skip_reason",
    )

    def __init__(
        self,
        run_requests: Sequence[RunRequest] | None = None,
        skip_reason: str | SkipReason | None = None,
        cursor: str | None = None,
        dynamic_partitions_requests: Sequence[DynamicPartitionsRequest] | None = None,
        asset_events: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.run_requests = _list_of(run_requests, RunRequest, "run_requests")
        if isinstance(skip_reason, str):
            skip_reason = SkipReason(skip_reason)
        if skip_reason is not None and not isinstance(skip_reason, SkipReason):
            raise ParameterCheckError(f"expected skip_reason as a text or SkipReason, got {skip_reason!r}")
        if skip_reason is not None and self.run_requests:
            raise CheckError(
                f"sensor result: expected run_requests or a skip_reason, got {len(self.run_requests)} requests and "
                f"{skip_reason!r}; return one of both"
            )
        self.skip_reason = skip_reason
        self.cursor = _optional_text(cursor, "cursor")
        self.dynamic_partitions_requests = _list_of(
            dynamic_partitions_requests, DynamicPartitionsRequest, "dynamic_partitions_requests"
        )
        self.asset_events = list(asset_events or ())
        self.automation_condition_evaluations: list[Any] = list(
            kwargs.get("automation_condition_evaluations") or ()
        )

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SensorResult) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__slots__}
        return f"SensorResult({', '.join(f'{name}={value!r}' for name, value in shown.items() if value)})"


def config_mapping(run_config: Any) -> dict[str, Any]:
    """Run config as a plain dict: a dict, or an object that knows how to become one.

    Raises:
        ParameterCheckError: for anything else.
    """
    if run_config is None:
        return {}
    convert = getattr(run_config, "to_config_dict", None)
    if convert is not None:
        return dict(convert())
    if not isinstance(run_config, Mapping):
        raise ParameterCheckError(
            f"expected run_config as a mapping or RunConfig, got {run_config!r} ({type(run_config).__name__}); use a dict"
        )
    return dict(run_config)


def _tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    if tags is not None and not isinstance(tags, Mapping):
        raise ParameterCheckError(f"expected tags as a mapping, got {tags!r}; use a dict")
    try:
        return normalize_tags(tags)
    except TypeError as exc:
        raise CheckError(str(exc)) from exc


def _keys(assets: Sequence[Any] | None) -> list[AssetKey] | None:
    if assets is None:
        return None
    if isinstance(assets, str | AssetKey):
        raise ParameterCheckError(
            f"expected asset_selection as a list of keys, got {assets!r}; write [{assets!r}]"
        )
    found: dict[AssetKey, None] = {}
    for one in assets:
        keys = getattr(one, "keys", None)
        for key in keys if keys is not None and not callable(keys) else [coerce_asset_key(one)]:
            found[key] = None
    return list(found)


def _check_keys(checks: Sequence[Any] | None) -> list[AssetCheckKey] | None:
    if checks is None:
        return None
    for one in checks:
        if not isinstance(one, AssetCheckKey):
            raise CheckError(
                f"expected asset_check_keys as AssetCheckKeys, got {one!r} ({type(one).__name__})"
            )
    return list(checks)


def _optional_text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ParameterCheckError(
            f"expected {name} as text, got {value!r} ({type(value).__name__}); use str()"
        )
    return value


def _list_of(values: Any, kind: type, name: str) -> list[Any]:
    if values is None:
        return []
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ParameterCheckError(f"expected {name} as a list, got {values!r} ({type(values).__name__})")
    for value in values:
        if not isinstance(value, kind):
            raise CheckError(
                f"expected {name} as {kind.__name__} objects, got {value!r} ({type(value).__name__})"
            )
    return list(values)
