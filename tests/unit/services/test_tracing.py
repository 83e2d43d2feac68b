"""Spans of a run and its tick, made from what the ledger knows."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tidewheel.runtime.otel import OtelExporter, is_wanted
from tidewheel.services.watching.tracing import build_spans
from tidewheel.values.events import Event, EventType, StoredEvent
from tidewheel.values.records import RunRecord, TickRecord
from tidewheel.values.status import RunStatus, TickStatus

RUN = RunRecord(
    run_id="r1",
    job_name="nightly",
    location="shop",
    status=RunStatus.FAILURE,
    created_at=10.0,
    updated_at=30.0,
    queued_at=10.0,
    started_at=12.0,
    ended_at=30.0,
    tick_id=7,
    failure_reason="STEP_FAILURE",
)
TICK = TickRecord(
    tick_id=7, trigger_id="shop/at_night", status=TickStatus.SUCCESS, started_at=9.0, ended_at=10.0
)


def log(*happened: tuple[EventType, str, float]) -> list[StoredEvent]:
    return [
        StoredEvent(id=number, event=Event(type=kind, timestamp=at, run_id="r1", step_key=step))
        for number, (kind, step, at) in enumerate(happened)
    ]


STORY = log(
    (EventType.STEP_START, "a", 12.0),
    (EventType.STEP_UP_FOR_RETRY, "a", 13.0),
    (EventType.STEP_RESTARTED, "a", 14.0),
    (EventType.STEP_SUCCESS, "a", 15.0),
    (EventType.STEP_START, "b", 16.0),
)


def test_attempts_are_spans_and_what_never_ended_ends_with_the_run():
    spans = build_spans(RUN, TICK, STORY)
    assert [(s.name, s.started_at, s.ended_at, s.succeeded) for s in spans] == [
        ("tick shop/at_night", 9.0, 10.0, True),
        ("run nightly", 10.0, 30.0, False),
        ("step a", 12.0, 13.0, False),
        ("step a", 14.0, 15.0, True),
        ("step b", 16.0, 30.0, False),
    ]
    tick, run, *steps = spans
    assert {span.trace_id for span in spans} == {tick.trace_id}
    assert tick.parent_id is None and run.parent_id == tick.span_id
    assert {step.parent_id for step in steps} == {run.span_id}
    assert len({span.span_id for span in spans}) == len(spans)
    assert run.attributes["tidewheel.waited_s"] == "2.000"


def test_a_run_without_a_tick_is_a_trace_of_its_own_and_always_the_same():
    spans = build_spans(RUN, None, STORY)
    assert spans[0].name == "run nightly" and spans[0].parent_id is None
    assert spans == build_spans(RUN, None, STORY)
    assert spans[0].trace_id != build_spans(RUN, TICK, STORY)[0].trace_id


def test_spans_arrive_in_the_sdk_as_they_were_made():
    memory = InMemorySpanExporter()
    exporter = OtelExporter(exporter=memory)
    spans = build_spans(RUN, TICK, STORY)
    exporter.export(spans)
    exporter.close()
    sent = memory.get_finished_spans()
    assert [span.name for span in sent] == [span.name for span in spans]
    assert [span.context.span_id for span in sent] == [span.span_id for span in spans]
    assert [span.parent.span_id if span.parent else None for span in sent] == [s.parent_id for s in spans]
    assert sent[1].start_time == 10_000_000_000 and sent[1].status.description == "STEP_FAILURE"
    assert sent[0].resource.attributes["service.name"] == "tidewheel"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_spans_are_sent_when_the_environment_says_where(environ, wanted):
    assert is_wanted(environ) is wanted
