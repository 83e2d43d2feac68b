"""A new condition that asks for many partitions at once waits for a yes."""

from msgspec.structs import replace

from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.nodes import Missing
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.sets import everything, from_keys
from tidewheel.logic.planning.automation_holds import decide_holds, held_partitions
from tidewheel.values.conditions import HoldStatus

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
