"""Data versions of what a run makes, and of what it read to make it (semantics D29, D30).

A materialisation carries tags with its code version, its data version, and for each upstream asset the version and the
event that were read. Without an explicit version the data version is a hash of code version and input versions, so that
equal code on equal inputs gives an equal version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.data_version import DataProvenance, DataVersion
from tidewheel.errors import InvalidMappingError
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.values.events import Event, EventType, Materialization, Observation
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import EventFilter
from tidewheel.values.tags import (
    CODE_VERSION,
    DATA_VERSION,
    DATA_VERSION_IS_USER_PROVIDED,
    INPUT_DATA_VERSION_PREFIX,
    INPUT_EVENT_POINTER_PREFIX,
)
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.environment.run_environment import RunEnvironment

UNKNOWN_VERSION = "INITIAL"
"""The version of an upstream asset that nobody has recorded yet."""
MOST_PARTITIONS = 100
"""Versions of more upstream partitions than this are not read: the tag would cost more than it tells."""

Known = tuple[str, int | None]
"""(data version, id of the event it was recorded with; None for one of this very run, which has no id yet)."""


class DataVersions:
    """Versions known in one run."""

    def __init__(self, env: RunEnvironment, partitions: PartitionAccess) -> None:
        self._env = env
        self._partitions = partitions
        self._made: dict[tuple[str, str | None], str] = {}
        self._stored: dict[tuple[str, str | None], Known | None] = {}

    def note(self, event: Event) -> None:
        """Learn from an event of this run."""
        payload = event.payload
        if event.asset is not None and isinstance(payload, (Materialization, Observation)):
            version = payload.tags.get(DATA_VERSION)
            if version is not None:
                self._made[(event.asset, event.partition)] = version
                self._made[(event.asset, None)] = version

    def tags(
        self,
        key: AssetKey,
        *,
        code_version: str | None,
        upstream: Iterable[AssetKey],
        given: DataVersion | None,
    ) -> dict[str, str]:
        """The tags of a materialisation that is made now."""
        code = code_version or self._env.run_id
        tags = {CODE_VERSION: code}
        versions: list[str] = []
        for above in sorted(upstream):
            found = self._upstream(key, above)
            name = above.to_escaped_user_string()
            version, pointer = found if found is not None else (UNKNOWN_VERSION, None)
            tags[INPUT_DATA_VERSION_PREFIX + name] = version
            if pointer is not None:
                tags[INPUT_EVENT_POINTER_PREFIX + name] = str(pointer)
            versions.append(version)
        if given is not None:
            tags[DATA_VERSION] = given.value
            tags[DATA_VERSION_IS_USER_PROVIDED] = "true"
        else:
            tags[DATA_VERSION] = computed_version(code, versions)
        return tags

    def _upstream(self, downstream: AssetKey, upstream: AssetKey) -> Known | None:
        name = upstream.to_escaped_user_string()
        if self._env.layer.partitions_defs.get(upstream) is None:
            return self._one(name, None)
        try:
            keys = self._partitions.existing_input_keys(downstream, upstream)
        except (InvalidMappingError, PartitionError):
            return None  # a mapping that does not fit is refused where values are read through it
        if len(keys) == 1:
            return self._one(name, str(keys[0]))
        if not keys or len(keys) > MOST_PARTITIONS:
            return None
        found = [self._one(name, str(key)) for key in keys]
        versions = [known[0] for known in found if known is not None]
        pointers = [known[1] for known in found if known is not None and known[1] is not None]
        return (computed_version("", versions), max(pointers, default=None)) if versions else None

    def _one(self, asset: str, partition: str | None) -> Known | None:
        made = self._made.get((asset, partition))
        if made is not None:
            return (made, None)
        place = (asset, partition)
        if place not in self._stored:
            self._load(asset, partition)
        return self._stored.get(place)

    def _load(self, asset: str, partition: str | None) -> None:
        instance = self._env.known_instance
        ledger = getattr(instance, "ledger", None)
        self._stored[(asset, partition)] = None
        if ledger is None:
            return
        if partition is None:
            wanted = [key for key in self._external() if (key, None) not in self._stored] + [asset]
            for name, state in ledger.get_asset_states(wanted).items():
                ids = [n for n in (state.last_materialization_id, state.last_observation_id) if n is not None]
                if state.last_data_version is not None:
                    self._stored[(name, None)] = (state.last_data_version, max(ids, default=None))
            for name in wanted:
                self._stored.setdefault((name, None), None)
            return
        latest = ledger.get_partition_events(asset, [partition]).get(partition)
        if latest is not None:
            stored = ledger.get_events(EventFilter(ids=(latest[0],)))
            payload = stored[0].event.payload if stored else None
            if isinstance(payload, (Materialization, Observation)) and DATA_VERSION in payload.tags:
                self._stored[(asset, partition)] = (payload.tags[DATA_VERSION], latest[0])

    def _external(self) -> list[str]:
        """Unpartitioned assets that the job reads and does not make: their states are read in one go."""
        layer = self._env.layer
        return [
            key.to_escaped_user_string()
            for key in layer.specs
            if key not in layer.selected_assets and key not in layer.partitions_defs
        ]


def computed_version(code_version: str, input_versions: Sequence[str]) -> str:
    """The data version of equal code on equal inputs."""
    digest = hashlib.sha256(code_version.encode())
    for version in input_versions:
        digest.update(b"\0")
        digest.update(version.encode())
    return digest.hexdigest()


def observation_tags(given: DataVersion | None) -> dict[str, str]:
    """The tags of an observation with a data version."""
    if given is None:
        return {}
    return {DATA_VERSION: given.value, DATA_VERSION_IS_USER_PROVIDED: "true"}


def provenance_of(instance: Any, asset_key: AssetKey) -> DataProvenance | None:
    """What the latest materialisation of an asset was made from; None when there is none."""
    ledger = instance.ledger
    asset = asset_key.to_escaped_user_string()
    state = ledger.get_asset_states([asset]).get(asset)
    if state is None or state.last_materialization_id is None:
        return None
    stored = ledger.get_events(
        EventFilter(ids=(state.last_materialization_id,), types=(EventType.ASSET_MATERIALIZATION.value,))
    )
    payload = stored[0].event.payload if stored else None
    if not isinstance(payload, Materialization) or CODE_VERSION not in payload.tags:
        return None
    return provenance_in(payload.tags)


def provenance_in(tags: Mapping[str, str]) -> DataProvenance:
    """The provenance that a materialisation's tags tell."""
    versions: dict[object, DataVersion] = {}
    pointers: dict[object, int | None] = {}
    for name, value in tags.items():
        if name.startswith(INPUT_DATA_VERSION_PREFIX):
            key = AssetKey.from_escaped_user_string(name[len(INPUT_DATA_VERSION_PREFIX) :])
            versions[key] = DataVersion(value)
            pointer = tags.get(INPUT_EVENT_POINTER_PREFIX + name[len(INPUT_DATA_VERSION_PREFIX) :])
            pointers[key] = int(pointer) if pointer and pointer.isdigit() else None
    return DataProvenance(
        tags.get(CODE_VERSION, ""), versions, pointers, tags.get(DATA_VERSION_IS_USER_PROVIDED) == "true"
    )
