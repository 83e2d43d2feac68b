"""Targets whose first evaluation fails, and what `why` sees of others' requests in the same evaluation."""

import pytest
from msgspec.structs import replace

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.facts import UserAnswer
from tidewheel.logic.conditions.nodes import And, Missing, Not, UserDefined
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot, SensorNode
from tidewheel.logic.partitions.definitions import StaticPartitions, TimeWindowPartitions
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.runtime.conditions.condition_why import why
from tidewheel.services.automation.condition_round import SensorEngine
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.conditions import HoldStatus
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.status import TriggerKind

SENSOR = "here/conditions"
LEAF = Key("asset", "leaf")
BROKEN = UserAnswer(error="no, thank you")


class World:
    """A ledger with a sensor, over some assets."""

    def __init__(self, *assets):
        self.ledger = open_ledger(":memory:")
        self.graph = build_graph([LocationSnapshot(name="here", assets=assets)])
        self.ledger.ensure_trigger(
            SENSOR,
            kind=TriggerKind.SENSOR,
            location="here",
            name="conditions",
            definition=None,
            started_at=0.0,
            frontier=None,
            position=None,
        )
        self.now = 1_000.0
        self.engine = None

    def made(self, asset):
        self.now += 1.0
        event = Event(
            type=EventType.ASSET_MATERIALIZATION,
            timestamp=self.now,
            run_id="",
            asset=asset,
            payload=Materialization(),
        )
        self.ledger.record_events([event])

    def evaluate(self, answer=None):
        """The names of what is requested, and the errors."""
        self.now += 1.0
        record = self.ledger.get_trigger(SENSOR)
        if self.engine is None:
            self.engine = SensorEngine(self.graph, self.graph.targets, record, self.ledger)
        reading = self.engine.read(self.now)
        answers = {} if answer is None else {(LEAF, 0, LEAF): answer}
        decision, found = self.engine.decide(reading, answers, record, SensorOptions(name="conditions"))
        if decision.commit is not None:
            assert not self.ledger.commit_tick(decision.commit).stale
        self.engine.settle(reading, decision, found)
        return sorted(key.name for key in decision.requested), sorted(key.name for key in found.errors)


@pytest.fixture
def keeping():
    """`leaf` is to be kept up to date unless a condition of the user's own class holds; both were made once."""
    condition = And(operands=(presets.keep_up_to_date(), Not(operand=UserDefined(name="Busy"))))
    world = World(
        AssetNode(key="root"),
        AssetNode(key="leaf", deps=(DepSpec(asset="root"),), condition=encode(condition)),
    )
    world.made("root")
    world.made("leaf")
    yield world
    world.ledger.close()


def test_what_fell_behind_while_only_failing_is_requested_afterwards(keeping):
    assert keeping.evaluate(BROKEN) == ([], ["leaf"])
    keeping.made("root")
    assert keeping.evaluate(BROKEN) == ([], ["leaf"])
    assert keeping.evaluate(UserAnswer()) == (["leaf"], [])


def test_what_was_behind_at_first_is_not_forgotten_when_it_is_looked_at_again(keeping):
    keeping.made("root")
    assert keeping.evaluate(BROKEN) == ([], ["leaf"])
    keeping.ledger.record_events(
        [Event(type=EventType.ASSET_OBSERVATION, timestamp=keeping.now, run_id="", asset="leaf")]
    )
    assert keeping.evaluate(BROKEN) == ([], ["leaf"])
    assert keeping.evaluate(UserAnswer()) == (["leaf"], [])


def test_what_was_made_again_while_only_failing_is_not_requested(keeping):
    keeping.made("root")
    assert keeping.evaluate(BROKEN) == ([], ["leaf"])
    keeping.made("leaf")
    assert keeping.evaluate(BROKEN) == ([], ["leaf"])
    assert keeping.evaluate(UserAnswer()) == ([], [])


def test_why_sees_what_is_requested_with_it():
    eager = encode(presets.eager())
    world = World(
        AssetNode(key="root"),
        AssetNode(key="middle", deps=(DepSpec(asset="root"),), condition=eager),
        AssetNode(key="leaf", deps=(DepSpec(asset="middle"),), condition=eager),
    )
    for asset in ("root", "middle", "leaf"):
        world.made(asset)
    world.evaluate()
    world.made("root")

    def is_requested(*covered):
        sensor = SensorNode(name="conditions", kind="automation", assets=covered)
        told = why(world.ledger, world.graph, LEAF, [(SENSOR, "here", sensor)], now=world.now)
        return told.now.is_requested

    assert is_requested("middle", "leaf")
    assert not is_requested("leaf")  # another sensor's requests are not seen
    assert world.evaluate() == (["leaf", "middle"], [])
    world.ledger.close()


SPEC = StaticPartitions(keys=("x", "y", "z"))


def test_an_edited_condition_is_held_like_a_new_one():
    def assets(condition, spec=SPEC, label=None):
        return AssetNode(key="many", partitions=spec, condition=encode(replace(condition, label=label)))

    world = World(assets(presets.eager()))
    assert world.evaluate() == ([], [])  # nothing was made, but it has no inputs that change
    held_at_first = [one.name for one in world.ledger.conditions.get_held()]

    def reload(*nodes):
        world.graph = build_graph([LocationSnapshot(name="here", assets=nodes)])
        world.engine = None

    reload(assets(presets.eager(), label="renamed"))
    assert world.evaluate() == ([], [])  # the same condition under another name
    reload(assets(Missing()))
    assert world.evaluate() == ([], [])
    (held,) = world.ledger.conditions.get_held()
    assert (held.name, held.count) == ("many", 3)
    assert held_at_first in ([], ["many"])
    world.ledger.conditions.answer_held("asset", "many", HoldStatus.APPROVED)
    reload(assets(Missing()))
    assert world.evaluate() == (["many"], [])
    world.ledger.close()


def test_partitions_that_are_cut_anew_are_held():
    day = 86_400.0
    condition = encode(Missing())
    days = TimeWindowPartitions(cron="0 0 * * *", start=0.0, fmt="%Y-%m-%d")
    world = World(AssetNode(key="many", partitions=replace(days, start=9 * day), condition=condition))
    world.now = 10 * day + 5.0
    assert world.evaluate() == (["many"], [])  # a single one
    world.graph = build_graph(
        [LocationSnapshot(name="here", assets=(AssetNode(key="many", partitions=days, condition=condition),))]
    )
    world.engine = None
    assert world.evaluate() == ([], [])
    assert [one.count for one in world.ledger.conditions.get_held()] == [10]
    world.ledger.close()
