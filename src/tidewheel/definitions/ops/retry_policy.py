"""How ops and jobs say that failed steps are to be tried again."""

from __future__ import annotations

import random
from enum import Enum

import msgspec

from tidewheel.errors import InvalidDefinitionError, ParameterCheckError
from tidewheel.logic.runs.retry import RetryRule, retry_delay_s
from tidewheel.values.replacing import Replaceable


class Backoff(Enum):
    """How the delay grows from one repetition to the next."""

    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"


class Jitter(Enum):
    """How the delay is spread: anywhere up to it (FULL), or around it by up to the base delay (PLUS_MINUS)."""

    FULL = "FULL"
    PLUS_MINUS = "PLUS_MINUS"


class RetryPolicy(Replaceable, msgspec.Struct, frozen=True):
    """At most ``max_retries`` repetitions of a failed step, after ``delay`` seconds.

    Raises:
        InvalidDefinitionError: for negative numbers, or backoff or jitter without a delay.
    """

    max_retries: int = 1
    delay: float | None = None
    backoff: Backoff | None = None
    jitter: Jitter | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.max_retries, int) or isinstance(self.max_retries, bool):
            raise ParameterCheckError(f"expected max_retries as a whole number, got {self.max_retries!r}")
        if self.max_retries < 0 or (self.delay is not None and self.delay < 0):
            raise InvalidDefinitionError(
                f"expected max_retries and delay to be zero or more, got {self.max_retries!r} and {self.delay!r}"
            )
        for name, value in (("backoff", self.backoff), ("jitter", self.jitter)):
            if value is not None and self.delay is None:
                raise InvalidDefinitionError(
                    f"expected a delay together with {name}={value.name}, got none; pass delay= in seconds"
                )

    def calculate_delay(self, attempt_num: int) -> float:
        """How many seconds to wait before retry number `attempt_num`, which counts from 1."""
        return retry_delay_s(self.rule, retry=attempt_num, randomness=random.random())

    @property
    def rule(self) -> RetryRule:
        """The policy as the run plan keeps it."""
        return RetryRule(
            max_retries=self.max_retries,
            delay_s=self.delay,
            backoff=self.backoff.value if self.backoff else None,  # type: ignore[arg-type]
            jitter=self.jitter.value if self.jitter else None,  # type: ignore[arg-type]
        )
