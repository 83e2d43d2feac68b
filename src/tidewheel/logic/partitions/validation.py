"""Rejects definitions and key texts that cannot work, when they are made."""

from collections.abc import Iterable
from typing import assert_never

from tidewheel.logic.partitions import windows
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import SEPARATOR

ELLIPSIS = "..."  # stands for a range where people write partitions


def require_spec(spec: PartitionsSpec) -> None:
    """Check a whole definition; raises PartitionError, CronError or ZoneError."""
    match spec:
        case TimeWindowPartitions():
            windows.require_windows(spec)
        case StaticPartitions():
            require_static_keys(spec.keys)
        case DynamicPartitions():
            if not spec.name:
                raise PartitionError("dynamic partitions: expected a name, got ''; give one")
        case MultiPartitions():
            for name, dimension in spec.dimensions:
                _require_dimension(name, dimension)
        case _:
            assert_never(spec)


def require_static_keys(keys: Iterable[str]) -> None:
    """Check a list of static keys, which must be well-formed and different; raises PartitionError."""
    seen: set[str] = set()
    for key in keys:
        require_key_text(key)
        if key in seen:
            raise PartitionError(f"static partitions: expected different keys, got {key!r} twice; remove one")
        seen.add(key)


def require_dynamic_keys(keys: Iterable[str]) -> None:
    """Check keys that are about to be added to a dynamic definition; raises PartitionError."""
    for key in keys:
        require_key_text(key)
        if not key:
            raise PartitionError("dynamic partitions: expected a key that is not empty, got ''; name it")


def require_key_text(key: object) -> None:
    """Check that a key is a text without control characters and without `...`; raises PartitionError."""
    if not isinstance(key, str):
        raise PartitionError(
            f"partition key: expected a text, got {key!r} of type {type(key).__name__}; convert it with str()"
        )
    if ELLIPSIS in key:
        raise PartitionError(
            f"partition key: expected one without {ELLIPSIS!r}, got {key!r}; rename it, those dots stand for ranges"
        )
    if any(character < " " or character == "\x7f" for character in key):
        raise PartitionError(f"partition key: expected no control characters, got {key!r}; rename it")


def _require_dimension(name: str, spec: PartitionsSpec) -> None:
    if not name or SEPARATOR in name:
        raise PartitionError(
            f"multi partitions: expected a dimension name without {SEPARATOR!r}, got {name!r}; rename it"
        )
    if isinstance(spec, MultiPartitions):
        raise PartitionError(
            f"multi partitions: expected dimension {name!r} to be single, got multi partitions; nest none"
        )
    require_spec(spec)
    keys: tuple[str, ...] = ()
    if isinstance(spec, StaticPartitions):
        keys = spec.keys
    elif isinstance(spec, TimeWindowPartitions):
        keys = (windows.key_of(spec, 0),)
    for key in keys:
        if SEPARATOR in key:
            raise PartitionError(
                f"multi partitions: expected keys without {SEPARATOR!r} in dimension {name!r}, got {key!r}; "
                "choose another character"
            )
