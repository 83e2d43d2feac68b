"""Says of definitions which component made them: its class, and the place in its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.code_references import (
    CODE_REFERENCES_KEY,
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    code_references_of,
    mapped_specs,
)
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.values.metadata import MetadataValue

ORIGIN_KEY = "dagster/component_origin"
"""Metadata label of the class of the component that made a definition."""


class ObjectMetadataValue(
    MetadataValue, frozen=True, kw_only=True, tag="text", rename={"class_name": "text"}
):
    """An object, of which only the name of its class is told; stored and sent as that text."""

    class_name: str

    @property
    def value(self) -> str:
        """The name of the class."""
        return self.class_name


def with_origin(defs: Definitions, component: Any, place: LocalFileCodeReference | None) -> Definitions:
    """Definitions whose assets, jobs, schedules and sensors say what made them; ``place``: in a component's file.

    The places of components inside this one stay; of classes the outermost is told.
    """
    origin = ObjectMetadataValue(class_name=type(component).__name__)

    def said(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
        found = dict(metadata or {})
        places = code_references_of(found)
        if place is not None and place not in places:
            found[CODE_REFERENCES_KEY] = CodeReferencesMetadataValue(code_references=[*places, place])
        return {**found, ORIGIN_KEY: origin}

    def on_spec(spec: AssetSpec) -> AssetSpec:
        return spec.replace_attributes(metadata=said(spec.metadata))

    jobs = {
        id(one): one.with_metadata(said(one.metadata)) if hasattr(one, "with_metadata") else one
        for one in defs.jobs or ()
    }
    return defs.with_changes(
        assets=[mapped_specs(one, on_spec) for one in defs.assets or ()],
        jobs=list(jobs.values()),
        schedules=[_schedule(one, jobs, said) for one in defs.schedules or ()],
        sensors=[_sensor(one, jobs, said) for one in defs.sensors or ()],
    )


def _schedule(schedule: Any, jobs: Mapping[int, Any], said: Any) -> Any:
    if not hasattr(schedule, "with_attributes"):  # one of a job whose partitions are not known yet
        changed = schedule.with_metadata(said(schedule.options.get("metadata")))
        return type(schedule)(changed.name, jobs.get(id(changed.job), changed.job), changed.options)
    job = jobs.get(id(schedule.job)) if schedule.has_job else None
    return schedule.with_attributes(job=job, metadata=said(schedule.metadata))


def _sensor(sensor: Any, jobs: Mapping[int, Any], said: Any) -> Any:
    known = sensor.jobs if sensor.has_jobs else []
    changed = [jobs.get(id(job), job) for job in known]
    is_same = all(one is job for one, job in zip(changed, known, strict=True))
    return sensor.with_attributes(jobs=None if is_same else changed, metadata=said(sensor.metadata))
