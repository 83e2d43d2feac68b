"""What the simulated locations define for backfills and pools: partitioned assets, and a job whose step needs a slot."""

from __future__ import annotations

from tidewheel.logic.graph.specs import AssetNode, BackfillPolicySpec, DepSpec, JobNode, OpNode
from tidewheel.logic.partitions.definitions import StaticPartitions
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import RANGE_END, RANGE_START

KEYS = ("p0", "p1", "p2", "p3", "p4")
POOL = "db"
POOL_SLOTS = 2
_PARTS = StaticPartitions(keys=KEYS)

ASSETS = (
    AssetNode(key="raw", partitions=_PARTS),
    AssetNode(key="clean", partitions=_PARTS, deps=(DepSpec(asset="raw"),)),
    AssetNode(
        key="wide",
        partitions=_PARTS,
        deps=(DepSpec(asset="raw"),),
        backfill_policy=BackfillPolicySpec(max_partitions_per_run=None),
    ),
    AssetNode(key="total", deps=(DepSpec(asset="clean"),)),
)
POOLED = JobNode(name="pooled", ops=(OpNode(name="work", pool=POOL),))
ABOVE = {"clean": "raw", "wide": "raw"}
"""Of an asset, the one that has to be made before it, partition by partition."""


def partitions_of(run: RunRecord) -> tuple[str | None, ...]:
    """The partitions that a run makes; a single None for an unpartitioned asset."""
    if RANGE_START in run.tags:
        first, last = KEYS.index(run.tags[RANGE_START]), KEYS.index(run.tags[RANGE_END])
        return KEYS[first : last + 1]
    return (run.partition,)


def made_by(run: RunRecord) -> list[tuple[str, str | None]]:
    """What a run makes, in order."""
    names = [node.key for node in ASSETS if node.key in (run.assets or ())]
    return [(name, key) for name in names for key in partitions_of(run)]
