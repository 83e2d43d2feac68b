"""From a run as the ledger knows it to the job that its worker executes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from tidewheel.definitions.jobs.asset_jobs import IMPLICIT_ASSET_JOB
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.records import EventFilter, RunRecord
from tidewheel.values.tags import IS_RESUME_RETRY

if TYPE_CHECKING:
    from tidewheel.runtime.instance.facade import Instance


def resolve_run_job(defs: Definitions, run: RunRecord, *, instance: Instance) -> JobDefinition:
    """The job that the run is of, cut to the run's selection; of a retry from failure, to what is not made yet.

    Raises:
        InvalidDefinitionError: when the job is not defined (any more).
        InvalidSubsetError: when the selection names something that is not in the job.
    """
    job = find_job(defs, run.job_name)
    assets = None if run.assets is None else {AssetKey.from_escaped_user_string(text) for text in run.assets}
    checks = (
        None if run.checks is None else {AssetCheckKey.from_escaped_user_string(text) for text in run.checks}
    )
    if run.tags.get(IS_RESUME_RETRY) == "true" and run.parent_run_id is not None and job.is_asset_job:
        wanted = assets if assets is not None else set(job.asset_layer.selected_assets)
        left = wanted - _made_by(run, instance)
        # nothing left means that the failure came after the last asset (a check, say): everything is run again
        assets = left or wanted
    if run.steps is not None:
        return job.get_subset(op_selection=list(run.steps))
    if assets is None and checks is None:
        return job
    return job.get_subset(asset_selection=assets, asset_check_selection=checks)


def resolve_jobs(defs: Definitions, names: Iterable[str]) -> None:
    """Resolve jobs ahead, with the shape of their config: processes that are forked later have them at once.

    A job that cannot be resolved is left to the run that asks for it.
    """
    for name in names:
        with suppress(Exception):
            find_job(defs, name).run_config_shape()


def find_job(defs: Definitions, name: str) -> JobDefinition:
    """A job by name, the implicit one over all assets included.

    Raises:
        InvalidDefinitionError: when there is none of this name.
    """
    if name == IMPLICIT_ASSET_JOB:
        return defs.resolve_implicit_global_asset_job_def()
    return defs.resolve_job_def(name)


def _made_by(run: RunRecord, instance: Instance) -> set[AssetKey]:
    """Assets that the earlier attempts of a run have made."""
    attempts = {run.parent_run_id, run.root_run_id} - {None}
    events = instance.ledger.get_events(
        EventFilter(
            types=(EventType.ASSET_MATERIALIZATION.value,), run_ids=tuple(str(run_id) for run_id in attempts)
        )
    )
    return {AssetKey.from_escaped_user_string(stored.event.asset) for stored in events if stored.event.asset}
