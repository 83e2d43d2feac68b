from __future__ import annotations

from typing import Any

import pytest

from tidewheel.errors import CheckError, NotSupportedError, ParameterCheckError
from tidewheel.runtime.views.record_filters import (
    AssetRecordsFilter,
    EventRecordsFilter,
    RunStatusChangeRecordsFilter,
    cursor_id,
)
from tidewheel.values.events import FACT_EVENT_TYPES, RUN_EVENT_TYPES, EventType
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import EventFilter

MADE = EventType.ASSET_MATERIALIZATION


class ShardedCursor:
    id = 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (EventRecordsFilter(MADE), EventFilter(types=("ASSET_MATERIALIZATION",))),
        (
            EventRecordsFilter(event_type=MADE, asset_key=AssetKey(["a", "b/c"])),
            EventFilter(types=("ASSET_MATERIALIZATION",), assets=("a/b\\/c",)),
        ),
        (
            EventRecordsFilter(
                MADE, asset_partitions=["x"], after_cursor=3, before_cursor=9, storage_ids=[4]
            ),
            EventFilter(
                types=("ASSET_MATERIALIZATION",), partitions=("x",), after_id=3, before_id=9, ids=(4,)
            ),
        ),
        (
            EventRecordsFilter(MADE, after_cursor=ShardedCursor(), after_timestamp=1.0, before_timestamp=2.0),
            EventFilter(
                types=("ASSET_MATERIALIZATION",), after_id=7, after_timestamp=1.0, before_timestamp=2.0
            ),
        ),
        # as in Dagster, empty lists are as good as none
        (
            EventRecordsFilter(MADE, asset_partitions=[], storage_ids=[]),
            EventFilter(types=("ASSET_MATERIALIZATION",)),
        ),
        (EventRecordsFilter(EventType.RUN_FAILURE), EventFilter(types=("PIPELINE_FAILURE",))),
    ],
)
def test_event_filters(given: EventRecordsFilter, expected: EventFilter) -> None:
    assert given.to_event_filter() == expected


@pytest.mark.parametrize("kind", list(EventType))
def test_kinds_that_fall_to_retention_point_to_the_run_log(kind: EventType) -> None:
    if kind in FACT_EVENT_TYPES:
        assert EventRecordsFilter(kind).to_event_filter().types == (kind.value,)
    else:
        with pytest.raises(NotSupportedError, match="get_records_for_run"):
            EventRecordsFilter(kind).to_event_filter()


def test_wrong_arguments() -> None:
    with pytest.raises(ParameterCheckError, match="EventType"):
        EventRecordsFilter("ASSET_MATERIALIZATION")  # type: ignore[arg-type]
    with pytest.raises(ParameterCheckError, match=r"AssetKey\('a'\)"):
        EventRecordsFilter(MADE, asset_key="a")  # type: ignore[arg-type]
    with pytest.raises(ParameterCheckError, match="AssetKey"):
        AssetRecordsFilter("a")  # type: ignore[arg-type]
    with pytest.raises(NotSupportedError, match="tags"):
        EventRecordsFilter(MADE, tags={"a": "b"}).to_event_filter()


def test_asset_filter() -> None:
    given = AssetRecordsFilter(AssetKey("a"), ["x"], 1.0, 2.0, 3, 4, [5])
    assert given.to_event_filter(MADE) == EventFilter(
        types=("ASSET_MATERIALIZATION",),
        assets=("a",),
        partitions=("x",),
        after_timestamp=1.0,
        before_timestamp=2.0,
        after_id=3,
        before_id=4,
        ids=(5,),
    )


@pytest.mark.parametrize("kind", list(EventType))
def test_run_status_filter_takes_run_events_only(kind: EventType) -> None:
    if kind in RUN_EVENT_TYPES:
        given = RunStatusChangeRecordsFilter(kind, after_storage_id=1, job_names=["j"])
        assert given.to_event_filter() == EventFilter(types=(kind.value,), after_id=1, job_names=("j",))
    else:
        with pytest.raises(CheckError, match="RUN_SUCCESS"):
            RunStatusChangeRecordsFilter(kind)


@pytest.mark.parametrize(
    ("cursor", "expected"), [(None, None), (5, 5), ("5", 5), ("-1", -1), (ShardedCursor(), 7)]
)
def test_cursors(cursor: Any, expected: int | None) -> None:
    assert cursor_id(cursor) == expected


@pytest.mark.parametrize("cursor", ["x", "", 1.5, "5a"])
def test_wrong_cursors(cursor: Any) -> None:
    with pytest.raises(ParameterCheckError, match="cursor"):
        cursor_id(cursor)
