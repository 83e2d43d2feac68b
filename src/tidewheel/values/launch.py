"""Asking for a run by hand or from outside: the request, and what became of it."""

from __future__ import annotations

from typing import Any, Literal, Optional

import msgspec

from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import RequestedRun


class LaunchRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A job to run, or a selection of assets.

    Give ``job_name``, or ``selection`` (an asset selection string) or ``assets`` (wire texts) for the implicit asset
    job. ``partition``: a key; ``partition_range``: first and last key, inclusive. ``location``: needed only when the
    name exists in several.
    """

    job_name: Optional[str] = None
    location: Optional[str] = None
    selection: Optional[str] = None
    assets: Optional[tuple[str, ...]] = None
    checks: Optional[tuple[str, ...]] = None
    ops: Optional[tuple[str, ...]] = None
    partition: Optional[str] = None
    partition_range: Optional[tuple[str, str]] = None
    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}
    run_id: Optional[str] = None
    parent_run_id: Optional[str] = None
    only_resolve: bool = False
    """Ask what the selection means, and nothing else: no partition, no config."""
    describe: Optional[Literal["config", "plan", "partition"]] = None
    """Ask for the shape of its run config, or (with the config given here) for the steps, neither of which needs a
    partition; or for the config and the tags that its code gives to the run of a partition, unchecked."""


class ConfigProblemInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One problem in the run config: where (path from the root) and what."""

    path: tuple[str, ...]
    message: str
    reason: str = "RUNTIME_TYPE_MISMATCH"


class PreparedLaunch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What user code says of a launch request: the checked run, or what is wrong with the request."""

    run: Optional[RequestedRun] = None
    steps: Optional[tuple[str, ...]] = None
    description: bytes = b""
    """What was asked for with ``describe``: a stored ``logic.runs.description.JobDescription``."""
    config_problems: tuple[ConfigProblemInfo, ...] = ()
    error: Optional[ErrorInfo] = None


class LaunchOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The run that was made, or why there is none. ``kind`` of a refusal: ``unknown_location`` | ``unknown_job`` |
    ``invalid_selection`` | ``invalid_config`` | ``invalid_partition`` | ``user_code``."""

    run_id: Optional[str] = None
    kind: Optional[str] = None
    message: str = ""
    config_problems: tuple[ConfigProblemInfo, ...] = ()
    error: Optional[ErrorInfo] = None


class PartitionsOfAsset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Partitions of one asset: keys and ranges (first and last key, both included); neither means all."""

    keys: tuple[str, ...] = ()
    ranges: tuple[tuple[str, str], ...] = ()


class BackfillRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Partitions to make: of a job, of assets (wire texts), or of a selection of assets.

    ``partitions`` and ``ranges`` name partitions of the assets that stand first; assets below them with other partitions
    get those that depend on them. With neither, all partitions. ``only`` keeps what is ``missing`` or has ``failed``.
    ``by_asset`` says it for each asset instead. ``max_partitions_per_run`` overrides the assets' policies; 0: one run.
    """

    job_name: Optional[str] = None
    location: Optional[str] = None
    selection: Optional[str] = None
    assets: Optional[tuple[str, ...]] = None
    by_asset: Optional[dict[str, PartitionsOfAsset]] = None
    partitions: tuple[str, ...] = ()
    ranges: tuple[tuple[str, str], ...] = ()
    only: Optional[Literal["missing", "failed"]] = None
    ops: Optional[tuple[str, ...]] = None
    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}
    max_partitions_per_run: Optional[int] = None
    title: Optional[str] = None
    description: Optional[str] = None
    backfill_id: Optional[str] = None


class BackfillOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The backfill that was made, or why there is none. ``kind`` of a refusal: as of ``LaunchOutcome``, or
    ``unknown_backfill`` | ``wrong_state`` | ``nothing_to_do``."""

    backfill_id: Optional[str] = None
    kind: Optional[str] = None
    message: str = ""
    error: Optional[ErrorInfo] = None
