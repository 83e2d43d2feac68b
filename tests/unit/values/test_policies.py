"""Policies say at once what is wrong with them, and travel as JSON."""

import msgspec
import pytest

import tidewheel
from tidewheel import Batch, Breaker, CatchUp, Debounce, TriggerPolicy
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TriggerPolicy(overlap="skp"), ["overlap", "'skp'", "did you mean 'skip'"]),
        (lambda: TriggerPolicy(catch_up="all"), ["catch_up", "CatchUp.all(max, window)"]),
        (lambda: TriggerPolicy(debounce=5), ["debounce", "Debounce(...)", "5 (int)"]),
        (
            lambda: TriggerPolicy(debounce=Debounce(quiet_s=1), batch=Batch(max_requests=2, max_wait_s=1)),
            ["debounce or batch, got both"],
        ),
        (lambda: TriggerPolicy(max_runs_per_tick=0), ["max_runs_per_tick", "at least 1", "got 0"]),
        (lambda: TriggerPolicy(max_runs_per_hour=1.5), ["max_runs_per_hour", "whole number", "1.5"]),
        (lambda: TriggerPolicy(run_key_lifetime_s=-1), ["run_key_lifetime_s", "-1"]),
        (lambda: TriggerPolicy(run_key_until_failed="yes"), ["run_key_until_failed", "bool"]),
        (lambda: Debounce(quiet_s=10, max_wait_s=5), ["max_wait_s", "at least quiet_s (10)"]),
        (lambda: Debounce(quiet_s=float("nan")), ["quiet_s", "nan"]),
        (lambda: Batch(max_requests=1, max_wait_s=5), ["max_requests", "at least 2"]),
        (lambda: Breaker(failures=True), ["failures", "True"]),
        (lambda: CatchUp.all(max=10**9), ["max_ticks", "at most 10000"]),
    ],
)
def test_a_wrong_policy_is_refused(make, words):
    with pytest.raises(InvalidDefinitionError) as caught:
        make()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_policy_travels_as_json():
    policy = TriggerPolicy(
        catch_up=CatchUp.all(max=7, window=3600),
        overlap="replace",
        debounce=Debounce(quiet_s=2, max_wait_s=60),
        run_key_lifetime_s=60,
        max_runs_per_hour=9,
        breaker=Breaker(failures=3, delay_s=30),
        missed_while_paused="skip",
    )
    assert msgspec.json.decode(msgspec.json.encode(policy), type=TriggerPolicy) == policy
    assert msgspec.json.decode(b'{"catch_up":"none"}', type=TriggerPolicy).catches_up == CatchUp.none()


def decorated(policy):
    """One of each kind of trigger, with a policy."""
    job = tidewheel.define_asset_job("all_assets")
    yield tidewheel.schedule("0 0 * * *", name="nightly", job=job, policy=policy)(lambda context: None).policy
    yield tidewheel.ScheduleDefinition(job=job, cron_schedule="0 0 * * *", policy=policy).policy

    @tidewheel.sensor(job=job, policy=policy)
    def plain(context):
        pass

    @tidewheel.asset_sensor(asset_key=tidewheel.AssetKey("a"), job=job, policy=policy)
    def of_asset(context, event):
        pass

    @tidewheel.multi_asset_sensor(monitored_assets=[tidewheel.AssetKey("a")], job=job, policy=policy)
    def of_assets(context):
        pass

    @tidewheel.run_status_sensor(run_status=tidewheel.RunStatus.SUCCESS, policy=policy)
    def of_runs(context):
        pass

    @tidewheel.run_failure_sensor(policy=policy)
    def of_failures(context):
        pass

    yield from (one.policy for one in (plain, of_asset, of_assets, of_runs, of_failures))


def test_every_trigger_takes_a_policy():
    policy = TriggerPolicy(overlap="skip")
    assert list(decorated(policy)) == [policy] * 7


def test_something_else_as_a_policy_is_refused():
    with pytest.raises(ParameterCheckError, match=r"expected policy as TriggerPolicy\(\.\.\.\), got 'skip'"):
        list(decorated("skip"))
