"""Knows of every run which pools its steps need, from the loaded definitions."""

from __future__ import annotations

from collections.abc import Iterable

from tidewheel.logic.graph.specs import AssetNode, JobNode
from tidewheel.logic.planning.admission import PoolNeeds
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB, Catalog
from tidewheel.values.records import RunRecord

NOTHING = PoolNeeds()


class PoolBook:
    """By run, the pools that it needs; answers are kept per job and selection while the code is the same."""

    def __init__(self) -> None:
        self._catalog = Catalog({})
        self._known: dict[tuple[object, ...], PoolNeeds] = {}
        self._has_pools = False

    def use_catalog(self, catalog: Catalog) -> None:
        """Other code may be loaded now."""
        if catalog is not self._catalog:
            self._catalog = catalog
            self._known.clear()
            self._has_pools = any(node.pool for node in catalog.assets()) or any(
                op.pool for snap in catalog.snapshots.values() for job in snap.jobs for op in job.ops
            )

    def of(self, run: RunRecord) -> PoolNeeds | None:
        """What a run needs; None when no step of it is in a pool."""
        if not self._has_pools:
            return None
        key = (run.location, run.job_name, run.assets, run.steps)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._needs(run)
        return found if found.any else None

    def _needs(self, run: RunRecord) -> PoolNeeds:
        job = self._catalog.job(run.location, run.job_name)
        names = run.assets if run.assets is not None else job.assets if job is not None else ()
        if names or run.job_name == IMPLICIT_ASSET_JOB or (job is not None and job.is_asset_job):
            located = self._catalog.located
            return _of_assets([located[name].node for name in names if name in located])
        return _of_ops(job, run.steps) if job is not None else NOTHING


def _of_assets(nodes: Iterable[AssetNode]) -> PoolNeeds:
    """Assets of one step count once; the first steps are those that need no other step of the run."""
    steps: dict[str, list[AssetNode]] = {}
    step_of = {}
    for node in nodes:
        step_of[node.key] = step = node.step or node.key
        steps.setdefault(step, []).append(node)
    first = []
    for step, members in steps.items():
        above = {step_of[dep.asset] for node in members for dep in node.deps if dep.asset in step_of}
        if not above - {step}:
            first.append(members[0].pool)
    return PoolNeeds(
        any=frozenset(node.pool for members in steps.values() for node in members if node.pool),
        first=tuple(first),
    )


def _of_ops(job: JobNode, selected: tuple[str, ...] | None) -> PoolNeeds:
    chosen = {op.name: op for op in job.ops if selected is None or op.name in selected}
    first = tuple(op.pool for op in chosen.values() if not any(name in chosen for name in op.depends_on))
    return PoolNeeds(any=frozenset(op.pool for op in chosen.values() if op.pool), first=first)
