"""Which job a request for a partition means when neither it nor its schedule names one."""

from __future__ import annotations

from typing import Any, Protocol

from tidewheel.definitions.partitions.definition import require_key
from tidewheel.errors import UnknownPartitionError
from tidewheel.logic.partitions.definitions import PartitionView


class JobBook(Protocol):
    """The jobs of resolved definitions."""

    @property
    def job_names(self) -> list[str]: ...
    def is_hidden_job(self, name: str) -> bool: ...
    def job(self, name: str) -> Any: ...


def only_job_with_partition(resolved: JobBook, key: str, view: PartitionView) -> str:
    """The name of the only job of the user's that has a partition of this key.

    Raises:
        UnknownPartitionError: when no job has it, or several have.
    """
    found = [name for name in resolved.job_names if not resolved.is_hidden_job(name)]
    found = [name for name in found if _has_partition(resolved, name, key, view)]
    if len(found) == 1:
        return found[0]
    got = "none that has" if not found else f"{', '.join(map(repr, sorted(found)))}, which all have"
    raise UnknownPartitionError(
        f"expected job_name on a request of a schedule without target, or one job with the partition {key!r}, "
        f"got {got} it; name the job"
    )


def _has_partition(resolved: JobBook, name: str, key: str, view: PartitionView) -> bool:
    definition = resolved.job(name).partitions_def
    if definition is None:
        return False
    try:
        require_key(definition.spec, key, view)
    except UnknownPartitionError:
        return False
    return True
