"""Dynamic partitions during one evaluation: those that exist, with those that the evaluation adds and deletes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tidewheel.definitions.triggers.run_request import (
    AddDynamicPartitionsRequest,
    DeleteDynamicPartitionsRequest,
    DynamicPartitionsRequest,
)
from tidewheel.errors import CheckError
from tidewheel.logic.partitions.definitions import NO_KEYS, DynamicKeys, PartitionView
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.validation import require_dynamic_keys
from tidewheel.values.records import PartitionChange


class _LedgerKeys(Mapping[str, DynamicKeys]):
    """Dynamic partitions by name, read when first asked for; changes of the evaluation are laid over them."""

    def __init__(self, instance: Any, known: Mapping[str, Iterable[tuple[str, int]]] | None) -> None:
        self._instance = instance
        self._keys = {name: _dynamic_keys(pairs) for name, pairs in (known or {}).items()}
        self._is_complete = known is not None

    def __getitem__(self, name: str) -> DynamicKeys:
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = _dynamic_keys(self._read(name))
        return found

    def _read(self, name: str) -> Iterable[tuple[str, int]]:
        if self._is_complete:
            return ()
        if self._instance is None:
            raise CheckError(
                f"dynamic partitions {name!r}: expected a context with an instance that knows the keys, got none; "
                "pass instance="
            )
        return self._instance.ledger.get_dynamic_partitions(name)  # type: ignore[no-any-return]

    def get(self, name: str, default: Any = None) -> DynamicKeys:
        """As ``[]``: every name has a set, if an empty one."""
        return self[name]

    def put(self, name: str, keys: DynamicKeys) -> None:
        """Replace what is known of a set."""
        self._keys[name] = keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _dynamic_keys(pairs: Iterable[tuple[str, int]]) -> DynamicKeys:
    ordered = sorted(pairs, key=lambda pair: pair[1])
    return NO_KEYS.extended(ordered, ordered[-1][1] + 1 if ordered else 0)


class KnownPartitions:
    """What an evaluation knows of dynamic partitions, and what it changes. ``view`` answers questions about keys."""

    def __init__(
        self, instance: Any, *, now: float, known: Mapping[str, Iterable[tuple[str, int]]] | None = None
    ) -> None:
        self._keys = _LedgerKeys(instance, known)
        self._added: dict[str, dict[str, None]] = {}
        self.view = PartitionView(now=now, dynamic_keys=self._keys)

    def apply(self, requests: Sequence[DynamicPartitionsRequest]) -> tuple[PartitionChange, ...]:
        """Changes that user code asked for, checked and known from now on.

        Raises:
            CheckError: when a key cannot be one, or is added and deleted at once.
        """
        added: dict[str, dict[str, None]] = {}
        deleted: dict[str, dict[str, None]] = {}
        for request in requests:
            if isinstance(request, AddDynamicPartitionsRequest):
                _require_keys(request)
                added.setdefault(request.partitions_def_name, {}).update(
                    dict.fromkeys(request.partition_keys)
                )
            elif isinstance(request, DeleteDynamicPartitionsRequest):
                deleted.setdefault(request.partitions_def_name, {}).update(
                    dict.fromkeys(request.partition_keys)
                )
        for name in added.keys() & deleted.keys():
            both = added[name].keys() & deleted[name].keys()
            if both:
                raise CheckError(
                    f"dynamic partitions {name!r}: expected keys to be added or deleted, got both for {sorted(both)}"
                )
        for name in (*added, *(name for name in deleted if name not in added)):
            known = self._keys[name].adding(added.get(name, ())).removing(deleted.get(name, ()))
            self._keys.put(name, known)
        return tuple(
            PartitionChange(name=name, add=tuple(added.get(name, ())), delete=tuple(deleted.get(name, ())))
            for name in dict.fromkeys((*added, *deleted))
        )

    def add(self, name: str, key: str) -> None:
        """Add a key for a request that names it, if it is new.

        Raises:
            CheckError: when it cannot be a key.
        """
        known = self._keys[name]
        if key in known.by_key:
            return
        _require_keys(AddDynamicPartitionsRequest(name, [key]))
        self._added.setdefault(name, {})[key] = None
        self._keys.put(name, known.adding([key]))

    def added_for_requests(self) -> tuple[PartitionChange, ...]:
        """Keys that were added because requests name them."""
        return tuple(PartitionChange(name=name, add=tuple(keys)) for name, keys in self._added.items())


def _require_keys(request: AddDynamicPartitionsRequest) -> None:
    try:
        require_dynamic_keys(request.partition_keys)
    except PartitionError as exc:
        raise CheckError(f"dynamic partitions {request.partitions_def_name!r}: {exc}") from exc


def joined(changes: Iterable[PartitionChange]) -> tuple[PartitionChange, ...]:
    """Changes with those of one name put together."""
    added: dict[str, dict[str, None]] = {}
    deleted: dict[str, dict[str, None]] = {}
    for change in changes:
        added.setdefault(change.name, {}).update(dict.fromkeys(change.add))
        deleted.setdefault(change.name, {}).update(dict.fromkeys(change.delete))
    return tuple(
        PartitionChange(name=name, add=tuple(keys), delete=tuple(deleted[name]))
        for name, keys in added.items()
    )
