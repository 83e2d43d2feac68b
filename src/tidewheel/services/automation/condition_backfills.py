"""Which partitions active backfills still have to make, as conditions ask for it."""

from __future__ import annotations

from tidewheel.logic.conditions.subjects import ConditionGraph, Key
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.sets import PartitionSet
from tidewheel.logic.planning.backfill_parts import stored_set, wanted_now
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.backfills import BackfillRecord, PartProgress


def backfilled(ledger: LedgerPort, graph: ConditionGraph, view: PartitionView) -> dict[Key, PartitionSet]:
    """By asset, the partitions that live backfills want and have not finished."""
    found: dict[Key, PartitionSet] = {}
    for record in ledger.backfills.get_live():
        for key, left in _left_over(record, graph, view).items():
            found[key] = found[key] | left if key in found else left
    return found


def _left_over(record: BackfillRecord, graph: ConditionGraph, view: PartitionView) -> dict[Key, PartitionSet]:
    found: dict[Key, PartitionSet] = {}
    if not record.fields.is_of_assets:
        return found
    for part in record.fields.parts:
        key = Key("asset", part.name)
        if key not in graph.subjects:
            continue
        wanted = wanted_now(part, graph[key].partitions, view)
        if wanted is None:
            continue
        progress = record.progress.get(part.name, PartProgress())
        for ended in (progress.done, progress.failed, progress.cancelled, progress.left_out):
            if ended:
                gone = stored_set(ended, part)
                if gone.spec == wanted.spec:
                    wanted = wanted - gone
        if wanted:
            found[key] = wanted
    return found
