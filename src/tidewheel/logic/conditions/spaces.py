"""Partition spaces and links between them, as the incremental engine uses them: bare bitmaps, shared objects.

A *space* is one partitions definition at the present moment. All subjects with equal definitions share one, so that
a new time window is worked out once. A *link* carries bitmaps from one space to another.
"""

from __future__ import annotations

from typing import Any

from pyroaring import FrozenBitMap, FrozenBitMap64

from tidewheel.logic.conditions import relations
from tidewheel.logic.conditions.evidence import Answer
from tidewheel.logic.conditions.latching import Latch
from tidewheel.logic.conditions.relations import Path
from tidewheel.logic.conditions.windows import latest_partitions
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.mappings import Identity
from tidewheel.logic.partitions.sets import PartitionSet, everything, nothing
from tidewheel.logic.partitions.windows import ordinal_at, start_of

Bits = FrozenBitMap | FrozenBitMap64

EXACTLY_ON_A_BOUNDARY_S = 1e-6


class Space:
    """One partitions definition now: what exists, and the targets to look at again when that changes."""

    __slots__ = (
        "_latest",
        "dynamic_names",
        "empty",
        "existing",
        "no_answer",
        "off",
        "roots",
        "spec",
        "time_specs",
    )

    def __init__(self, spec: PartitionsSpec | None, view: PartitionView) -> None:
        self.spec = spec
        self.empty: Any = nothing(spec).bits
        self.no_answer = Answer(self.empty, self.empty)
        self.off = Latch(self.empty)
        self.existing: Any = everything(spec, view).bits
        self.roots: dict[Any, None] = {}
        single = [one for _, one in spec.dimensions] if isinstance(spec, MultiPartitions) else [spec]
        self.time_specs = tuple(one for one in single if isinstance(one, TimeWindowPartitions))
        self.dynamic_names = frozenset(one.name for one in single if isinstance(one, DynamicPartitions))
        self._latest: dict[float | None, Any] = {}

    @property
    def is_fixed(self) -> bool:
        """Whether what exists never changes."""
        return not self.time_specs and not self.dynamic_names

    def refresh(self, view: PartitionView) -> bool:
        """Look again at what exists; whether it changed."""
        existing = everything(self.spec, view).bits
        if existing == self.existing:
            return False
        self.existing = existing
        self._latest.clear()
        return True

    def next_change(self, now: float) -> float | None:
        """The next moment at which time alone can change what exists."""
        found = None
        for spec in self.time_specs:
            ordinal = ordinal_at(spec, now)
            boundary = start_of(spec, ordinal + 1)
            if start_of(spec, ordinal) == now:
                boundary = now + EXACTLY_ON_A_BOUNDARY_S
            found = boundary if found is None else min(found, boundary)
        return found

    def latest(self, lookback_s: float | None, view: PartitionView) -> Any:
        """The partitions of the latest time window."""
        if self.is_fixed:
            return self.existing
        found = self._latest.get(lookback_s)
        if found is None:
            found = self._latest[lookback_s] = latest_partitions(self.spec, lookback_s, view).bits
        return found

    def shared(self, bits: Any) -> Any:
        """An equal bitmap, the space's own one for nothing and everything: many targets then share it."""
        if not bits:
            return self.empty
        return self.existing if bits == self.existing else bits


class Link:
    """Carries bitmaps along a path; downwards unless `upwards`."""

    __slots__ = ("is_direct", "of", "path", "to", "upwards")

    def __init__(self, path: Path, of: Space, to: Space, *, upwards: bool = False) -> None:
        self.path = path
        self.of = of
        self.to = to
        self.upwards = upwards
        self.is_direct = of is to and all(isinstance(hop.mapping, Identity) for hop in path)

    def carry(self, bits: Any, view: PartitionView) -> Any:
        """A bitmap of one space as one of the other."""
        if self.is_direct:
            return bits & self.to.existing
        move = relations.up_along if self.upwards else relations.down_along
        return move(self.path, PartitionSet(self.of.spec, bits), view).bits

    def carry_answer(self, answer: Answer, view: PartitionView) -> Answer:
        """An answer about one space as one about the other."""
        true = self.carry(answer.true, view)
        if not answer.layers:
            return Answer(true, true)
        layers = tuple((stamp, self.carry(covered, view)) for stamp, covered in answer.layers)
        return Answer(true, self.carry(answer.weak, view), layers)
