"""Histories of the whole control plane, each from a seed; and proof that broken code would be noticed.

The seeds follow from the commit, so every commit is tried with other histories. A failing one is played again with
``python -m tests.simulation SEED``.
"""

from __future__ import annotations

import os

import msgspec
import pytest

from tests.commit import commit_under_test
from tests.simulation.world import World
from tidewheel.logic.partitions.sets import nothing
from tidewheel.logic.planning import backfill_step
from tidewheel.logic.planning.breaker import BreakerDecision
from tidewheel.services.runs.admission import Admission
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.services.triggers import breakers, sensors
from tidewheel.services.triggers.pause_book import PauseBook
from tidewheel.services.watching.monitor import Monitor
from tidewheel.storage import held_requests, intake, pools, redeliveries, run_changes, run_keys, ticks
from tidewheel.storage.ledger import SqlLedger
from tidewheel.values.policies import CatchUp, TriggerPolicy
from tidewheel.values.pools import PoolAnswer

STEPS = int(os.environ.get("TIDEWHEEL_SIMULATION_STEPS", "10000"))
SEEDS = int(os.environ.get("TIDEWHEEL_SIMULATION_SEEDS", "2"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", range(SEEDS))
def test_a_history_loses_and_doubles_nothing(number: int) -> None:
    seed = f"{commit_under_test()}-{number}"
    world = World(seed, STEPS)
    try:
        happened = world.play()
    except AssertionError as exc:
        pytest.fail(
            f"{exc}\nplay it again: python -m tests.simulation {seed} --steps {STEPS}\n"
            f"(step {world.made_steps}, at {world.now():.0f})"
        )
    assert world.made_steps >= STEPS
    if STEPS >= 5_000:  # so many steps meet every kind of trouble
        assert happened["server kills"] > 5
        assert happened["executions"] > 100
        assert happened["commit_ticks"] > 50
        assert world.invariants.most_in_progress > 1


def test_a_seed_always_plays_the_same_history() -> None:
    first, second = World("again", 400), World("again", 400)
    assert first.play() == second.play()
    assert first.loop.time() == second.loop.time()


def broken_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor is stored, the runs in another transaction that may not come."""
    whole = SqlLedger.commit_ticks

    def commit_ticks(self: SqlLedger, commits):  # type: ignore[no-untyped-def]
        return whole(
            self,
            [
                msgspec.structs.replace(commit, runs=commit.runs[:1]) if commit.cursor_changed else commit
                for commit in commits
            ],
        )

    monkeypatch.setattr(SqlLedger, "commit_ticks", commit_ticks)


def blind_to_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick does not look whether another was committed meanwhile, nor whose run ids there are."""
    whole = ticks.commit_many

    def commit_many(unit, commits):  # type: ignore[no-untyped-def]
        outcomes = whole(unit, commits)
        for wanted, outcome in zip(commits, outcomes, strict=True):
            if wanted.runs and wanted.scheduled_for is None:
                again = tuple(
                    msgspec.structs.replace(run, run_id=run.run_id[:-4] + "ffff", run_key=None)
                    for run in wanted.runs
                )
                changed = {"expected_version": outcome.version, "partition_changes": ()}
                whole(unit, [msgspec.structs.replace(wanted, runs=again[:1], **changed)])
        return outcomes

    monkeypatch.setattr(ticks, "commit_many", commit_many)


def careless_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue forgets what is in progress."""
    whole = Admission._load

    async def load(self, window):  # type: ignore[no-untyped-def]
        return msgspec.structs.replace(await whole(self, window), in_progress=[])

    monkeypatch.setattr(Admission, "_load", load)


def no_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks after runs whose worker has died."""

    async def tick(self):  # type: ignore[no-untyped-def]
        return None

    monkeypatch.setattr(Monitor, "tick", tick)


def forgetful_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that arrive twice are stored twice."""
    whole = intake.commit_batches

    def commit_batches(unit, batches, *, now):  # type: ignore[no-untyped-def]
        for batch in batches:
            if batch.events:
                intake.record(unit, [event for event in batch.events if event.type.value == "PIPELINE_START"])
        return whole(unit, batches, now=now)

    monkeypatch.setattr(intake, "commit_batches", commit_batches)


def forgetful_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill is cancelled, and its queued runs are left for later."""
    monkeypatch.setattr(run_changes, "request_cancels", lambda unit, run_ids, *, now: [])


def impatient_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill asks for everything at once, whatever it needs."""
    monkeypatch.setattr(backfill_step._Step, "_waits_for", lambda self, target, dep: nothing(target.spec))


def generous_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot is given to everybody who asks."""

    def claim(unit, name, *args, **kwargs):  # type: ignore[no-untyped-def]
        return PoolAnswer(granted=True)

    monkeypatch.setattr(pools, "claim", claim)


def blind_to_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies do not see the trigger's runs that have not ended."""
    whole = held_requests.decide_requests

    def decide_requests(policy, facts, new):  # type: ignore[no-untyped-def]
        return whole(policy, msgspec.structs.replace(facts, unfinished=()), new)

    monkeypatch.setattr(held_requests, "decide_requests", decide_requests)


def no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets do not see the runs of the last hour."""
    whole = held_requests.decide_requests

    def decide_requests(policy, facts, new):  # type: ignore[no-untyped-def]
        return whole(policy, msgspec.structs.replace(facts, created_times=()), new)

    monkeypatch.setattr(held_requests, "decide_requests", decide_requests)


def closed_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The breaker never opens."""
    monkeypatch.setattr(breakers, "decide_breaker", lambda breaker, facts: BreakerDecision())


def free_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken run key is free while its run goes on."""
    monkeypatch.setattr(run_keys, "is_key_free", lambda policy, holder, now: policy.run_key_until_failed)


def deaf_to_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody remembers pauses."""
    monkeypatch.setattr(PauseBook, "holding", lambda self, node, location, now: None)
    monkeypatch.setattr(PauseBook, "skipped_spans", lambda self, node, location, now: ())


def catches_up_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every missed tick is run, whatever the policy says."""
    monkeypatch.setattr(TriggerPolicy, "catches_up", CatchUp.all(max=10_000))


def skips_deliveries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The position moves past what nobody was handed."""
    whole = sensors.load_sensor_events

    def load_sensor_events(*args, **kwargs):  # type: ignore[no-untyped-def]
        loaded = whole(*args, **kwargs)
        deliveries = loaded.deliveries[1:] if len(loaded.deliveries) > 1 else loaded.deliveries
        return msgspec.structs.replace(loaded, deliveries=deliveries)

    monkeypatch.setattr(sensors, "load_sensor_events", load_sensor_events)


def forgets_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What raises is not handed over again, and shown nowhere."""
    monkeypatch.setattr(redeliveries, "put", lambda unit, wanted: None)


def impatient_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The silence of a launch that was just made counts from the server's start."""
    monkeypatch.setattr(WorkerBook, "_unheard_since", lambda self, run, now: self._started_at)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("mutilation", "busy", "words"),
    [
        (impatient_monitor, (), "was given up"),
        (forgetful_cancellation, ("backfill", "change_backfill"), "was cancelled, its runs go on"),
        (impatient_backfill, ("backfill",), "before raw was made"),
        (generous_pool, ("launch_pooled",), "steps use pool"),
        (blind_to_unfinished, ("clock_ahead",), "unfinished runs overlap"),
        (no_budget, ("wish",), "runs in an hour"),
        (closed_breaker, ("service_down",), "the breaker let"),
        (free_keys, (), "run keys taken again"),
        (deaf_to_pauses, ("pause", "clock_ahead"), "a paused schedule ticked"),
        (catches_up_all, (), "made up for more than"),
        (skips_deliveries, (), "deliveries are behind it"),
        (forgets_set_aside, ("deliver",), "deliveries are behind it"),
    ],
)
def test_broken_triggers_are_noticed(
    mutilation, busy: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutilation(monkeypatch)
    with pytest.raises(AssertionError, match=words):
        for number in range(10):  # the first ones notice it; which one does, any change of the system shifts
            World(f"triggers-{number}", 400, busy=busy).play()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("mutilation", "words"),
    [
        (broken_cursor, "asks for"),
        (blind_to_versions, "asks for|handled twice"),
        (careless_queue, "hold a slot"),
        (no_monitor, "do not end|runs in an hour"),
        (forgetful_intake, "stored twice|do not end"),
    ],
)
def test_broken_code_is_noticed(mutilation, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutilation(monkeypatch)
    with pytest.raises(AssertionError, match=words):
        for number in range(3):
            World(f"broken-{number}", 600).play()
