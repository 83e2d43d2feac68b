"""What user code tells of a job before it is launched: the shape of its run config, and the steps that a run would have."""

from __future__ import annotations

from typing import Any, Optional

import msgspec

from tidewheel.logic.runs.plan import RunPlan


class JobDescription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a job, or of the part of it that was asked about. ``config_schema``: JSON schema of its run config."""

    config_schema: dict[str, Any] = {}
    plan: Optional[RunPlan] = None
    """With the run config that was given; None when only the shape was asked for."""
    keeps_outputs: bool = True
    """Whether every output outlives the run's process; False when some are passed on in memory."""
    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
