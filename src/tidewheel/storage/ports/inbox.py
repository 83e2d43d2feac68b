"""The contract of the inbox: deliveries from outside, what is handed over again, listings of watched files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tidewheel.values.inbox import (
    Backlog,
    Delivery,
    FileStat,
    ListingCommit,
    NewDelivery,
    Receipt,
    Redelivery,
)


class InboxPort(Protocol):
    """A delivery is stored once per source and delivery id, before its sender is answered.

    Who has been handed what is not kept here: every consumer is a trigger, whose ``position`` moves in the transaction
    of its tick. What of a tick did not succeed is in ``redelivery``, written in that transaction too.
    """

    def put(self, deliveries: Sequence[NewDelivery]) -> list[Receipt]:
        """Take deliveries in, in this order, in one transaction that has reached the disk when it returns."""

    def get(self, delivery_id: int) -> Delivery | None: ...

    def get_deliveries(
        self,
        source: str | None = None,
        *,
        after_id: int | None = None,
        before_id: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Delivery]: ...

    def get_next(self, source: str, after_id: int, limit: int) -> list[Delivery]:
        """The next deliveries of a source, in id order: what a consumer asks all the time."""

    def last_delivery_id(self) -> int:
        """The newest delivery's id, 0 when there never was one."""

    def count_waiting(self, source: str, after_id: int, limit: int = 100_000) -> Backlog:
        """What of a source comes after an id, counted up to ``limit``."""

    def get_redeliveries(self, trigger_id: str | None = None) -> list[Redelivery]:
        """What is to be handed over again, and what was set aside, in the order of event ids."""

    def hand_over_again(self, trigger_id: str, event_id: int, *, now: float) -> Redelivery:
        """Ask for an event to be handed to a trigger (again) at once, with all its retries before it."""

    def forget_redelivery(self, trigger_id: str, event_id: int) -> bool:
        """Give an event that was set aside up; False when there is none."""

    def get_listing(self, trigger_id: str) -> list[FileStat] | None:
        """Files as they were when the sensor was last told of them; None before the first time."""

    def commit_listing(self, commit: ListingCommit) -> int:
        """Store a listing's changes, and put them into the inbox, in one transaction; how many were put."""

    def prune(self, *, before: float, positions: Mapping[str, int], limit: int = 10_000) -> int:
        """Delete deliveries older than ``before``, but none that a consumer waits for; how many.

        ``positions``: by source, the lowest position of its consumers. A source that is not in it has none.
        """
