"""How backfills are shown: one line of progress, and when they will be done."""

import pytest

from tidewheel.cli.backfill_view import Speed, failed_line, overall_left_s, progress_line, row, subject
from tidewheel.values.backfills import (
    BackfillCounts,
    BackfillFields,
    BackfillPart,
    BackfillRecord,
    BackfillStatus,
)
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import RANGE_END, RANGE_START


def record(status=BackfillStatus.REQUESTED, names=("orders",), job_name=None, ended_at=None, **counts):
    parts = tuple(BackfillPart(name=name, wanted=b"", count=1) for name in names)
    return BackfillRecord(
        backfill_id="abcdefgh",
        status=status,
        version=1,
        created_at=100.0,
        updated_at=100.0,
        ended_at=ended_at,
        fields=BackfillFields(parts=parts, job_name=job_name),
        counts=BackfillCounts(**counts),
    )


def test_progress_in_a_line():
    running = record(wanted=10, done=4, failed=1, in_progress=2)
    assert progress_line(running, {"QUEUED": 1, "STARTED": 1, "SUCCESS": 4}, 90.0) == (
        "backfill abcdefgh running: 4 of 10 done, 2 in runs (1 queued, 1 running), 3 waiting, 1 failed, "
        "about 1m30s left"
    )
    over = record(BackfillStatus.COMPLETED_SUCCESS, wanted=2, done=2, ended_at=130.0)
    assert progress_line(over, {}, 1.0) == "backfill abcdefgh succeeded: 2 of 2 done"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (record(), "orders"),
        (record(names=("orders", "items", "sums")), "orders and 2 more"),
        (record(job_name="nightly"), "job nightly"),
    ],
)
def test_what_it_is_of(one, words):
    assert subject(one) == words


def test_the_time_left_follows_from_the_speed():
    assert overall_left_s(record(wanted=10, done=5), now=200.0) == 100.0
    assert overall_left_s(record(wanted=10), now=200.0) is None
    assert row(record(wanted=10, done=5), {}, 200.0)[-1] == "in 1m40s"
    speed = Speed()
    speed.note(0.0, BackfillCounts(wanted=100, done=10))
    assert speed.left_s(BackfillCounts(wanted=100, done=10)) is None
    speed.note(10.0, BackfillCounts(wanted=100, done=30))
    assert speed.left_s(BackfillCounts(wanted=100, done=30)) == 35.0


def test_only_the_last_minute_counts_for_the_speed():
    speed = Speed()
    for second, done in ((0.0, 0), (100.0, 50), (130.0, 50), (160.0, 80)):
        speed.note(second, BackfillCounts(wanted=200, done=done))
    assert speed.left_s(BackfillCounts(wanted=200, done=80)) == 240.0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"partition": "a"}, "a of orders"),
        ({"tags": {RANGE_START: "2026-01-05", RANGE_END: "2026-01-08"}}, "2026-01-05..2026-01-08 of orders"),
    ],
)
def test_a_failed_run_is_named_by_what_it_was_to_make(fields, words):
    run = RunRecord(
        run_id="r",
        job_name="__ASSET_JOB",
        location="loc",
        status=RunStatus.FAILURE,
        created_at=0.0,
        updated_at=0.0,
        assets=("orders",),
        **fields,
    )
    assert failed_line(run) == f"failed       {words}  tidewheel run logs r"
