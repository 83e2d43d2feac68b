"""The queue in the ledger: windows by origin, changed priorities, runs that come after others."""

from tests.contract.stories import NOW, new_run, run_id
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunOrigin, RunStatus
from tidewheel.values.tags import PRIORITY


def test_the_window_has_the_first_runs_of_each_origin(ledger):
    backfill = [new_run(origin=RunOrigin.BACKFILL) for _ in range(5)]
    manual = [new_run(), new_run(priority=3), new_run()]
    ledger.create_runs([*backfill, *manual], now=NOW)
    window = [run.run_id for run in ledger.queued_by_origin(limit=2)]
    assert window == [manual[1].run_id, backfill[0].run_id, backfill[1].run_id, manual[0].run_id]
    ledger.launch_run(backfill[0].run_id, now=NOW)
    assert backfill[2].run_id in [run.run_id for run in ledger.queued_by_origin(limit=2)]


def test_the_priority_of_a_waiting_run_can_be_changed(ledger):
    one, two = new_run(), new_run()
    ledger.create_runs([one, two], now=NOW)
    changed = ledger.set_run_priority(two.run_id, 7, now=NOW + 1)
    assert (changed.priority, changed.tags[PRIORITY]) == (7, "7")
    assert [run.run_id for run in ledger.queued_runs(limit=2)] == [two.run_id, one.run_id]
    assert ledger.get_runs(RunFilter(tags={PRIORITY: ("7",)}))[0].priority == 7
    ledger.launch_run(two.run_id, now=NOW)
    assert ledger.set_run_priority(two.run_id, 1, now=NOW) is None
    assert ledger.set_run_priority(run_id(), 1, now=NOW) is None


def test_which_runs_have_not_ended(ledger):
    waiting, ended = new_run(), new_run()
    ledger.create_runs([waiting, ended], now=NOW)
    ledger.finish_run(ended.run_id, RunStatus.CANCELED, now=NOW, message="no")
    assert ledger.get_unfinished([ended.run_id, waiting.run_id, run_id()]) == [waiting.run_id]
    assert ledger.get_unfinished([]) == []
