"""What user code may not return: each is told on the tick, alone where it is one of several requests."""

import datetime

import pytest

import tidewheel as tw
from tidewheel.definitions.triggers.trigger_results import sensor_outcome
from tidewheel.values.error_info import MAX_MESSAGE_CHARS
from tidewheel.values.evaluation import EvaluationRequest
from tidewheel.values.limits import MAX_CURSOR_BYTES, MAX_RUN_KEY_BYTES
from tidewheel.values.status import TriggerKind
from tidewheel.worker.evaluation.trigger_evaluation import evaluate_trigger

NAIVE = datetime.datetime(2024, 1, 1)
HUGE = "x" * 10_000_000


@tw.op
def nothing():
    pass


@tw.job
def one():
    nothing()


def evaluated(fn):
    """What a sensor with this function asks for."""
    watch = tw.sensor(job=one, name="watch")(fn)
    defs = tw.Definitions(jobs=[one], sensors=[watch])
    request = EvaluationRequest(kind=TriggerKind.SENSOR, name="watch", now=1_700_000_000.0, cursor="old")
    return evaluate_trigger(defs, request, instance=tw.Instance.ephemeral(), clock=lambda: 1_700_000_000.0)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (lambda: tw.RunRequest(run_key=HUGE), ["run_key", f"at most {MAX_RUN_KEY_BYTES} bytes", "10000000"]),
        (lambda: tw.RunRequest(tags={"a": HUGE}), ["the value of tag 'a'", "65536"]),
        (lambda: tw.RunRequest(tags={HUGE: "a"}), ["tag name", "1024"]),
        (lambda: tw.RunRequest(run_key="\ud800"), ["UTF-8", "run_key"]),
        (lambda: tw.RunRequest(run_config={"a": HUGE}), ["run_config of at most", "place of the data"]),
        (lambda: tw.RunRequest(run_config={"a": [NAIVE]}), ["datetimes with a time zone", "add tzinfo"]),
        (lambda: tw.RunRequest(job_name="nope"), ["'nope'", "['one']"]),
        (lambda: tw.RunRequest(partition_key="nope"), ["partition"]),
    ],
)
def test_one_bad_request_is_told_and_the_others_are_made(request_, words):
    def watch(context):
        context.update_cursor("new")
        yield tw.RunRequest(run_key="before")
        yield request_()
        yield tw.RunRequest(run_key="after")

    result = evaluated(watch)
    assert result.error is None
    assert [run.run_key for run in result.requests] == ["before", "after"]
    [problem] = result.request_errors
    assert problem.index == 1
    assert all(word in problem.message for word in words), problem.message
    assert len(problem.message) < 2_000 and len(problem.run_key or "") < 2_000
    assert (result.cursor, result.cursor_changed) == ("new", True), (
        "the cursor moves: the evaluation succeeded"
    )


def big_cursor(context):
    context.update_cursor("x" * (MAX_CURSOR_BYTES + 1))


def cursor_that_is_no_text(context):
    context.update_cursor(NAIVE)


def requests_and_skip(context):
    yield tw.RunRequest()
    yield tw.SkipReason("both")


def requests_and_skip_in_a_result(context):
    return tw.SensorResult(run_requests=[tw.RunRequest()], skip_reason="both")


def wrong_kind(context):
    return 5


def big_metadata(context):
    return tw.SensorResult(asset_events=[tw.AssetMaterialization("a", metadata={"m": HUGE})])


def naive_metadata(context):
    return tw.SensorResult(
        asset_events=[tw.AssetMaterialization("a", metadata={"m": tw.MetadataValue.timestamp(NAIVE)})]
    )


def too_many(context):
    return [tw.RunRequest(run_key=HUGE[:5000]) for _ in range(50_001)]


def interrupts(context):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (big_cursor, ["cursor of at most 1000000 bytes", "the old cursor stays"]),
        (cursor_that_is_no_text, ["cursor as text", "datetime"]),
        (requests_and_skip, ["RunRequests or one SkipReason"]),
        (requests_and_skip_in_a_result, ["run_requests or a skip_reason", "return one of both"]),
        (wrong_kind, ["5 (int)", "SensorResult"]),
        (big_metadata, ["metadata of at most 1000000 bytes", "'a'"]),
        (naive_metadata, ["time zone"]),
        (too_many, ["at most 50000 run requests", "got 50001"]),
        (interrupts, [""]),
    ],
)
def test_a_bad_result_fails_the_evaluation_and_keeps_the_cursor(fn, words):
    result = evaluated(fn)
    assert result.error is not None
    assert all(word in result.error.message for word in words), result.error.message
    assert (result.requests, result.cursor_changed) == ((), False)


def test_a_long_reason_is_cut():
    result = evaluated(_skips_at_length)
    assert result.skip_reason is not None and len(result.skip_reason) < 300


def _skips_at_length(context):
    return tw.SkipReason(HUGE)


def test_a_generator_that_never_ends_is_not_run_for_ever():
    def watch(context):
        while True:
            yield tw.RunRequest()

    result = evaluated(watch)
    assert result.error is not None and "a generator that goes on" in result.error.headline
    assert result.requests == ()


def test_many_requests_are_sorted_out_in_a_time_that_follows_their_number():
    compared = 0

    class Key(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    requests = [tw.RunRequest(run_key=Key(number)) for number in range(300)]
    outcome = sensor_outcome(requests, None, "sensor 'watch'")
    assert outcome.requests == requests
    assert compared <= len(requests)  # those of this very comparison


def test_an_exception_that_cannot_be_shown_is_an_error_as_any_other():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no")

    def watch(context):
        raise Mute

    result = evaluated(watch)
    assert result.error is not None
    assert result.error.headline == "Mute: (its message cannot be shown: asking for it raised RuntimeError)"


def test_texts_that_utf8_cannot_hold_are_shown_with_escapes():
    def watch(context):
        context.log.info("a name: \udc80")
        raise ValueError("of a file: \udc80")

    result = evaluated(watch)
    assert result.error is not None
    assert result.error.headline == "ValueError: of a file: \\udc80"
    assert result.log == ("INFO a name: \\udc80",)


def test_a_message_of_megabytes_is_cut():
    def watch(context):
        raise ValueError("e" * 10_000_000)

    result = evaluated(watch)
    assert result.error is not None
    assert "(10000000 characters in all)" in result.error.cause.message
    assert len(result.error.cause.message) < MAX_MESSAGE_CHARS + 100


@pytest.mark.parametrize("request_", [tw.RunRequest(run_key="a\0"), tw.RunRequest(tags={"a": "\0"})])
def test_characters_that_not_every_database_can_hold_are_refused(request_):
    result = evaluated(lambda context: request_)
    assert "NUL" in result.request_errors[0].message


def test_runs_with_texts_that_utf8_cannot_hold_are_stored():
    @tw.op
    def named(context):
        context.log.info("a name: \udc80")
        raise ValueError("of a file: \udc80")

    @tw.job
    def naming():
        named()

    instance = tw.Instance.ephemeral()
    result = naming.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    texts = [entry.event.message for entry in instance._ledger.get_run_log(result.run_id)]
    assert any(text.endswith("a name: \\udc80") for text in texts), texts
