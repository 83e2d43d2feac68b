"""What happens to a run whose worker is late, silent or gone, and which failed runs are tried again."""

import msgspec
import pytest

from tidewheel.logic.planning.recovery import (
    MAX_SERVER_STOPS,
    FailRun,
    LeaveAlone,
    RecoveryFacts,
    RecoveryPolicy,
    decide_recovery,
    decide_run_retry,
)
from tidewheel.logic.planning.retries import build_retry_run
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus
from tidewheel.values.tags import SERVER_STOPS

POLICY = RecoveryPolicy(start_timeout_s=180, silence_timeout_s=60, cancel_timeout_s=30)
NOW = 1_000.0


def record(status=RunStatus.STARTED, **fields):
    fields = {"updated_at": NOW, "launched_at": NOW, "started_at": NOW, **fields}
    return RunRecord(run_id="r", job_name="j", location="loc", status=status, created_at=0.0, **fields)


def decide(run, worker, *, after=0.0, silent_since=NOW, policy=POLICY):
    return decide_recovery(
        RecoveryFacts(run=run, worker=worker, now=NOW + after, policy=policy, silent_since=silent_since)
    )


@pytest.mark.parametrize(
    ("name", "decision", "status", "reason", "kill"),
    [
        ("a dead worker fails its run", decide(record(), "gone"), RunStatus.FAILURE, "WORKER_LOST", False),
        (
            "a dead worker of a run that was being cancelled ends it as cancelled",
            decide(record(RunStatus.CANCELING), "gone"),
            RunStatus.CANCELED,
            "WORKER_LOST",
            False,
        ),
        (
            "a worker that never came (D41)",
            decide(record(RunStatus.STARTING), "starting", after=180),
            RunStatus.FAILURE,
            "START_TIMEOUT",
            True,
        ),
        (
            "a silent worker is failed and ended",
            decide(record(), "unknown", after=60),
            RunStatus.FAILURE,
            "WORKER_LOST",
            True,
        ),
        (
            "a run that does not stop is ended",
            decide(record(RunStatus.CANCELING), "connected", after=30),
            RunStatus.CANCELED,
            "CANCEL_TIMEOUT",
            True,
        ),
        (
            "a run over its maximum runtime (D42)",
            decide(record(tags={"dagster/max_runtime": "5"}), "connected", after=5),
            RunStatus.FAILURE,
            "MAX_RUNTIME",
            True,
        ),
        (
            "a wrong maximum runtime tag leaves the instance's limit in force (F33)",
            decide(
                record(tags={"dagster/max_runtime": "soon"}),
                "connected",
                after=9,
                policy=msgspec.structs.replace(POLICY, max_runtime_s=9.0),
            ),
            RunStatus.FAILURE,
            "MAX_RUNTIME",
            True,
        ),
    ],
)
def test_runs_that_are_ended(name, decision, status, reason, kill):
    assert isinstance(decision, FailRun), name
    assert (decision.status, decision.reason, decision.kill) == (status, reason, kill), name
    assert decision.message.endswith(".")


@pytest.mark.parametrize(
    ("name", "decision", "look_again_at"),
    [
        ("a connected worker is left alone", decide(record(), "connected", after=9_999), None),
        (
            "a starting one has until its deadline",
            decide(record(RunStatus.STARTING), "starting", after=1),
            NOW + 180,
        ),
        ("so has a silent one", decide(record(), "unknown", after=59), NOW + 60),
        (
            "so has one that is being cancelled",
            decide(record(RunStatus.CANCELING), "connected", after=1),
            NOW + 30,
        ),
        (
            "a run within its maximum runtime",
            decide(record(tags={"dagster/max_runtime": "5"}), "connected", after=4),
            NOW + 5,
        ),
    ],
)
def test_runs_that_are_left_alone(name, decision, look_again_at):
    assert decision == LeaveAlone(look_again_at=look_again_at), name


def retry(status=RunStatus.FAILURE, reason="STEP_FAILURE", *, tags=None, attempt=0, **policy):
    found = decide_run_retry(
        record(status, tags=tags or {}, retry_number=attempt),
        status=status,
        reason=reason,
        policy=RecoveryPolicy(**policy),
    )
    return (found.retry_number, found.strategy) if found else None


@pytest.mark.parametrize(
    ("name", "found", "expected"),
    [
        ("a failed step is not retried by default", retry(), None),
        ("a lost worker is, once", retry(reason="WORKER_LOST"), (1, "FROM_FAILURE")),
        ("and not twice", retry(reason="WORKER_LOST", attempt=1), None),
        (
            "an orderly stop costs no retry",
            retry(reason="SERVER_STOPPED", attempt=1, tags={"tidewheel/server_stops": "1"}),
            (2, "FROM_FAILURE"),
        ),
        (
            "nor does it after a lost worker",
            retry(reason="SERVER_STOPPED", attempt=1),
            (2, "FROM_FAILURE"),
        ),
        (
            "a lost worker is retried after stops",
            retry(reason="WORKER_LOST", attempt=3, tags={"tidewheel/server_stops": "3"}),
            (4, "FROM_FAILURE"),
        ),
        (
            "but once only",
            retry(reason="WORKER_LOST", attempt=4, tags={"tidewheel/server_stops": "3"}),
            None,
        ),
        (
            "a run ends after very many stops",
            retry(reason="SERVER_STOPPED", attempt=20, tags={"tidewheel/server_stops": "20"}),
            None,
        ),
        (
            "without retries of lost workers a stop ends a run",
            retry(reason="SERVER_STOPPED", lost_worker_retries=0),
            None,
        ),
        (
            "a tag of nought forbids it (D16)",
            retry(reason="WORKER_LOST", tags={"dagster/max_retries": "0"}),
            None,
        ),
        ("the instance's retries", retry(max_retries=2, attempt=1), (2, "FROM_FAILURE")),
        ("a run's tag overrides the instance", retry(tags={"dagster/max_retries": "1"}), (1, "FROM_FAILURE")),
        (
            "a tag that is not a number forbids it (D16)",
            retry(tags={"dagster/max_retries": "x"}, max_retries=3),
            None,
        ),
        ("cancelled runs are never retried (D19)", retry(RunStatus.CANCELED, max_retries=5), None),
        (
            "failures of steps can be excluded (D19)",
            retry(tags={"dagster/retry_on_asset_or_op_failure": "false"}, max_retries=5),
            None,
        ),
        (
            "ALL_STEPS repeats everything (D18)",
            retry(tags={"dagster/retry_strategy": "ALL_STEPS"}, max_retries=1),
            (1, "ALL_STEPS"),
        ),
    ],
)
def test_retries(name, found, expected):
    assert found == expected, name


def test_stops_of_the_server_are_counted_from_attempt_to_attempt():
    run = record(RunStatus.FAILURE)
    for stops in range(1, MAX_SERVER_STOPS + 1):
        decision = decide_run_retry(
            run, status=run.status, reason="SERVER_STOPPED", policy=RecoveryPolicy(lost_worker_retries=1)
        )
        new = build_retry_run(run, decision, run_id="n", planned=((), ()), now=NOW)
        assert (new.retry_number, new.tags[SERVER_STOPS]) == (stops, str(stops))
        run = record(RunStatus.FAILURE, tags=new.tags, retry_number=new.retry_number)
    ended = decide_run_retry(run, status=run.status, reason="SERVER_STOPPED", policy=RecoveryPolicy())
    assert ended is None


def test_a_retry_is_linked_to_the_first_attempt_and_inherits_what_belongs_to_the_run():
    failed = record(
        RunStatus.FAILURE,
        tags={"a": "b", "dagster/run_key": "k", "dagster/failure_reason": "x"},
        root_run_id="first",
        retry_number=1,
        partition="p",
    )
    decision = decide_run_retry(
        failed,
        status=failed.status,
        reason="WORKER_LOST",
        policy=RecoveryPolicy(max_retries=2, lost_worker_retries=2),
    )
    new = build_retry_run(failed, decision, run_id="n", planned=(("x",), ()), now=NOW)
    assert (new.parent_run_id, new.root_run_id, new.retry_number, new.partition) == ("r", "first", 2, "p")
    assert new.tags == {
        "a": "b",
        "dagster/parent_run_id": "r",
        "dagster/root_run_id": "first",
        "dagster/retry_number": "2",
        "dagster/is_resume_retry": "true",
    }
    assert new.run_key is None
