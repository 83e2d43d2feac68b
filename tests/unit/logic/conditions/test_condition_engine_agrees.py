"""The incremental engine and the full evaluator agree after every step of any history."""

from __future__ import annotations

import os

import msgspec
from condition_worlds import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidewheel.logic.conditions import memory as memory_form
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.incremental import ConditionEngine
from tidewheel.logic.conditions.memory import Progress

EXAMPLES = int(os.environ.get("TIDEWHEEL_CONDITION_HISTORIES", "500"))


def restored(progress: Progress) -> Progress:
    """What a restart finds: each target's memory from its stored form."""
    targets = {key: memory_form.decode(memory_form.encode(one)) for key, one in progress.targets.items()}
    return msgspec.structs.replace(progress, targets=targets)


def check_history(seed: int, *, assets: int, steps: int) -> int:
    """Run one history through both evaluators; returns how many requests there were."""
    world = World(seed, assets=assets)
    progress = Progress()
    engine = ConditionEngine(world.graph, progress)
    stored = dict(progress.targets)
    fresh, count = True, 0
    for step in range(steps):
        if step:
            world.step()
        if step and world.random.random() < 0.12:
            world.change_code()
            fresh = True
        if step and (fresh or world.random.random() < 0.15):
            engine = ConditionEngine(
                world.graph, restored(Progress(position=progress.position, targets=stored))
            )
            fresh = True
        full = evaluate(world.graph, world.all_facts(), progress)
        facts = world.all_facts() if fresh else world.changed_facts(progress.position)
        got = engine.advance(facts)
        where = f"seed={seed} assets={assets} steps={steps}: step {step}"
        errors = {key: one.error for key, one in full.results.items() if one.error is not None}
        assert dict(got.errors) == errors, where
        assert dict(got.requested) == dict(full.requested), where
        stored.update(got.memories)
        progress = full.progress
        targets = world.graph.targets
        assert {key: stored.get(key) for key in targets} == {
            key: progress.targets.get(key) for key in targets
        }, where
        if got.is_settled:
            again = engine.advance(msgspec.structs.replace(facts, subjects={}))
            assert (again.walked, dict(again.requested), dict(again.memories)) == (0, {}, {}), where
        count += len(got.requested)
        world.changed.clear()
        fresh = False
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
