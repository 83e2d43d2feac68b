"""What is left to chance, and how often: one seed decides everything."""

from __future__ import annotations

import random


class Chance:
    """Random decisions by name. ``trouble`` scales how often something goes wrong; 0 ends all trouble."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self.trouble = 1.0

    def of(self, name: object) -> Chance:
        """The chance of one thing, independent of how many decisions others have asked for."""
        return Chance(f"{self._seed}/{name}")

    def fails(self, probability: float) -> bool:
        """Whether something that can go wrong does."""
        return self._random.random() < probability * self.trouble

    def happens(self, probability: float) -> bool:
        """Whether something that is no trouble happens."""
        return self._random.random() < probability

    def seconds(self, least: float, most: float) -> float:
        """How long something takes; mostly short."""
        return least + (most - least) * self._random.random() ** 3

    def number(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(least, most)

    def one_of(self, things: list) -> object:
        """One of some things."""
        return self._random.choice(things)

    def bytes(self, count: int) -> bytes:
        """Random bytes, for ids."""
        return self._random.randbytes(count)
