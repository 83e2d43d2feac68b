"""What all loaded code locations define, as one value that services look things up in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from tidewheel.logic.graph.specs import (
    AssetNode,
    CheckNode,
    JobNode,
    LocationSnapshot,
    ScheduleNode,
    SensorNode,
)
from tidewheel.logic.partitions.codec import fingerprint
from tidewheel.logic.partitions.definitions import DynamicKeys, PartitionView
from tidewheel.logic.partitions.errors import PartitionError
from tidewheel.logic.partitions.keys import keys_in_range, nameable_ordinal
from tidewheel.logic.planning.backfill_facts import Located
from tidewheel.values.ids import trigger_id

IMPLICIT_ASSET_JOB = "__ASSET_JOB"


class Catalog:
    """Immutable; a new one is made when a location is loaded. Names are looked up per location."""

    def __init__(self, snapshots: Mapping[str, LocationSnapshot]) -> None:
        self.snapshots = MappingProxyType(dict(snapshots))
        self._jobs = {(name, job.name): job for name, snap in snapshots.items() for job in snap.jobs}
        self._assets: dict[str, Located] = {}
        for name, snap in snapshots.items():
            for node in snap.assets:
                known = self._assets.get(node.key)
                # an asset may be external in one location and made in another: the maker describes it
                if known is None or (known[1].kind == "external" and node.kind != "external"):
                    self._assets[node.key] = Located(name, node)
        self._triggers: dict[str, tuple[str, ScheduleNode | SensorNode]] = {}
        for name, snap in snapshots.items():
            self._triggers.update({trigger_id(name, one.name): (name, one) for one in snap.schedules})
            self._triggers.update({trigger_id(name, one.name): (name, one) for one in snap.sensors})
        self._checks: dict[str, list[CheckNode]] = defaultdict(list)
        for snap in snapshots.values():
            for check in snap.checks:
                self._checks[check.asset].append(check)
        self._fingerprints = {
            key: fingerprint(node.partitions)
            for key, (_, node) in self._assets.items()
            if node.partitions is not None
        }

    def with_location(self, snapshot: LocationSnapshot) -> Catalog:
        """The catalog with this location's definitions in place of its former ones."""
        return Catalog({**self.snapshots, snapshot.name: snapshot})

    def job(self, location: str, name: str) -> JobNode | None:
        """A job of a location."""
        return self._jobs.get((location, name))

    def locations_of_job(self, name: str) -> list[str]:
        """The locations that have a job of this name."""
        return [location for location, job in self._jobs if job == name]

    def job_names(self) -> list[str]:
        """All jobs' names that people use."""
        return sorted({job.name for job in self._jobs.values() if not job.is_hidden})

    def asset(self, key: str) -> AssetNode | None:
        """An asset's node."""
        found = self._assets.get(key)
        return found[1] if found else None

    def asset_location(self, key: str) -> str | None:
        """The location that makes the asset (or, failing that, mentions it)."""
        found = self._assets.get(key)
        return found[0] if found else None

    def assets(self) -> list[AssetNode]:
        """All assets."""
        return [node for _, node in self._assets.values()]

    def trigger(self, trigger_id: str) -> tuple[str, ScheduleNode | SensorNode] | None:
        """(location, node) of a schedule or sensor."""
        return self._triggers.get(trigger_id)

    @property
    def located(self) -> Mapping[str, Located]:
        """All assets by key, each with the location that makes it."""
        return self._assets

    @property
    def checks_by_asset(self) -> Mapping[str, Sequence[CheckNode]]:
        """The checks of each asset that has any."""
        return self._checks

    def schedules(self) -> Iterator[tuple[str, str, ScheduleNode]]:
        """(trigger id, location, schedule) of every schedule."""
        for location, snapshot in self.snapshots.items():
            for schedule in snapshot.schedules:
                yield trigger_id(location, schedule.name), location, schedule

    def sensors(self) -> Iterator[tuple[str, str, SensorNode]]:
        """(trigger id, location, sensor) of every sensor."""
        for location, snapshot in self.snapshots.items():
            for sensor in snapshot.sensors:
                yield trigger_id(location, sensor.name), location, sensor

    def resolver(self, now: float, dynamic: Mapping[str, DynamicKeys]) -> PartitionLookup:
        """A function (asset, key) → (fingerprint, ordinal), as of a moment."""
        return PartitionLookup(self._assets, self._fingerprints, now, dynamic)


class PartitionLookup:
    """Resolves partition keys to ordinals for the intake; answers None for what it does not know."""

    def __init__(
        self,
        assets: Mapping[str, tuple[str, AssetNode]],
        fingerprints: Mapping[str, str],
        now: float,
        dynamic: Mapping[str, DynamicKeys],
    ) -> None:
        self._assets = assets
        self._fingerprints = fingerprints
        self._view = PartitionView(now=now, dynamic_keys=dynamic)

    def __call__(self, asset: str, partition: str) -> tuple[str, int] | None:
        found = self._assets.get(asset)
        if found is None or found[1].partitions is None:
            return None
        ordinal = nameable_ordinal(found[1].partitions, partition, self._view)
        return None if ordinal is None else (self._fingerprints[asset], ordinal)

    def keys_between(self, asset: str, first: str, last: str, now: float) -> Sequence[str]:
        """The asset's existing keys from the first to the last; none where it has no such partitions."""
        found = self._assets.get(asset)
        if found is None or found[1].partitions is None:
            return ()
        try:
            return keys_in_range(
                found[1].partitions, first, last, msgspec.structs.replace(self._view, now=now)
            )
        except (PartitionError, ValueError):
            return ()  # the range is one of another asset of the run
