"""Files that say `import dagster` run unchanged: `tidewheel dev --as-dagster` on the triggers of the seed documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.runtime.control import TriggerView
from tidewheel.runtime.remote.socket_client import RemoteError
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.launch import LaunchRequest
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunStatus, TickStatus

PROGRAMS = Path(__file__).parent.parent / "unit" / "seeds" / "programs"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "source").mkdir()
    (tmp_path / "inbox" / "new.csv").touch()
    made = Served(
        tmp_path / "home",
        *(PROGRAMS / name for name in ("triggers.py", "lesson.py", "policies.py")),
        args=("--as-dagster",),
        env={"SHOP_INBOX": str(tmp_path / "inbox"), "LESSON_SOURCE": str(tmp_path / "source")},
    )
    for _ in range(3):
        located = made.wait_location()
        assert located["status"] == "LOADED", located
    yield made
    made.stop()


def runs_of(served: Served, job: str) -> list:
    return [
        run
        for run in served.ledger.get_runs(RunFilter(job_name=job))
        if run.status in (RunStatus.SUCCESS, RunStatus.FAILURE)
    ]


def evaluated(served: Served, view: TriggerView) -> EvaluationResult:
    """What a trigger would request; waits until the server has taken its definition in."""

    def result() -> EvaluationResult | None:
        try:
            return served.control.test_trigger(view.name, location=view.location)
        except RemoteError:
            return None

    found = wait_until(result, 90, f"an evaluation of {view.name}")
    assert isinstance(found, EvaluationResult)
    return found


def test_every_trigger_of_the_documents_works_on_a_server(served: Served, tmp_path: Path) -> None:
    control = served.control

    requested = {}
    for view in control.get_triggers_view():
        if view.sensor_kind in ("run_status", "automation"):
            continue
        result = evaluated(served, view)
        assert result.error is None and result.request_errors == (), (view.name, result)
        requested[view.name] = {(run.job_name, run.partition) for run in result.requests}
    assert requested["everywhere"] == {("deployment", None)}
    assert len(requested["backfill_schedule"]) == 7
    assert {job for job, _ in requested["backfill_schedule"]} == {"daily_sales_job"}
    assert requested["new_files"] == {("files_in", None)}
    assert requested["day_job_schedule"] == {("day_job", "2018-01-23")}

    # a file without partition becomes a partition and is run
    control.set_trigger("file_sensor", True)
    (tmp_path / "source" / "first.csv").touch()
    (run,) = wait_until(lambda: runs_of(served, "file_job"), 120, "a run of the file")
    assert (run.status, run.partition) == (RunStatus.SUCCESS, "first.csv")

    # a failure is told, with everything that the document's function reads of it
    launched = control.launch(LaunchRequest(job_name="doomed"))
    assert launched.run_id is not None
    told = served.wait_for(lambda line: line["kind"] == "tick" and line["name"] == "failure_alert", 150)
    assert told["status"] != TickStatus.FAILURE.value, told
    launched = control.launch(LaunchRequest(job_name="sync"))
    told = served.wait_for(lambda line: line["kind"] == "tick" and line["name"] == "success_note", 150)
    assert told["status"] != TickStatus.FAILURE.value, told
