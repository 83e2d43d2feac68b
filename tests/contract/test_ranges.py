"""Runs for ranges of partitions: each partition of the range is in progress, made or failed like that of any run."""

from __future__ import annotations

import pytest

from tests.contract.stories import NOW
from tidewheel.logic.graph.specs import AssetNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import StaticPartitions
from tidewheel.runtime.dynamic_keys import DynamicKeysBook
from tidewheel.services.code.catalog import Catalog
from tidewheel.services.code.partition_resolver import PartitionResolver
from tidewheel.storage.bitmaps import load_ordinals
from tidewheel.storage.ledger import SqlLedger
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.ids import uuid_at
from tidewheel.values.records import IntakeBatch, NewRun
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import RANGE_END, RANGE_START

KEYS = ("a", "b", "c", "d")
RUN = uuid_at(NOW, bytes(10))


@pytest.fixture
def ranged(ledger: SqlLedger) -> SqlLedger:
    """A ledger that knows an asset with four partitions, and a run for the middle two."""
    node = AssetNode(key="letters", partitions=StaticPartitions(keys=KEYS))
    resolver = PartitionResolver(DynamicKeysBook())
    resolver.use_catalog(Catalog({"shop": LocationSnapshot(name="shop", assets=(node,))}))
    ledger.use_resolver(resolver)
    run = NewRun(
        run_id=RUN,
        job_name="__ASSET_JOB",
        location="shop",
        assets=("letters",),
        planned_assets=("letters",),
        tags={RANGE_START: "b", RANGE_END: "c"},
    )
    ledger.create_runs([run], now=NOW)
    return ledger


def states(ledger: SqlLedger) -> tuple[list[int], list[int], list[int]]:
    """Ordinals that are made, failed and in progress."""
    state = ledger.get_asset_partition_states(["letters"])["letters"]
    return tuple(list(load_ordinals(data)) for data in (state.materialized, state.failed, state.in_progress))  # type: ignore[return-value]


def make(ledger: SqlLedger, key: str, seq: int = 1) -> None:
    made = Event(
        type=EventType.ASSET_MATERIALIZATION,
        timestamp=NOW + seq,
        run_id=RUN,
        asset="letters",
        partition=key,
        payload=Materialization(),
    )
    ledger.commit_intake([IntakeBatch(run_id=RUN, epoch=0, seq=seq, events=(made,))], now=NOW + seq)


def test_a_range_is_in_progress(ranged: SqlLedger) -> None:
    assert states(ranged) == ([], [], [1, 2])


def test_what_a_range_has_made_is_not_in_progress_any_more(ranged: SqlLedger) -> None:
    make(ranged, "b")
    assert states(ranged) == ([1], [], [2])


def test_what_a_failed_range_has_not_made_has_failed(ranged: SqlLedger) -> None:
    make(ranged, "c")
    ranged.finish_run(RUN, RunStatus.FAILURE, now=NOW + 5, message="no luck")
    assert states(ranged) == ([2], [1], [])


def test_a_cancelled_range_leaves_nothing_behind(ranged: SqlLedger) -> None:
    ranged.finish_run(RUN, RunStatus.CANCELED, now=NOW + 5, message="stopped")
    assert states(ranged) == ([], [], [])


def test_a_deleted_range_leaves_nothing_behind(ranged: SqlLedger) -> None:
    ranged.delete_run(RUN)
    assert states(ranged) == ([], [], [])


def test_a_retry_of_a_range_is_in_progress(ranged: SqlLedger) -> None:
    retry = NewRun(
        run_id=uuid_at(NOW + 5, bytes(10)),
        job_name="__ASSET_JOB",
        location="shop",
        planned_assets=("letters",),
        tags={RANGE_START: "b", RANGE_END: "c"},
    )
    ranged.finish_run(RUN, RunStatus.FAILURE, now=NOW + 5, message="no luck", retry=retry)
    assert states(ranged) == ([], [1, 2], [1, 2])
