"""Several processes, several threads, and processes that are killed, on one ledger."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.contract.stories import NOW, line, made, new_run, sensor, tick_of, worker
from tests.contract.writer import RUNS_PER_TICK, write_tick
from tidewheel.errors import LedgerBusyError
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.records import EventFilter, RunFilter

ROOT = Path(__file__).parents[2]


def start_writer(address, name, count=0):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.contract.writer", str(address), name, str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


def check_whole(ledger, name):
    """Every tick is there with all that belongs to it, or not at all; returns the number of ticks."""
    ticks = ledger.get_ticks(f"{name}/watch")
    runs = {run.run_id: run for run in ledger.get_runs(RunFilter(location=name))}
    assert {run_id for tick in ticks for run_id in tick.run_ids} == set(runs)
    assert all(len(tick.run_ids) == RUNS_PER_TICK for tick in ticks)
    assert all(runs[run_id].tick_id == tick.tick_id for tick in ticks for run_id in tick.run_ids)
    assert len(ledger.get_dynamic_partitions(name)) == len(ticks)
    assert len(ledger.get_events(EventFilter(assets=(f"{name}-asset",)))) == len(ticks)
    trigger = ledger.get_trigger(f"{name}/watch")
    if ticks:
        assert trigger.cursor == str(len(ticks) - 1) == ticks[0].cursor
    for run_id in runs:
        log = ledger.get_run_log(run_id)
        assert [stored.id for stored in log] == list(range(1, len(log) + 1))
        assert len(log) in (2, 4, 9)  # created; launched; reported
    return len(ticks)


def check_file(path):
    with sa.create_engine(f"sqlite:///{path}").connect() as conn:
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert conn.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_two_processes_and_this_one_write_one_ledger(lasting_address):
    # the file does not exist yet: who makes the schema is part of the race
    count = 40
    writers = [start_writer(lasting_address, name, count) for name in ("left", "right")]
    ledger = open_ledger(lasting_address)
    for number in range(count):
        write_tick(ledger, "here", number)
    for writer in writers:
        out, err = writer.communicate(timeout=90)
        assert (writer.returncode, err) == (0, "")
        assert len(out.split()) == count
    for name in ("left", "right", "here"):
        assert check_whole(ledger, name) == count
    ids = [stored.id for stored in ledger.get_events(EventFilter())]
    assert ids == sorted(set(ids))
    ledger.close()


@pytest.mark.parametrize("after", [1, 5, 12, 30])
def test_a_killed_writer_leaves_whole_ticks(lasting_address, after):
    open_ledger(lasting_address).close()
    writer = start_writer(lasting_address, "left")
    for _ in range(after):
        assert writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    told = after + len(writer.communicate()[0].split())
    ledger = open_ledger(lasting_address)
    assert check_whole(ledger, "left") >= told
    write_tick(ledger, "here", 0)
    ledger.close()
    if str(lasting_address).endswith(".db"):
        check_file(lasting_address)


def test_a_writer_that_waits_too_long_is_told_who_is_in_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr("tidewheel.storage.engines.sqlite.BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "ledger.db"
    ledger = open_ledger(path)
    blocker = sa.create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None}).connect()
    blocker.exec_driver_sql("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBusyError, match="another process held its lock"):
        ledger.put_setting("a", "b")
    assert ledger.get_setting("a") is None  # reading goes on
    blocker.exec_driver_sql("COMMIT")
    ledger.put_setting("a", "b")
    assert ledger.get_setting("a") == "b"
    blocker.close()
    ledger.close()


def test_threads_write_and_read_at_once(ledger):
    workers = [worker(ledger) for _ in range(6)]

    def report(each):
        run = each.run.run_id
        for number in range(20):
            each.report(line(str(number), run), made(f"a{number % 3}", run=run))
        return run

    stop = threading.Event()

    def watch():
        seen, position = 0, 0
        while not stop.is_set() or seen < 120:
            for stored in ledger.get_events(EventFilter(types=("ASSET_MATERIALIZATION",), after_id=position)):
                assert stored.id > position
                position, seen = stored.id, seen + 1
            if stop.is_set() and ledger.last_event_id() == position:
                break
        return seen

    with ThreadPoolExecutor(8) as pool:
        watchers = [pool.submit(watch) for _ in range(2)]
        runs = list(pool.map(report, workers))
        stop.set()
        # a cursor that only moves forward has met every event
        assert [watcher.result(60) for watcher in watchers] == [120, 120]
    for run in runs:
        texts = [s.event.message for s in ledger.get_run_log(run) if s.event.message.isdigit()]
        assert texts == [str(number) for number in range(20)]


def test_one_of_many_threads_wins_a_trigger(ledger):
    trigger = sensor(ledger)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(ledger.commit_tick, [tick_of(trigger, runs=(new_run(),)) for _ in range(8)]))
    assert sorted(outcome.stale for outcome in outcomes) == [False] + [True] * 7
    assert ledger.count_runs() == 1


def test_one_of_many_threads_launches_a_run(ledger):
    [run] = ledger.create_runs([new_run()], now=NOW)
    with ThreadPoolExecutor(8) as pool:
        launched = list(pool.map(lambda n: ledger.launch_run(run.run_id, now=NOW + n), range(8)))
    assert sum(each is not None for each in launched) == 1
    assert ledger.get_run(run.run_id).epoch == 1


def test_one_of_many_holders_gets_a_lease(lasting_address):
    ledgers = [open_ledger(lasting_address) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        epochs = list(
            pool.map(lambda n: ledgers[n].acquire_lease("loops", str(n), now=NOW, ttl_s=10), range(4))
        )
    assert sorted(epoch is not None for epoch in epochs) == [False, False, False, True]
    for each in ledgers:
        each.close()


def test_ids_become_visible_in_their_order(lasting_address):
    """A reader that goes on after the highest id that it has seen must miss nothing, whoever commits first."""
    first, second = open_ledger(lasting_address), open_ledger(lasting_address)
    began = threading.Event()

    def write():
        began.set()
        return second.record_events([made("late")])

    with ThreadPoolExecutor(1) as pool:
        with first.backend.write() as conn:
            taken = first.backend.take_ids(
                conn, sa.Table("event", sa.MetaData(), sa.Column("id", primary_key=True)), 1
            )
            other = pool.submit(write)
            began.wait(10)
            # the second writer cannot commit a higher id while this one has not committed its own
            with pytest.raises(TimeoutError):
                other.result(0.3)
            assert second.last_event_id() == 0
        [late] = other.result(30)
    if first.backend.name == "postgresql":
        assert late > taken[0]
    first.close()
    second.close()


def test_a_read_does_not_see_unfinished_work(ledger):
    inside, done = threading.Event(), threading.Event()

    def write():
        with ledger.backend.write() as conn:
            conn.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('a', 'b')")
            inside.set()
            done.wait(0.3)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(write)
        inside.wait(10)
        reading = pool.submit(ledger.get_setting, "a")
        if ledger.backend.name == "sqlite" and ledger.backend.path is None:
            # one connection: the read waits for the end of the write
            writing.result(10)
            assert reading.result(10) == "b"
        else:
            assert reading.result(10) is None
            done.set()
            writing.result(10)
        assert ledger.get_setting("a") == "b"


def test_a_forked_child_has_connections_of_its_own(lasting_address):
    ledger = open_ledger(lasting_address)
    write_tick(ledger, "here", 0)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for number in range(1, 6):
                write_tick(ledger, "here", number)
                ledger.put_setting("child", str(number))
            ledger.close()
            code = 0
        finally:
            os._exit(code)
    for number in range(50):
        ledger.put_setting("parent", str(number))
    assert os.waitpid(child, 0)[1] == 0
    assert (ledger.get_setting("parent"), ledger.get_setting("child")) == ("49", "5")
    assert check_whole(ledger, "here") == 6
    ledger.close()


def test_a_forked_child_has_a_copy_of_a_ledger_in_memory():
    ledger = open_ledger(":memory:")
    with ledger.backend.write() as conn:
        # forked in the middle of another thread's write: its lock must not stay locked in the child
        conn.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('a', 'b')")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(fork_and_check, ledger).result(30) == 0
    assert ledger.get_setting("a") == "b"
    ledger.close()


def fork_and_check(ledger):
    child = os.fork()
    if child == 0:
        os._exit(0 if ledger.get_setting("nothing") is None else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
