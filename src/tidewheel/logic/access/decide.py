"""Decides whether somebody may do something: the one place that every surface asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import msgspec

from tidewheel.errors import did_you_mean
from tidewheel.logic.access.operations import OPERATIONS, Operation
from tidewheel.values.access import Grant, Principal


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation is about. ``groups``: of the assets that it is about; empty: about no assets; None: it is about
    assets that are not known yet, so that it is asked again when they are."""

    location: Optional[str] = None
    groups: Optional[frozenset[str]] = frozenset()
    is_open: bool = False
    """Not known yet: whether the operation is allowed anywhere at all. To be asked again when it is known."""


ANYWHERE = Resource(is_open=True)
WHOLE_SERVER = Resource()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is allowed, and if not, why not, in a sentence."""

    reason: Optional[str] = None

    @property
    def is_allowed(self) -> bool:
        """Whether it is."""
        return self.reason is None


ALLOWED = Decision()


def decide_access(
    principal: Principal | None, operation_name: str, resource: Resource, *, read_only: bool = False
) -> Decision:
    """Whether the principal may carry out the operation on the resource; None: somebody who has not logged in.

    Raises:
        KeyError: when the table has no such operation: nothing is allowed that nobody thought about.
    """
    operation = OPERATIONS.get(operation_name)
    if operation is None:
        raise KeyError(
            f"expected an operation of the table, got {operation_name!r}; {did_you_mean(operation_name, OPERATIONS)}"
        )
    if principal is None:
        return Decision(reason="it needs a login; send a token or log in first")
    if read_only and operation.changes:
        return Decision(reason="this server is read-only")
    if not _is_covered(principal.grants, operation, resource):
        return _refused(principal.grants, operation, resource, who=principal.name)
    if principal.limits is not None and not _is_covered(principal.limits, operation, resource):
        return _refused(principal.limits, operation, resource, who="this token")
    return ALLOWED


def _is_covered(grants: Sequence[Grant], operation: Operation, resource: Resource) -> bool:
    return any(
        grant.role.rank >= operation.needs.rank and _covers(grant, operation, resource) for grant in grants
    )


def _covers(grant: Grant, operation: Operation, resource: Resource) -> bool:
    if operation.is_global:
        return grant.is_whole
    if resource.is_open:
        return True
    if grant.locations is not None and resource.location not in grant.locations:
        return False
    if grant.groups is None or resource.groups is None:
        return True
    return bool(resource.groups) and resource.groups <= set(grant.groups)


def _refused(grants: Sequence[Grant], operation: Operation, resource: Resource, *, who: str) -> Decision:
    best = max((grant.role for grant in grants), key=lambda role: role.rank, default=None)
    if best is None or best.rank < operation.needs.rank:
        has = f"has role {best.value!r}" if best is not None else "has no role"
        return Decision(reason=f"it needs role {operation.needs.value!r}, {who} {has}")
    if operation.is_global:
        return Decision(
            reason=f"it needs role {operation.needs.value!r} for everything; {who} has it for a part"
        )
    where = f"location {resource.location!r}" if resource.location is not None else "the whole server"
    groups = f", asset groups {', '.join(sorted(resource.groups))}" if resource.groups else ""
    return Decision(
        reason=f"it needs role {operation.needs.value!r} for {where}{groups}; {who} has it elsewhere"
    )
