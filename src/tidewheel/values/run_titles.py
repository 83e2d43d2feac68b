"""How people are told what a run runs: its job, or the assets and checks of a run that has no job of the user's."""

from __future__ import annotations

from collections.abc import Sequence

IMPLICIT_ASSET_JOB = "__ASSET_JOB"
NAMES_SHOWN = 3


def run_title(job_name: str, assets: Sequence[str] | None = None, checks: Sequence[str] | None = None) -> str:
    """The job's name; of the implicit asset job `orders, customers and 4 more`."""
    if job_name != IMPLICIT_ASSET_JOB:
        return job_name
    names = [*(assets or ()), *(checks or ())]
    if not names:
        return "all assets"
    more = len(names) - NAMES_SHOWN
    return ", ".join(names) if more < 2 else f"{', '.join(names[:NAMES_SHOWN])} and {more} more"


def title_without_run(job_name: str) -> str:
    """What a run is called where only the name of its job is known: ``assets`` for the implicit asset job."""
    return "assets" if job_name == IMPLICIT_ASSET_JOB else job_name


def job_in_words(job_name: str) -> str:
    """How messages begin that are about a job: `job 'daily'`, or `assets` where the job is not the user's."""
    return "assets" if job_name == IMPLICIT_ASSET_JOB else f"job {job_name!r}"
