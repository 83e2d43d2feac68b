"""What the ledger keeps of automation conditions: memories, evaluations, requests that wait for a yes, owed work.

Keys are pairs of a kind (`asset`, `check`, `job`) and a name (a wire text). What is bytes here is encoded by
`logic.conditions`; the ledger never looks inside. Times are seconds since the epoch.
"""

from __future__ import annotations

from enum import Enum
from typing import Optional

import msgspec


class MemoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """What evaluations remember of a target, and the sensor whose position it belongs to."""

    kind: str
    name: str
    trigger_id: str
    data: bytes


REQUEST = "REQUEST"
"""The type of a cause that is no event: another target, or the same one, was requested."""


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened and made a condition true: an event with its asset and run, a tick of a clock, or a request.

    Of a request (``type`` is ``REQUEST``) the subject is told: it was requested in the same evaluation, or the one before.
    """

    at: float
    event_id: Optional[int] = None
    type: str = ""
    subject: str = ""
    partition: Optional[str] = None
    run_id: str = ""


class NewEvaluation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One evaluation of a target that is worth keeping: it requested something, or it failed.

    `tree` is a stored `logic.conditions.explain.TargetExplanation` (empty where there was no room for it).
    `partitions` are the first of the requested keys; `requested` counts all. `true_sets`: by place in the tree ("0" is
    the root, "0.2" its third child), the stored set of partitions for which a node was true; empty and very ragged
    ones are left out.
    """

    kind: str
    name: str
    at: float
    requested: int = 0
    partitions: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    backfill_ids: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    tree: bytes = b""
    true_sets: dict[str, bytes] = {}
    error: Optional[str] = None
    is_first: bool = False


class EvaluationRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A kept evaluation; `evaluation_id` is the id of its tick, which all targets of one evaluation share."""

    id: int
    evaluation_id: int
    trigger_id: str
    evaluation: NewEvaluation


class HoldStatus(str, Enum):
    """What becomes of a held request."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"


class HeldRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request of several partitions by a condition that was evaluated for the first time: it waits for a yes.

    `wanted` is a stored partition set of the definition whose stored form is `spec`.
    """

    kind: str
    name: str
    trigger_id: str
    at: float
    wanted: bytes
    spec: bytes
    count: int
    status: HoldStatus = HoldStatus.WAITING


class OwedStatus(str, Enum):
    """Whether something is still to be made."""

    OWED = "OWED"
    WAIVED = "WAIVED"


class OwedRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One partition (empty text: of an unpartitioned asset) that was requested and is not made yet.

    `failures` counts the last failures with the same `error`; `failed_at` is that of the last. `run_id`: the newest
    attempt. `code_version`: the asset's when it last failed.
    """

    kind: str
    name: str
    partition: str
    trigger_id: str
    requested_at: float
    run_id: str = ""
    failures: int = 0
    failed_at: float = 0.0
    error: str = ""
    code_version: str = ""
    status: OwedStatus = OwedStatus.OWED


OwedKey = tuple[str, str, str]
"""Kind, name, partition."""


class ConditionCommit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an automation tick writes besides its runs, in the same transaction."""

    memories: tuple[MemoryRow, ...] = ()
    evaluations: tuple[NewEvaluation, ...] = ()
    held: tuple[HeldRequest, ...] = ()
    released: tuple[tuple[str, str], ...] = ()
    """Kinds and names whose held request is done with."""
    owed: tuple[OwedRow, ...] = ()
    owed_before: tuple[OwedRow, ...] = ()
    """Those of `owed` that were known, as the decision knew them: an answer given meanwhile is not written over."""
    settled: tuple[OwedKey, ...] = ()
