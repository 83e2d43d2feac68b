"""Conditions in a real server: what they request, what survives kill -9, what bad ones cost, what is owed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import automated
from tests.processes.serving import Served, wait_until
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.conditions import HoldStatus, OwedStatus
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import EventFilter, RunFilter, RunRecord
from tidewheel.values.status import RunStatus


@contextmanager
def serving(folder: Path, text: str) -> Iterator[Served]:
    file = folder / "defs.py"
    file.write_text(text)
    served = Served(folder / "home", file)
    try:
        served.wait_loaded()
        yield served
    finally:
        served.stop()


def evaluated(served: Served) -> float | None:
    """When the sensor was last evaluated."""
    (view,) = served.control.get_automation()
    return view.last_evaluated_at


def wait_evaluated(served: Served) -> None:
    wait_until(lambda: evaluated(served), what="the first evaluation")


def runs_of(ledger, asset: str) -> list[RunRecord]:
    return [run for run in ledger.get_runs(RunFilter()) if asset in (run.assets or ())]


def made_outside(ledger, asset: str, age_s: float = 0.0) -> None:
    ledger.record_events(
        [
            Event(
                type=EventType.ASSET_MATERIALIZATION,
                timestamp=time.time() - age_s,
                run_id="",
                asset=asset,
                payload=Materialization(),
            )
        ]
    )


def test_an_update_runs_what_depends_on_it_and_why_tells_the_whole_way(tmp_path):
    with serving(tmp_path, automated.CHAIN) as served:
        wait_evaluated(served)
        launched = served.control.launch(LaunchRequest(assets=("root",)))
        wait_until(lambda: [r for r in runs_of(served.ledger, "leaf") if r.is_finished], what="the run")
        (run,) = runs_of(served.ledger, "leaf")
        assert run.assets == ("middle", "leaf")
        assert run.tags["dagster/asset_evaluation_id"] == str(run.tick_id)
        answer = served.control.why("middle")
        (request,) = answer.requests
        assert [one.run_id for one in request.runs] == [run.run_id]
        assert request.causes[0].subject == "root"
        assert request.causes[0].run_id == launched.run_id
        assert request.explanation is not None
        assert request.explanation.is_requested
        assert answer.now is not None
        assert not answer.now.is_requested
        assert "an update of root" in answer.now.waits_for


def test_a_server_that_was_killed_goes_on_where_it_was(tmp_path):
    (tmp_path / "defs.py").write_text(automated.CHAIN)
    with serving(tmp_path, automated.CHAIN) as served:
        wait_evaluated(served)
        served.control.launch(LaunchRequest(assets=("root",)))
        wait_until(lambda: runs_of(served.ledger, "leaf"), what="the first request")
        wait_until(lambda: all(run.is_finished for run in served.ledger.get_runs()), what="quiet")
        served.kill()
    ledger = open_ledger(tmp_path / "home" / "ledger.db")
    before = ledger.get_trigger("defs.py/conditions")
    made_outside(ledger, "root")
    ledger.close()
    with serving(tmp_path, automated.CHAIN) as served:
        wait_until(lambda: len(runs_of(served.ledger, "leaf")) == 2, what="what happened meanwhile")
        wait_until(lambda: all(run.is_finished for run in served.ledger.get_runs()), what="quiet")
        made_outside(served.ledger, "root")
        wait_until(lambda: len(runs_of(served.ledger, "leaf")) == 3, what="one more request")
        served.kill()
    with serving(tmp_path, automated.CHAIN) as served:
        wait_until(
            lambda: served.control.get_automation()[0].next_look_at is None and evaluated(served),
            what="an evaluation",
        )
        made_outside(served.ledger, "root")
        wait_until(lambda: len(runs_of(served.ledger, "leaf")) == 4, what="the last request")
    assert before is not None
    assert before.position is not None


def test_a_bad_condition_costs_its_own_asset_only(tmp_path):
    with serving(tmp_path, automated.MISBEHAVING) as served:
        wait_evaluated(served)
        served.control.launch(LaunchRequest(assets=("root",)))
        wait_until(lambda: runs_of(served.ledger, "good"), what="the good one's run")
        wait_until(lambda: runs_of(served.ledger, "counts"), what="the user's own condition")
        (view,) = served.control.get_automation()
        assert set(view.errors) == {"raises", "hangs", "elsewhere", "unknown", "one", "two"}
        assert "no, thank you" in view.errors["raises"]
        assert "answer within" in view.errors["hangs"]
        assert "root" in view.errors["elsewhere"]
        assert "nowhere" in view.errors["unknown"]
        assert "depends on that of" in view.errors["one"]
        told = served.control.why("raises")
        assert told.now is not None
        assert "no, thank you" in (told.now.error or "")
        assert "no, thank you" in (told.requests[0].error or "")
        ticks = [tick for tick in served.ledger.get_ticks() if tick.request_errors]
        assert any("no, thank you" in error.message for error in ticks[-1].request_errors)


def test_a_new_condition_never_starts_a_backfill_by_itself(tmp_path):
    with serving(tmp_path, automated.PARTITIONED) as served:
        wait_evaluated(served)
        (held,) = served.ledger.conditions.get_held()
        assert (held.name, held.count, held.status) == ("many", 3, HoldStatus.WAITING)
        assert served.ledger.get_runs() == []
        assert served.ledger.backfills.get_many() == []
        (plan,) = served.control.plan_automation()
        assert [(one.kind, one.targets, one.count) for one in plan.work] == [("held", ("many",), 3)]
        assert served.control.why("many").held.partitions == ("x", "y", "z")
        served.ledger.conditions.answer_held("asset", "many", HoldStatus.APPROVED)
        wait_until(lambda: served.ledger.backfills.get_many(), what="the backfill")
        (backfill,) = served.ledger.backfills.get_many()
        assert [(part.name, part.count) for part in backfill.fields.parts] == [("many", 3)]
        assert served.ledger.conditions.get_held() == []


def test_what_failed_is_owed_until_it_is_made_or_waived(tmp_path):
    with serving(tmp_path, automated.OWING) as served:
        wait_evaluated(served)
        served.control.launch(LaunchRequest(assets=("root",)))

        def owed():
            (row,) = served.ledger.owed.get_all() or [None]
            return row

        wait_until(lambda: owed() and owed().failures == 3, what="three equal failures")
        assert "not ready" in owed().error
        assert len(runs_of(served.ledger, "fragile")) == 3
        told = served.control.why("fragile")
        assert [one.state for one in told.owed] == ["stopped"]
        # an input that changes closes the breaker
        served.control.launch(LaunchRequest(assets=("root",)))
        wait_until(lambda: len(runs_of(served.ledger, "fragile")) > 3, what="another try")
        served.ledger.owed.answer("asset", "fragile", "", OwedStatus.WAIVED)
        wait_until(lambda: all(run.is_finished for run in served.ledger.get_runs()), what="quiet")
        assert [one.state for one in served.control.why("fragile").owed] == ["waived"]
        (tmp_path / "ready").write_text("")
        served.ledger.owed.answer("asset", "fragile", "", OwedStatus.OWED)
        wait_until(lambda: not served.ledger.owed.get_all(), what="nothing owed")
        assert runs_of(served.ledger, "fragile")[0].status is RunStatus.SUCCESS


def test_a_stopped_sensor_acts_on_what_happened_when_it_is_started(tmp_path):
    with serving(tmp_path, automated.CHAIN) as served:
        wait_evaluated(served)
        served.control.set_trigger("conditions", False)
        made_outside(served.ledger, "root")
        told = served.control.why("middle")
        assert told.now is not None
        assert told.now.is_requested
        assert any("stopped" in note for note in told.notes)
        (plan,) = served.control.plan_automation("conditions")
        assert [one.targets for one in plan.work] == [("middle", "leaf")]
        assert runs_of(served.ledger, "leaf") == []
        served.control.set_trigger("conditions", True)
        wait_until(lambda: runs_of(served.ledger, "leaf"), what="the run")


def test_jobs_and_freshness(tmp_path):
    with serving(tmp_path, automated.JOBS_AND_FRESHNESS) as served:
        wait_evaluated(served)
        # 58 s old: the warning window ends two seconds from now, and nothing but time will tell
        made_outside(served.ledger, "perishable", age_s=58.0)
        made_outside(served.ledger, "source")

        def job_runs():
            return [run for run in served.ledger.get_runs() if run.job_name == "whole"]

        wait_until(job_runs, what="the job's run")
        planned = EventFilter(
            types=(EventType.ASSET_MATERIALIZATION_PLANNED.value,), run_ids=(job_runs()[0].run_id,)
        )
        assert {one.event.asset for one in served.ledger.get_events(planned)} == {"source", "inside"}
        wait_until(lambda: runs_of(served.ledger, "alarm"), what="the alarm")


def test_one_graph_over_all_locations_and_sensors(tmp_path):
    files = [tmp_path / "upstream.py", tmp_path / "downstream.py"]
    for file, text in zip(files, (automated.UPSTREAM, automated.DOWNSTREAM), strict=True):
        file.write_text(text)
    served = Served(tmp_path / "home", *files)
    try:
        served.wait_loaded()
        wait_until(
            lambda: (
                len(served.control.get_automation()) == 3
                and all(one.last_evaluated_at for one in served.control.get_automation())
            ),
            what="the first evaluations",
        )
        made_outside(served.ledger, "root")
        wait_until(lambda: runs_of(served.ledger, "leaf"), what="the run in the other location")
        by_asset = {run.assets: run for run in served.ledger.get_runs()}
        assert set(by_asset) == {("middle",), ("aside",), ("leaf",)}  # a run for each sensor
        assert by_asset["leaf",].location == "downstream.py"
        cause = served.control.why("leaf").requests[0].causes[0]
        assert (cause.subject, cause.run_id) == ("middle", by_asset["middle",].run_id)
    finally:
        served.stop()


def test_other_code_keeps_what_was_remembered(tmp_path):
    with serving(tmp_path, automated.CHAIN) as served:
        wait_evaluated(served)
        made_outside(served.ledger, "root")
        wait_until(lambda: [r for r in runs_of(served.ledger, "leaf") if r.is_finished], what="a run")
        before = {(row.kind, row.name): row for row in served.ledger.conditions.get_memories()}
        # another asset, and a condition with the same parts in another place
        (tmp_path / "defs.py").write_text(
            automated.CHAIN.replace(
                "@tw.asset(deps=[middle], automation_condition=eager)",
                "@tw.asset(deps=[middle], automation_condition=eager.with_label('mine') & ~eager.in_progress())",
            )
        )
        served.control.reload()
        wait_until(lambda: "mine" in served.control.why("leaf").condition, what="the new condition")
        wait_evaluated(served)
        assert len(runs_of(served.ledger, "leaf")) == 1
        made_outside(served.ledger, "root")
        wait_until(lambda: len(runs_of(served.ledger, "leaf")) == 2, what="another run")
        assert set(before) == {("asset", "middle"), ("asset", "leaf")}


def test_updates_are_acted_upon_once_however_often_the_server_is_killed(tmp_path):
    (tmp_path / "defs.py").write_text(automated.CHAIN)
    home = tmp_path / "home"
    with serving(tmp_path, automated.CHAIN) as served:
        wait_evaluated(served)
    updates = 0
    for pause_s in (0.0, 0.02, 0.08):
        served = Served(home, tmp_path / "defs.py")
        try:
            served.wait_loaded()
            made_outside(served.ledger, "root")
            updates += 1
            time.sleep(pause_s)  # the moment of the kill is what is varied
            served.kill()
        finally:
            served.stop()
    with serving(tmp_path, automated.CHAIN) as served:

        def is_quiet():
            states = served.ledger.get_asset_states(["root", "leaf"])
            made = {name: one.last_materialization_id or 0 for name, one in states.items()}
            ended = all(run.is_finished for run in served.ledger.get_runs())
            return ended and made.get("leaf", 0) > made["root"]

        wait_until(is_quiet, timeout_s=150.0, what="the leaf after the last update of its root")
        asked = [run for run in runs_of(served.ledger, "leaf") if not run.parent_run_id]
        assert 1 <= len(asked) <= updates
