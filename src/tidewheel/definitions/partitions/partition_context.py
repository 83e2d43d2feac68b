"""As of when, and with which dynamic partitions, questions about partitions are answered in user code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tidewheel.definitions.clock import as_seconds, utc_now
from tidewheel.errors import CheckError
from tidewheel.logic.partitions.definitions import NO_KEYS, DynamicKeys, PartitionView


class TemporalContext(NamedTuple):
    """A moment, and the last event known at it."""

    effective_dt: datetime
    last_event_id: int | None = None


class PartitionLoadingContext(NamedTuple):
    """A moment and whoever knows the dynamic partitions (an instance)."""

    temporal_context: TemporalContext
    dynamic_partitions_store: Any = None

    @property
    def effective_dt(self) -> datetime:
        """The moment."""
        return self.temporal_context.effective_dt

    def with_updated_effective_dt(self, effective_dt: datetime) -> PartitionLoadingContext:
        """The same at another moment."""
        return self._replace(temporal_context=TemporalContext(effective_dt))


_current: ContextVar[PartitionLoadingContext | None] = ContextVar("partition_loading_context", default=None)


@contextmanager
def partition_loading_context(
    effective_dt: datetime | None = None,
    dynamic_partitions_store: Any = None,
    *,
    new_ctx: PartitionLoadingContext | None = None,
) -> Iterator[PartitionLoadingContext]:
    """Within the block, questions about partitions are answered as of this moment and with this store.

    What is not given is taken from the surrounding block.
    """
    outer = _current.get()
    if new_ctx is None:
        store = dynamic_partitions_store
        if store is None and outer is not None:
            store = outer.dynamic_partitions_store
        moment = effective_dt or (outer.effective_dt if outer is not None else utc_now())
        new_ctx = PartitionLoadingContext(TemporalContext(_aware(moment)), store)
    token = _current.set(new_ctx)
    try:
        yield new_ctx
    finally:
        _current.reset(token)


def current_store() -> Any:
    """Whoever knows the dynamic partitions in the surrounding block, or None."""
    context = _current.get()
    return context.dynamic_partitions_store if context is not None else None


def current_moment() -> datetime:
    """The moment of the surrounding block, or now."""
    context = _current.get()
    return context.effective_dt if context is not None else utc_now()


class _StoredKeys(Mapping[str, DynamicKeys]):
    """Dynamic partitions by name, asked of a store when first needed."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._known: dict[str, DynamicKeys] = {}

    def __getitem__(self, name: str) -> DynamicKeys:
        found = self._known.get(name)
        if found is None:
            keys = tuple(dict.fromkeys(self._store.get_dynamic_partitions(name)))
            found = DynamicKeys(keys=keys, ordinals=tuple(range(len(keys))), next_ordinal=len(keys))
            self._known[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class _NoStore(Mapping[str, DynamicKeys]):
    """Stands where no store is at hand: any question is an error that says what to do."""

    def __getitem__(self, name: str) -> DynamicKeys:
        raise CheckError(
            f"dynamic partitions {name!r}: expected an instance that knows the keys, got none; pass "
            "dynamic_partitions_store=instance or use `with partition_loading_context(dynamic_partitions_store=...)`"
        )

    def get(self, name: str, default: Any = None) -> Any:
        """As ``[]``: there is no default."""
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class KnownKeys(Mapping[str, DynamicKeys]):
    """Another mapping of dynamic partitions with some changes on top."""

    def __init__(self, inner: Mapping[str, DynamicKeys], changed: Mapping[str, DynamicKeys]) -> None:
        self._inner = inner
        self._changed = changed

    def __getitem__(self, name: str) -> DynamicKeys:
        found = self._changed.get(name)
        return found if found is not None else (self._inner.get(name, NO_KEYS))

    def __iter__(self) -> Iterator[str]:
        return iter({*self._inner, *self._changed})

    def __len__(self) -> int:
        return len({*self._inner, *self._changed})


def view_at(current_time: datetime | None = None, dynamic_partitions_store: Any = None) -> PartitionView:
    """What the pure functions of partitions need to know: a moment, and dynamic keys that are fetched when asked for."""
    moment = _aware(current_time) if current_time is not None else current_moment()
    store = dynamic_partitions_store if dynamic_partitions_store is not None else current_store()
    keys: Mapping[str, DynamicKeys] = _StoredKeys(store) if store is not None else _NoStore()
    return PartitionView(now=as_seconds(moment), dynamic_keys=keys)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
