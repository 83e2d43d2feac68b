"""Where a run's events go: the small contract between execution and whatever stores or sends them."""

from __future__ import annotations

from typing import Protocol

from tidewheel.values.events import Event


class EventSink(Protocol):
    """Takes a run's events in order. Events may be held back and sent in batches."""

    def emit(self, event: Event) -> None:
        """Hand over one event; does not wait for it to be stored."""

    def flush(self) -> None:
        """Return when everything emitted so far is stored (the server or the ledger has acknowledged it)."""

    def hand_over(self) -> None:
        """Give away what has been emitted so far, so that it survives a sudden end of this process; does not wait."""

    def pause_for_fork(self) -> None:
        """Bring helper threads to a safe point, so that the process can be forked; ended by ``resume_after_fork``."""

    def resume_after_fork(self) -> None: ...


class NoSink:
    """Events go nowhere."""

    def emit(self, event: Event) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""

    def hand_over(self) -> None:
        """Nothing is kept."""

    def pause_for_fork(self) -> None:
        """Nothing."""

    def resume_after_fork(self) -> None:
        """Nothing."""
