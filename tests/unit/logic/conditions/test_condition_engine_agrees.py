"""The incremental engine, the full evaluator and a plain one agree after every step of any history.

The plain one lives here and shares next to nothing with the others. In some histories two sensors share the targets.
"""

from __future__ import annotations

import os

import msgspec
from condition_worlds import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_evaluator import PlainEvaluator, TooMuchEvidenceError

from tidewheel.logic.conditions import memory as memory_form
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.incremental import ConditionEngine
from tidewheel.logic.conditions.memory import Progress

EXAMPLES = int(os.environ.get("TIDEWHEEL_CONDITION_HISTORIES", "500"))


def restored(progress: Progress) -> Progress:
    """What a restart finds: each target's memory from its stored form."""
    targets = {key: memory_form.decode(memory_form.encode(one)) for key, one in progress.targets.items()}
    return msgspec.structs.replace(progress, targets=targets)


class Sensor:
    """Some targets of a world, looked after by all evaluators at once."""

    def __init__(self, world, share):
        self.world, self.share = world, share
        self.progress, self.stored = Progress(), {}
        self.plain = PlainEvaluator(self.targets)
        self.restart()

    @property
    def targets(self):
        """Its part of the targets: all, or those whose names are odd or even."""
        return tuple(
            key
            for key in self.world.graph.targets
            if self.share is None or sum(map(ord, str(key))) % 2 == self.share
        )

    def restart(self):
        """Begin again from what is stored."""
        progress = restored(Progress(position=self.progress.position, targets=self.stored))
        self.engine = ConditionEngine(self.world.graph, progress, self.targets)
        self.is_fresh = True

    def step(self, where):
        """Evaluate; how many requests there were."""
        world, targets = self.world, self.targets
        everything = world.all_facts()
        full = evaluate(world.graph, everything, self.progress, targets)
        facts = everything if self.is_fresh else world.changed_facts(self.progress.position)
        got = self.engine.advance(facts)
        errors = {key: one.error for key, one in full.results.items() if one.error is not None}
        assert dict(got.errors) == errors, where
        assert dict(got.requested) == dict(full.requested), where
        if self.plain is not None:
            self.compare_plain(everything, full, where)
        self.stored.update(got.memories)
        self.progress = full.progress
        known = {key: self.progress.targets.get(key) for key in targets}
        assert {key: self.stored.get(key) for key in targets} == known, where
        if got.is_settled:
            again = self.engine.advance(msgspec.structs.replace(facts, subjects={}))
            assert (again.walked, dict(again.requested), dict(again.memories)) == (0, {}, {}), where
        self.is_fresh = False
        return len(got.requested)

    def compare_plain(self, everything, full, where):
        self.plain.targets = self.targets
        try:
            requested, failed = self.plain.advance(self.world.graph, everything)
        except TooMuchEvidenceError:
            self.plain = None  # nothing is compared from here on
            return
        assert failed == {key for key, one in full.results.items() if one.error is not None}, where
        assert requested == {key: set(wanted) for key, wanted in full.requested.items()}, where


def check_history(seed: int, *, assets: int, steps: int) -> int:
    """Run one history through all evaluators; returns how many requests there were."""
    world = World(seed, assets=assets)
    shares = (0, 1) if seed % 4 == 0 else (None,)
    sensors = [Sensor(world, share) for share in shares]
    count = 0
    for step in range(steps):
        has_new_code = False
        if step:
            world.step()
        if step and world.random.random() < 0.12:
            world.change_code()
            has_new_code = True
        where = f"seed={seed} assets={assets} steps={steps}: step {step}"
        for sensor in sensors:
            if step and (has_new_code or world.random.random() < 0.15):
                sensor.restart()
            count += sensor.step(where)
        world.changed.clear()
    return count


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**32), assets=st.integers(1, 7), steps=st.integers(2, 14))
def test_incremental_equals_full_after_every_step(seed, assets, steps):
    check_history(seed, assets=assets, steps=steps)


def test_histories_are_eventful():
    assert sum(check_history(seed, assets=5, steps=10) for seed in range(5)) > 20
