"""What the server asks a code location about conditions of users' own classes, and what it gets back.

Sets of partitions are stored sets (`logic.partitions.codec`), definitions their msgpack form (empty: unpartitioned).
"""

from __future__ import annotations

from typing import Optional

import msgspec


class ConditionQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of a user's own class: whose it is, the how-manieth in its tree, and what it is asked of.

    `previous_at` and `previous_requested`: of the target's last evaluation, where there was one.
    """

    kind: str
    name: str
    slot: int
    subject_kind: str
    subject_name: str
    spec: bytes = b""
    root_spec: bytes = b""
    cursor: Optional[str] = None
    previous_at: Optional[float] = None
    previous_requested: bytes = b""


class ConditionQuestions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The questions of one target in one evaluation."""

    now: float
    event_id: int
    questions: tuple[ConditionQuestion, ...]


class ConditionAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a condition is true, and the text that it wants to be given back; or why it could not be asked."""

    true: bytes = b""
    cursor: Optional[str] = None
    error: Optional[str] = None
