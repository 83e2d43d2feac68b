"""Backfills with real servers and workers: in order, exactly once, whoever is killed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until
from tidewheel.values.backfills import BackfillStatus
from tidewheel.values.events import EventType
from tidewheel.values.launch import BackfillRequest
from tidewheel.values.records import RunFilter
from tidewheel.values.status import RunOrigin, RunStatus
from tidewheel.values.tags import BACKFILL

CODE = """
import os, time
from pathlib import Path
import tidewheel as tw

ROOT = Path(os.environ["BACKFILL_ROOT"])
days = tw.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-22")
weeks = tw.WeeklyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-22", day_offset=1)

def mark(context, name, key):
    with open(ROOT / "marks.txt", "a") as out:
        out.write(f"{name} {key}\\n")
    if key in os.environ.get("BACKFILL_FAILS", "").split(","):
        raise ValueError("not today")
    while key in (ROOT / "hold.txt").read_text().split():
        time.sleep(0.05)

@tw.asset(partitions_def=days)
def orders(context):
    mark(context, "orders", context.partition_key)

@tw.asset(partitions_def=days, deps=[orders])
def items(context):
    mark(context, "items", context.partition_key)

@tw.asset(partitions_def=weeks, deps=[items], backfill_policy=tw.BackfillPolicy.single_run())
def sums(context) -> None:  # nothing to store: several weeks may be one run
    keys = context.partition_keys
    mark(context, "sums", f"{keys[0]}..{keys[-1]}")
    for key in keys:
        context.log.info(key)

@tw.asset(deps=[sums])
def report(context):
    mark(context, "report", "-")

@tw.static_partitioned_config(partition_keys=["a", "b", "c", "d"])
def by_letter(letter):
    return {"ops": {"work": {"config": {"letter": letter}}}}

@tw.op(config_schema={"letter": str})
def work(context):
    mark(context, "work", context.op_config["letter"])

@tw.job(config=by_letter)
def nightly():
    work()

defs = tw.Definitions(assets=[orders, items, sums, report], jobs=[nightly])
"""


class Place:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        (self.root / "hold.txt").write_text("")
        self.file = folder / "code.py"
        self.file.write_text(CODE)
        self.home = folder / "home"
        self.env = {"BACKFILL_ROOT": str(self.root)}

    def serve(self, **env: str) -> Served:
        served = Served(self.home, self.file, env=self.env | env)
        served.wait_loaded()
        return served

    def marks(self) -> list[str]:
        path = self.root / "marks.txt"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def launched(served, **request):
    outcome = served.control.launch_backfill(BackfillRequest(**request))
    assert outcome.backfill_id is not None, outcome.message
    return outcome.backfill_id


def ended(served, backfill_id, timeout_s=150.0):
    ledger = served.ledger

    def look():
        record = ledger.backfills.get(backfill_id)
        return record if not record.is_live else None

    return wait_until(look, timeout_s, f"the end of {ledger.backfills.get(backfill_id)}")


ALL = ("orders", "items", "sums", "report")


def test_a_backfill_goes_from_what_is_needed_to_what_needs_it_and_survives_a_kill(place):
    (place.root / "hold.txt").write_text("2024-01-12")
    served = place.serve()
    backfill_id = launched(served, assets=ALL, title="January", tags={"team": "a"})
    wait_until(lambda: "orders 2024-01-12" in place.marks(), what="the day that holds")
    served.kill()
    (place.root / "hold.txt").write_text("")
    served = place.serve()
    record = ended(served, backfill_id)
    assert record.status is BackfillStatus.COMPLETED_SUCCESS, record
    assert record.counts.done == 21 + 21 + 3 + 1
    runs = served.ledger.get_runs(RunFilter(tags={BACKFILL: (backfill_id,)}))
    assert {run.origin for run in runs} == {RunOrigin.BACKFILL}
    assert {run.tags["team"] for run in runs} == {"a"}
    good = Counter((run.assets, run.partition) for run in runs if run.status is RunStatus.SUCCESS)
    assert set(good.values()) == {1}
    assert len([1 for assets, _ in good if assets == ("orders", "items")]) == 21
    marks = place.marks()
    assert marks[-1] == "report -"
    weeks = [mark.removeprefix("sums ").split("..") for mark in marks if mark.startswith("sums")]
    assert sum(1 + (int(last[-2:]) - int(first[-2:])) // 7 for first, last in weeks) == 3
    # the runs that lost their worker were tried again; no other was made twice
    again = {mark.split()[1] for mark, count in Counter(marks).items() if count > 1}
    assert again <= {run.partition for run in runs if run.retry_number}
    served.stop()


def test_what_fails_is_left_and_repeated(place):
    served = place.serve(BACKFILL_FAILS="2024-01-03")
    backfill_id = launched(served, assets=ALL, ranges=(("2024-01-01", "2024-01-21"),))
    record = ended(served, backfill_id)
    assert record.status is BackfillStatus.COMPLETED_FAILED
    runs = served.ledger.get_runs(RunFilter(tags={BACKFILL: (backfill_id,)}))
    reasons = [
        (run.partition_text, event.event.payload)
        for run in runs
        if run.status is RunStatus.FAILURE
        for event in served.ledger.get_run_log(run.run_id)
        if event.event.type is EventType.STEP_FAILURE
    ]
    assert (record.counts.failed, record.counts.left_out, record.counts.done) == (2, 2, 40 + 2), reasons
    assert any("sums 2024-01-01 is left out" in problem for problem in record.problems)
    served.stop()
    served = place.serve()
    again = served.control.retry_backfill(backfill_id)
    repeated = ended(served, again.backfill_id)
    assert repeated.status is BackfillStatus.COMPLETED_SUCCESS, repeated
    assert (repeated.counts.done, repeated.fields.parent_id) == (4, backfill_id)
    nothing = served.control.retry_backfill(again.backfill_id)
    assert nothing.kind == "nothing_to_do"
    missing = served.control.launch_backfill(BackfillRequest(assets=("orders",), only="missing"))
    assert missing.kind == "nothing_to_do"
    served.stop()


def test_a_cancelled_backfill_stops_its_runs_and_goes_on_when_resumed(place):
    (place.root / "hold.txt").write_text(" ".join(f"2024-01-{day:02}" for day in range(1, 22)))
    served = place.serve()
    backfill_id = launched(served, assets=("orders",))
    wait_until(lambda: len(place.marks()) >= 2, what="two days that hold")
    assert served.control.cancel_backfill(backfill_id).status is BackfillStatus.CANCELING
    record = ended(served, backfill_id)
    assert record.status is BackfillStatus.CANCELED
    assert record.counts.in_progress == 0
    assert record.counts.cancelled > 0
    assert served.control.cancel_backfill(backfill_id) is None
    (place.root / "hold.txt").write_text("")
    assert served.control.resume_backfill(backfill_id).backfill_id == backfill_id
    record = ended(served, backfill_id)
    assert record.status is BackfillStatus.COMPLETED_SUCCESS
    assert record.counts.done == 21
    served.stop()


def test_a_job_is_run_for_each_of_its_partitions_with_their_config(place):
    served = place.serve()
    backfill_id = launched(served, job_name="nightly", ranges=(("b", "d"),))
    record = ended(served, backfill_id)
    assert record.status is BackfillStatus.COMPLETED_SUCCESS, record
    assert sorted(place.marks()) == ["work b", "work c", "work d"]
    days = ("2024-01-01", "2024-01-02")
    selected = launched(served, selection="key:orders+", partitions=days)
    record = ended(served, selected)
    assert {part.name: part.count for part in record.fields.parts} == {
        "orders": 2,
        "items": 2,
        "sums": 1,
        "report": 1,
    }
    missing = launched(served, job_name="nightly", only="missing")
    assert ended(served, missing).counts.wanted == 1
    for request, kind in (
        (BackfillRequest(job_name="nightl"), "invalid_selection"),
        (BackfillRequest(assets=("order",)), "invalid_selection"),
        (BackfillRequest(assets=("orders",), partitions=("2023-01-01",)), "invalid_partition"),
        (BackfillRequest(), "invalid_selection"),
        (BackfillRequest(selection="key:nothing"), "invalid_selection"),
    ):
        outcome = served.control.launch_backfill(request)
        assert (outcome.kind, outcome.backfill_id) == (kind, None), outcome
    assert served.control.resume_backfill("nothere").kind == "unknown_backfill"
    served.stop()
