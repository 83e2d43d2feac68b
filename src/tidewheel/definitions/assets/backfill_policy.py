"""How many partitions one run of a backfill takes."""

from __future__ import annotations

from enum import Enum

from tidewheel.errors import InvalidDefinitionError, ParameterCheckError
from tidewheel.values.pydantic_fields import usable_as_field


class BackfillPolicyType(Enum):
    """Whether a backfill is one run or several."""

    SINGLE_RUN = "SINGLE_RUN"
    MULTI_RUN = "MULTI_RUN"


@usable_as_field
class BackfillPolicy:
    """``max_partitions_per_run`` partitions in each run; ``None``: all in one."""

    __slots__ = ("max_partitions_per_run",)

    def __init__(self, max_partitions_per_run: int | None = 1) -> None:
        if max_partitions_per_run is not None and (
            not isinstance(max_partitions_per_run, int) or max_partitions_per_run < 1
        ):
            raise InvalidDefinitionError(
                f"backfill policy: expected at least one partition a run, got {max_partitions_per_run!r}; "
                "use BackfillPolicy.single_run() for all in one run"
            )
        self.max_partitions_per_run = max_partitions_per_run

    @staticmethod
    def single_run() -> BackfillPolicy:
        """All partitions in one run."""
        return BackfillPolicy(None)

    @staticmethod
    def multi_run(max_partitions_per_run: int = 1) -> BackfillPolicy:
        """Runs of at most so many partitions.

        Raises:
            ParameterCheckError: when it is no number.
        """
        if not isinstance(max_partitions_per_run, int):
            raise ParameterCheckError(
                f"expected max_partitions_per_run as a number, got {max_partitions_per_run!r}; use single_run() for all"
            )
        return BackfillPolicy(max_partitions_per_run)

    @property
    def policy_type(self) -> BackfillPolicyType:
        """Whether it makes one run or several."""
        return (
            BackfillPolicyType.SINGLE_RUN
            if self.max_partitions_per_run is None
            else BackfillPolicyType.MULTI_RUN
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BackfillPolicy) and self.max_partitions_per_run == other.max_partitions_per_run
        )

    def __hash__(self) -> int:
        return hash(self.max_partitions_per_run)

    def __repr__(self) -> str:
        if self.max_partitions_per_run is None:
            return "BackfillPolicy.single_run()"
        return f"BackfillPolicy.multi_run(max_partitions_per_run={self.max_partitions_per_run})"
