"""The test kit serves triggers as the server does, on a clock of the test's own."""

import pytest

import tidewheel as tw
from tidewheel import TriggerPolicy
from tidewheel.errors import InvalidInvocationError
from tidewheel.testing import TriggerTester, evaluate_tick
from tidewheel.values.status import RunStatus, TickStatus


@tw.op
def nothing():
    pass


@tw.job
def one():
    nothing()


@tw.asset
def table():
    return 1


def serving(*, sensors=(), schedules=(), **more):
    return TriggerTester(
        tw.Definitions(assets=[table], jobs=[one], sensors=list(sensors), schedules=list(schedules)), **more
    )


def hourly(policy=None, fn=None, **more):
    return tw.schedule("0 * * * *", job=one, name="hourly", policy=policy, **more)(fn or asks)


def asks(context):
    return tw.RunRequest()


@tw.sensor(job=one)
def counting(context):
    number = int(context.cursor or 0)
    context.update_cursor(str(number + 1))
    yield tw.RunRequest(run_key=str(number // 2))


def test_a_sensor_keeps_its_cursor_and_its_keys():
    test = serving(sensors=[counting])
    first, second = test.evaluate_tick("counting"), test.evaluate_tick("counting")
    assert test.cursor("counting") == "2"
    [run] = test.runs("counting")
    assert first.run_ids == (run.run_id,)
    assert [(kept.run_key, kept.run_id) for kept in second.kept_keys] == [("0", run.run_id)]


def test_a_schedule_moves_time_to_its_next_tick_and_catches_up_after_downtime():
    test = serving(schedules=[hourly()])
    begin = test.now
    assert test.evaluate_tick("hourly").scheduled_for == begin, "started exactly at a tick"
    assert test.evaluate_tick("hourly").scheduled_for == begin + 3600
    test.advance(hours=8, minutes=5)
    tick = test.evaluate_tick("hourly")
    assert tick.scheduled_for == begin + 9 * 3600
    assert "were missed and are not run" in tick.notes[0]
    assert len(test.runs()) == 3


def test_catch_up_and_its_absence():
    test = serving(schedules=[hourly(TriggerPolicy(catch_up=tw.CatchUp.all(max=3)))])
    test.evaluate_tick("hourly")
    test.advance(hours=8, minutes=5)
    test.evaluate_tick("hourly")
    assert len(test.ticks("hourly")) == 4

    test = serving(schedules=[hourly(TriggerPolicy(catch_up="none"))])
    test.evaluate_tick("hourly")
    test.advance(hours=8, minutes=5)
    tick = test.evaluate_tick("hourly")
    assert (tick.status, tick.is_unasked, tick.run_ids) == (TickStatus.SKIPPED, True, ())
    assert test.evaluate_tick("hourly").run_ids, "the next one is run"


def test_overlap_until_the_run_has_ended():
    test = serving(schedules=[hourly(TriggerPolicy(overlap="queue_one"))])
    [first] = test.evaluate_tick("hourly").run_ids
    assert test.evaluate_tick("hourly").run_ids == ()
    assert test.waiting("hourly") == 1
    test.end_run(first)
    assert [run.status for run in test.runs("hourly")] == [RunStatus.SUCCESS, RunStatus.QUEUED]


def test_replace_makes_room():
    test = serving(schedules=[hourly(TriggerPolicy(overlap="replace"))])
    test.evaluate_tick("hourly")
    test.evaluate_tick("hourly")
    assert [run.status for run in test.runs("hourly")] == [RunStatus.CANCELED, RunStatus.QUEUED]


def test_debounce_on_the_virtual_clock():
    @tw.sensor(job=one, policy=TriggerPolicy(debounce=tw.Debounce(quiet_s=60)))
    def bursts(context):
        yield tw.RunRequest()

    test = serving(sensors=[bursts])
    for _ in range(3):
        test.evaluate_tick("bursts")
        test.advance(30)
    assert test.runs() == []
    test.advance(30)
    [run] = test.runs()
    assert run.tags["tidewheel/joined_requests"] == "3"


def test_a_breaker_opens_is_tried_and_closes():
    broken = [True]

    def fails(context):
        if broken:
            raise ValueError("no table")
        return tw.RunRequest()

    policy = TriggerPolicy(breaker=tw.Breaker(failures=2, delay_s=3 * 3600))
    test = serving(schedules=[hourly(policy, fails)])
    statuses = [test.evaluate_tick("hourly").status for _ in range(4)]
    assert statuses == [TickStatus.FAILURE, TickStatus.FAILURE, TickStatus.SKIPPED, TickStatus.SKIPPED]
    assert "circuit breaker is open" in test.ticks("hourly")[-1].skip_reason
    broken.clear()
    assert test.evaluate_tick("hourly").status is TickStatus.SUCCESS


def test_a_breaker_counts_failed_runs():
    policy = TriggerPolicy(breaker=tw.Breaker(failures=2, delay_s=90 * 60))
    test = serving(schedules=[hourly(policy)])
    for _ in range(2):
        [run] = test.evaluate_tick("hourly").run_ids
        test.end_run(run, RunStatus.FAILURE)
    assert test.evaluate_tick("hourly").is_unasked
    [trial] = test.evaluate_tick("hourly").run_ids
    assert test.evaluate_tick("hourly").is_unasked, "while it is tried nothing else is run"
    test.end_run(trial)
    assert test.evaluate_tick("hourly").run_ids


@pytest.mark.parametrize(("missed", "count"), [("catch_up", 2), ("skip", 1)])
def test_what_is_missed_in_a_pause(missed, count):
    test = serving(schedules=[hourly()])
    test.evaluate_tick("hourly")
    test.pause("hour*", missed=missed)
    test.advance(hours=5, minutes=30)
    assert test.evaluate_tick("hourly") is None
    test.resume()
    test.advance(60)
    test.evaluate_tick("hourly")
    assert len(test.runs()) == count


def test_listening_sensors_hear_of_what_happens():
    @tw.asset_sensor(asset_key=tw.AssetKey("table"), job=one)
    def on_table(context, event):
        yield tw.RunRequest(run_key="of the table")

    @tw.run_failure_sensor(request_job=one)
    def on_failure(context):
        return tw.RunRequest(run_key=context.dagster_run.run_id)

    test = serving(sensors=[on_table, on_failure, counting])
    assert test.evaluate_tick("on_table") is None
    test.instance.report_runless_asset_event(tw.AssetMaterialization("table"))
    assert len(test.evaluate_tick("on_table").run_ids) == 1
    [run] = test.evaluate_tick("counting").run_ids
    assert test.evaluate_tick("on_failure") is None
    test.end_run(run, RunStatus.FAILURE)
    assert test.evaluate_tick("on_failure").status is TickStatus.SUCCESS


def test_one_tick_of_one_trigger():
    assert evaluate_tick(counting).status is TickStatus.SUCCESS
    tick = evaluate_tick(hourly(), now="2024-03-01T10:20:00+01:00")
    assert tick.scheduled_for == 1709287200.0

    @tw.sensor(target=[table])
    def of_assets(context):
        raise RuntimeError("boom")

    assert "boom" in evaluate_tick(of_assets, assets=[table]).error.message


def test_wrong_use_is_told():
    test = serving(sensors=[counting])
    with pytest.raises(InvalidInvocationError, match="did you mean 'counting'"):
        test.evaluate_tick("countin")
    with pytest.raises(InvalidInvocationError, match="has not ended"):
        test.end_run("nope")
    with pytest.raises(InvalidInvocationError, match="time zone"):
        serving(now="2024-01-01T00:00:00")
