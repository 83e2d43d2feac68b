"""A kept evaluation can still say for which partitions each node was true."""

import pytest

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.facts import ConditionFacts, Position, SubjectFacts
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.nodes import And, AnyDeps, Missing, Not, WillBeRequested
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.logic.partitions.definitions import DynamicKeys, DynamicPartitions, PartitionView
from tidewheel.logic.partitions.sets import from_keys, from_ordinals
from tidewheel.logic.planning.automation_records import SET_BYTES_MAX, build_evaluation, true_keys
from tidewheel.values.conditions import REQUEST, Cause
from tidewheel.values.events import Event, EventType, StoredEvent

SPEC = DynamicPartitions(name="d")
DOWN = Key("asset", "down")


def graph(spec=SPEC):
    condition = And(operands=(Missing(), AnyDeps(operand=Not(operand=Missing()))))
    return build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=(
                    AssetNode(key="up", partitions=spec),
                    AssetNode(
                        key="down", partitions=spec, deps=(DepSpec(asset="up"),), condition=encode(condition)
                    ),
                ),
            )
        ]
    )


def kept(keys, made_up, made_down):
    one, view = graph(), PartitionView(now=1000.0, dynamic_keys={"d": DynamicKeys().adding(keys)})
    facts = ConditionFacts(
        position=Position(1000.0, 1),
        view=view,
        subjects={
            Key("asset", "up"): SubjectFacts(made=from_keys(SPEC, made_up, view)),
            DOWN: SubjectFacts(made=from_keys(SPEC, made_down, view)),
        },
    )
    result = evaluate(one, facts, Progress()).results[DOWN]
    evaluation = build_evaluation(
        DOWN, result.requested, at=1000.0, view=view, result=result, facts=facts, graph=one
    )
    return evaluation, one, view


def test_every_node_tells_its_partitions():
    evaluation, one, view = kept("abcd", "ab", "a")
    told = {
        place: true_keys(evaluation, place, one, view) for place in ("0", "0.0", "0.1", "0.1.0", "0.1.0.0")
    }
    assert told == {
        "0": ("b",),
        "0.0": ("b", "c", "d"),
        "0.1": ("a", "b"),
        "0.1.0": ("a", "b"),
        "0.1.0.0": ("c", "d"),
    }


@pytest.mark.parametrize("place", ["1", "0.7", "0.0.0", "0.x", "", "0."])
def test_a_place_that_there_is_not(place):
    assert true_keys(*kept("ab", "ab", "a")[:1], place, *kept("ab", "ab", "a")[1:]) is None


def test_removed_keys_and_other_definitions():
    evaluation, one, view = kept("abc", "abc", "")
    gone = PartitionView(now=2000.0, dynamic_keys={"d": view.dynamic_keys["d"].removing("b")})
    assert true_keys(evaluation, "0", one, gone) == ("a", "c")
    assert true_keys(evaluation, "0", graph(DynamicPartitions(name="other")), view) is None


def test_a_very_ragged_set_is_not_kept_and_a_wide_one_is():
    keys = [f"k{n}" for n in range(40_000)]
    evaluation, *_ = kept(keys, keys, keys[::2])
    assert "0" not in evaluation.true_sets and len(evaluation.true_sets["0.1"]) < 20
    assert all(len(one) <= SET_BYTES_MAX for one in evaluation.true_sets.values())
    assert evaluation.requested == len(from_ordinals(SPEC, range(0, 40_000, 2)))


def test_nothing_is_kept_of_what_has_no_partitions():
    eager = build_graph(
        [LocationSnapshot(name="here", assets=(AssetNode(key="a", condition=encode(presets.on_missing())),))]
    )
    key = Key("asset", "a")
    facts = ConditionFacts(position=Position(1.0, 1), view=PartitionView(now=1.0))
    result = evaluate(eager, facts, Progress()).results[key]
    evaluation = build_evaluation(
        key, result.requested, at=1.0, view=facts.view, result=result, facts=facts, graph=eager
    )
    assert evaluation.tree and evaluation.true_sets == {}
    assert true_keys(evaluation, "0", eager, facts.view) == ()


def test_a_request_that_follows_another_one_is_not_put_down_to_the_newest_event():
    """Its moment is comparable with events; that makes no event of it."""
    condition = encode(Missing())
    chain = build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=(
                    AssetNode(key="up", condition=condition),
                    AssetNode(
                        key="down",
                        deps=(DepSpec(asset="up"),),
                        condition=encode(AnyDeps(operand=WillBeRequested())),
                    ),
                ),
            )
        ]
    )
    facts = ConditionFacts(position=Position(1000.0, 7), view=PartitionView(now=1000.0))
    result = evaluate(chain, facts, Progress()).results[DOWN]
    stranger = StoredEvent(id=7, event=Event(type=EventType.RUN_SUCCESS, timestamp=999.0, run_id="other"))
    evaluation = build_evaluation(
        DOWN,
        result.requested,
        at=1000.0,
        view=facts.view,
        result=result,
        facts=facts,
        graph=chain,
        events={7: stranger},
    )
    assert evaluation.causes == (Cause(at=1000.0, type=REQUEST, subject="up"),)
