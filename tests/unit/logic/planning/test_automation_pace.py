"""Conditions that ask for the same thing in vain are evaluated later and later."""

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.nodes import Missing
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.sets import everything, from_keys
from tidewheel.logic.planning.automation_pace import Pace

SPEC = StaticPartitions(keys=("x", "y"))
VIEW = PartitionView(now=0.0)
A, KEPT, P = Key("asset", "a"), Key("asset", "kept"), Key("asset", "p")
GRAPH = build_graph(
    [
        LocationSnapshot(
            name="here",
            assets=(
                AssetNode(key="a", condition=encode(Missing())),
                AssetNode(key="kept", condition=encode(presets.keep_up_to_date())),
                AssetNode(key="p", partitions=SPEC, condition=encode(Missing())),
            ),
        )
    ]
)
ONE = everything(None, VIEW)


def test_each_repetition_without_a_result_doubles_the_wait_up_to_the_interval():
    pace = Pace()
    waits = [pace.requested(GRAPH, {A: ONE}, 30.0) for _ in range(9)]
    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_result_ends_the_count():
    pace = Pace()
    for _ in range(5):
        pace.requested(GRAPH, {A: ONE}, 30.0)
    pace.made(A, [ONE])
    assert pace.requested(GRAPH, {A: ONE}, 30.0) == 0.0


def test_other_partitions_are_no_repetition():
    pace = Pace()
    assert pace.requested(GRAPH, {P: from_keys(SPEC, ["x"], VIEW)}, 30.0) == 0.0
    assert pace.requested(GRAPH, {P: from_keys(SPEC, ["y"], VIEW)}, 30.0) == 0.0
    assert pace.requested(GRAPH, {P: from_keys(SPEC, ["x"], VIEW)}, 30.0) == 0.5


def test_what_keeps_its_own_back_off_holds_nobody_up():
    pace = Pace()
    assert {pace.requested(GRAPH, {KEPT: ONE}, 30.0) for _ in range(5)} == {0.0}
