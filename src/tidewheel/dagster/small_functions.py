"""Small functions that users' files import from Dagster's private modules."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel

from tidewheel.definitions.assets.asset_labels import require_owners
from tidewheel.definitions.assets.data_version import DataVersion
from tidewheel.definitions.config.config_schema import Field, Noneable, Selector, Shape
from tidewheel.definitions.config.pythonic_config import model_shape
from tidewheel.definitions.jobs.asset_jobs import ANONYMOUS_JOB_PREFIX
from tidewheel.definitions.partitions.multi_partitions import MultiPartitionsDefinition
from tidewheel.definitions.partitions.time_partitions import TimeWindowPartitionsDefinition
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvalidMetadata,
    TidewheelError,
    UserCodeExecutionError,
)
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.metadata import TextMetadataValue, typed_metadata
from tidewheel.values.tags import DATA_VERSION, KIND_PREFIX, PARTITION_DIMENSION_PREFIX

T = TypeVar("T")
SENSOR_TIMEOUT_S = 60
IN_PROCESS_NAME = "<<in_process>>"
"""What Dagster calls the code location of the present process."""
PICKLE_PROTOCOL = 4


def backoff_delay_generator() -> Iterator[float]:
    """Tenths of a second, doubling."""
    delay_s = 0.1
    while True:
        yield delay_s
        delay_s *= 2


def backoff(
    fn: Callable[..., T],
    retry_on: tuple[type[BaseException], ...],
    args: Sequence[object] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    max_retries: int = 4,
    delay_generator: Iterator[float] | None = None,
) -> T:
    """Call a function again, after a delay, as long as it raises one of the given errors."""
    delays = delay_generator if delay_generator is not None else backoff_delay_generator()
    for _ in range(max_retries):
        try:
            return fn(*(args or ()), **(kwargs or {}))
        except retry_on:
            time.sleep(next(delays))
    return fn(*(args or ()), **(kwargs or {}))


def cached_method(method: Callable[..., T]) -> Callable[..., T]:
    """Decorate a method whose result is kept in the object, by its arguments."""
    attribute = f"_kept_{method.__name__}"

    @functools.wraps(method)
    def kept(self: Any, *args: Any, **kwargs: Any) -> T:
        found = self.__dict__.setdefault(attribute, {})
        key = (args, tuple(sorted(kwargs.items())))
        if key not in found:
            found[key] = method(self, *args, **kwargs)
        return found[key]

    return kept


def merge_dicts(*args: Mapping[Any, Any]) -> dict[Any, Any]:
    """One dict; of equal keys the last wins."""
    return {key: value for one in args for key, value in one.items()}


def deep_merge_dicts(onto_dict: Mapping[Any, Any], from_dict: Mapping[Any, Any]) -> dict[Any, Any]:
    """One dict; dicts under equal keys are merged too, of other values the second's win."""
    merged = dict(onto_dict)
    for key, value in from_dict.items():
        known = merged.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[key] = deep_merge_dicts(known, value) if both else value  # type: ignore[arg-type]
    return merged


def ensure_single_item(ddict: Mapping[Any, Any]) -> tuple[Any, Any]:
    """The only item of a dict."""
    if len(ddict) != 1:
        raise CheckError(f"expected a dict with one item, got {len(ddict)}")
    return next(iter(ddict.items()))


def coerce_valid_log_level(log_level: str | int) -> int:
    """A level by its name or number."""
    if isinstance(log_level, int):
        return log_level
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise CheckError(
            f"expected the name of a log level, got {log_level!r}; use DEBUG, INFO, WARNING, ERROR or CRITICAL"
        )
    return level


def make_new_run_id() -> str:
    """An id for a run."""
    return str(uuid.uuid4())


def mkdir_p(path: str) -> str:
    """A folder that exists afterwards, with those above it."""
    Path(path).mkdir(parents=True, exist_ok=True)
    return path


def get_multidimensional_partition_tag(dimension_name: str) -> str:
    """The tag that holds a run's key in a dimension."""
    return PARTITION_DIMENSION_PREFIX + dimension_name


def get_time_partitions_def(partitions_def: Any) -> TimeWindowPartitionsDefinition | None:
    """The definition itself or its dimension of time windows; None where there is none."""
    if isinstance(partitions_def, TimeWindowPartitionsDefinition):
        return partitions_def
    if isinstance(partitions_def, MultiPartitionsDefinition):
        found = (
            get_time_partitions_def(dimension.partitions_def) for dimension in partitions_def.partitions_defs
        )
        return next((one for one in found if one is not None), None)
    return None


def extract_data_version_from_entry(entry: Any) -> DataVersion | None:
    """The data version that a materialisation or observation in the event log has."""
    event = entry.asset_materialization or entry.asset_observation
    text = (event.tags or {}).get(DATA_VERSION) if event is not None else None
    return None if text is None else DataVersion(text)


def create_external_asset_from_source_asset(source_asset: Any) -> Any:
    """A source asset as an assets definition."""
    return source_asset.to_assets_def() if hasattr(source_asset, "to_assets_def") else source_asset


def normalize_metadata(metadata: Mapping[str, Any], allow_invalid: bool = False) -> Mapping[str, Any]:
    """Typed metadata of plain values; ``allow_invalid``: what cannot be stored becomes a text that says so.

    Raises:
        InvalidMetadata: when a value cannot be stored.
    """
    typed: dict[str, Any] = {}
    for label, value in metadata.items():
        try:
            typed |= typed_metadata({label: value})
        except InvalidMetadata:
            if not allow_invalid:
                raise
            typed[label] = TextMetadataValue(f"[{type(value).__name__}] (cannot be stored)")
    return typed


def unmarked(definition: T) -> T:
    """The same: marks of who maintains a definition mean nothing here."""
    return definition


class DagsterLibraryRegistry:
    """The versions of libraries that said they are here."""

    _versions: dict[str, str] = {}

    @classmethod
    def register(cls, name: str, version: str, *, is_dagster_package: bool = True) -> None:
        """Note a library."""
        cls._versions[name] = version

    @classmethod
    def get(cls) -> Mapping[str, str]:
        """All libraries noted, with their versions."""
        return dict(cls._versions)


def safe_is_subclass(cls: Any, possible_parent_cls: Any) -> bool:
    """Whether something is a class below another one (or one of several); types such as ``list[int]`` are no classes."""
    return isinstance(cls, type) and not get_args(cls) and issubclass(cls, possible_parent_cls)


def should_disable_io_stream_redirect() -> bool:
    """Whether what steps print is left uncaptured because of the system: it never is here."""
    return False


def anonymous_job_name(automation_name: str) -> str:
    """The name of the job that is made for a schedule or sensor over assets."""
    return ANONYMOUS_JOB_PREFIX + automation_name


@contextmanager
def raise_execution_interrupts() -> Iterator[None]:
    """Let an interrupt end what is done inside; runs do that anyway."""
    yield


def get_retries_config() -> Field:
    """The config of an executor's retries."""
    modes: Mapping[str, Any] = {"enabled": {}, "disabled": {}}
    return Field(Selector(modes), default_value={"enabled": {}})


def get_tag_concurrency_limits_config() -> Field:
    """The config of an executor's limits on steps with certain tags."""
    value = Field(Noneable(Any), is_required=False, default_value=None)
    return Field([Shape({"key": str, "value": value, "limit": int})], is_required=False)


def get_step_dependency_config_field() -> Field:
    """The config of what an executor's steps wait for."""
    return Field(
        {"require_upstream_step_success": Field(bool, is_required=False, default_value=True)},
        is_required=False,
    )


def infer_schema_from_config_class(
    model_cls: type[BaseModel],
    description: str | None = None,
    fields_to_omit: Set[str] | None = None,
    default: Any = None,
) -> Field:
    """The schema of a config class, without some fields."""
    shape = model_shape(model_cls, leave_out=fields_to_omit or frozenset())
    return Field(shape, description=description or model_cls.__doc__)


def normalize_renamed_param(
    new_val: Any,
    new_arg: str,
    old_val: Any,
    old_arg: str,
    coerce_old_to_new: Callable[[Any], Any] | None = None,
) -> Any:
    """The value of an argument that has another name now.

    Raises:
        CheckError: when both are given.
    """
    if old_val is None:
        return new_val
    if new_val is not None:
        raise CheckError(f"expected {new_arg!r} alone, got {old_arg!r} too; drop {old_arg!r}, the older name")
    return coerce_old_to_new(old_val) if coerce_old_to_new is not None else old_val


def clean_name(name: str) -> str:
    """A name in which whatever may not stand in one is an underscore."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)


def clean_name_lower(name: str) -> str:
    """As ``clean_name``, in small letters."""
    return clean_name(name).lower()


def parse_env_var(env_var_str: str) -> tuple[str, str]:
    """Name and value of ``NAME=value``; of ``NAME`` alone the value that the environment has.

    Raises:
        ValueError: when the environment has none.
    """
    name, is_given, value = env_var_str.partition("=")
    if not is_given:
        if name not in os.environ:
            raise ValueError(
                f"expected the environment to have {name!r}, got no value; set it or say {name}=value"
            )
        value = os.environ[name]
    return name, value


def serializable_error_info_from_exc_info(exc_info: Any, **_options: Any) -> ErrorInfo:
    """An exception, as ``sys.exc_info()`` gives it, as data."""
    return error_info(exc_info[1])


def dict_without_keys(ddict: Mapping[Any, Any], *keys: Any) -> dict[Any, Any]:
    """A dict without some of its entries."""
    return {key: value for key, value in ddict.items() if key not in set(keys)}


def has_kind(tags: Mapping[str, Any], kind: str) -> bool:
    """Whether tags say that an asset is of a kind."""
    return f"{KIND_PREFIX}{kind}" in tags


@contextmanager
def scoped_definitions_load_context(*_: Any, **__: Any) -> Iterator[None]:
    """The block in which definitions are loaded; there is nothing to keep between such blocks."""
    yield


@contextmanager
def user_code_error_boundary(
    error_cls: type[UserCodeExecutionError], msg_fn: Callable[[], str], log_manager: Any = None, **_: Any
) -> Iterator[None]:
    """Whatever the block raises is raised as ``error_cls``, with the exception as its cause.

    Raises:
        UserCodeExecutionError: of the given class; errors of the package itself stay as they are.
    """
    try:
        yield
    except TidewheelError:
        raise
    except Exception as exc:
        raise error_cls(msg_fn(), user_exception=exc) from exc


def non_secure_md5_hash_str(s: bytes) -> str:
    """A short name for some bytes; it protects nothing."""
    return hashlib.md5(s, usedforsecurity=False).hexdigest()


def imap(executor: Executor, iterable: Iterator[Any], func: Callable[[Any], Any]) -> Iterator[Any]:
    """What a function makes of values, in their order, worked out by an executor."""
    return executor.map(func, iterable)


def is_valid_owner(owner: str) -> bool:
    """Whether a text is a team or an e-mail address."""
    try:
        require_owners([owner], "an owner")
    except InvalidDefinitionError:
        return False
    return True


def build_kind_tag(kind: str) -> dict[str, str]:
    """The tag of a kind."""
    return {f"{KIND_PREFIX}{kind}": ""}


def toposort(data: Mapping[Any, Set[Any]], sort_key: Callable[[Any], Any] | None = None) -> list[list[Any]]:
    """Names level by level: those that wait for none, then those that wait for these, and so on.

    Raises:
        ValueError: when names wait for each other.
    """
    waiting = {name: set(above) - {name} for name, above in data.items()}
    for name in set().union(*waiting.values()) - set(waiting):
        waiting[name] = set()
    levels: list[list[Any]] = []
    while waiting:
        free = [name for name, above in waiting.items() if not above]
        if not free:
            raise ValueError(f"expected names not to wait for themselves, got a circle among {list(waiting)}")
        levels.append(sorted(free, key=sort_key))
        waiting = {name: above - set(free) for name, above in waiting.items() if above}
    return levels


def toposort_flatten(data: Mapping[Any, Set[Any]]) -> list[Any]:
    """The names of all levels."""
    return [name for level in toposort(data) for name in level]
