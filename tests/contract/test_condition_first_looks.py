"""Targets whose first evaluation fails, and what `why` sees of others' requests in the same evaluation."""

import pytest

from tidewheel.logic.conditions import presets
from tidewheel.logic.conditions.codec import encode
from tidewheel.logic.conditions.facts import UserAnswer
from tidewheel.logic.conditions.nodes import And, Not, UserDefined
from tidewheel.logic.conditions.subjects import Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot, SensorNode
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.runtime.condition_why import why
from tidewheel.services.condition_round import SensorEngine
from tidewheel.storage.ledger import open_ledger
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
