"""What a sensor's function may return, as a type for annotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Union

from tidewheel.definitions.triggers.run_request import RunRequest, SensorResult, SkipReason
from tidewheel.definitions.triggers.run_status_sensors import RunReaction

SensorReturnTypesUnion = Union[
    Iterator[Union[SkipReason, RunRequest, RunReaction, SensorResult]],
    Sequence[RunRequest],
    SkipReason,
    RunRequest,
    RunReaction,
    SensorResult,
    None,
]
