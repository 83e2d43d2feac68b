from __future__ import annotations

from collections.abc import Iterator

import pytest

from tidewheel.errors import InvariantViolationError
from tidewheel.runtime.instance.facade import Instance
from tidewheel.values.records import NewRun, TickCommit
from tidewheel.values.status import TickStatus, TriggerKind, TriggerStatus

NOW = 5_000.0


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral(clock=lambda: NOW) as made:
        for kind, location, name in (
            (TriggerKind.SCHEDULE, "l", "nightly"),
            (TriggerKind.SENSOR, "l", "watch"),
            (TriggerKind.SENSOR, "m", "watch"),
        ):
            made.ledger.ensure_trigger(
                f"{location}/{name}",
                kind=kind,
                location=location,
                name=name,
                definition=None,
                started_at=1.0,
                frontier=1.0,
                position=None,
            )
        yield made


class Named:
    name = "nightly"


def test_starting_a_schedule_starts_it_now(instance: Instance) -> None:
    assert instance.stop_schedule("nightly").status is TriggerStatus.STOPPED
    started = instance.start_schedule(Named())
    assert (started.is_running, started.instigator_data.start_timestamp) == (True, NOW)
    record = instance.ledger.get_trigger("l/nightly")
    assert record is not None and record.frontier == NOW
    assert instance.reset_schedule("nightly").status is TriggerStatus.DECLARED_IN_CODE


def test_starting_what_runs_moves_nothing(instance: Instance) -> None:
    instance.ledger.update_trigger("l/nightly", status=TriggerStatus.RUNNING, frontier=7.0)
    instance.start_schedule("nightly")
    record = instance.ledger.get_trigger("l/nightly")
    assert record is not None and record.frontier == 7.0


def test_names(instance: Instance) -> None:
    assert instance.start_sensor("watch", location="m").selector_id == "m/watch"
    assert instance.stop_sensor("l/watch").selector_id == "l/watch"
    with pytest.raises(InvariantViolationError, match="several: l, m"):
        instance.start_sensor("watch")
    with pytest.raises(InvariantViolationError, match="did you mean 'nightly'"):
        instance.start_schedule("nigthly")
    with pytest.raises(InvariantViolationError, match="sensor"):
        instance.start_sensor("nightly")


def test_states(instance: Instance) -> None:
    instance.start_sensor("watch", location="m")
    assert {s.selector_id for s in instance.all_instigator_state()} == {"l/nightly", "l/watch", "m/watch"}
    assert [s.name for s in instance.all_instigator_state("l", instigator_type=TriggerKind.SENSOR)] == [
        "watch"
    ]
    running = instance.all_instigator_state(instigator_statuses={TriggerStatus.RUNNING})
    assert [s.selector_id for s in running] == ["m/watch"]
    state = instance.get_instigator_state("l/nightly")
    assert state is not None and state.instigator_type is TriggerKind.SCHEDULE
    assert instance.get_instigator_state("l/nothing") is None


def test_ticks(instance: Instance) -> None:
    version = 0
    for n, status in enumerate([TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.SUCCESS]):
        record = instance.ledger.get_trigger("l/nightly")
        assert record is not None
        version = record.version
        runs = (NewRun(run_id=f"r{n}", job_name="j", location="l"),) if status is TickStatus.SUCCESS else ()
        instance.ledger.commit_tick(
            TickCommit(
                trigger_id="l/nightly",
                expected_version=version,
                status=status,
                started_at=100.0 + n,
                ended_at=101.0 + n,
                scheduled_for=10.0 * (n + 1),
                runs=runs,
                skip_reason=None if runs else "nothing to do",
            )
        )
    ticks = instance.get_ticks("l/nightly")
    assert [tick.timestamp for tick in ticks] == [30.0, 20.0, 10.0]
    assert (list(ticks[0].run_ids), ticks[0].is_success, ticks[1].skip_reason) == (
        ["r2"],
        True,
        "nothing to do",
    )
    assert [t.timestamp for t in instance.get_ticks("l/nightly", statuses=[TickStatus.SUCCESS], limit=1)] == [
        30.0
    ]
    assert [t.timestamp for t in instance.get_ticks("l/nightly", before=30.0, after=10.0)] == [20.0]
    tick = instance.get_tick("l/nightly", None, 20.0)
    assert tick is not None and tick.tick_id == ticks[1].tick_id
    assert instance.get_tick("l/nightly", None, 21.0) is None
    assert len(instance.get_batch_ticks(["l/nightly", "l/watch"], limit=2)["l/nightly"]) == 2
