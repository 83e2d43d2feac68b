"""A process that writes to a ledger: ``python -m tests.contract.writer ADDRESS NAME COUNT``.

It prints a line after each tick that is committed. Each tick has two runs, one partition key and one event.
"""

from __future__ import annotations

import itertools
import sys

from tests.contract.stories import happened, sensor, tick_of
from tidewheel.storage.ledger import SqlLedger, open_ledger
from tidewheel.values.events import EventType
from tidewheel.values.records import IntakeBatch, NewRun, PartitionChange

RUNS_PER_TICK = 2


def write_tick(ledger: SqlLedger, name: str, number: int) -> None:
    """One tick; then the first of its runs is launched and reports."""
    trigger = sensor(ledger, f"{name}/watch")
    ids = [f"{name}-{number}-{place}" for place in range(RUNS_PER_TICK)]
    runs = tuple(
        NewRun(
            run_id=id_,
            job_name="job",
            location=name,
            run_key=id_,
            tags={"n": str(number)},
            planned_assets=("a",),
        )
        for id_ in ids
    )
    outcome = ledger.commit_tick(
        tick_of(
            trigger,
            runs=runs,
            cursor=str(number),
            cursor_changed=True,
            partition_changes=(PartitionChange(name=name, add=(str(number),)),),
            events=(happened(EventType.ASSET_MATERIALIZATION, asset=f"{name}-asset"),),
        )
    )
    assert not outcome.stale
    launched = ledger.launch_run(ids[0], now=5.0)
    assert launched is not None
    events = tuple(happened(EventType.LOG_MESSAGE, ids[0], message=str(n)) for n in range(5))
    [taken] = ledger.commit_intake(
        [IntakeBatch(run_id=ids[0], epoch=launched.epoch, seq=5, events=events)], now=6.0
    )
    assert not taken.refused


def main() -> None:
    address, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ledger = open_ledger(address)
    for number in itertools.islice(itertools.count(), count or None):
        write_tick(ledger, name, number)
        print(number, flush=True)
    ledger.close()


if __name__ == "__main__":
    main()
