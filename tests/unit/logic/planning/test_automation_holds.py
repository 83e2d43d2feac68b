"""A new condition that asks for many partitions at once waits for a yes."""

import pytest
from msgspec.structs import replace

from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.facts import Position
from tidewheel.logic.conditions.incremental import Round
from tidewheel.logic.conditions.nodes import Missing
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.sets import everything, from_keys
from tidewheel.logic.planning.automation_commit import SensorOptions, decide_automation_commit
from tidewheel.logic.planning.automation_holds import decide_holds, held_partitions, told_of_held
from tidewheel.values.conditions import HoldStatus
from tidewheel.values.records import TriggerRecord
from tidewheel.values.status import TriggerKind, TriggerStatus

SPEC = StaticPartitions(keys=("x", "y", "z"))
VIEW = PartitionView(now=0.0)
MANY, PLAIN = Key("asset", "many"), Key("asset", "plain")
GRAPH = build_graph(
    [
        LocationSnapshot(
            name="here",
            assets=(
                AssetNode(key="many", partitions=SPEC, condition=encode(Missing())),
                AssetNode(key="plain", condition=encode(Missing())),
            ),
        )
    ]
)
ALL = everything(SPEC, VIEW)


def keys(*names):
    return from_keys(SPEC, names, VIEW)


def decided(requested, new=(), held=None):
    return decide_holds(GRAPH, requested, new, held or {}, trigger_id="t", now=5.0, view=VIEW)


def test_a_first_request_of_several_partitions_is_held():
    found = decided({MANY: ALL, PLAIN: everything(None, VIEW)}, new={MANY, PLAIN})
    assert set(found.requested) == {PLAIN}
    (held,) = found.held
    assert (held.name, held.count, held.at, held.status) == ("many", 3, 5.0, HoldStatus.WAITING)
    assert held_partitions(held, SPEC, VIEW) == ALL


def test_a_first_request_of_one_partition_is_not_held():
    found = decided({MANY: keys("x")}, new={MANY})
    assert found.requested == {MANY: keys("x")}
    assert found.held == ()


def test_a_condition_that_is_known_may_ask_for_many():
    assert decided({MANY: ALL}).requested == {MANY: ALL}


def test_what_waits_or_was_declined_is_left_out_and_the_rest_goes_on():
    (held,) = decided({MANY: keys("x", "y")}, new={MANY}).held
    for status in (HoldStatus.WAITING, HoldStatus.DECLINED):
        found = decided({MANY: ALL}, held={MANY: replace(held, status=status)})
        assert found.requested == {MANY: keys("z")}
        assert found.released == ()
        assert decided({MANY: keys("x")}, held={MANY: replace(held, status=status)}).requested == {}


def test_what_is_approved_is_requested_though_the_condition_is_silent():
    (held,) = decided({MANY: keys("x", "y")}, new={MANY}).held
    found = decided({}, held={MANY: replace(held, status=HoldStatus.APPROVED)})
    assert found.requested == {MANY: keys("x", "y")}
    assert found.released == (MANY,)


def test_people_are_told_what_waits_and_how_to_approve_it():
    new = decided({MANY: ALL}, new={MANY})
    assert new.waiting == new.held
    text = "3 partitions of many wait for 'tidewheel automation approve many'"
    assert told_of_held(new.waiting) == text
    (held,) = new.held
    assert decided({}, held={MANY: held}).waiting == (held,)
    for status in (HoldStatus.APPROVED, HoldStatus.DECLINED):
        answered = decided({}, held={MANY: replace(held, status=status)})
        assert told_of_held(answered.waiting) is None
    many = [replace(held, name=name) for name in "edcba"]
    assert told_of_held(many).endswith(
        "of c wait for 'tidewheel automation approve c'; 2 more wait, see 'tidewheel automation list'"
    )


@pytest.mark.parametrize(
    ("requested", "skip_reason", "notes"),
    [
        ({MANY: ALL}, ("3 partitions of many wait for 'tidewheel automation approve many'"), ()),
        (
            {MANY: ALL, PLAIN: everything(None, VIEW)},
            None,
            ("3 partitions of many wait for 'tidewheel automation approve many'",),
        ),
    ],
)
def test_the_tick_that_holds_requests_says_so(requested, skip_reason, notes):
    sensor = TriggerRecord(
        trigger_id="t",
        kind=TriggerKind.SENSOR,
        location="here",
        name="conditions",
        status=TriggerStatus.RUNNING,
        version=0,
    )
    decision = decide_automation_commit(
        GRAPH,
        Round(
            position=Position(at=5.0, event_id=0),
            requested=requested,
            errors={},
            memories={},
            walked=2,
            wake_at=None,
            is_settled=False,
        ),
        record=sensor,
        options=SensorOptions(name="conditions"),
        view=VIEW,
        new={MANY, PLAIN},
        held={},
        book={},
        book_before={},
        errors_before={},
    )
    assert (decision.commit.skip_reason, decision.commit.notes) == (skip_reason, notes)
