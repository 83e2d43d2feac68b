"""A change and its entry in the audit are one transaction: both last, or neither."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextvars import copy_context

import pytest
import sqlalchemy as sa

from tidewheel.logic.access.masking import KnownSecrets
from tidewheel.runtime.instance.local_changes import audited_ledger
from tidewheel.storage import audited as audited_module
from tidewheel.storage.audited import Change, audited
from tidewheel.storage.ledger import open_ledger
from tidewheel.storage.tables.queue import pool
from tidewheel.values.access import NewAudit, Target
from tidewheel.values.inbox import NewDelivery
from tidewheel.values.records import NewRun, PartitionChange

ENTRY = NewAudit(at=1.0, user="ann", via="local", operation="edit_dynamic_partitions", what={"is": "this"})


def change(*targets: Target) -> Change:
    return Change(ENTRY, targets, clock=lambda: 7.0, known=KnownSecrets())


def add_key(ledger, key: str = "a") -> None:
    ledger.change_dynamic_partitions(PartitionChange(name="days", add=(key,)), now=1.0)


def keys(ledger) -> list[str]:
    return [key for key, _ in ledger.get_dynamic_partitions("days")]


def test_a_change_has_its_entry(ledger) -> None:
    with audited(change()) as made:
        add_key(ledger)
    [entry] = ledger.audit.get()
    assert (entry.user, entry.at, entry.what) == ("ann", 7.0, {"is": "this"})
    assert made.audit_ids == [entry.audit_id] and keys(ledger) == ["a"]


def test_an_entry_that_cannot_be_written_takes_the_change_with_it(ledger, monkeypatch) -> None:
    def fails(*_: object) -> None:
        raise sa.exc.OperationalError("insert", {}, RuntimeError("the power went out"))

    monkeypatch.setattr(audited_module, "add", fails)
    with pytest.raises(sa.exc.OperationalError), audited(change()):
        add_key(ledger)
    assert keys(ledger) == [] and ledger.audit.get() == []
    add_key(ledger)  # and the next change is nobody's again
    assert keys(ledger) == ["a"] and ledger.audit.get() == []


def test_a_change_that_fails_leaves_no_entry(ledger) -> None:
    with pytest.raises(sa.exc.IntegrityError), audited(change()) as made, ledger._write() as unit:
        unit.execute(pool.insert().values(name="db", slots=1, updated_at=1.0))
        unit.execute(pool.insert().values(name="db", slots=2, updated_at=1.0))
    assert ledger.audit.get() == [] and ledger.pools.get_slots() == {} and made.audit_ids == []


def test_what_changes_nothing_has_no_entry(ledger) -> None:
    with audited(change()):
        assert ledger.request_cancel("nobody", now=1.0) is None
        ledger.access.end_session(b"unknown")
    assert ledger.audit.get() == []


def test_each_further_transaction_refers_to_the_first(ledger) -> None:
    with audited(change()):
        add_key(ledger, "a")
        add_key(ledger, "b")
    second, first = ledger.audit.get()
    assert second.what == {"continues": first.audit_id}


def test_states_before_and_after_are_those_of_the_transaction(ledger) -> None:
    run = NewRun(run_id="11111111-1111-1111-1111-111111111111", job_name="j", location="here")
    with audited(change()):
        ledger.create_runs([run], now=1.0)
    with audited(change(Target(kind="run", name=run.run_id))):
        ledger.request_cancel(run.run_id, now=2.0)
    with audited(change(Target(kind="pool", name="db"))):
        ledger.pools.set_slots("db", 3, now=2.0)
    pool, cancelled, made = ledger.audit.get()
    name = f"run {run.run_id}"
    assert made.before is None and made.after[name]["status"] == "QUEUED"
    assert (cancelled.before[name]["status"], cancelled.after[name]["status"]) == ("QUEUED", "CANCELED")
    assert (pool.before, pool.after) == ({"pool db": None}, {"pool db": {"slots": 3}})


DIES = """
import os, signal, sys
from tidewheel.logic.access.masking import KnownSecrets
from tidewheel.runtime.instance.local_changes import audited_ledger
from tidewheel.storage import audited
from tidewheel.storage.ledger import open_ledger

ledger = audited_ledger(open_ledger(sys.argv[1]), lambda: 1.0)
ledger.pools.set_slots("whole", 1, now=1.0)
write = audited.add
def write_and_die(unit, entries):
    write(unit, entries)
    os.kill(os.getpid(), signal.SIGKILL)
audited.add = write_and_die
ledger.pools.set_slots("half", 1, now=1.0)
"""


def test_a_process_killed_before_the_commit_leaves_neither(tmp_path) -> None:
    file = str(tmp_path / "ledger.db")
    done = subprocess.run([sys.executable, "-c", DIES, file], timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    ledger = open_ledger(file)
    assert ledger.pools.get_slots() == {"whole": 1}
    assert [entry.what["name"] for entry in ledger.audit.get()] == ["whole"]
    ledger.close()


def test_threads_with_the_context_write_for_the_change_and_others_do_not(ledger) -> None:
    with audited(change()):
        context = copy_context()
        threads = [
            threading.Thread(target=context.run, args=(add_key, ledger, "mine")),
            threading.Thread(target=add_key, args=(ledger, "other")),
        ]
        for thread in threads:
            thread.start()
            thread.join(10)
    context.run(add_key, ledger, "late")  # what the change left behind is not the change
    assert sorted(keys(ledger)) == ["late", "mine", "other"]
    assert len(ledger.audit.get()) == 1


def test_commands_on_a_home_are_audited_under_the_systems_user(ledger, monkeypatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    near = audited_ledger(ledger, lambda: 5.0)
    near.pools.set_slots("db", 2, now=1.0)
    near.change_dynamic_partitions(PartitionChange(name="days", add=("a",)), now=1.0)
    [receipt] = near.inbox.put([NewDelivery(source="hook:x", delivery_id="1", received_at=1.0, body=b"")])
    near.inbox.hand_over_again("here/s", receipt.id, now=1.0)
    operations = [(one.operation, one.user, one.surface) for one in ledger.audit.get()]
    assert operations == [
        ("replay_webhook_delivery", "ann", "cli"),
        ("edit_dynamic_partitions", "ann", "cli"),
        ("edit_concurrency_limit", "ann", "cli"),
    ]
    assert near.get_dynamic_partitions("days")
