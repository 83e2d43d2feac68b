from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.errors import CheckError
from tidewheel.runtime.views.event_views import EventLogEntry, view_entry, view_event, view_record
from tidewheel.runtime.views.run_event import RunEvent, node_handle_of
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.events import (
    CapturedLogs,
    CheckEvaluation,
    EngineNote,
    Event,
    EventType,
    Failure,
    LogLine,
    Materialization,
    Observation,
    OutputValue,
    StepDone,
    StepRetry,
    StoredEvent,
    TypeCheckOutcome,
)
from tidewheel.values.expectations import ExpectationResult
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import IntMetadataValue, TextMetadataValue
from tidewheel.values.severity import AssetCheckSeverity as CheckSeverity

# what Dagster 1.13.27 answers for an event of each type; predicates that are not listed are False
TRUE_PREDICATES: dict[str, set[str]] = {
    "STEP_OUTPUT": {"is_step_event", "is_successful_output"},
    "STEP_INPUT": {"is_step_event"},
    "STEP_FAILURE": {"is_failure", "is_step_event", "is_step_failure"},
    "STEP_START": {"is_step_event", "is_step_start"},
    "STEP_SUCCESS": {"is_step_event", "is_step_success"},
    "STEP_SKIPPED": {"is_step_event", "is_step_skipped"},
    "STEP_WORKER_STARTING": set(),
    "STEP_WORKER_STARTED": set(),
    "STEP_UP_FOR_RETRY": {"is_step_event", "is_step_up_for_retry"},
    "STEP_RESTARTED": {"is_step_event", "is_step_restarted"},
    "RESOURCE_INIT_STARTED": set(),
    "RESOURCE_INIT_SUCCESS": set(),
    "RESOURCE_INIT_FAILURE": {"is_resource_init_failure"},
    "ASSET_MATERIALIZATION": {"is_step_event", "is_step_materialization"},
    "ASSET_MATERIALIZATION_PLANNED": {"is_asset_materialization_planned"},
    "ASSET_FAILED_TO_MATERIALIZE": {"is_asset_failed_to_materialize"},
    "ASSET_OBSERVATION": {"is_asset_observation", "is_step_event"},
    "ASSET_CHECK_EVALUATION_PLANNED": set(),
    "ASSET_CHECK_EVALUATION": {"is_step_event"},
    "STEP_EXPECTATION_RESULT": {"is_expectation_result", "is_step_event"},
    "RUN_ENQUEUED": {"is_job_event"},
    "RUN_DEQUEUED": {"is_job_event"},
    "RUN_STARTING": {"is_job_event"},
    "RUN_START": {"is_job_event"},
    "RUN_SUCCESS": {"is_job_event", "is_job_success"},
    "RUN_FAILURE": {"is_failure", "is_job_event", "is_job_failure", "is_run_failure"},
    "RUN_CANCELING": {"is_job_event"},
    "RUN_CANCELED": {"is_failure", "is_job_event"},
    "OBJECT_STORE_OPERATION": {"is_step_event"},
    "HANDLED_OUTPUT": {"is_handled_output", "is_step_event"},
    "LOADED_INPUT": {"is_loaded_input", "is_step_event"},
    "ENGINE_EVENT": {"is_engine_event"},
    "HOOK_COMPLETED": {"is_hook_event"},
    "HOOK_ERRORED": {"is_hook_event"},
    "HOOK_SKIPPED": {"is_hook_event"},
    "LOGS_CAPTURED": set(),
}
PREDICATES = sorted(set().union(*TRUE_PREDICATES.values()))
BOO = ErrorInfo(cls_name="ValueError", message="boo", stack=("  line 1\n",))


def event(kind: EventType, **more: object) -> Event:
    return Event(**{"type": kind, "timestamp": 5.0, "run_id": "r", "job_name": "j"} | more)


def test_every_kind_is_in_the_table() -> None:
    assert set(TRUE_PREDICATES) == {kind.name for kind in EventType} - {"LOG_MESSAGE"}


@pytest.mark.parametrize("name", sorted(TRUE_PREDICATES))
def test_predicates(name: str) -> None:
    view = view_event(event(EventType[name], step_key="s", asset="a", check="c"))
    assert {p for p in PREDICATES if getattr(view, p)} == TRUE_PREDICATES[name]
    assert view.event_type is EventType[name]
    assert view.event_type_value == EventType[name].value
    assert view.dagster_event is view


DATA = {
    "step_materialization_data": {"ASSET_MATERIALIZATION"},
    "asset_observation_data": {"ASSET_OBSERVATION"},
    "asset_materialization_planned_data": {"ASSET_MATERIALIZATION_PLANNED"},
    "asset_failed_to_materialize_data": {"ASSET_FAILED_TO_MATERIALIZE"},
    "asset_check_evaluation_data": {"ASSET_CHECK_EVALUATION"},
    "asset_check_planned_data": {"ASSET_CHECK_EVALUATION_PLANNED"},
    "step_failure_data": {"STEP_FAILURE"},
    "step_retry_data": {"STEP_UP_FOR_RETRY"},
    "step_success_data": {"STEP_SUCCESS"},
    "step_output_data": {"STEP_OUTPUT"},
    "step_input_data": {"STEP_INPUT"},
    "job_failure_data": {"RUN_FAILURE"},
    "pipeline_failure_data": {"RUN_FAILURE"},
    "job_canceled_data": {"RUN_CANCELED"},
    "hook_errored_data": {"HOOK_ERRORED"},
    "logs_captured_data": {"LOGS_CAPTURED"},
    "engine_event_data": {
        "ENGINE_EVENT",
        "RESOURCE_INIT_STARTED",
        "RESOURCE_INIT_SUCCESS",
        "RESOURCE_INIT_FAILURE",
        "STEP_WORKER_STARTING",
        "STEP_WORKER_STARTED",
        "RUN_FAILURE",
        "RUN_CANCELED",
    },
}


@pytest.mark.parametrize("accessor", sorted(DATA))
def test_data_is_there_for_its_kinds_and_refused_for_others(accessor: str) -> None:
    for name in TRUE_PREDICATES:
        view = view_event(event(EventType[name], step_key="s", asset="a", check="c"))
        if name in DATA[accessor]:
            assert getattr(view, accessor) is not None
        else:
            with pytest.raises(CheckError, match=accessor):
                getattr(view, accessor)


def test_materialization() -> None:
    told = Materialization(
        metadata={"records": IntMetadataValue(7)}, tags={"dagster/data_version": "v"}, description="d"
    )
    view = view_event(
        event(
            EventType.ASSET_MATERIALIZATION, asset="a\\/x/b", partition="p", step_key="g.o[1]", payload=told
        )
    )
    made = view.step_materialization_data.materialization
    assert view.materialization == made
    assert (view.asset_key, view.partition) == (AssetKey(["a/x", "b"]), "p")
    assert (made.asset_key, made.partition, made.description) == (AssetKey(["a/x", "b"]), "p", "d")
    assert made.metadata["records"].value == 7
    assert made.label == "a/x b"
    assert made.data_version == "v"
    assert (view.node_name, str(view.node_handle), view.step_kind_value) == ("o", "g.o", "COMPUTE")
    assert view.step_handle is not None and view.step_handle.key == "g.o[1]"


def test_metadata_entries_have_the_older_spellings() -> None:
    told = Materialization(metadata={"records": IntMetadataValue(7), "name": TextMetadataValue("x")})
    made = view_event(event(EventType.ASSET_MATERIALIZATION, asset="a", payload=told)).materialization
    first, second = made.metadata_entries
    assert (first.label, first.entry_data.int_value, first.entry_data.value, first.value) == (
        "records",
        7,
        7,
        IntMetadataValue(7),
    )
    assert (second.entry_data.text, second.entry_data.text_value) == ("x", "x")
    assert first.entry_data == IntMetadataValue(7)
    with pytest.raises(AttributeError):
        first.entry_data.nothing  # noqa: B018


def test_with_metadata_replaces() -> None:
    made = view_event(
        event(
            EventType.ASSET_MATERIALIZATION,
            asset="a",
            payload=Materialization(metadata={"x": IntMetadataValue(1)}),
        )
    )
    assert made.materialization.with_metadata({"y": 2}).metadata == {"y": IntMetadataValue(2)}


def test_observation() -> None:
    told = Observation(tags={"dagster/data_version": "3"})
    entry = view_entry(event(EventType.ASSET_OBSERVATION, asset="a", payload=told))
    assert entry.asset_observation is not None
    assert entry.asset_observation.data_version == "3"
    assert entry.tags == {"dagster/data_version": "3"}
    assert entry.asset_materialization is None
    assert entry.get_dagster_event().asset_key == AssetKey("a")


def test_check_evaluation() -> None:
    told = CheckEvaluation(
        passed=False,
        severity="WARN",
        blocking=True,
        metadata={"k": IntMetadataValue(1)},
        target_event_id=8,
        target_run_id="q",
    )
    view = view_event(
        event(EventType.ASSET_CHECK_EVALUATION, asset="a", check="c", partition="p", payload=told)
    )
    data = view.asset_check_evaluation_data
    assert data.asset_check_key == AssetCheckKey(AssetKey("a"), "c")
    assert (data.passed, data.severity, data.blocking, data.partition) == (
        False,
        CheckSeverity.WARN,
        True,
        "p",
    )
    assert data.target_materialization_data is not None
    assert (data.target_materialization_data.storage_id, data.target_materialization_data.run_id) == (8, "q")
    # as in Dagster, only materialisations, observations and planned ones have a key on the event itself
    assert (view.asset_key, view.partition) == (None, None)


def test_planned_and_failed_have_key_and_partition() -> None:
    for kind in (EventType.ASSET_MATERIALIZATION_PLANNED, EventType.ASSET_FAILED_TO_MATERIALIZE):
        view = view_event(event(kind, asset="a", partition="p"))
        assert (view.asset_key, view.partition) == (AssetKey("a"), "p")


def test_step_failure() -> None:
    view = view_event(event(EventType.STEP_FAILURE, step_key="s", payload=Failure(error=BOO)))
    error = view.step_failure_data.error
    assert error is not None
    assert (error.cls_name, error.message) == ("ValueError", "ValueError: boo\n")
    assert "line 1" in view.step_failure_data.error_display_string
    assert view.step_failure_data.user_failure_data is None


def test_step_failure_on_purpose_keeps_what_the_user_said() -> None:
    failure = Failure(error=BOO, reason="why", metadata={"n": IntMetadataValue(1)})
    said = view_event(
        event(EventType.STEP_FAILURE, step_key="s", payload=failure)
    ).step_failure_data.user_failure_data
    assert said is not None
    assert (said.description, said.metadata["n"].value) == ("why", 1)


def test_run_failure_as_the_documentation_uses_it() -> None:
    failure = Failure(error=BOO, reason="STEP_FAILURE", first_step="bad")
    failed = view_event(event(EventType.RUN_FAILURE, message="it failed", payload=failure))
    assert datetime.fromtimestamp(failed.timestamp) == datetime.fromtimestamp(5.0)
    error_info = failed.dagster_event.engine_event_data
    assert error_info.error is not None
    assert error_info.error.message == "ValueError: boo\n"
    data = failed.job_failure_data
    assert (data.failure_reason, data.error) == ("STEP_FAILURE", error_info.error)
    first = data.first_step_failure_event
    assert (first.step_key, first.node_name, first.is_step_failure) == ("bad", "bad", True)
    assert first.step_failure_data.error.cls_name == "ValueError"


def test_run_failure_without_step_has_no_first_step() -> None:
    assert (
        view_event(
            event(EventType.RUN_FAILURE, payload=Failure(error=BOO))
        ).job_failure_data.first_step_failure_event
        is None
    )


def test_outputs_and_inputs() -> None:
    out = OutputValue(name="x", mapping_key="k", metadata={"n": IntMetadataValue(1)}, type_name="int")
    data = view_event(event(EventType.STEP_OUTPUT, step_key="s", payload=out)).step_output_data
    assert (data.step_output_handle.step_key, data.output_name, data.mapping_key) == ("s", "x", "k")
    loaded = OutputValue(name="x", manager_key="m", upstream_step="u", upstream_output="result")
    got = view_event(event(EventType.LOADED_INPUT, step_key="s", payload=loaded)).event_specific_data
    assert (got.input_name, got.manager_key, got.upstream_step_key, got.upstream_output_name) == (
        "x",
        "m",
        "u",
        "result",
    )
    stored = view_event(event(EventType.HANDLED_OUTPUT, step_key="s", payload=out)).event_specific_data
    assert (stored.output_name, stored.manager_key, stored.metadata["n"].value) == ("x", "io_manager", 1)


def test_retry_success_logs_and_engine() -> None:
    retry = view_event(
        event(EventType.STEP_UP_FOR_RETRY, step_key="s", payload=StepRetry(error=BOO, wait_s=2.5))
    )
    assert retry.step_retry_data.seconds_to_wait == 2.5
    assert (
        view_event(
            event(EventType.STEP_SUCCESS, step_key="s", payload=StepDone(duration_ms=12.0))
        ).step_success_data.duration_ms
        == 12
    )
    logs = view_event(event(EventType.LOGS_CAPTURED, payload=CapturedLogs(steps=("s",), stdout_path="o")))
    assert (logs.logs_captured_data.step_keys, logs.logs_captured_data.external_stdout_url) == (["s"], "o")
    note = view_event(
        event(
            EventType.ENGINE_EVENT, payload=EngineNote(worker_pid=7, metadata={"pid": TextMetadataValue("7")})
        )
    )
    assert (note.pid, note.engine_event_data.metadata["pid"].value) == (7, "7")


def test_an_event_without_a_step_has_no_node() -> None:
    with pytest.raises(CheckError, match="no node"):
        view_event(event(EventType.RUN_START)).node_name  # noqa: B018


@pytest.mark.parametrize(
    ("step_key", "path"), [("o", ["o"]), ("g.o", ["g", "o"]), ("g.h.o[a]", ["g", "h", "o"]), ("o[x]", ["o"])]
)
def test_node_handle(step_key: str, path: list[str]) -> None:
    assert node_handle_of(step_key).path == path


@pytest.mark.parametrize(
    ("kind", "run_id", "level"),
    [
        (EventType.RUN_START, "r", 10),
        (EventType.STEP_FAILURE, "r", 40),
        (EventType.RUN_FAILURE, "r", 40),
        (EventType.HOOK_ERRORED, "r", 40),
        (EventType.ASSET_MATERIALIZATION, "r", 10),
        (EventType.ASSET_MATERIALIZATION, "", 20),
    ],
)
def test_level_of_entries(kind: EventType, run_id: str, level: int) -> None:
    assert view_entry(event(kind, run_id=run_id, asset="a")).level == level


def test_log_line() -> None:
    entry = view_entry(
        event(EventType.LOG_MESSAGE, message="hi", step_key="s", payload=LogLine(level=30, error=BOO))
    )
    assert (entry.level, entry.user_message, entry.message, entry.is_dagster_event) == (30, "hi", "hi", False)
    assert entry.error_info is not None and entry.error_info.cls_name == "ValueError"
    assert (entry.dagster_event_type, entry.tags, entry.asset_materialization) == (None, None, None)
    with pytest.raises(CheckError, match="logged message"):
        entry.get_dagster_event()


def test_entry_without_message_says_what_it_is() -> None:
    assert view_entry(event(EventType.RUN_START)).message == "RUN_START j"


def test_an_entry_as_json() -> None:
    payload = Materialization(metadata={"rows": IntMetadataValue(3)})
    event = Event(
        type=EventType.ASSET_MATERIALIZATION,
        timestamp=1.0,
        run_id="r",
        job_name="j",
        asset="a/b",
        payload=payload,
    )
    written = json.loads(view_entry(event).to_json())
    made = written["dagster_event"]["event_specific_data"]["materialization"]
    assert (written["run_id"], written["dagster_event"]["event_type_value"]) == ("r", "ASSET_MATERIALIZATION")
    assert made["asset_key"]["path"] == ["a", "b"]
    assert made["metadata"]["rows"]["value"] == 3


def test_an_expectation_is_what_the_op_said() -> None:
    payload = CheckEvaluation(passed=False, description="not one")
    event = Event(
        type=EventType.STEP_EXPECTATION_RESULT,
        timestamp=1.0,
        run_id="r",
        job_name="j",
        check="some",
        payload=payload,
    )
    found = view_event(event).event_specific_data.expectation_result
    assert found == ExpectationResult(False, "some", "not one")
    assert ExpectationResult(True).label == "result"


def test_record() -> None:
    record = view_record(
        StoredEvent(id=9, event=event(EventType.ASSET_MATERIALIZATION, asset="a", partition="p"))
    )
    assert (record.storage_id, record.event_log_entry.storage_id) == (9, 9)
    assert (record.run_id, record.timestamp, record.event_type) == ("r", 5.0, EventType.ASSET_MATERIALIZATION)
    assert (record.asset_key, record.partition_key) == (AssetKey("a"), "p")
    assert record.asset_event == record.asset_materialization == record.event_log_entry.asset_materialization
    assert record.asset_observation is None


def test_users_can_make_events_and_entries_by_hand() -> None:
    made = RunEvent("PIPELINE_FAILURE", "j", message="m")
    entry = EventLogEntry(None, 20, "", "r", 1.0, None, "j", made)
    assert entry.get_dagster_event().is_run_failure
    assert entry.message == "m"


def test_views_cannot_be_changed() -> None:
    view = view_event(event(EventType.RUN_START))
    with pytest.raises(AttributeError):
        view.message = "x"  # type: ignore[misc]


def test_an_output_says_what_the_check_of_its_type_said() -> None:
    note = TypeCheckOutcome(success=False, description="too small", metadata={"n": IntMetadataValue(1)})
    seen = [
        view_event(
            Event(
                type=kind,
                timestamp=0.0,
                run_id="r",
                job_name="j",
                step_key="a",
                payload=OutputValue(name="x", type_check=said),
            )
        )
        for kind in (EventType.STEP_OUTPUT, EventType.STEP_INPUT)
        for said in (None, note)
    ]
    checks = [event.event_specific_data.type_check_data for event in seen]
    assert [(check.success, check.label, check.description) for check in checks] == [
        (True, "x", None),
        (False, "x", "too small"),
    ] * 2
    assert checks[1].metadata == {"n": IntMetadataValue(1)}
    assert seen[0].step_handle is not None and seen[0].step_handle.to_key() == "a"


def test_an_event_tells_its_materialisation_or_observation_as_a_log_entry_does() -> None:
    @tw.asset
    def table() -> Iterator[Any]:
        yield tw.AssetObservation("table", metadata={"rows": 1})
        yield tw.Output(1)

    events = tw.materialize([table]).all_events
    told = [(event.asset_materialization, event.asset_observation) for event in events]
    assert [made.asset_key for made, _ in told if made is not None] == [tw.AssetKey("table")]
    assert [seen.metadata["rows"].value for _, seen in told if seen is not None] == [1]
