"""Webhook, file and asset sensors as users write and test them, and what an evaluation makes of deliveries."""

import itertools

import pytest

import tidewheel as tw
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.errors import InvalidDefinitionError, InvariantViolationError
from tidewheel.logic.graph.specs import SecretRef
from tidewheel.runtime.instance.facade import Instance
from tidewheel.values.evaluation import EvaluationRequest
from tidewheel.values.events import Event, EventType, Materialization, StoredEvent
from tidewheel.values.inbox import Delivery, FileChange
from tidewheel.values.serde import encode, to_json
from tidewheel.values.status import TriggerKind
from tidewheel.worker.evaluation.trigger_evaluation import evaluate_trigger

NOW = 1_700_000_000.0
AUTH = tw.HookAuth.github(tw.EnvVar("SECRET_NAME"))


@tw.op
def nothing():
    pass


@tw.job
def j():
    nothing()


@tw.webhook_sensor(auth=AUTH, job=j)
def one_by_one(context):
    value = context.json()
    if value == "bad":
        raise ValueError("bad value")
    context.update_cursor(f"{context.cursor or ''}{value}")
    return tw.RunRequest(run_key=context.delivery_id)


@tw.webhook_sensor(auth=AUTH, hook="all", job=j, hand_over="batch")
def together(context):
    values = [one.json() for one in context.deliveries]
    if "bad" in values:
        raise ValueError("bad value")
    return tw.SensorResult(run_requests=[tw.RunRequest(run_key="-".join(values))], cursor=values[-1])


@tw.file_sensor(["landing/*.csv"], job=j)
def landed(context):
    return tw.RunRequest(run_key=f"{context.change.change} {context.path}")


def asset_follower(hand_over):
    @tw.asset_sensor(tw.AssetKey("a"), name=f"follow_{hand_over}", job=j, hand_over=hand_over)
    def follow(context, event):
        events = event if isinstance(event, list) else [event]
        keys = [str(one.asset_materialization.partition) for one in events]
        if keys == ["bad"]:
            raise ValueError("bad partition")
        return tw.RunRequest(run_key="-".join(keys))

    return follow


SENSORS = [one_by_one, together, landed, *map(asset_follower, ("one_by_one", "batch", "newest"))]
DEFS = tw.Definitions(jobs=[j], sensors=SENSORS)


def sent(*values):
    return tuple(
        Delivery(
            id=number,
            source="hook:x",
            delivery_id=f"d{number}",
            received_at=NOW,
            body=to_json(value).encode(),
        )
        for number, value in enumerate(values, 1)
    )


def evaluated(name, clock=None, **more):
    request = EvaluationRequest(kind=TriggerKind.SENSOR, name=name, now=NOW, **more)
    return evaluate_trigger(DEFS, request, instance=Instance.ephemeral(), clock=clock or (lambda: NOW))


def keys(result):
    return [one.run_key for one in result.requests]


def test_deliveries_one_by_one_carry_the_cursor_and_set_the_failing_one_apart():
    result = evaluated("one_by_one", deliveries=sent("a", "bad", "c"), cursor="0")
    assert keys(result) == ["d1", "d3"]
    assert (result.cursor, result.cursor_changed, result.position) == ("0ac", True, 3)
    [(event_id, error)] = result.failed_events
    assert (event_id, error.headline) == (2, "ValueError: bad value")


def test_deliveries_in_a_batch_fail_together():
    result = evaluated("together", deliveries=sent("a", "b"))
    assert (keys(result), result.cursor, result.position) == (["a-b"], "b", 2)
    assert evaluated("together", deliveries=sent("a", "bad")).error.headline == "ValueError: bad value"
    assert [one for one, _ in evaluated("together", deliveries=sent("bad")).failed_events] == [1]


def test_a_round_ends_when_its_time_is_up_and_takes_at_least_one():
    ticks = itertools.count()
    result = evaluated(
        "one_by_one", clock=lambda: next(ticks) * 1.0, deliveries=sent(*"abcdefgh"), budget_s=2.5
    )
    assert 1 <= result.position < 8
    assert len(result.requests) == result.position


def test_changes_of_files_are_handed_over():
    change = FileChange(change="added", path="/x/a.csv", size=3)
    delivery = Delivery(
        id=4, source="files:t", delivery_id="d", received_at=NOW, body=to_json(change).encode()
    )
    assert keys(evaluated("landed", deliveries=(delivery,))) == ["added /x/a.csv"]


def made(*partitions):
    return tuple(
        StoredEvent(
            id=number,
            event=Event(
                type=EventType.ASSET_MATERIALIZATION,
                timestamp=NOW,
                asset="a",
                partition=partition,
                payload=Materialization(),
            ),
        )
        for number, partition in enumerate(partitions, 10)
    )


@pytest.mark.parametrize(
    ("hand_over", "wanted"),
    [("one_by_one", ["x", "y", "z"]), ("batch", ["x-y-z"]), ("newest", ["z"])],
)
def test_an_asset_sensor_gets_events_in_order_as_the_user_chooses(hand_over, wanted):
    result = evaluated(f"follow_{hand_over}", events=made("x", "y", "z"))
    assert (keys(result), result.position, result.error) == (wanted, 12, None)


def test_an_asset_sensor_stops_at_the_event_that_it_fails_on():
    result = evaluated("follow_one_by_one", events=made("x", "bad", "z"))
    assert (keys(result), result.position) == (["x"], 10)
    assert [one for one, _ in result.failed_events] == [11]


def test_sensors_are_called_directly_in_tests():
    context = tw.build_webhook_sensor_context(json="v", delivery_id="mine", headers={"X-Kind": "push"})
    assert one_by_one(context).run_key == "mine"
    assert (context.headers["x-kind"], context.cursor) == ("push", "v")
    deliveries = [tw.WebhookDelivery(b'"a"'), tw.WebhookDelivery(b'"b"')]
    assert together(tw.build_webhook_sensor_context(*deliveries)).cursor == "b"
    changed = tw.FileChange(change="deleted", path="p")
    assert landed(tw.build_file_sensor_context(changed)).run_key == "deleted p"
    with pytest.raises(InvariantViolationError, match="expected one delivery, got 2"):
        one_by_one(tw.build_webhook_sensor_context(*deliveries))
    with pytest.raises(tw.DeliveryBodyError, match="JSON"):
        one_by_one(tw.build_webhook_sensor_context(body=b"no json"))


def test_the_snapshot_has_the_names_of_secrets_and_no_values(monkeypatch):
    monkeypatch.setenv("SECRET_NAME", "the value of the secret")
    snapshot = build_snapshot(DEFS, "here")
    hooks = {sensor.name: sensor.hook for sensor in snapshot.sensors if sensor.hook is not None}
    assert hooks["one_by_one"].hook == "one_by_one"
    assert hooks["together"].secrets == (SecretRef(env="SECRET_NAME"),)
    assert b"the value" not in encode(snapshot)
    [files] = [sensor.files for sensor in snapshot.sensors if sensor.files is not None]
    assert files.is_local
    assert files.patterns[0].endswith("/landing/*.csv")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: tw.HookAuth.github("plain text"), "expected the secret of a webhook as EnvVar"),
        (lambda: tw.HookAuth.stripe(()), "at least one secret"),
        (lambda: tw.HookAuth.slack(tw.EnvVar("A"), tolerance_s=-1), "tolerance_s between"),
        (lambda: tw.webhook_sensor(auth=None, name="n")(print), "HookAuth.open()"),
        (lambda: tw.webhook_sensor(auth=AUTH, name="n", hook="a/b")(print), "letters, digits"),
        (lambda: tw.webhook_sensor(auth=AUTH, name="n", hand_over="all")(print), "'one_by_one', 'batch'"),
        (lambda: tw.webhook_sensor(auth=AUTH, name="n", max_body_bytes=0)(print), "max_body_bytes"),
        (lambda: tw.file_sensor(["/a", "s3://b"], name="n")(print), "local paths or URLs"),
        (lambda: tw.file_sensor([], name="n")(print), "at least one path"),
        (lambda: tw.file_sensor("/a", name="n", changes=["gone"])(print), "gone"),
        (lambda: tw.file_sensor("/a", name="n", stable_seconds=-1)(print), "stable_seconds"),
    ],
)
def test_wrong_definitions_say_what_was_expected(make, said):
    with pytest.raises(InvalidDefinitionError) as caught:
        make()
    assert said in str(caught.value)
    assert "plain text" not in str(caught.value)
