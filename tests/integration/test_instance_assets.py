from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tidewheel.errors import CheckError, InvariantViolationError, NotSupportedError, ParameterCheckError
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.views.asset_event_views import CheckEvaluationView
from tidewheel.runtime.views.asset_record_views import AssetPartitionStatus, CheckStatus
from tidewheel.runtime.views.record_filters import (
    AssetRecordsFilter,
    EventRecordsFilter,
    RunStatusChangeRecordsFilter,
)
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import IntMetadataValue
from tidewheel.values.records import IntakeBatch, NewRun
from tidewheel.values.status import RunStatus

A = AssetKey("a")
MADE = EventType.ASSET_MATERIALIZATION


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as made:
        yield made


def make(instance: Instance, key: Any = A, **more: Any) -> int:
    instance.report_runless_asset_event(AssetMaterialization(AssetKey.from_coercible(key), **more))
    return instance.ledger.last_event_id()


def observe(instance: Instance, key: AssetKey = A, **more: Any) -> int:
    instance.report_runless_asset_event(AssetObservation(key, **more))
    return instance.ledger.last_event_id()


def test_latest_materialization(instance: Instance) -> None:
    assert instance.get_latest_materialization_event(A) is None
    make(instance, metadata={"n": IntMetadataValue(1)})
    newest = make(instance, metadata={"n": IntMetadataValue(2)}, tags={"dagster/code_version": "v2"})
    entry = instance.get_latest_materialization_event(A)
    assert entry is not None and entry.asset_materialization is not None
    assert entry.asset_materialization.metadata["n"].value == 2
    assert (entry.storage_id, entry.run_id, entry.level) == (newest, "", 20)
    other = AssetKey("q")
    assert set(instance.get_latest_materialization_events([A, other])) == {A}
    assert instance.get_latest_materialization_code_versions([A, other]) == {A: "v2", other: None}


def test_wrong_keys_are_told(instance: Instance) -> None:
    for call in (instance.get_latest_materialization_event, instance.has_asset_key):
        with pytest.raises(ParameterCheckError, match=r"AssetKey\('a'\)"):
            call("a")  # type: ignore[operator]
    with pytest.raises(ParameterCheckError):
        instance.fetch_materializations("a", limit=1)  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="EventRecordsFilter"):
        instance.get_event_records(MADE)  # type: ignore[arg-type]
    with pytest.raises(InvariantViolationError):
        instance.report_runless_asset_event(1)


def test_event_records(instance: Instance) -> None:
    ids = [make(instance, partition=p) for p in ("x", "y")] + [make(instance, ["p", "b"])]
    observe(instance)

    def found(limit: int | None = None, ascending: bool = False, **given: Any) -> list[int]:
        wanted = EventRecordsFilter(MADE, **given)
        return [r.storage_id for r in instance.get_event_records(wanted, limit=limit, ascending=ascending)]

    assert found() == ids[::-1]
    assert found(ascending=True) == ids
    assert found(limit=1) == ids[-1:]
    assert found(asset_key=A) == [ids[1], ids[0]]
    assert found(asset_partitions=["x"], asset_key=A) == [ids[0]]
    assert found(after_cursor=ids[0]) == [ids[2], ids[1]]
    assert found(before_cursor=ids[1]) == [ids[0]]
    assert found(storage_ids=[ids[0], ids[2]]) == [ids[2], ids[0]]
    with pytest.raises(NotSupportedError):
        instance.get_event_records(EventRecordsFilter(EventType.STEP_SUCCESS))


@pytest.mark.parametrize("ascending", [True, False])
def test_pages_of_materializations(instance: Instance, ascending: bool) -> None:
    ids = [make(instance) for _ in range(5)]
    make(instance, "other")
    seen, cursor, more, pages = [], None, True, 0
    while more:
        page = instance.fetch_materializations(A, limit=2, cursor=cursor, ascending=ascending)
        seen += [record.storage_id for record in page.records]
        cursor, more, pages = page.cursor, page.has_more, pages + 1
    assert seen == (ids if ascending else ids[::-1])
    assert pages == 3
    after = instance.fetch_materializations(
        AssetRecordsFilter(A, after_storage_id=ids[2]), limit=9, ascending=ascending
    )
    assert sorted(r.storage_id for r in after.records) == ids[3:]


def test_an_empty_page_keeps_its_place(instance: Instance) -> None:
    page = instance.fetch_materializations(A, limit=2)
    assert (page.records, page.has_more) == ([], False)
    made = make(instance)
    again = instance.fetch_materializations(A, limit=2, cursor=page.cursor, ascending=True)
    assert [r.storage_id for r in again.records] == [made]
    end = instance.fetch_materializations(A, limit=2, cursor=again.cursor, ascending=True)
    assert (end.records, end.cursor) == ([], again.cursor)


def test_observations(instance: Instance) -> None:
    make(instance)
    seen = observe(instance, tags={"dagster/data_version": "7"})
    [record] = instance.fetch_observations(A, limit=5).records
    assert record.storage_id == seen
    assert record.asset_observation is not None and record.asset_observation.data_version == "7"
    assert len(instance.get_asset_events(A)) == 2


def test_latest_data_version_record(instance: Instance) -> None:
    made, seen = make(instance), observe(instance)
    latest = {s: instance.get_latest_data_version_record(A, is_source=s) for s in (None, True, False)}
    assert {s: r.storage_id for s, r in latest.items() if r} == {None: made, True: seen, False: made}
    assert instance.get_latest_data_version_record(AssetKey("q")) is None
    later = make(instance, partition="x")
    by_partition = instance.get_latest_data_version_record(A, partition_key="x")
    assert by_partition is not None and by_partition.storage_id == later
    assert instance.get_latest_data_version_record(A, before_cursor=made) is None


def test_asset_keys(instance: Instance) -> None:
    for key in (["p", "b"], ["p", "a"], "z", "pp"):
        make(instance, key)
    observe(instance, AssetKey("seen"))
    texts = [key.to_user_string() for key in instance.get_asset_keys()]
    assert texts == ["p/a", "p/b", "pp", "seen", "z"]
    assert [k.to_user_string() for k in instance.get_asset_keys(prefix=["p"])] == ["p/a", "p/b"]
    assert [k.to_user_string() for k in instance.get_asset_keys(limit=2, cursor='["p", "a"]')] == [
        "p/b",
        "pp",
    ]
    assert instance.has_asset_key(AssetKey("z"))
    assert not instance.has_asset_key(A)


def test_asset_records(instance: Instance) -> None:
    make(instance, "b")
    made, seen = make(instance), observe(instance)
    [record] = instance.get_asset_records([A, AssetKey("q")])
    entry = record.asset_entry
    assert entry.asset_key == A
    assert (entry.last_materialization_storage_id, entry.last_observation_storage_id) == (made, seen)
    assert entry.last_materialization == instance.get_latest_materialization_event(A)
    assert entry.last_event_storage_id == record.storage_id == seen
    assert [r.asset_entry.asset_key for r in instance.get_asset_records()] == [A, AssetKey("b")]


def test_wiping(instance: Instance) -> None:
    make(instance, "b")
    for partition in ("x", "y"):
        make(instance, partition=partition)
    instance.wipe_asset_partitions(A, ["x"])
    assert instance.get_materialized_partitions(A) == {"y"}
    before = instance.ledger.last_event_id()
    instance.wipe_assets([A, AssetKey("unknown")])
    assert instance.get_latest_materialization_event(A) is None
    assert not instance.has_asset_key(A)
    assert instance.get_materialized_partitions(A) == set()
    assert instance.has_asset_key(AssetKey("b"))
    assert make(instance) > before


def test_partitions(instance: Instance) -> None:
    ids = [make(instance, partition=p) for p in ("x", "y", "x")]
    make(instance)
    assert instance.get_materialized_partitions(A) == {"x", "y"}
    assert instance.get_materialized_partitions(A, before_cursor=ids[1]) == {"x"}
    assert instance.get_materialized_partitions(A, after_cursor=ids[1]) == {"x"}
    assert instance.get_latest_storage_id_by_partition(A, MADE) == {"x": ids[2], "y": ids[1]}
    assert instance.get_latest_storage_id_by_partition(A, MADE, ["y", "q"]) == {"y": ids[1]}
    assert instance.get_latest_storage_id_by_partition(A, MADE, after_cursor=ids[1]) == {"x": ids[2]}
    seen = observe(instance, partition="x")
    assert instance.get_latest_storage_id_by_partition(A, EventType.ASSET_OBSERVATION) == {"x": seen}
    assert instance.get_materialization_count_by_partition([A, AssetKey("q")]) == {
        A: {"x": 2, "y": 1},
        AssetKey("q"): {},
    }


def planned_run(instance: Instance, run_id: str, partition: str) -> None:
    run = NewRun(run_id=run_id, job_name="j", location="l", partition=partition, planned_assets=("a",))
    instance.ledger.create_runs([run], now=1.0)


def test_status_by_partition(instance: Instance) -> None:
    for n, partition in enumerate(["made", "failing", "waiting", "failed_again", "made_later"]):
        planned_run(instance, f"r{n}", partition)
    record = instance.ledger.launch_run("r0", now=2.0)
    assert record is not None
    events = (
        Event(type=EventType.RUN_START, timestamp=3.0, run_id="r0"),
        Event(type=MADE, timestamp=4.0, run_id="r0", asset="a", partition="made", payload=Materialization()),
        Event(type=EventType.RUN_SUCCESS, timestamp=5.0, run_id="r0"),
    )
    instance.ledger.commit_intake(
        [IntakeBatch(run_id="r0", epoch=record.epoch, seq=3, events=events)], now=5.0
    )
    for run_id in ("r1", "r4"):
        instance.ledger.finish_run(run_id, RunStatus.FAILURE, now=6.0, message="no")
    make(instance, partition="failed_again")
    make(instance, partition="made_later")
    planned_run(instance, "r5", "failed_again")
    instance.ledger.finish_run("r5", RunStatus.FAILURE, now=7.0, message="no")
    keys = ["made", "failing", "waiting", "failed_again", "made_later", "never"]
    assert instance.get_status_by_partition(A, keys, None) == {
        "made": AssetPartitionStatus.MATERIALIZED,
        "failing": AssetPartitionStatus.FAILED,
        "waiting": AssetPartitionStatus.IN_PROGRESS,
        "failed_again": AssetPartitionStatus.FAILED,
        "made_later": AssetPartitionStatus.MATERIALIZED,
        "never": None,
    }
    assert instance.get_status_by_partition(A, [], None) == {}


def test_run_status_changes(instance: Instance) -> None:
    for n, job in enumerate(["j", "k", "j"]):
        instance.ledger.create_runs([NewRun(run_id=f"r{n}", job_name=job, location="l")], now=1.0)
        instance.ledger.finish_run(f"r{n}", RunStatus.FAILURE, now=2.0, message="no")
    page = instance.fetch_run_status_changes(EventType.RUN_FAILURE, limit=2)
    assert [r.run_id for r in page.records] == ["r2", "r1"]
    assert page.has_more
    of_job = RunStatusChangeRecordsFilter(EventType.RUN_FAILURE, job_names=["j"])
    assert [r.run_id for r in instance.fetch_run_status_changes(of_job, limit=9).records] == ["r2", "r0"]
    assert instance.fetch_run_status_changes(EventType.RUN_SUCCESS, limit=1).records == []
    with pytest.raises(CheckError):
        instance.fetch_run_status_changes(MADE, limit=1)  # type: ignore[arg-type]


def test_checks(instance: Instance) -> None:
    check = AssetCheckKey(A, "c")
    assert instance.get_latest_asset_check_evaluation_record(check) is None
    for passed in (True, False):
        instance.report_runless_asset_event(CheckEvaluationView(A, "c", passed))
    instance.report_runless_asset_event(CheckEvaluationView(A, "other", True))
    record = instance.get_latest_asset_check_evaluation_record(check)
    assert record is not None and record.evaluation is not None
    assert (record.key, record.status, record.evaluation.passed) == (check, CheckStatus.FAILED, False)
    history = instance.event_log_storage.get_asset_check_execution_history(check, limit=5)
    assert [r.status for r in history] == [CheckStatus.FAILED, CheckStatus.SUCCEEDED]
    older = instance.get_asset_check_execution_history(check, limit=5, cursor=history[0].id)
    assert [r.status for r in older] == [CheckStatus.SUCCEEDED]
