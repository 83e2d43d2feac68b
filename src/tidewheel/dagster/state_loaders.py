"""Definitions that follow from the state of another system, as packages for such systems make them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from tidewheel.definitions.loading.collection import Definitions

S = TypeVar("S")


class StateBackedDefinitionsLoader(ABC, Generic[S]):
    """Fetches a state and makes definitions of it. The state is fetched whenever it is asked for; it is not kept."""

    @property
    @abstractmethod
    def defs_key(self) -> str:
        """The name of the state."""

    @abstractmethod
    def fetch_state(self) -> S:
        """The state of the other system as it is now."""

    @abstractmethod
    def defs_from_state(self, state: S) -> Definitions:
        """The definitions that follow from a state."""

    def get_or_fetch_state(self) -> S:
        """The state."""
        return self.fetch_state()

    def build_defs(self) -> Definitions:
        """The definitions that follow from the state."""
        return self.defs_from_state(self.get_or_fetch_state())
