"""Asking for a run by hand or from outside: the request, and what became of it."""

from __future__ import annotations

from typing import Any, Optional

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


class ConfigProblemInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One problem in the run config: where (path from the root) and what."""

    path: tuple[str, ...]
    message: str
    reason: str = "RUNTIME_TYPE_MISMATCH"


class PreparedLaunch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What user code says of a launch request: the checked run, or what is wrong with the request."""

    run: Optional[RequestedRun] = None
    steps: Optional[tuple[str, ...]] = None
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
