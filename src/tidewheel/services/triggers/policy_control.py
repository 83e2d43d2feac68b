"""What people ask about triggers' policies: pause, resume, show pauses, free run keys."""

from __future__ import annotations

from tidewheel.errors import InvalidInvocationError, did_you_mean
from tidewheel.logic.planning.pauses import selects
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.triggers.breakers import Breakers
from tidewheel.services.triggers.pause_book import PauseBook, subject_of
from tidewheel.services.triggers.releases import Releases
from tidewheel.values.policies import Missed, PauseRecord, Selection


class PolicyControl:
    """The part of the server's control about policies."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        pauses: PauseBook,
        breakers: Breakers,
        releases: Releases,
    ) -> None:
        self._database = database
        self._locations = locations
        self.book = pauses
        self.breakers = breakers
        self.releases = releases

    async def pause(
        self,
        selection: Selection,
        reason: str = "",
        by: str | None = None,
        expires_at: float | None = None,
        missed: Missed | None = None,
    ) -> PauseRecord:
        """Begin a pause of the triggers that a selection means, also of those that are defined later.

        Raises:
            InvalidInvocationError: when it names triggers and there are none of that name.
        """
        nodes = [(loc, node) for _, loc, node in self._locations.catalog.schedules()]
        nodes += [(loc, node) for _, loc, node in self._locations.catalog.sensors()]  # type: ignore[misc]
        subjects = [subject_of(node, loc) for loc, node in nodes]
        # the nearest name is looked for among those of the kind that is meant
        of_kind = [one for one in subjects if selects(Selection(kind=selection.kind), one)]
        require_match(selection, [(one.name, selects(selection, one)) for one in of_kind])
        return await self.book.pause(selection, reason=reason, by=by, expires_at=expires_at, missed=missed)

    async def resume(
        self, pause_id: int | None = None, selection: Selection | None = None
    ) -> list[PauseRecord]:
        """End one pause, or those of exactly this selection, or all of them."""
        return await self.book.resume(pause_id, selection)

    async def get_pauses(self) -> list[PauseRecord]:
        """The pauses that hold now."""
        return self.book.current()

    async def reset_run_keys(self, trigger_id: str, run_key: str | None) -> int:
        """Free one run key of a trigger or all of them; how many were taken."""
        return await self._database.write(self._database.ledger.policies.reset_keys, trigger_id, run_key)


def require_match(selection: Selection, names: list[tuple[str, bool]]) -> None:
    """Raise when a selection names something that is not there.

    Raises:
        InvalidInvocationError: with the nearest name.
    """
    if selection.name is not None and not any(matches for _, matches in names):
        known = sorted({name for name, _ in names})
        raise InvalidInvocationError(
            f"expected {selection.describe()}, got none; {did_you_mean(selection.name, known)}"
        )
