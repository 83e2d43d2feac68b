"""Which partitions lie in the latest time window."""

from __future__ import annotations

from pyroaring import FrozenBitMap

from tidewheel.logic.partitions import keys
from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.rows import rectangle
from tidewheel.logic.partitions.sets import PartitionSet, everything
from tidewheel.logic.partitions.windows import (
    Window,
    bound,
    last_complete_ordinal,
    ordinals_inside,
    window_of,
    without_excluded,
)


def latest_partitions(
    spec: PartitionsSpec | None, lookback_s: float | None, view: PartitionView
) -> PartitionSet:
    """The partitions of the last existing time window, or of all that lie whole in the lookback up to its end.

    Everything, if there are no time windows. Of multi partitions with one dimension of time windows: all with these.
    """
    if isinstance(spec, TimeWindowPartitions):
        return PartitionSet(spec, _latest_ordinals(spec, lookback_s, view.now))
    if isinstance(spec, MultiPartitions):
        times = [at for at, (_, one) in enumerate(spec.dimensions) if isinstance(one, TimeWindowPartitions)]
        if len(times) == 1:
            parts = [keys.single_ordinals(one, view) for _, one in spec.dimensions]
            dimension = spec.dimensions[times[0]][1]
            assert isinstance(dimension, TimeWindowPartitions)
            parts[times[0]] = _latest_ordinals(dimension, lookback_s, view.now)
            return PartitionSet(spec, rectangle(*parts))
    return everything(spec, view)


def _latest_ordinals(spec: TimeWindowPartitions, lookback_s: float | None, now: float) -> FrozenBitMap:
    last = last_complete_ordinal(spec, now)
    if last is None:
        return FrozenBitMap()
    if not lookback_s:
        return FrozenBitMap([last])
    end = window_of(spec, last).end_s
    inside = ordinals_inside(spec, Window(end - lookback_s, end))
    return without_excluded(spec, range(inside.start, min(inside.stop, bound(spec, now))))
