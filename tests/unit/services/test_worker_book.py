"""What is known of workers, above all of those that nobody was asked for yet."""

import pytest

from tidewheel.logic.planning.recovery import (
    FailRun,
    LeaveAlone,
    RecoveryFacts,
    RecoveryPolicy,
    decide_recovery,
)
from tidewheel.services.machine import Machine
from tidewheel.services.runs.worker_book import WorkerBook
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

STARTED_AT = 1_700_000_000.0
NOW = STARTED_AT + 3_600


def launched(at, epoch=1):
    return RunRecord(
        run_id="r",
        job_name="j",
        location="here",
        status=RunStatus.STARTING,
        created_at=STARTED_AT,
        updated_at=at,
        launched_at=at,
        epoch=epoch,
    )


@pytest.mark.parametrize(
    ("at", "since"),
    [
        (NOW - 0.002, NOW - 0.002),  # between the commit and the word to the location
        (STARTED_AT - 10, STARTED_AT),  # by a former server
        (NOW + 500, STARTED_AT),  # before the clock was set back
    ],
)
def test_a_launch_that_is_not_known_here_is_silent_since_it_was_made(at, since):
    assert WorkerBook(STARTED_AT, Machine()).look(launched(at), NOW) == ("unknown", since)


def test_a_run_that_was_launched_this_moment_is_left_alone_however_long_the_server_has_run():
    book, policy = WorkerBook(STARTED_AT, Machine()), RecoveryPolicy(silence_timeout_s=60.0)
    for epoch in (1, 2):
        run = launched(NOW, epoch)
        worker, since = book.look(run, NOW)
        facts = RecoveryFacts(run=run, worker=worker, now=NOW, policy=policy, silent_since=since)
        assert isinstance(decide_recovery(facts), LeaveAlone)
        book.launched("r", epoch, NOW)
    facts = RecoveryFacts(run=run, worker="unknown", now=NOW + 60, policy=policy, silent_since=NOW)
    assert isinstance(decide_recovery(facts), FailRun)
