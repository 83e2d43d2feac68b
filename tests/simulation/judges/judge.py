"""What every judge can do: read the ledger's rows with plain SQL, past all code that it judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.world import World

IN_PROGRESS = "status IN ('STARTING', 'STARTED', 'CANCELING')"
UNFINISHED = "status IN ('QUEUED', 'STARTING', 'STARTED', 'CANCELING')"


class Judge:
    """Looks at one part; every check raises an AssertionError that says what does not hold."""

    touched_by: frozenset[str] | None = None
    """Writes of the ledger after which ``check`` looks; None: all. The thorough check looks anyhow."""

    def __init__(self, world: World) -> None:
        self.world = world

    def rows(self, sql: str) -> list[Any]:
        """The rows of a query, in the transaction that has just ended."""
        backend = self.world.ledger.backend
        with backend._lock:
            # past SQLAlchemy too: these are most of the simulation's queries
            return list(backend._writing_connection().connection.driver_connection.execute(sql))

    def one(self, sql: str) -> Any:
        """The one value of a query."""
        return self.rows(sql)[0][0]

    def check(self) -> None:
        """After every step: must be cheap."""

    def check_thoroughly(self) -> None:
        """After some of the steps."""

    def is_complete(self) -> bool:
        """Whether everything that was asked for has been dealt with, once trouble has ended."""
        return True

    def check_at_rest(self) -> None:
        """When trouble has ended and time has passed."""
