"""What a schedule or sensor starts: jobs, by object or name, or assets through an anonymous job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.jobs.asset_jobs import (
    ANONYMOUS_JOB_PREFIX,
    UnresolvedAssetJobDefinition,
    define_asset_job,
)
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.errors import CheckError, InvalidAssetSelectionError, InvalidDefinitionError, TidewheelError

AnyJob = JobDefinition | UnresolvedAssetJobDefinition


class TriggerTarget:
    """One job that a trigger starts. ``job`` is None where only its name is known; ``assets`` are definitions given along."""

    def __init__(
        self, job: AnyJob | None, job_name: str, assets: Sequence[Any] = (), *, anonymous: bool = False
    ) -> None:
        self.job = job
        self.job_name = job_name
        self.assets = list(assets)
        self.is_anonymous = anonymous

    @property
    def assets_defs(self) -> list[Any]:
        """Definitions that were given as the target."""
        return self.assets

    @property
    def has_job_def(self) -> bool:
        """Whether the job itself is known."""
        return self.job is not None

    @property
    def job_def(self) -> AnyJob:
        """The job.

        Raises:
            CheckError: when only its name is known.
        """
        if self.job is None:
            raise CheckError(
                f"expected a target that was given as a job, got the name {self.job_name!r}; ask for job_name"
            )
        return self.job

    @property
    def resolvable_to_job(self) -> Any:
        """The job, or its name."""
        return self.job if self.job is not None else self.job_name

    def __repr__(self) -> str:
        return f"TriggerTarget({self.job_name!r})"


def target_of_job(job: Any, what: str) -> TriggerTarget:
    """The target of a job or graph.

    Raises:
        CheckError: for anything else.
    """
    if isinstance(job, GraphDefinition):
        job = job.to_job()
    if isinstance(job, JobDefinition | UnresolvedAssetJobDefinition):
        return TriggerTarget(job, job.name)
    if isinstance(job, str):
        return TriggerTarget(None, job)
    raise CheckError(
        f"{what}: expected a job (made by @job, define_asset_job or to_job), got {job!r} ({type(job).__name__})"
    )


def target_of(target: Any, what: str, trigger_name: str | None) -> TriggerTarget:
    """The target of anything that ``target=`` takes: a job, definitions, keys, texts or a selection.

    Raises:
        CheckError: when it is none of these.
        InvalidAssetSelectionError: when it is a text that is no selection.
    """
    if isinstance(target, JobDefinition | UnresolvedAssetJobDefinition | GraphDefinition):
        return target_of_job(target, what)
    if trigger_name is None:
        raise CheckError(
            f"{what}: expected a name, since the target is a selection of assets, got none; pass name='...'"
        )
    assets = _definitions_in(target)
    try:
        selection = AssetSelection.from_coercible(target)
    except InvalidAssetSelectionError as exc:
        raise InvalidAssetSelectionError(f"{what}: {exc}") from exc
    except TidewheelError as exc:
        raise CheckError(
            f"{what}: expected target as a job, definitions, keys, texts or a selection of assets, got {target!r}; "
            f"pass one of these ({exc})"
        ) from exc
    job = define_asset_job(ANONYMOUS_JOB_PREFIX + trigger_name, selection=selection)
    return TriggerTarget(job, job.name, assets, anonymous=True)


def targets_of(targets: Any, what: str, trigger_name: str | None) -> list[TriggerTarget]:
    """As ``target_of``, but a list of jobs is several targets."""
    if isinstance(targets, Sequence) and not isinstance(targets, str):
        jobs = [
            one
            for one in targets
            if isinstance(one, JobDefinition | UnresolvedAssetJobDefinition | GraphDefinition)
        ]
        if jobs and len(jobs) == len(targets):
            return [target_of_job(job, what) for job in jobs]
    return [target_of(targets, what, trigger_name)]


def require_one_of(what: str, **given: Any) -> None:
    """Refuse several ways of naming a target at once.

    Raises:
        InvalidDefinitionError: naming those that were given.
    """
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise InvalidDefinitionError(
            f"{what}: expected one of {', '.join(given)}, got {' and '.join(names)}; keep one"
        )


def _definitions_in(target: Any) -> list[Any]:
    if isinstance(target, AssetsDefinition | AssetSpec) or hasattr(target, "to_assets_def"):
        return [target]
    if isinstance(target, Sequence) and not isinstance(target, str):
        return [
            one
            for one in target
            if isinstance(one, AssetsDefinition | AssetSpec) or hasattr(one, "to_assets_def")
        ]
    return []
