"""Checks the ``policy=`` of schedules and sensors."""

from __future__ import annotations

from typing import Any

from tidewheel.errors import ParameterCheckError
from tidewheel.values.policies import TriggerPolicy


def require_policy(policy: Any, what: str) -> TriggerPolicy | None:
    """The policy as it was given.

    Raises:
        ParameterCheckError: when it is something else.
    """
    if policy is None or isinstance(policy, TriggerPolicy):
        return policy
    raise ParameterCheckError(
        f"{what}: expected policy as TriggerPolicy(...), got {policy!r} ({type(policy).__name__}); "
        "write for example TriggerPolicy(overlap='skip')"
    )
